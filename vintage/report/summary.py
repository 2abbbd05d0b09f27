"""The summary of one date's run, followed from its evaluation back to the raw rows through the manifests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from vintage.lineage.graph import current_evaluation, lineage_of

# pydantic reads the fields' types when the module is loaded.
from vintage.registry.ledger import Entry
from vintage.registry.served_by import served_by
from vintage.report.partitions import Partition, partitions_of
from vintage.report.predictions import Scored, scored_of
from vintage.spec import SOURCE_VIEW
from vintage.store import Key
from vintage.store.details import (
    DecisionDetails,
    EvaluationDetails,
    FeaturesDetails,
    IntervalsDetails,
    LabelDetails,
    ModelDetails,
    ModelTuning,
    OverlapDetails,
    Reproducibility,
    SliceDetails,
)
from vintage.store.steps import JOINED

if TYPE_CHECKING:
    from vintage.store import Artifact, Store


_WEIGHTED: Final = {
    "precision": "weightedPrecision",
    "recall": "weightedRecall",
    "f1": "weightedFMeasure",
}


class Tracked(BaseModel):
    """Where MLflow has the model: its run, and its version in the registry once it is registered."""

    model_config = ConfigDict(frozen=True)

    run_id: str | None
    version: int | None


class Champion(BaseModel):
    """The version that serves, with the partition date and key of its model."""

    model_config = ConfigDict(frozen=True)

    version: int
    date: str
    key: Key


class Summary(BaseModel):
    """What a run made and what was decided.

    Attributes:
        window: dates whose rows were used, oldest first.
        absent: date of the window → why none of its rows was used, oldest first.
        rows: how many rows the model learned from and was tested on.
        keys: kind → key of what is current for the run's date.
        lineage: kind → date → key of everything the model and its evaluation were made from; a joined
            source's snapshots are `join.<name>`.
        fingerprints: date → content fingerprint of the raw rows.
        joined_fingerprints: joined source → date → that of the rows which the date's were joined with.
        metrics: name → value on the holdout; None where it is not defined.
        baseline: date, key and metrics, on the same rows, of the champion that the model was compared with;
            None where no gate asks for it or there was none.
        inapplicable: gate that does not apply → why.
        guess: what guessing gives on the same rows, as `evaluation.json` has it; None without a guess.
        labels: date of the window → its labels, where its features kept them.
        task: what kind of model it is.
        details: what the task's evaluation tells beside numbers, as `evaluation.json` has it.
        tuning: where Params were tuned, on which date, by which metric, the winner and all candidates.
        seconds: step → how long it took.
        metric: the one that decides.
        weight: the column that tells how much a holdout row counts; None where they count alike.
        relevant: which rows of the holdout are right to recommend; None where all are.
        intervals: of metrics that have one, as `evaluation.json` has them.
        slices: the same metrics of parts of the holdout, the worst first.
        partitions: the raw rows by source and date.
        stages: as declared, with the Params that the run set or a tuning chose: `type`, `params`.
        made_with: seed, engines and digest of the locked packages.
        model_digest: the canonical digest of what the model holds; empty for one made before it was kept.
        reproducibility: on how many `partitions` it was fitted, and whether that was `declared`; empty for
            a model made before it was kept.
        evaluated: when the evaluation was made.
        key: the columns that identify a row of a date.
        repeated_keys: date → how many of its rows share their key with another, if any do.
        overlap: what the holdout shares with the training rows, `rows`, `share` and `dates`; empty for an
            evaluation made before it was counted.
        action: what the ledger says became of it; None while nothing was decided.
        decided: the ledger's last line about this evaluation.
        scored: the date's current predictions, by whatever version; None where there are none.
        served_by: what evaluates the model where it serves, its twin or Spark, and why.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    date: dt.date
    window: tuple[dt.date, ...]
    absent: Mapping[dt.date, str] = Field(default_factory=dict)
    rows: Mapping[str, int]
    keys: Mapping[str, Key]
    lineage: Mapping[str, Mapping[dt.date, Key]]
    fingerprints: Mapping[dt.date, str]
    joined_fingerprints: Mapping[str, Mapping[dt.date, str]] = Field(default_factory=dict)
    metrics: Mapping[str, float | None]
    baseline: Mapping[str, Any] | None = None
    task: str
    details: Mapping[str, Any]
    confusion_matrix: Mapping[str, Any] | None
    gates: tuple[Mapping[str, Any], ...]
    inapplicable: Mapping[str, str] = Field(default_factory=dict)
    guess: Mapping[str, Any] | None = None
    labels: Mapping[dt.date, LabelDetails] = Field(default_factory=dict)
    decision: DecisionDetails
    action: str | None
    decided: Entry | None = None
    params: Mapping[str, str]
    tuning: ModelTuning | None
    git: Mapping[str, str | bool | None]
    mlflow: Tracked
    champion: Champion | None
    seconds: Mapping[str, float]
    metric: str = ""
    weight: str | None = None
    relevant: str | None = None
    intervals: IntervalsDetails | None = None
    slices: tuple[SliceDetails, ...] = ()
    partitions: tuple[Partition, ...] = ()
    stages: tuple[Mapping[str, Any], ...] = ()
    made_with: Mapping[str, str] = Field(default_factory=dict)
    model_digest: str = ""
    reproducibility: Reproducibility = Reproducibility()
    evaluated: dt.datetime | None = None
    key: tuple[str, ...] = ()
    repeated_keys: Mapping[dt.date, int] = Field(default_factory=dict)
    overlap: OverlapDetails = OverlapDetails()
    scored: Scored | None = None
    served_by: str = ""

    @property
    def metric_intervals(self) -> Mapping[str, Mapping[str, float | None]]:
        """Metric → `low` and `high`, of those that have an interval."""
        return {} if self.intervals is None else self.intervals.metrics

    @property
    def how_exact(self) -> str:
        """Whether the model is the same when it is reproduced, and who decided that; empty if not known."""
        if self.reproducibility.mode == "parallel":
            return "fitted in parallel by an earlier version, which promised no bits"
        number, declared = self.reproducibility.partitions, self.reproducibility.declared
        if number is None:
            return ""
        parts = f"{number} partition{'s' if number != 1 else ''}"
        why = "as declared" if declared else "as the number of rows says"
        return f"made again it is the same to the last bit; fitted on {parts}, {why}"

    @property
    def absent_dates(self) -> Mapping[str, tuple[dt.date, ...]]:
        """Why dates of the window are left out → those dates, oldest first."""
        found: dict[str, list[dt.date]] = {}
        for day, why in sorted(self.absent.items()):
            found.setdefault(why, []).append(day)
        return {why: tuple(days) for why, days in sorted(found.items())}

    @property
    def undated_warning(self) -> str:
        """How many rows of deliveries have no day, of each source the most of any date; empty where none."""
        most: dict[str, int] = {}
        for part in self.partitions:
            most[part.source] = max(most.get(part.source, 0), part.undated)
        told = ", ".join(f"{count:,} rows of {source}" for source, count in most.items() if count)
        return told and f"{told} have no day and belong to no date"

    @property
    def key_warning(self) -> str:
        """That rows share their key, and what to do; empty where none do."""
        if not self.repeated_keys:
            return ""
        days = sorted(self.repeated_keys)
        on = str(days[0]) if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"
        rows = f"{sum(self.repeated_keys.values())} rows of {on}"
        return (
            f"{rows} share their key ({', '.join(self.key)}) with another: "
            "add to preprocess.key what tells them apart, or have the SQL give one row for each"
        )

    @property
    def overlap_warning(self) -> str:
        """That holdout rows stand in the training rows; empty where none do."""
        if not self.overlap.rows:
            return ""
        return f"{self.overlap.rows} holdout rows ({self.overlap.share:.2%}) are training rows too"


def summarise(store: Store, day: dt.date | None, *, version: int | None = None) -> Summary:
    """Return the summary of a date's current evaluation.

    Args:
        store: the pipeline's store.
        day: the partition date; None takes the latest that was evaluated.
        version: the model's version, if it is known.

    Raises:
        StoreError: nothing was evaluated for that date, or an artifact on the way back is gone.
    """
    return summary_of(store, current_evaluation(store, day), version=version)


def summary_of(store: Store, evaluation: Artifact, *, version: int | None = None) -> Summary:
    """Return the summary of an evaluation, whether or not it is its date's current one.

    Raises:
        StoreError: an artifact on the way back is gone.
    """
    own, details = evaluation.date, EvaluationDetails.of(evaluation)
    found = lineage_of(store, evaluation)
    model, features, snapshots, joined = found.model, found.window, found.snapshots, found.joined
    fitted = ModelDetails.of(model)
    declared = evaluation.manifest.ingredients.spec.get("evaluate", {})
    validations = {day: FeaturesDetails.of(part).validation[SOURCE_VIEW] for day, part in features.items()}
    lineage: dict[str, dict[dt.date, Key]] = {
        "snapshot": {day: part.key for day, part in snapshots.items()},
        "validation": validations,
        "features": {day: part.key for day, part in features.items()},
        "model": {own: model.key},
        "evaluation": {own: evaluation.key},
    }
    lineage |= {
        JOINED + name: {day: part.key for day, part in dated.items()} for name, dated in joined.items()
    }
    tuned = () if found.tuning is None else (found.tuning,)
    if found.tuning is not None:
        lineage["tuning"] = {found.tuning.date: found.tuning.key}
    scored = store.current("predictions", own)
    made = (snapshots[own], features[own], *tuned, model, evaluation)
    return Summary(
        pipeline=store.pipeline,
        date=own,
        window=tuple(sorted(features)),
        absent=_between(features) if details.absent is None else details.absent,
        rows=details.rows,
        # A tuning may be of an earlier date, and is the only one.
        keys={kind: keys.get(own) or keys[max(keys)] for kind, keys in lineage.items()},
        lineage={kind: dict(sorted(keys.items())) for kind, keys in lineage.items()},
        fingerprints={
            day: part.manifest.rows.fingerprint
            for day, part in sorted(snapshots.items())
            if part.manifest.rows
        },
        joined_fingerprints={
            name: {day: part.manifest.rows.fingerprint for day, part in dated.items() if part.manifest.rows}
            for name, dated in joined.items()
        },
        metrics=details.metrics,
        baseline=details.baseline,
        task=fitted.task,
        details=details.details,
        confusion_matrix=details.details.get("confusion_matrix"),
        gates=details.gates,
        inapplicable=details.inapplicable,
        guess=details.guess,
        labels={
            day: labels
            for day, part in sorted(features.items())
            if (labels := FeaturesDetails.of(part).labels) is not None
        },
        decision=details.decision,
        action=None,
        params=fitted.params,
        tuning=fitted.tuning,
        git=model.manifest.git,
        mlflow=Tracked(run_id=model.manifest.mlflow_run_id, version=version),
        champion=None,
        seconds={artifact.manifest.kind: round(artifact.manifest.seconds, 2) for artifact in made},
        metric=str(declared.get("metric", "")),
        weight=details.weight,
        relevant=declared.get("relevant"),
        intervals=details.intervals,
        slices=details.slices,
        partitions=tuple(partitions_of(store, features, snapshots, joined)),
        stages=tuple(model.manifest.ingredients.spec.get("stages", ())),
        made_with=_made_with(model),
        model_digest=fitted.digest or "",
        reproducibility=fitted.reproducibility,
        evaluated=evaluation.manifest.finished,
        key=tuple(model.manifest.ingredients.spec.get("key", ())),
        repeated_keys={
            day: repeated
            for day, part in sorted(features.items())
            if (repeated := FeaturesDetails.of(part).rows_of_repeated_keys)
        },
        overlap=details.overlap or OverlapDetails(),
        scored=None if scored is None else scored_of(scored),
        served_by=str(served_by(fitted, details)),
    )


def metrics_named_twice(summary: Summary) -> list[str]:
    """Return the metrics that are another one where there are more than two classes; not what decides."""
    if len(summary.details.get("classes") or ()) <= 2:  # noqa: PLR2004 - of two, they are of class 1 alone
        return []
    known = summary.metrics.keys()
    return [
        plain if summary.metric == weighted else weighted
        for plain, weighted in _WEIGHTED.items()
        if {plain, weighted} <= known
    ]


def _between(window: Collection[dt.date]) -> dict[dt.date, str]:
    """Return the days without rows between the first and last date, where a manifest has no more."""
    first, last = min(window), max(window)
    days = (first + dt.timedelta(days=step) for step in range((last - first).days))
    return {day: "no raw data" for day in days if day not in window}


def _made_with(model: Artifact) -> dict[str, str]:
    manifest = model.manifest
    lock = {"lock": manifest.lock} if manifest.lock else {}
    return {"seed": str(manifest.seed), **manifest.ingredients.engines, **lock}
