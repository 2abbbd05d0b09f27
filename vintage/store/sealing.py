"""A digest that a JSON file carries over all of its other fields, so that an edit of any of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vintage.store.keys import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 2
"""Of what this release writes. What came before it, format 1, has neither of the two fields."""

_FORMAT: Final = "format"
_DIGEST: Final = "digest"


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with `format` and, last, the `digest` over everything else."""
    whole = {name: value for name, value in content.items() if name != _DIGEST} | {_FORMAT: FORMAT}
    return {**whole, _DIGEST: digest(whole)}


def unseal(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content without the two fields, once the digest was compared.

    What has neither of them was written before there were digests, and cannot be compared.

    Raises:
        ValueError: a field differs from what was sealed; or a later release wrote it.
    """
    rest = {name: value for name, value in content.items() if name not in {_FORMAT, _DIGEST}}
    if len(rest) == len(content):
        return rest
    version = content.get(_FORMAT)
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(f"it has format {version}, of a later release; this one reads up to {FORMAT}")
    found = digest({**rest, _FORMAT: version})
    if version != FORMAT or content.get(_DIGEST) != found:
        raise ValueError(f"its digest is {content.get(_DIGEST)}, but its content has {found}")
    return rest
