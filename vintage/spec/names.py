"""Names that people write: which are allowed, and the nearest right one for a wrong one."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
LONGEST: Final = 120
"""Characters of a name: Airflow's ids of DAGs, MLflow's of models and a file's name all have an end."""
NAME_RULE: Final = f"lower-case letters, digits and underscores, a letter first, at most {LONGEST}"


def is_name(text: str) -> bool:
    """Return whether a text may name a pipeline, a suite or a joined source."""
    return len(text) <= LONGEST and NAME.fullmatch(text) is not None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, capitals aside; None when none is near."""
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean "…"?` for the nearest known name, or an empty text."""
    near = nearest(name, known)
    return f'did you mean "{near}"?' if near is not None else ""


def sentence(hint: str) -> str:
    """Return a hint as a sentence of its own."""
    return hint[:1].upper() + hint[1:]


def list_names(names: Collection[str], *, most: int = 12) -> str:
    """Return the names for a message: all of them, or the first few and how many more there are."""
    shown = ", ".join(list(names)[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown or "none"


def require_name(kind: str, name: str) -> str:
    """Refuse a name from outside before it becomes part of a path.

    Raises:
        SpecError: the name has characters that a name may not have, `../x` or `{{ x }}`, for example.
    """
    if not is_name(name):
        raise SpecError(f"{kind} name {name!r} is not a name", expected=NAME_RULE)
    return name
