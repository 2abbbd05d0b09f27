"""What a backfill would do, date by date: the facts, as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from vintage.store.keys import Kind

# pydantic reads the fields' types when the module is loaded.
from vintage.store.reasons import Why

Action = Literal["made", "if_changed", "reused"]
RawState = Literal["new", "same", "changed", "gone", "absent", "asked", "broken"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Frozen):
    """One artifact that a run needs.

    Attributes:
        kind: what it is.
        view: `source`, or the joined source whose snapshot or validation it is.
        date: its partition date; a run needs those of its whole window.
        action: `made`; `reused`: it is there; `if_changed`: made only if the raw rows of a date that is read
            again are others, or an earlier date of the plan becomes champion.
        why: the reasons to make it; empty when it is reused.
        reads_raw: whether the raw data is read for it.
    """

    kind: Kind
    view: str
    date: str
    action: Action
    why: tuple[Why, ...] = ()
    reads_raw: bool = False


class Raw(_Frozen):
    """The raw data of a source for a run's own date.

    Attributes:
        state: `new`: there, and in no snapshot yet; `same`: as the snapshot has it; `changed`: its files are
            others than those that the snapshot was taken of; `gone`: the snapshot alone is there; `absent`;
            `asked`: a database, which the run asks again; `broken`: it cannot be read.
        snapshot: key of the date's snapshot; None when there is none.
        fingerprint: of that snapshot's rows.
        rows: how many it has.
        told: what is wrong, where it is broken.
    """

    state: RawState
    snapshot: str | None = None
    fingerprint: str | None = None
    rows: int | None = None
    told: str = ""


class Baseline(_Frozen):
    """What the model would be compared with.

    Attributes:
        compares: whether a gate or the task compares at all.
        now: date of the champion as of the run's date, as things are; None when there is none.
        if_promoted: date of an earlier run of this plan that takes its place if it becomes champion. If it
            does not, the one before it in the plan may, and at last `now`.
    """

    compares: bool
    now: str | None = None
    if_promoted: str | None = None


class Move(_Frozen):
    """Whether the run could make its model the champion, and why or why not."""

    possible: bool
    why: str


class PlannedRun(_Frozen):
    """What the run of one date would do.

    Attributes:
        date: the partition date.
        raw: view → its raw data for the date.
        steps: every artifact that it needs, in the order of the flow.
        baseline, champion: None when the run would not get that far.
        fails: why it would fail; None when nothing speaks for that.
        warnings: what it would warn of.
        seconds: how long it would take at least and at most, by past runs; None where no run is known.
    """

    date: str
    raw: Mapping[str, Raw]
    steps: tuple[Step, ...]
    baseline: Baseline | None
    champion: Move | None
    fails: str | None
    warnings: tuple[str, ...]
    seconds: tuple[float, float] | None = None

    def of(self, kind: Kind) -> tuple[Step, ...]:
        """Return the steps of a kind."""
        return tuple(step for step in self.steps if step.kind == kind)

    @property
    def nothing_to_do(self) -> bool:
        """Whether it would find everything."""
        idle = all(step.action == "reused" and not step.reads_raw for step in self.steps)
        moves = self.champion is not None and self.champion.possible
        return idle and not moves and self.fails is None


class Durations(_Frozen):
    """How long things took.

    Attributes:
        seconds: kind → median over the latest artifacts; kinds of which none was made are left out.
        job_start: median seconds from the end of one step to the start of the next within a run in Airflow;
            None when no such run is known.
        counted: kind → of how many artifacts; `jobs` → of how many pairs of steps.
    """

    seconds: Mapping[str, float]
    job_start: float | None
    counted: Mapping[str, int]


class Plan(_Frozen):
    """What a backfill would do.

    Attributes:
        first, last: the range, both ends included.
        runs: one for each date of the range that the schedule has.
        left_out: dates of the range that the schedule skips.
        champion: date of the model that serves now, by the ledger; None when none does.
        raw_reads: how often a date's raw data is read.
        durations: what the estimates are made from.
        seconds: how long all of it would take at least and at most, one date after the other; None where a
            step is made that was never made before.
        unknown: kinds that would be made and of which no past run tells how long they take.
        commands: where → what starts the backfill there.
    """

    pipeline: str
    first: str
    last: str
    runs: tuple[PlannedRun, ...]
    left_out: tuple[str, ...]
    champion: str | None
    raw_reads: int
    durations: Durations
    seconds: tuple[float, float] | None
    unknown: tuple[str, ...]
    commands: Mapping[str, str]

    @property
    def nothing_to_do(self) -> bool:
        """Whether the backfill would make nothing, read nothing and move nobody."""
        return all(run.nothing_to_do for run in self.runs)
