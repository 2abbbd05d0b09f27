"""A model as a person names it: by its key, the date that it is of, or a number that it has or had."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError
from vintage.spec.names import list_names
from vintage.store.published import is_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vintage.registry.ledger import Entry
    from vintage.registry.tracking import Registered

_NUMBER: Final = re.compile(r"[0-9]{1,7}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def chosen_key(
    text: str, dates: Mapping[str, str], past: Sequence[Entry], registered: Registered, *, none: SpecError
) -> str:
    """Return the key of the one model that a text names.

    A number is a label: the ledger's of then, or the registry's of now, which differ after a repair. One that
    names two models names none.

    Args:
        text: a number, a key or at least 8 digits of one, or a date.
        dates: key → partition date, of the models to choose from.
        past: the ledger's lines, oldest first.
        registered: what the registry says.
        none: what to raise when it names none of them.

    Raises:
        SpecError: the text names none of them, or several.
    """
    text = text.strip()
    numbers = _numbers(dates, past, registered)
    if _NUMBER.fullmatch(text):
        found = [key for key in dates if int(text) in numbers[key]]
    elif _DATE.fullmatch(text):
        found = [key for key, day in dates.items() if day == text]
    elif is_key(text.lower()):
        found = [key for key in dates if key.startswith(text.lower())]
    else:
        raise SpecError(
            f"{text!r} names no model",
            expected="a version's number, the beginning of a model's key (8 digits at least) or a date",
        )
    if not found:
        raise none
    if len(found) > 1:
        raise SpecError(
            f"{text} names {len(found)} models",
            expected="one: by the beginning of its key",
            found=list_names([f"{key[:12]} of {dates[key]}" for key in found]),
            fix="The registry gives numbers anew after a repair; a key stays the same.",
        )
    return found[0]


def renumbered(key: str, past: Sequence[Entry], registered: Registered) -> str:
    """Report models whose numbers differ between ledger and registry; empty without any."""
    now = registered.with_key(key)
    then = sorted({entry.version for entry in past if entry.model_key == key})
    if now is None or not then or now.version in then:
        return ""
    return (
        f"model {key[:12]} is version {list_names([str(each) for each in then])} in the ledger and version "
        f"{now.version} in MLflow: it is known by its key"
    )


def _numbers(
    keys: Iterable[str], past: Sequence[Entry], registered: Registered
) -> Mapping[str, frozenset[int]]:
    """Return every number that each model has or had."""
    return {
        key: frozenset(
            {entry.version for entry in past if entry.model_key == key}
            | {version.version for version in registered.versions if version.key == key}
        )
        for key in keys
    }
