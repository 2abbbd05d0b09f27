"""Stage Params set anew for one run: `LogisticRegression.regParam=0.1`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import SpecError
from vintage.spec.loading import read_scalar
from vintage.spec.names import did_you_mean, list_names, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vintage.spec.parts import Stage

_NAME: Final = re.compile(r"(?P<stage>[A-Za-z_][\w.]*?)(?:\[(?P<nth>[0-9]+)\])?\.(?P<param>[A-Za-z_]\w*)")
_FORM: Final = "Stage.param=value, such as LogisticRegression.regParam=0.1"


def find_stage(stages: Sequence[Stage], name: str) -> tuple[int, str]:
    """Return the index of the stage that `Stage.param` or `Stage[n].param` names, and the Param's name.

    Raises:
        SpecError: the name has another form, or names no stage or more than one.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise SpecError(
            f"{name!r} does not name a stage's Param",
            expected="Stage.param, such as LogisticRegression.regParam",
        )
    wanted = match["stage"]
    found = [
        index for index, stage in enumerate(stages) if wanted in {stage.type, stage.type.rpartition(".")[2]}
    ]
    known = list(dict.fromkeys(stage.type for stage in stages))
    if not found:
        raise SpecError(
            f'{name}: no stage "{wanted}" in the pipeline',
            expected=f"one of {list_names(known)}",
            fix=sentence(did_you_mean(wanted, known)),
        )
    if match["nth"] is not None:
        nth = int(match["nth"])
        if nth >= len(found):
            raise SpecError(
                f"{wanted}[{nth}] does not exist", expected=f"{wanted}[0] to {wanted}[{len(found) - 1}]"
            )
        return found[nth], match["param"]
    if len(found) > 1:
        raise SpecError(
            f"{wanted} occurs {len(found)} times in the pipeline",
            expected=f"for example {wanted}[0].{match['param']}",
        )
    return found[0], match["param"]


def read_overrides(
    stages: Sequence[Stage], overrides: Iterable[str]
) -> tuple[tuple[tuple[int, str], Any], ...]:
    """Return what overrides set: the index of a stage and the name of its Param, and the value.

    Raises:
        SpecError: an override has another form, or names no stage or more than one.
    """
    found: list[tuple[tuple[int, str], Any]] = []
    for override in overrides:
        if not override.strip():
            continue
        name, equals, text = override.partition("=")
        if not equals:
            raise SpecError(f"override {override!r} has no value", expected=_FORM)
        value = _value(override, text)
        place = find_stage(stages, name.strip())
        if value is not None:
            found.append((place, value))
    return tuple(found)


def set_params(stages: Sequence[Stage], values: Iterable[tuple[tuple[int, str], Any]]) -> tuple[Stage, ...]:
    """Return the stages with values replaced, each given as stage index, Param name and value."""
    result = list(stages)
    for (index, param), value in values:
        stage = result[index]
        result[index] = stage.model_copy(update={"params": {**stage.params, param: value}})
    return tuple(result)


def _value(override: str, text: str) -> Any:
    value, problem = read_scalar(text)
    items = value if isinstance(value, list) else [value]
    if problem is not None or any(isinstance(item, dict | list) for item in items):
        raise SpecError(
            f"the value of override {override!r} cannot be read",
            expected="a number, a text, true, false or a list",
        )
    return value
