"""Two values, path by path: what was added, removed or changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from vintage.store.keys import canonical_json


class Change(BaseModel):
    """What differs at a path; `old` or `new` is None where it is in one of the two only."""

    model_config = ConfigDict(frozen=True)

    path: str
    change: Literal["added", "removed", "changed"]
    old: Any = None
    new: Any = None


class Section(BaseModel):
    """A part of a difference."""

    model_config = ConfigDict(frozen=True)

    same: bool
    changes: tuple[Change, ...] = ()


def section(old: Mapping[str, Any], new: Mapping[str, Any]) -> Section:
    """Return the part that two mappings make."""
    found = changes(old, new)
    return Section(same=not found, changes=found)


def changes(old: Mapping[str, Any], new: Mapping[str, Any], within: str = "") -> tuple[Change, ...]:
    """Return what differs, in the order of the old mapping, what was added last.

    Mappings are gone into; a list of mappings is compared item by item, whatever their order; any other list
    is one value.

    Args:
        old, new: JSON values.
        within: the path of both.
    """
    found: list[Change] = []
    for name in dict.fromkeys([*old, *new]):
        path = f"{within}.{name}" if within else name
        if name not in new:
            found.append(Change(path=path, change="removed", old=old[name]))
        elif name not in old:
            found.append(Change(path=path, change="added", new=new[name]))
        elif isinstance(old[name], Mapping) and isinstance(new[name], Mapping):
            found += changes(old[name], new[name], path)
        elif _are_items(old[name]) and _are_items(new[name]):
            found += _items(old[name], new[name], path)
        elif canonical_json(old[name]) != canonical_json(new[name]):
            found.append(Change(path=path, change="changed", old=old[name], new=new[name]))
    return tuple(found)


def _are_items(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, Mapping) for each in value)


def _items(old: Any, new: Any, path: str) -> list[Change]:
    before, after = ({canonical_json(each): each for each in items} for items in (old, new))
    gone = [each for text, each in before.items() if text not in after]
    come = [each for text, each in after.items() if text not in before]
    return [
        *(Change(path=path, change="removed", old=each) for each in gone),
        *(Change(path=path, change="added", new=each) for each in come),
    ]
