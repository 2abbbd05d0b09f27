"""Why a step is made anew: in what its ingredients differ from those of what was made before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from vintage.store.code import changed_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vintage.store.keys import Ingredients

Reason = Literal["new", "data", "spec", "code", "engine", "seed", "baseline"]

MOST_NAMED = 3


class Why(BaseModel):
    """One reason to make something, and what of it differs.

    Attributes:
        reason: `new`: nothing was made for the date; `data`: it reads other rows; `spec`: the pipeline's file
            or the suite says otherwise; `code`: Vintage's or one's own; `engine`: another version of Spark,
            Python, Java or a package; `baseline`: it is compared with another champion.
        what: the part that differs.
    """

    model_config = ConfigDict(frozen=True)

    reason: Reason
    what: str


def reasons(
    wanted: Ingredients,
    before: Ingredients | None,
    planned: Mapping[str, tuple[Why, ...]],
    modules: Mapping[str, str] | None = None,
) -> tuple[Why, ...]:
    """Return why something of these ingredients is made though something else stands for its date.

    An input that is itself made anew hands on its own reasons: where the code of the features changed, the
    model is made for the code.

    Args:
        wanted: ingredients of what is made.
        before: those of what stands for the date; None when nothing does.
        planned: key of something that is to be made → why it is.
        modules: the modules that computed what stands for the date, as its manifest has them.
    """
    if before is None:
        return (Why(reason="new", what=f"{wanted.date} has no {wanted.kind} yet"),)
    found = [*_inputs(wanted, before, planned), *_spec(wanted, before)]
    if (wanted.code, wanted.format) != (before.code, before.format):
        changed = [
            name.partition(".")[2].replace(".", "/") + ".py"
            for name in changed_modules(wanted.kind, modules or {})
        ]
        found.append(
            Why(reason="code", what=f"code of {wanted.kind}" + (f": {_named(changed)}" if changed else ""))
        )
    for name in sorted({*wanted.engines, *before.engines}):
        old, new = before.engines.get(name, "none"), wanted.engines.get(name, "none")
        if old != new:
            found.append(Why(reason="engine", what=f"{name} {old} → {new}"))
    if wanted.seed != before.seed:
        found.append(Why(reason="seed", what=f"{before.seed} → {wanted.seed}"))
    return tuple(dict.fromkeys(found))


def _inputs(
    wanted: Ingredients, before: Ingredients, planned: Mapping[str, tuple[Why, ...]]
) -> Iterator[Why]:
    for name in sorted({*wanted.inputs, *before.inputs}):
        ours, theirs = wanted.inputs.get(name, {}), before.inputs.get(name, {})
        other = sorted(day for day in {*ours, *theirs} if ours.get(day) != theirs.get(day))
        if not other:
            continue
        if name == "baseline":
            yield Why(
                reason="baseline", what=f"the champion of {', '.join(map(str, sorted(ours))) or 'nothing'}"
            )
            continue
        handed = {
            day: [why for why in planned.get(key, ()) if why.reason != "new"]
            for day, key in ours.items()
            if day in other
        }
        for whys in handed.values():
            yield from whys
        # Those of a date that had none before, or that an earlier run made anew.
        others = [day for day in other if not handed.get(day)]
        if others:
            yield Why(reason="data", what=f"{name} of {_named([str(day) for day in others])}")


def _spec(wanted: Ingredients, before: Ingredients) -> Iterator[Why]:
    # As JSON has them: what was read from a manifest holds lists where the spec holds tuples.
    old, new = (each.model_dump(mode="json", include={"spec"})["spec"] for each in (before, wanted))
    paths = [path for path, _, _ in differing(old, new)]
    own = [path for path in paths if path.startswith("own_code")]
    if own:
        yield Why(reason="code", what=f"your own: {_named([path.partition('.')[2] for path in own])}")
    declared = [path for path in paths if path not in own]
    if declared:
        yield Why(reason="spec", what=_named(declared))


def differing(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield where two values of JSON differ, and both values there, as deep as both have the same form."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from differing(old.get(name), new.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differing(one, other, f"{path}[{place}]")
    elif old != new:
        yield path, old, new


def _named(words: list[str]) -> str:
    more = len(words) - MOST_NAMED
    return ", ".join(words[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
