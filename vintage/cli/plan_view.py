"""A plan as a person reads it in a terminal: one row a date, then why, what it takes, and what starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from vintage.spec.flow import BY_DATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from vintage.flow.plan import Plan, PlannedRun, Step
    from vintage.store.keys import Kind

_COLUMNS: Final[tuple[tuple[Kind, str], ...]] = (
    ("snapshot", "snap"),
    ("validation", "valid"),
    ("features", "feat"),
    ("tuning", "tune"),
    ("model", "model"),
    ("evaluation", "eval"),
)
_LETTERS: Final = {
    "new": "n",
    "data": "d",
    "spec": "s",
    "code": "c",
    "engine": "e",
    "seed": "r",
    "baseline": "b",
}
_REASONS: Final = {
    "new": "nothing was made for the date yet",
    "data": "other rows",
    "spec": "the YAML differs",
    "code": "other code",
    "engine": "another version",
    "seed": "another seed",
    "baseline": "another baseline",
}
_MARKS: Final = {"made": "●", "if_changed": "◐"}
_STYLES: Final = {"made": "bold yellow", "if_changed": "yellow"}
_MOST_REASONS: Final = 12
_MINUTE: Final = 60
_HOUR: Final = 3600


def show(plan: Plan, console: Console) -> None:
    """Print a plan."""
    console.print(Group(*_parts(plan)))
    for where, command in plan.commands.items():
        # On one line whatever the width: it is to be copied.
        console.print(f"To do it {where}:\n  {command}", markup=False, soft_wrap=True)


def _parts(plan: Plan) -> Iterator[RenderableType]:
    serves = f"champion is the model of {plan.champion}" if plan.champion else "there is no champion yet"
    yield Text(
        f"{plan.pipeline} from {plan.first} to {plan.last}, {_counted(len(plan.runs), 'date')}; {serves}"
    )
    if plan.left_out:
        yield Text(f"{_counted(len(plan.left_out), 'date')} omitted: the schedule skips them")
    if not plan.runs:
        return
    yield _table(plan)
    if plan.nothing_to_do:
        yield Text("Nothing to do: every step is found by its key.\n")
    else:
        yield _legend(plan)
        yield from _reasons(plan)
        yield from _troubles(plan)
        yield _totals(plan)
    yield _time(plan)


def _table(plan: Plan) -> RenderableType:
    shown = [
        (kind, name) for kind, name in _COLUMNS if kind != "tuning" or any(run.of(kind) for run in plan.runs)
    ]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("date", "raw", *(name for _, name in shown), "baseline", "champion"):
        table.add_column(name, no_wrap=True)
    for run in plan.runs:
        cells = [_cell(run, run.of(kind)) for kind, _ in shown]
        raw = next(iter(run.raw.values()))
        moves = "" if run.champion is None else "may" if run.champion.possible else "stays"
        if run.fails and run.champion is None:
            moves = "fails"
        table.add_row(run.date, raw.state, *cells, _baseline(run), Text(moves, style=_move_style(moves)))
    return table


def _cell(run: PlannedRun, steps: Sequence[Step]) -> Text:
    """Return how many are made, and why: `●1 n`; `○` where all are found."""
    if not steps:
        return Text("" if run.fails is None else "·")
    text = Text()
    for action, mark in _MARKS.items():
        number = sum(step.action == action for step in steps)
        if number:
            text.append(f"{mark}{number if steps[0].kind in BY_DATE else ''}", style=_STYLES[action])
    letters = {_LETTERS[why.reason] for step in steps for why in step.why}
    if letters:
        text.append(" " + "".join(letter for letter in _LETTERS.values() if letter in letters))
    return text if text.plain else Text("○")


def _baseline(run: PlannedRun) -> str:
    """Return the baseline's date, with the year if it differs; `?` if that model is not promoted yet."""
    found = run.baseline
    if found is None:
        return ""
    if not found.compares:
        return "-"
    day = found.if_promoted or found.now
    if day is None:
        return "none"
    told = day[5:] if day[:4] == run.date[:4] else day
    return f"{told}?" if found.if_promoted else told


def _move_style(moves: str) -> str:
    return {"may": "green", "fails": "bold red"}.get(moves, "")


def _legend(plan: Plan) -> Text:
    steps = [step for run in plan.runs for step in run.steps]
    used = {why.reason for step in steps for why in step.why}
    actions = {step.action for step in steps}
    lines = ["● made  ○ found by its key"]
    if "if_changed" in actions:
        lines.append("◐ made only if rows that are read again are others, or an earlier date is promoted")
    lines.append(", ".join(f"{_LETTERS[each]} {told}" for each, told in _REASONS.items() if each in used))
    if any(run.baseline and run.baseline.if_promoted for run in plan.runs):
        lines.append("baseline with ?: if that date becomes champion, else the one before it")
    return Text("\n" + "\n".join(filter(None, lines)), style="dim")


def _reasons(plan: Plan) -> Iterator[Text]:
    """Yield the reasons with the number of artifacts; a new date needs no reason."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for run in plan.runs:
        for step in run.steps:
            for why in step.why:
                if why.reason != "new":
                    kinds = counts.setdefault((why.reason, why.what), {})
                    kinds[step.kind] = kinds.get(step.kind, 0) + 1
    if not counts:
        return
    lines = [
        f"{_LETTERS[reason]} {what}: {', '.join(_counted(number, kind) for kind, number in kinds.items())}"
        for (reason, what), kinds in counts.items()
    ]
    if len(lines) > _MOST_REASONS:
        lines[_MOST_REASONS:] = [f"and {len(lines) - _MOST_REASONS} more; --json has all"]
    yield Text("\nWhy:\n" + "\n".join(lines))


def _troubles(plan: Plan) -> Iterator[Text]:
    failing = [f"{run.date}: {run.fails}" for run in plan.runs if run.fails]
    if failing:
        yield Text("\nWould fail:", style="bold red")
        yield Text("\n".join(failing))
    warnings = dict.fromkeys(warning for run in plan.runs for warning in run.warnings)
    if warnings:
        yield Text("\nWould warn:\n" + "\n".join(warnings))


def _totals(plan: Plan) -> Text:
    made: dict[str, list[int]] = {}
    for run in plan.runs:
        for step in run.steps:
            counts = made.setdefault(step.kind, [0, 0])
            counts[0] += step.action == "made"
            counts[1] += step.action != "reused"
    told = [
        f"{least}{'' if least == most else f' to {most}'} {kind}{'' if most == 1 else _plural(kind)}"
        for kind, (least, most) in made.items()
        if most
    ]
    reads = _counted(plan.raw_reads, "raw date")
    return Text(f"\nMakes {', '.join(told) or 'nothing'}; reads {reads}.")


def _time(plan: Plan) -> Text:
    if plan.unknown:
        return Text(f"Time: not known, for none was made before: {', '.join(plan.unknown)}.")
    if plan.seconds is None:
        return Text("Time: not known.")
    least, most = map(_duration, plan.seconds)
    start = plan.durations.job_start
    jobs = (
        "without the starts of the jobs, for no run in Airflow is known"
        if start is None
        else f"{start:.0f} s for each job to start"
    )
    span = least if least == most else f"{least} to {most}"
    return Text(f"Time: about {span}, one date after the other, as long as the latest took; {jobs}.")


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else _plural(thing)}"


def _plural(thing: str) -> str:
    return "" if thing == "features" else "s"
