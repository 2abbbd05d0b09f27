"""What a manifest holds of its own kind of artifact: one frozen model a kind, parsed when it is read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

# pydantic reads the fields' types when the module is loaded.
from vintage.spec.metrics import Task
from vintage.store.keys import Key, Kind

if TYPE_CHECKING:
    from vintage.store.artifacts import Artifact


class _Part(BaseModel):
    """Written as it was given: what was left out, or is of another release, stays so.

    So a manifest that is read and written again is the same, and its digest too.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if name in self.model_fields_set}


class Details(_Part):
    """The details of any artifact."""

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """Return the details of an artifact of this kind.

        Raises:
            TypeError: the artifact is of another kind.
        """
        found = artifact.manifest.details
        if not isinstance(found, cls):
            raise TypeError(f"{artifact.manifest.named} has no {cls.__name__}")
        return found

    def as_json(self) -> dict[str, Any]:
        """As its JSON has them, whether they were just made or read; what is not finite is null."""
        return dict(json.loads(self.model_dump_json()))


class SnapshotDetails(Details):
    """Of a date's raw rows.

    Attributes:
        raw: what the delivery was, such as its files and bytes; nothing of it is part of a key.
        profile: column → type, nulls and the statistics that its type has.
    """

    raw: Mapping[str, Any] = {}
    profile: Mapping[str, Any] = {}


class Failures(_Part):
    """The rules that do not hold, in a line each, by severity."""

    critical: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()
    info: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, the gravest first."""
        return (*self.critical, *self.warning, *self.info)


class ValidationDetails(Details):
    """Of what a suite found in a snapshot.

    Attributes:
        passed: whether every critical rule holds.
        summary: how many rules hold, in words.
        outcomes: each rule with what was seen.
    """

    passed: bool
    summary: str
    failures: Failures
    outcomes: tuple[Mapping[str, Any], ...] = ()


class LabelDetails(_Part):
    """Of the labels that one may learn from.

    Attributes:
        rows: how many there are.
        mean: None where there are none.
        counts: label → rows, where the labels are few; else empty.
    """

    rows: int
    mean: float | None = None
    counts: Mapping[str, int] = {}


class FeaturesDetails(Details):
    """Of a date's feature rows.

    Attributes:
        trainable: rows that one may learn from; None in a manifest from before they were counted.
        labels: theirs; None in a manifest from before they were kept.
        rows_of_repeated_keys: rows that share their key with another.
        validation: view → key of what validated it.
    """

    trainable: int | None = None
    labels: LabelDetails | None = None
    rows_of_repeated_keys: int = 0
    validation: Mapping[str, Key] = {}


class CandidateDetails(_Part):
    """Params that a tuning tried.

    Attributes:
        metrics: of each part; None where it is not defined.
        mean: over the parts.
        error: why it could not be fitted.
    """

    params: Mapping[str, Any]
    metrics: tuple[float | None, ...] = ()
    mean: float | None = None
    error: str | None = None


class WinnerDetails(CandidateDetails):
    """The best; `candidate` is its place among all."""

    candidate: int


class TuningDetails(Details):
    """Of the search for the best Params.

    Attributes:
        metric: what decided.
        rows: training rows that were used.
    """

    metric: str
    larger_is_better: bool
    rows: int
    winner: WinnerDetails
    candidates: tuple[CandidateDetails, ...]


class ModelTuning(TuningDetails):
    """The tuning that chose a model's Params: of which date, and its key."""

    date: dt.date
    key: Key


class Reproducibility(_Part):
    """How exactly a model can be made again.

    Attributes:
        partitions: on how many it was fitted.
        declared: whether the pipeline fixes that number.
        mode: `exact` or `parallel`, of an earlier release.
    """

    partitions: int | None = None
    declared: bool = False
    mode: str | None = None


class RawDetails(_Part):
    """Whether a twin computes the SQL of preprocess, so that it takes raw rows.

    Attributes:
        reason: why it takes the columns after preprocess; empty where it takes raw ones.
        columns: column that the model reads → why Spark alone computes it.
    """

    reason: str = ""
    columns: Mapping[str, str] = {}


class TwinDetails(_Part):
    """Of a model's twin, which evaluates it without Spark.

    Attributes:
        reason: why Spark serves the model; empty where the twin does.
        apart: how far the twin's numbers are from Spark's on the golden batch, relative to the largest of
            their vector.
        raw: None in a manifest from before twins took raw rows.
    """

    reason: str = ""
    apart: float = 0.0
    raw: RawDetails | None = None


class ModelDetails(Details):
    """Of a fitted model.

    Attributes:
        task: what kind of model it is.
        digest: of what it learnt; None in a manifest from before it was kept.
        arithmetic: how the JVM computes; None likewise.
        rows: `train`: how many it learnt from.
        labels: `min` and `max`.
        params: `0.Imputer.strategy` → value, every Param of every stage.
        columns: what its stages read.
        requirements: the packages that it needs, pinned.
        snapshots: date → key of the raw rows behind it.
        tuning: what chose its Params, where they were tuned.
        importances: what it weighs, by feature; None where it does not tell, or in a manifest from before it
            was kept here.
        twin: what evaluates it without Spark; None in a manifest from before there were twins.
    """

    task: Task
    digest: str | None = None
    arithmetic: Any = None
    reproducibility: Reproducibility = Reproducibility()
    rows: Mapping[str, int]
    labels: Mapping[str, Any] = {}
    params: Mapping[str, str]
    columns: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    snapshots: Mapping[dt.date, Key] = {}
    tuning: ModelTuning | None = None
    importances: Mapping[str, Any] | None = None
    twin: TwinDetails | None = None


class ParityDetails(_Part):
    """How like Spark's answers those of a model's twin are, on its holdout.

    Attributes:
        rows: how many were compared, all of them unless one differs.
        columns: what was compared of them.
        apart: how far the farthest number is from Spark's, relative to the largest of its vector.
        differs: the first row that differs, and how; empty where none does.
        stage: the class of the stage that makes that row differ, where it was found.
    """

    rows: int
    columns: tuple[str, ...]
    apart: float
    differs: str = ""
    stage: str = ""


class RawParityDetails(_Part):
    """Whether a twin makes the stored features of the raw rows of the holdout's dates.

    Attributes:
        rows: how many raw rows were compared.
        differs: the first row that gives something else, and which column; empty where none does.
    """

    rows: int
    differs: str = ""


class DecisionDetails(_Part):
    """Whether the gates let a model pass, and each reason."""

    promote: bool
    reasons: tuple[str, ...]


class OverlapDetails(_Part):
    """What a holdout shares with the training rows: `rows`, their `share`, and dates of the same rows."""

    rows: int = 0
    share: float = 0.0
    dates: Mapping[dt.date, dt.date] = {}


class EvaluationDetails(Details):
    """Of a model's measures on its holdout.

    Attributes:
        model: key of what was measured.
        rows: how many it learnt from (`train`) and was tested on (`test`).
        weight: the column that says how much a row counts; None where they count alike.
        metrics: name → value; None where it is not defined.
        intervals: `confidence`, `method`, and by metric `low` and `high`.
        baseline: what it was compared with, on the same rows; None where it was with nothing.
        details: what the task has beside numbers, such as a confusion matrix.
        slices: the same metrics of parts of the holdout, the worst first.
        gates: each that applies, with its value, and whether it passed.
        guess: what guessing gives on the same rows: `how`, and `metrics` by name; None where nobody guesses.
        inapplicable: gate that does not apply → why; empty in a manifest from before they were kept.
        overlap: None in a manifest from before it was counted.
        absent: date of the window → why none of its rows is used; None in a manifest from before it was kept.
        twin: None for a model that Spark serves.
        raw: None for one that does not take raw rows.
    """

    model: Key
    rows: Mapping[str, int]
    weight: str | None = None
    metrics: Mapping[str, float | None]
    intervals: Mapping[str, Any] | None = None
    baseline: Mapping[str, Any] | None = None
    details: Mapping[str, Any]
    slices: tuple[Mapping[str, Any], ...] = ()
    gates: tuple[Mapping[str, Any], ...]
    guess: Mapping[str, Any] | None = None
    inapplicable: Mapping[str, str] = {}
    decision: DecisionDetails
    overlap: OverlapDetails | None = None
    absent: Mapping[dt.date, str] | None = None
    twin: ParityDetails | None = None
    raw: RawParityDetails | None = None


class PredictionsDetails(Details):
    """Of a date's predictions.

    Attributes:
        model, model_date, version: what scored, as key, partition date and registered version.
        rows: `given`, `scored` and `rejected`.
        rejected: reason → how many rows were not scored for it.
    """

    model: Key
    model_date: dt.date
    version: int
    rows: Mapping[str, int]
    rejected: Mapping[str, int]


class LabelCounts(_Part):
    """What became of a date's predictions when its labels were looked for.

    Each prediction is counted once, in `measured` or in the first of the others that holds of it.

    Attributes:
        predictions: how many there are.
        said_twice: predictions that share their row key with another.
        without_row: those whose key no row of the date has any more.
        of_several_rows: those whose key more than one row has, so that nobody can tell which label is theirs.
        unlabelled: those whose row has no label.
        excluded: those whose row has a label, and is none that one may learn from.
        measured: those that count in the metrics.
        unscored: rows of the date without a prediction.
        came, changed, withdrawn: labels that are there, are others or are gone since the earlier look.
    """

    predictions: int = 0
    said_twice: int = 0
    without_row: int = 0
    of_several_rows: int = 0
    unlabelled: int = 0
    excluded: int = 0
    measured: int = 0
    unscored: int = 0
    came: int = 0
    changed: int = 0
    withdrawn: int = 0


class QualityOfModel(_Part):
    """How right a model is on rows of a date, beside what it reached on its holdout.

    Attributes:
        date: its partition date.
        version: in the registry.
        holdout: metric → value that it was promoted with; empty where its evaluation is gone.
        holdout_intervals: metric → `low` and `high` of it.
        found: what it reaches on the date, and whether the gates that it was let through by would let it
            through again.
    """

    date: dt.date
    version: int
    holdout: Mapping[str, float | None] = {}
    holdout_intervals: Mapping[str, Mapping[str, float]] = {}
    found: EvaluationDetails


class QualityDetails(Details):
    """Of how right a date's predictions were.

    Attributes:
        metric: the one that decides.
        larger_is_better: of that metric.
        counts: what became of the predictions.
        predicted: by the model that made the predictions; None where no row could be measured.
        serving: by the model that served when this was measured, on the same rows; None where it is the same
            model, none served, or `incomparable` says why not.
        incomparable: why what serves has no metrics; empty where it has, or is the same model.
    """

    metric: str
    larger_is_better: bool
    counts: LabelCounts
    predicted: QualityOfModel | None = None
    serving: QualityOfModel | None = None
    incomparable: str = ""


class DriftedColumn(_Part):
    """A column that is further from its reference than on calm dates.

    Attributes:
        rows: the kind of rows that it is of: `snapshot`, `features` or `predictions`.
        column: its name.
        told: the measure that is furthest above its bound, in words.
        dates: those of the last dates on which it drifted, this one among them, oldest first.
        alarm: whether these are as many as the pipeline's alarm asks for.
    """

    rows: str
    column: str
    told: str
    dates: tuple[dt.date, ...]
    alarm: bool = False


class MonitorDetails(Details):
    """Of how far a date's rows are from those that it was compared with.

    Attributes:
        state: `calm`, `warn` (a column drifted), `alarm` (one did on as many dates as the pipeline says), or
            `unknown`: nothing could be compared.
        against: what with.
        model, model_date: whose training rows, as key and partition date; None with something else.
        watched: the dates that the alarm counts, oldest first.
        drifted: the columns that drifted, the furthest first.
        missing: kind of rows → why it was not compared.
    """

    state: Literal["calm", "warn", "alarm", "unknown"]
    against: str
    model: Key | None = None
    model_date: dt.date | None = None
    watched: tuple[dt.date, ...] = ()
    drifted: tuple[DriftedColumn, ...] = ()
    missing: Mapping[str, str] = {}


DETAILS: Final[Mapping[Kind, type[Details]]] = {
    "snapshot": SnapshotDetails,
    "validation": ValidationDetails,
    "features": FeaturesDetails,
    "tuning": TuningDetails,
    "model": ModelDetails,
    "evaluation": EvaluationDetails,
    "predictions": PredictionsDetails,
    "quality": QualityDetails,
    "monitor": MonitorDetails,
}
