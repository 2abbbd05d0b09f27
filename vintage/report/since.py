"""What changed since the champion that a model was compared with, in three lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import VintageError
from vintage.lineage.difference import COMMIT, difference_of
from vintage.lineage.graph import lineage_of, lineage_of_model
from vintage.report.details import number
from vintage.spec.partition import spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vintage.lineage.changes import Section
    from vintage.lineage.difference import Difference
    from vintage.registry.ledger import Entry
    from vintage.store import Artifact, Key, Store

_MOST: Final = 3
"""Changes of a part that are reported; how many more there are is counted."""
_LONGEST: Final = 40
_PARTS: Final = ("spec", "params", "tuning", "code", "engines", "packages", "conf", "seed")
_NAMES: Final = {"spec": "specification", "params": "Params", "conf": "Spark settings"}


@dataclass(frozen=True)
class Since:
    """The difference between the champion and a model.

    Attributes:
        date: partition date of the champion.
        old, new: keys of the two models.
        lines: what changed, by what `change_lines` calls it.
    """

    date: str
    old: Key
    new: Key
    lines: dict[str, str]


def since_champion(store: Store, evaluation: Artifact, decisions: Sequence[Entry]) -> Since | None:
    """Return what changed since the champion; None where there was none, or it is gone."""
    try:
        new = lineage_of(store, evaluation)
        if new.baseline is None:
            return None
        old = lineage_of_model(store, new.baseline)
        found = difference_of(store.pipeline, old, new, decisions)
    except VintageError:
        # What a champion of long ago was made from may have been removed; the model at hand is whole.
        return None
    return Since(str(old.model.date), old.model.key, new.model.key, change_lines(found))


def change_lines(difference: Difference) -> dict[str, str]:
    """Return what changed in the data, the definition and the result, in a line each."""
    return {
        "Data": _data(difference),
        "Definition": _definition(difference),
        "Result": _result(difference),
    }


def _data(difference: Difference) -> str:
    data = difference.data
    told = [
        f"{verb} {spans(dates)}"
        for verb, dates in (("added", data.window.only_new), ("dropped", data.window.only_old))
        if dates
    ]
    restated = sorted({each.date for each in data.restated if each.old.fingerprint != each.new.fingerprint})
    if restated:
        told.append(f"restated {spans(restated)}")
    rows = {change.path: change for change in difference.rows.changes}
    for path, name in (("train", "training rows"), ("test", "holdout rows")):
        if path in rows:
            told.append(f"{name} {_value(rows[path].old)} → {_value(rows[path].new)}")
    return "; ".join(told) or ("the same rows" if data.same else "the same dates and rows, read otherwise")


def _definition(difference: Difference) -> str:
    told = []
    for name in _PARTS:
        part: Section = getattr(difference, name)
        if not part.same:
            named = list(_changes(part, values=name not in {"spec", "code"}))
            more = f" and {len(named) - _MOST} more" if named[_MOST:] else ""
            told.append(f"{_NAMES.get(name, name)} ({', '.join(named[:_MOST])}{more})")
    return "; ".join(told) or "the same specification, Params, code and engines"


def _changes(part: Section, *, values: bool) -> Iterator[str]:
    """Yield each path, with its values where they are short."""
    for each in part.changes:
        if each.path != COMMIT:
            told = f" {_value(each.old)} → {_value(each.new)}"
            yield each.path + (told if values and len(told) <= _LONGEST else "")


def _result(difference: Difference) -> str:
    told = []
    for metric in difference.metrics.metrics[:1]:
        if metric.old is None and metric.new is None:
            continue
        where = "on the same holdout" if difference.metrics.same_holdout else "each on its own holdout"
        told.append(f"{metric.name} {number(metric.old)} → {number(metric.new)}, {where}")
        if metric.gain is not None:
            told.append(f"on the holdout of this model a gain of {metric.gain:+.4g}")
    told += [f"gate {text}" for text in _changes(difference.gates, values=True)]
    return "; ".join(told) or "not known: the champion was not evaluated"


def _value(value: Any) -> str:
    if value is None:
        return "not there"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
