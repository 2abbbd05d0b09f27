"""What came of making a model again: what was the same, what differed first, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

# pydantic reads the fields' types when the module is loaded.
from spark_jobs.sources.changed_rows import RowChange
from spark_jobs.store import Key
from spark_jobs.store.environment import Held

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

_LONGEST: Final = 200
_REASONS: Final = 3
_MOST: Final = 12
_KEY: Final = 12


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Told):
    """One comparison.

    Attributes:
        step: `snapshot`, `join.<name>`, `features`, `tuning`, `model`, `predictions`, or a part of what an
            evaluation tells.
        date: of what was compared.
        same: whether both are equal, numbers to the last bit.
        then: what the store holds: a fingerprint, a digest, or the values.
        now: the same of what was made again.
        seconds: how long the making took; 0 where it was made with the step before.
        follows: whether it differs after an earlier step did.
    """

    step: str
    date: str
    same: bool
    then: Any
    now: Any
    seconds: float = 0.0
    follows: bool = False

    @property
    def named(self) -> str:
        """The step with its date."""
        return f"{self.step} of {self.date}"


class FirstDifference(_Told):
    """The earliest step that differs; what comes after it may follow from it.

    Attributes:
        why: what that step was made by or from that is not the same now; nothing where no record differs.
        rows: how its rows differ, where it has rows.
        told: what else differs in it, a line each.
    """

    step: str
    date: str
    then: Any
    now: Any
    why: tuple[Held, ...]
    rows: RowChange | None = None
    told: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why, in a line."""
        if self.rows is not None and not self.rows.any:
            return "its rows are the same, so that a manifest was edited, which tells another fingerprint"
        if not self.why:
            return "nothing that is recorded differs: the step is not deterministic, or a manifest was edited"
        named = [
            f"{each.what} was {each.then}, is {each.now}" + (f" ({each.detail})" if each.detail else "")
            for each in self.why[:_REASONS]
        ]
        more = len(self.why) - _REASONS
        return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


class Restated(_Told):
    """A date whose raw data has changed since: what it held then is kept, and was used."""

    source: str
    date: str
    rows_then: int
    rows_now: int


class Reproduction(_Told):
    """A model made again, held against the one that the store has.

    Attributes:
        key: the model's.
        evaluation: key of the evaluation that it was reached by.
        same: whether everything that was compared is the same.
        environment: what made it then and now, what differs first.
        steps: every comparison, in the order of the flow.
        restated: dates whose raw data has changed since.
    """

    pipeline: str
    date: str
    key: Key
    evaluation: str
    same: bool
    environment: tuple[Held, ...]
    steps: tuple[Step, ...]
    first_difference: FirstDifference | None = None
    restated: tuple[Restated, ...] = ()
    seconds: float = 0.0

    @property
    def other_environment(self) -> tuple[Held, ...]:
        """What of the environment is not as it was."""
        return tuple(each for each in self.environment if each.then != each.now)


def marked(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with those marked that differ after the first that does; its other dates stand beside it."""
    first = next((each.step for each in steps if not each.same), None)
    return tuple(each.model_copy(update={"follows": not each.same and each.step != first}) for each in steps)


def show(found: Reproduction, console: Console) -> None:
    """Prints it: the verdict, the environment if it is another, and each step."""
    console.print(Group(*_parts(found)))


def _parts(found: Reproduction) -> Iterator[RenderableType]:
    yield _verdict(found)
    yield _environment(found)
    yield _steps(found.steps)
    if found.restated:
        dates = [
            f"{each.date} of {each.source} ({each.rows_then} rows then, {each.rows_now} now)"
            for each in found.restated[:_MOST]
        ]
        more = f" and {len(found.restated) - _MOST} more" if len(found.restated) > _MOST else ""
        yield Text(f"Raw data restated since, which changes nothing here: {', '.join(dates)}{more}\n")


def _verdict(found: Reproduction) -> RenderableType:
    first = found.first_difference
    if first is None:
        lines = [
            Text(f"the same: model {found.key.short}, made again", style="bold green"),
            Text(f"· {len(found.steps)} comparisons in {found.seconds:.0f} s, numbers to the last bit"),
        ]
        if found.other_environment:
            lines.append(Text("· though the environment is another"))
    else:
        lines = [
            Text(f"not the same: model {found.key.short}, made again", style="bold red"),
            Text(
                f"· first, {first.step} of {first.date}: {_short(first.then)} then, {_short(first.now)} now"
            ),
            Text(f"· why: {first.reason}"),
            *(Text(f"· {line}") for line in first.told[:_MOST]),
            *_rows(first.rows),
        ]
    title = f"{found.pipeline} {found.date}"
    return Panel(Group(*lines), title=title, title_align="left", box=box.ROUNDED, expand=False)


def _rows(rows: RowChange | None) -> Iterator[Text]:
    if rows is None:
        return
    yield Text(f"· {rows.told}")
    for example in rows.examples:
        key = ", ".join(f"{name} {value}" for name, value in example.key.items())
        values = ", ".join(f"{name} {then} → {now}" for name, (then, now) in example.values.items())
        yield Text(f"  {key}: {values}")


def _environment(found: Reproduction) -> RenderableType:
    differing = found.other_environment
    if not differing:
        return Text(f"\nThe environment is the same in all {len(found.environment)} things recorded.")
    told = f"{len(found.environment) - len(differing)} more are the same"
    if any(each.what == "git commit" for each in differing):
        told += "; docs/reproduce.md tells how to have the environment of then"
    table = Table("environment", "then", "now", box=box.SIMPLE_HEAD, caption=told, caption_justify="left")
    for column in table.columns:
        column.overflow = "fold"
    for each in differing:
        table.add_row(Text(each.what), Text(each.then), Text(each.now))
    return table


def _steps(steps: Sequence[Step]) -> RenderableType:
    """One row for each step; of one that is compared date by date, the first that differs."""
    table = Table("step", "compared", "", "seconds", box=box.SIMPLE_HEAD)
    for name in dict.fromkeys(each.step for each in steps):
        these = [each for each in steps if each.step == name]
        differing = [each for each in these if not each.same]
        compared = these[0].date if len(these) == 1 else f"{len(these)} dates"
        if differing:
            verdict = f"{len(differing)} differ" if len(these) > 1 else "differs"
            verdict += ", as follows from the above" if differing[0].follows else ""
            style = "yellow" if differing[0].follows else "bold red"
        else:
            verdict, style = "the same", "green"
        seconds = sum(each.seconds for each in these)
        table.add_row(Text(name), compared, Text(verdict, style=style), f"{seconds:.1f}" if seconds else "")
    return table


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
