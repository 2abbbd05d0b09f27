"""Models of the `details` in a manifest, one for each kind of artifact."""

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
    """Keep exactly the fields that were given.

    A field that was absent stays absent, and a field of another release is kept. A manifest that is read
    and written again is therefore the same, and so is its digest.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if name in self.model_fields_set}


class Details(_Part):
    """Details of an artifact of any kind."""

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
        """Return the details as JSON values; a number that is not finite becomes null."""
        return dict(json.loads(self.model_dump_json()))


class SnapshotDetails(Details):
    """Details of a date's raw rows.

    Attributes:
        raw: facts about the delivery, such as files and bytes; not part of any key.
        profile: column → type, nulls and the statistics of that type.
    """

    raw: Mapping[str, Any] = {}
    profile: Mapping[str, Any] = {}


class Failures(_Part):
    """Failed expectations by severity, one line for each.

    Attributes:
        critical: failures that fail the run.
        warning: failures that are reported.
        info: failures that are recorded.
    """

    critical: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()
    info: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All failures, the most severe first."""
        return (*self.critical, *self.warning, *self.info)


class ValidationDetails(Details):
    """Details of the validation of a snapshot.

    Attributes:
        passed: whether every critical expectation passed.
        summary: how many expectations passed, in words.
        failures: the failed expectations.
        outcomes: each expectation with the observed value.
    """

    passed: bool
    summary: str
    failures: Failures
    outcomes: tuple[Mapping[str, Any], ...] = ()


class LabelDetails(_Part):
    """Labels of the trainable rows.

    Attributes:
        rows: number of rows with a label.
        mean: mean of the labels; null without labels.
        counts: label → rows, where there are few distinct labels; else empty.
    """

    rows: int
    mean: float | None = None
    counts: Mapping[str, int] = {}


class FeaturesDetails(Details):
    """Details of a date's feature rows.

    Attributes:
        trainable: rows that training may use; null in manifests of releases that did not count them.
        labels: labels of these rows; null in manifests of releases that did not keep them.
        rows_of_repeated_keys: rows that share their row key with another row.
        validation: view → key of the validation of its snapshot.
    """

    trainable: int | None = None
    labels: LabelDetails | None = None
    rows_of_repeated_keys: int = 0
    validation: Mapping[str, Key] = {}


class CandidateDetails(_Part):
    """A combination of Params that a tuning tried.

    Attributes:
        params: Param → value.
        metrics: the metric on each fold; null where it is not defined.
        mean: mean over the folds.
        error: why the candidate could not be fitted.
    """

    params: Mapping[str, Any]
    metrics: tuple[float | None, ...] = ()
    mean: float | None = None
    error: str | None = None


class WinnerDetails(CandidateDetails):
    """The best candidate of a tuning.

    Attributes:
        candidate: its index among all candidates.
    """

    candidate: int


class TuningDetails(Details):
    """Details of a tuning.

    Attributes:
        metric: the metric that decides.
        larger_is_better: whether a larger value of it is better.
        rows: number of training rows.
        winner: the best candidate.
        candidates: all candidates, in the order of the grid.
    """

    metric: str
    larger_is_better: bool
    rows: int
    winner: WinnerDetails
    candidates: tuple[CandidateDetails, ...]


class ModelTuning(TuningDetails):
    """The tuning that chose a model's Params.

    Attributes:
        date: partition date of the tuning.
        key: its key.
    """

    date: dt.date
    key: Key


class Reproducibility(_Part):
    """The settings that make a fit reproducible.

    Attributes:
        partitions: number of Spark partitions of the fit.
        declared: whether the pipeline declares that number.
        mode: `exact` or `parallel`; written by an earlier release.
    """

    partitions: int | None = None
    declared: bool = False
    mode: str | None = None


class RawDetails(_Part):
    """Whether a twin computes the SQL of `preprocess`, so that it accepts raw rows.

    Attributes:
        reason: why the twin accepts only the columns after `preprocess`; empty when it accepts raw rows.
        columns: column that the model reads → why only Spark computes it.
    """

    reason: str = ""
    columns: Mapping[str, str] = {}


class TwinDetails(_Part):
    """A model's twin, which evaluates the model without Spark.

    Attributes:
        reason: why Spark serves the model; empty when the twin does.
        apart: largest difference between the twin and Spark on the golden batch, relative to the largest
            number of the vector.
        raw: support for raw rows; null in manifests of releases whose twins did not accept them.
    """

    reason: str = ""
    apart: float = 0.0
    raw: RawDetails | None = None


class ModelDetails(Details):
    """Details of a fitted model.

    Attributes:
        task: the task, such as `classification`.
        digest: digest of the fitted parameters; null in manifests of releases that did not keep it.
        arithmetic: how the JVM computes; null likewise.
        reproducibility: the settings that make the fit reproducible.
        rows: `train`: number of training rows.
        labels: `min` and `max` of the labels.
        params: every Param of every stage, as `0.Imputer.strategy` → value.
        columns: columns that the stages read.
        requirements: the packages that the model needs, pinned.
        snapshots: date → key of the snapshot that the training rows come from.
        tuning: the tuning that chose the Params, if there was one.
        importances: importance of each feature; null when the model has none, or in manifests of releases
            that did not keep them.
        twin: the model's twin; null in manifests of releases without twins.
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
    """Comparison of a model's twin with Spark on the holdout.

    Attributes:
        rows: number of compared rows; all of them, unless one differs.
        columns: compared columns.
        apart: largest difference from Spark, relative to the largest number of the vector.
        differs: the first row that differs, and how; empty when none does.
        stage: class of the stage that causes the difference, if it was found.
    """

    rows: int
    columns: tuple[str, ...]
    apart: float
    differs: str = ""
    stage: str = ""


class RawParityDetails(_Part):
    """Comparison of the features that a twin computes from raw rows with the stored features.

    Attributes:
        rows: number of compared raw rows.
        differs: the first row that differs, and in which column; empty when none does.
    """

    rows: int
    differs: str = ""


class DecisionDetails(_Part):
    """The decision of the gates.

    Attributes:
        promote: whether the model may be promoted.
        reasons: the reasons, one line for each.
    """

    promote: bool
    reasons: tuple[str, ...]


class OverlapDetails(_Part):
    """Holdout rows that are also training rows.

    Attributes:
        rows: number of such rows.
        share: their share of the holdout.
        dates: holdout date → training date with the same rows.
    """

    rows: int = 0
    share: float = 0.0
    dates: Mapping[dt.date, dt.date] = {}


class IntervalsDetails(_Part):
    """Where the metrics of a holdout lie, were it drawn again.

    Attributes:
        confidence: of each interval; None where none was looked for.
        method: how they were found, in words.
        metrics: name → `low` and `high`.
    """

    confidence: float | None = None
    method: str = ""
    metrics: Mapping[str, Mapping[str, float | None]] = {}


class SliceDetails(_Part):
    """Of the rows of a holdout that have one value in a column.

    Attributes:
        column: of the feature rows.
        value: as text; None is null.
        others: whether it is all values beyond the leading ones together; `value` is None then.
        rows: how many there are.
        metrics: name → value; None where these rows do not define it.
        interval: `low` and `high` of the deciding metric, where it has one.
    """

    column: str
    value: str | None
    others: bool = False
    rows: int
    metrics: Mapping[str, float | None]
    interval: Mapping[str, float | None] | None = None


class EvaluationDetails(Details):
    """Details of the evaluation of a model on its holdout.

    Attributes:
        model: key of the model.
        rows: number of training (`train`) and holdout (`test`) rows.
        weight: the column with the weight of a row; null when all rows count alike.
        metrics: metric → value; null where it is not defined.
        intervals: `confidence`, `method`, and `low` and `high` of each metric.
        baseline: the model that it is compared with, and that model's metrics on the same rows; null without
            one.
        details: results of the task that are not single numbers, such as a confusion matrix.
        slices: the same metrics on parts of the holdout, the worst first.
        gates: each applicable gate, its value, and whether it passed.
        guess: the metrics of a constant guess on the same rows, with `how` and `metrics`; null where there is
            none.
        inapplicable: gate that does not apply → the reason; empty in manifests of releases that did not keep
            it.
        decision: the decision of the gates.
        overlap: holdout rows that are also training rows; null in manifests of releases that did not count
            them.
        absent: date of the window → why none of its rows is used; null in manifests of releases that did not
            keep it.
        twin: comparison of the twin with Spark; null for a model that Spark serves.
        raw: comparison of the twin's features; null for a model whose twin does not accept raw rows.
    """

    model: Key
    rows: Mapping[str, int]
    weight: str | None = None
    metrics: Mapping[str, float | None]
    intervals: IntervalsDetails | None = None
    baseline: Mapping[str, Any] | None = None
    details: Mapping[str, Any]
    slices: tuple[SliceDetails, ...] = ()
    gates: tuple[Mapping[str, Any], ...]
    guess: Mapping[str, Any] | None = None
    inapplicable: Mapping[str, str] = {}
    decision: DecisionDetails
    overlap: OverlapDetails | None = None
    absent: Mapping[dt.date, str] | None = None
    twin: ParityDetails | None = None
    raw: RawParityDetails | None = None

    @property
    def metric_intervals(self) -> Mapping[str, Mapping[str, float | None]]:
        """Metric → `low` and `high`, of those that have an interval."""
        return {} if self.intervals is None else self.intervals.metrics


class PredictionsDetails(Details):
    """Details of a date's predictions.

    Attributes:
        model: key of the model that made the predictions.
        model_date: its partition date.
        version: its registered version.
        rows: number of rows that were `given`, `scored` and `rejected`.
        rejected: reason → number of rejected rows.
    """

    model: Key
    model_date: dt.date
    version: int
    rows: Mapping[str, int]
    rejected: Mapping[str, int]


class LabelCounts(_Part):
    """How a date's predictions were matched with their labels.

    Each prediction is counted once: in `measured`, or in the first of the other counts that applies.

    Attributes:
        predictions: number of predictions.
        said_twice: predictions that share their row key with another prediction.
        without_row: predictions whose row key no longer has a row.
        of_several_rows: predictions whose row key has several rows, so that the label is ambiguous.
        unlabelled: predictions whose row has no label.
        excluded: predictions whose row has a label that training may not use.
        measured: predictions that count in the metrics.
        unscored: rows of the date without a prediction.
        came: labels that are new since the previous measurement.
        changed: labels that changed since then.
        withdrawn: labels that were removed since then.
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
    """Quality of a model on the rows of a date, with its results on its own holdout.

    Attributes:
        date: partition date of the model.
        version: its registered version.
        holdout: metric → value at promotion; empty when its evaluation is gone.
        holdout_intervals: metric → `low` and `high` of that value.
        found: its evaluation on the date, with the decision that its gates would make.
    """

    date: dt.date
    version: int
    holdout: Mapping[str, float | None] = {}
    holdout_intervals: Mapping[str, Mapping[str, float | None]] = {}
    found: EvaluationDetails


class QualityDetails(Details):
    """Details of the quality of a date's predictions.

    Attributes:
        metric: the metric that decides.
        larger_is_better: whether a larger value of it is better.
        counts: how the predictions were matched with labels.
        predicted: quality of the model that made the predictions; null when no row could be measured.
        serving: quality, on the same rows, of the champion at the time of measurement; null when it is the
            same model, when there was none, or when `incomparable` gives a reason.
        incomparable: why that champion has no metrics; empty when it has, or is the same model.
    """

    metric: str
    larger_is_better: bool
    counts: LabelCounts
    predicted: QualityOfModel | None = None
    serving: QualityOfModel | None = None
    incomparable: str = ""


class DriftedColumn(_Part):
    """A column that drifted.

    Attributes:
        rows: kind of its rows: `snapshot`, `join.<name>`, `features` or `predictions`.
        column: its name.
        told: the measure that exceeds its bound by most, in words.
        dates: watched dates on which it drifted, this one included, oldest first.
        alarm: whether these dates are enough for an alarm.
    """

    rows: str
    column: str
    told: str
    dates: tuple[dt.date, ...]
    alarm: bool = False


class MonitorDetails(Details):
    """Details of the drift of a date's rows.

    Attributes:
        state: `calm`, `warn` (a column drifted), `alarm` (a column drifted on enough dates), or `unknown`
            (nothing could be compared).
        against: what the date is compared with.
        model: key of the model whose training rows are the reference; null with another reference.
        model_date: its partition date.
        watched: the dates that count for the alarm, oldest first.
        drifted: the columns that drifted, the worst first.
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
