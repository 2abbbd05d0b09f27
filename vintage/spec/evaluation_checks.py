"""What must fit together in a pipeline's `evaluate`: metrics of its task, slices and weights of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.spec.checks import unprovided
from vintage.spec.metrics import METRICS, OF_DATA, SLICED, Metric
from vintage.spec.names import did_you_mean, list_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vintage.spec.checks import Checked
    from vintage.spec.evaluation import Evaluate, Gate
    from vintage.spec.loading import KeyPath
    from vintage.spec.problem import Problem

_SLICE = "slice by slice"


def metric_problems(checked: Checked) -> Iterator[Problem]:
    """Yield metrics and gates that do not fit the task, and gates that no model can pass."""
    evaluate: Evaluate | None = checked.parts.get("evaluate")
    task = checked.parts.get("task")
    if evaluate is None or task is None:
        return
    gated = {**METRICS[task], **OF_DATA}
    named: list[tuple[KeyPath, str, Mapping[str, Metric]]] = [
        (("evaluate", "metric"), evaluate.metric, METRICS[task])
    ]
    named += [
        (("evaluate", "gates", index, "metric"), gate.metric, gated)
        for index, gate in enumerate(evaluate.gates)
    ]
    for path, name, known in named:
        if name not in known:
            hint = did_you_mean(name, known) or f"known: {list_names(known)}"
            yield checked.document.problem(path, f'no metric "{name}" for {task}', hint=hint)
    for index, gate in enumerate(evaluate.gates):
        if gate.metric in gated:
            yield from _bound_problems(checked, ("evaluate", "gates", index), gate, gated[gate.metric])
            yield from _contradiction(checked, index, evaluate.gates)
    yield from _data_problems(checked, evaluate)
    for key in ("k", "relevant"):
        if getattr(evaluate, key) is not None and task != "recommendation":
            yield checked.document.problem(
                ("evaluate", key),
                f"evaluate.{key} says nothing of a {task}",
                hint="it is of a recommendation",
            )


def _data_problems(checked: Checked, evaluate: Evaluate) -> Iterator[Problem]:
    """Yield a gate on the data of a window that has one date: there is no other to hold it against."""
    source = checked.parts.get("source")
    for index, gate in enumerate(evaluate.gates):
        if gate.metric in OF_DATA and source is not None and not source.dated:
            yield checked.document.problem(
                ("evaluate", "gates", index, "metric"),
                f"no model can pass the gate on {gate.metric}: the window of an undated source has one date",
                expected="a source with {date} in its path, or no such gate",
            )


def _bound_problems(checked: Checked, path: KeyPath, gate: Gate, metric: Metric) -> Iterator[Problem]:
    """Yield a bound that refuses the better models and lets the worse pass, or that none can keep."""
    problem, name = checked.document.problem, metric.name
    if metric.larger_is_better and gate.max is not None and gate.min is None:
        yield problem(
            (*path, "max"),
            f"the gate refuses the better models: {name} is better the larger it is",
            expected="min, or min and max for a value that is too good to be true",
            found=f"max: {gate.max:g} alone",
        )
    if not metric.larger_is_better and gate.min is not None and gate.max is None:
        yield problem(
            (*path, "min"),
            f"the gate refuses the better models: {name} is better the smaller it is",
            expected="max",
            found=f"min: {gate.min:g} alone",
        )
    least, most = metric.reach
    if (gate.min is not None and gate.min > most) or (gate.max is not None and gate.max < least):
        key = "min" if gate.min is not None and gate.min > most else "max"
        yield problem(
            (*path, key),
            f"no model can pass the gate on {name}",
            expected=f"a bound from {least:g} to {most:g}",
            found=f"{getattr(gate, key):g}",
        )

    if isinstance(gate.vs_champion, float | int) and gate.vs_champion >= most - least:
        yield problem(
            (*path, "vs_champion"),
            f"no model can pass the gate on {name}: from {least:g} to {most:g} it cannot gain so much",
            expected="what it must gain on the champion, -0.005 say",
            found=f"{gate.vs_champion:g}",
        )


def _contradiction(checked: Checked, index: int, gates: Sequence[Gate]) -> Iterator[Problem]:
    """Yield a bound that no model can keep beside one of an earlier gate on the same metric and rows."""
    gate = gates[index]
    for earlier in gates[:index]:
        if (earlier.metric, earlier.slice) != (gate.metric, gate.slice):
            continue
        least = [each.min for each in (earlier, gate) if each.min is not None]
        most = [each.max for each in (earlier, gate) if each.max is not None]
        if least and most and max(least) > min(most):
            yield checked.document.problem(
                ("evaluate", "gates", index),
                f"no model can pass both gates on {gate.metric}",
                expected="bounds that leave something between them",
                found=f"{earlier.described}, and {gate.described}",
            )
            return


def column_problems(checked: Checked) -> Iterator[Problem]:
    """Slices and weights are of columns that feature rows have, and of a task that is measured by them."""
    evaluate: Evaluate | None = checked.parts.get("evaluate")
    if evaluate is None:
        return
    task = checked.parts.get("task")
    places: list[tuple[KeyPath, str, str]] = [
        (("evaluate", "slices", index), column, _SLICE) for index, column in enumerate(evaluate.slices)
    ]
    places += [
        (("evaluate", "gates", index, "slice"), column, _SLICE)
        for index, gate in enumerate(evaluate.gates)
        for column in gate.slice or ()
    ]
    if evaluate.weight is not None:
        places.append((("evaluate", "weight"), evaluate.weight, "by weighed rows"))
    provided, by = checked.provided
    for path, column, how in places:
        if task is not None and task not in SLICED:
            yield checked.document.problem(
                path, f"a {task} is not measured {how}", expected=f"{' or '.join(sorted(SLICED))}"
            )
        else:
            yield from unprovided(checked.document, path, [column], provided, by)
