"""What a restatement is, and what it touches, as it is reported: dates, models, predictions, commands."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

# pydantic reads the fields' types when the module is loaded.
from vintage.data.changed_rows import RowChange
from vintage.store import Key

Role = Literal["learnt", "tuned", "tested", "scored", "compared", "measured"]
State = Literal["restated", "pending"]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class SnapshotVersion(_Told):
    """One snapshot of a date.

    Attributes:
        key: its key.
        fingerprint: of its rows.
        rows: how many there are.
        taken: when.
        current: whether it stands for the date now.
    """

    key: Key
    fingerprint: str
    rows: int
    taken: dt.datetime
    current: bool


class Restated(_Told):
    """A date with snapshots of different rows.

    Attributes:
        source: whose rows: `source`, or the name of a joined source.
        date: the snapshots' date.
        versions: those of different rows, oldest first.
        changes: row by row, from each that is not current to the one that is; empty where not looked at.
    """

    source: str
    date: dt.date
    versions: tuple[SnapshotVersion, ...]
    changes: tuple[RowChange, ...] = ()

    @property
    def standing(self) -> SnapshotVersion:
        """The version that is current."""
        return next(each for each in self.versions if each.current)

    @property
    def old(self) -> tuple[SnapshotVersion, ...]:
        """Those that have other rows than what stands now."""
        return tuple(each for each in self.versions if each.fingerprint != self.standing.fingerprint)


class Pending(_Told):
    """A date whose raw files are no longer those that its snapshot was taken of.

    Attributes:
        source, date: as of a restated one.
        told: what is different of which file.
    """

    source: str
    date: dt.date
    told: str


class Use(_Told):
    """Rows that a model, or an evaluation of it, was made from and that are no longer what stands.

    Attributes:
        role: what was done with them.
        source, date: whose rows of which date.
        snapshot: key of the snapshot that was used.
        state: `restated` where another stands by now, `pending` where the raw files changed since.
    """

    role: Role
    source: str
    date: dt.date
    snapshot: Key
    state: State


class Predictions(_Told):
    """An evaluation: what a model predicted for its holdout, and how it was judged.

    Attributes:
        key: the evaluation's.
        stands: whether it is the current one of its date.
    """

    key: Key
    stands: bool


class TouchedModel(_Told):
    """A model that was made from, or tested on, rows that were restated.

    Attributes:
        date, key: of the model.
        made: when it was fitted.
        version: in the registry, where the ledger knows it.
        uses: the rows in question.
        evaluations: its sets of predictions.
        stands: whether what stands for its date is of it.
        champion: `serves` by the ledger's last move, `served` before, or never.
        served_from: partition dates from which it counted as champion.
        retrain: whether running its date again would make something new of it.
    """

    date: dt.date
    key: Key
    made: dt.datetime
    version: int | None
    uses: tuple[Use, ...]
    evaluations: tuple[Predictions, ...]
    stands: bool
    champion: Literal["serves", "served", "never"]
    served_from: tuple[dt.date, ...]
    retrain: bool


class ScoredRows(_Told):
    """Predictions of a date, of rows that were restated or by a model that was made from such.

    Attributes:
        date, key: of the predictions.
        made: when.
        model, version: key of what scored, and its registered version.
        model_touched: whether that model is among those touched.
        uses: the rows in question, of those that were scored.
        stands: whether they are what is current for the date.
    """

    date: dt.date
    key: Key
    made: dt.datetime
    model: Key
    version: int
    model_touched: bool
    uses: tuple[Use, ...]
    stands: bool

    @property
    def again(self) -> bool:
        """Whether scoring the date again would read other rows."""
        return self.stands and bool(self.uses)


class Watched(_Told):
    """A monitor or a quality of a date that was made from rows that were restated.

    Attributes:
        kind: which of the two.
        date, key: of the artifact.
        made: when.
        uses: the rows in question.
        stands: whether it is what is current for the date.
        again: whether it would read other rows now; not where only what the model learnt from is old.
    """

    kind: Literal["monitor", "quality"]
    date: dt.date
    key: Key
    made: dt.datetime
    uses: tuple[Use, ...]
    stands: bool
    again: bool


class Impact(_Told):
    """All that a pipeline's restatements touch.

    Attributes:
        pipeline: its name.
        restated: dates that have snapshots of different rows.
        pending: dates whose raw files changed since, which the next run with them in its window snapshots.
        models: what was made from the old rows, oldest date first.
        predictions: what was scored of the old rows or by those models, oldest date first.
        retrain: the dates whose standing result would change.
        commands: one for each of them.
        backfills: the same, a command for each stretch of days without a gap, in one Spark session each.
        airflow_backfills: the same in Airflow.
        score: a command for each date whose standing predictions are of old rows.
        watched: monitors and qualities that are of old rows, oldest date first.
        watch: a command for each of them that stands and would read other rows.
    """

    pipeline: str
    restated: tuple[Restated, ...]
    pending: tuple[Pending, ...]
    models: tuple[TouchedModel, ...]
    retrain: tuple[dt.date, ...]
    commands: tuple[str, ...]
    backfills: tuple[str, ...]
    airflow_backfills: tuple[str, ...]
    predictions: tuple[ScoredRows, ...] = ()
    score: tuple[str, ...] = ()
    watched: tuple[Watched, ...] = ()
    watch: tuple[str, ...] = ()
