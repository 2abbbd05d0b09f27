"""What changed between two models, from the manifests alone: data, spec, Params, code, engines, metrics."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

# pydantic reads the fields' types when the module is loaded.
from vintage.lineage.changed_data import DataSection, compare_data
from vintage.lineage.changed_metrics import MetricsSection, compare_metrics
from vintage.lineage.changes import Change, Section, changes, section
from vintage.lineage.declared import declared_spec, named_params
from vintage.store import Key
from vintage.store.details import EvaluationDetails, FeaturesDetails, ModelDetails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.lineage.graph import Lineage
    from vintage.registry.ledger import Entry
    from vintage.store import Artifact

COMMIT: Final = "git commit"
CLEAN: Final = "git tree clean"


class Side(BaseModel):
    """One of the two models.

    Attributes:
        date: its partition date.
        model, evaluation: keys; no evaluation where it was not evaluated.
        made: when the model was.
        version, action: its version in the registry, and what became of it; None before that is decided.
    """

    model_config = ConfigDict(frozen=True)

    date: dt.date
    model: Key
    evaluation: Key | None
    made: dt.datetime
    version: int | None
    action: str | None


class Difference(BaseModel):
    """What changed from an old model to a new one, part by part; each part says whether it is the same.

    Attributes:
        changed: the parts that are not the same, in the order in which they are reported.
        data: the raw rows.
        rows: how many rows were trained on and tested on, and how many of them share their key.
        spec: what the pipeline's file says, by path; a class that occurs twice is `StringIndexer[1]`.
        params: every Param of every stage as it was used, set or default.
        tuning: which Params were chosen, when and by what.
        code: digests of the source by what it makes, of user code, and the git commit; another commit
            of the same source is the same code.
        engines: what the code ran on, as far as it is part of the keys.
        packages: versions that are recorded beside them, and the digest of the lock file.
        conf: Spark's settings.
        seed: of all that is drawn.
        model: a digest of the fitted model itself, where it is recorded, and of what it predicts.
        metrics: on each model's own holdout.
        gates: which passed.
        decision: whether the model was let through, what it was compared with and what became of it; the
            reasons where one was let through and the other was not.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    old: Side
    new: Side
    changed: tuple[str, ...]
    data: DataSection
    rows: Section
    spec: Section
    params: Section
    tuning: Section
    code: Section
    engines: Section
    packages: Section
    conf: Section
    seed: Section
    model: Section
    metrics: MetricsSection
    gates: Section
    decision: Section


def difference_of(pipeline: str, old: Lineage, new: Lineage, decisions: Sequence[Entry] = ()) -> Difference:
    """Return what changed from one model to another.

    Args:
        pipeline: its name.
        old, new: the models and what they were made from.
        decisions: the ledger's lines, oldest first.
    """
    one, other = old.model.manifest, new.model.manifest
    parts: dict[str, Any] = {
        "data": compare_data(old, new),
        "rows": section(_rows(old), _rows(new)),
        "spec": section(declared_spec(old), declared_spec(new)),
        "params": section(named_params(old), named_params(new)),
        "tuning": section(_tuning(old), _tuning(new)),
        "code": _code(old, new),
        "engines": section(_engines(old), _engines(new)),
        "packages": section(_packages(old.model), _packages(new.model)),
        "conf": section(one.spark_conf, other.spark_conf),
        "seed": section({"seed": one.seed}, {"seed": other.seed}),
        "model": section(_made(old), _made(new)),
        "metrics": compare_metrics(old, new),
        "gates": section(_gates(old), _gates(new)),
        "decision": _decided(old, new, decisions),
    }
    return Difference(
        pipeline=pipeline,
        old=_side(old, decisions),
        new=_side(new, decisions),
        changed=tuple(name for name, part in parts.items() if not part.same),
        **parts,
    )


def _side(lineage: Lineage, decisions: Sequence[Entry]) -> Side:
    entry = _entry(lineage, decisions)
    return Side(
        date=lineage.model.date,
        model=lineage.model.key,
        evaluation=lineage.evaluation.key if lineage.evaluation else None,
        made=lineage.model.manifest.finished,
        version=entry.version if entry else None,
        action=entry.action if entry else None,
    )


def _entry(lineage: Lineage, decisions: Sequence[Entry]) -> Entry | None:
    """Return the last decision on the model, that on its evaluation before others."""
    about = [each for each in decisions if each.model_key == lineage.model.key]
    key = lineage.evaluation.key if lineage.evaluation else ""
    exact = [each for each in about if each.evaluation_key == key]
    return next(iter((exact or about)[::-1]), None)


def _rows(lineage: Lineage) -> dict[str, Any]:
    model = ModelDetails.of(lineage.model).rows
    rows = dict(EvaluationDetails.of(lineage.evaluation).rows if lineage.evaluation else model)
    repeated = sum(FeaturesDetails.of(part).rows_of_repeated_keys for part in lineage.window.values())
    return rows | {"of repeated keys": repeated}


def _tuning(lineage: Lineage) -> dict[str, Any]:
    tuned = ModelDetails.of(lineage.model).tuning
    if tuned is None:
        return {}
    return {
        "date": str(tuned.date),
        "key": tuned.key,
        "metric": tuned.metric,
        "candidates": len(tuned.candidates),
        "winner": tuned.winner.params,
        "mean": tuned.candidates[tuned.winner.candidate].mean,
    }


def _code(old: Lineage, new: Lineage) -> Section:
    """Digests by kind and the commit; the same where all digests are."""
    digests = changes(_digests(old), _digests(new))
    return Section(same=not digests, changes=(*digests, *changes(_git(old.model), _git(new.model))))


def _digests(lineage: Lineage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for artifact in _newest(lineage):
        ingredients = artifact.manifest.ingredients
        found[f"of {ingredients.kind}"] = ingredients.code
        for name, digest in ingredients.spec.get("own_code", {}).items():
            found[f"own {name} of {ingredients.kind}"] = digest
    return found


def _git(artifact: Artifact) -> dict[str, Any]:
    git = artifact.manifest.git
    return {COMMIT: git.get("commit"), CLEAN: git.get("clean")}


def _newest(lineage: Lineage) -> list[Artifact]:
    """One artifact of each kind: the latest date's, which was made last."""
    dated = (lineage.snapshots, lineage.window)
    found = [artifacts[max(artifacts)] for artifacts in dated if artifacts]
    made = (lineage.tuning, lineage.model, lineage.evaluation)
    return [*found, *(each for each in made if each is not None)]


def _engines(lineage: Lineage) -> dict[str, str]:
    found: dict[str, str] = {}
    for artifact in _newest(lineage):
        found |= artifact.manifest.ingredients.engines
    return found


def _packages(model: Artifact) -> dict[str, Any]:
    return {**model.manifest.packages, "lock": model.manifest.lock}


def _made(lineage: Lineage) -> dict[str, Any]:
    digest = ModelDetails.of(lineage.model).digest
    found = {} if digest is None else {"digest": digest}
    if lineage.evaluation is not None and lineage.evaluation.manifest.rows is not None:
        found["predictions"] = lineage.evaluation.manifest.rows.fingerprint
    return found


def _gates(lineage: Lineage) -> dict[str, str]:
    gates = EvaluationDetails.of(lineage.evaluation).gates if lineage.evaluation else ()
    return {str(gate["gate"]): "passed" if gate["passed"] else "failed" for gate in gates}


def _decided(old: Lineage, new: Lineage, decisions: Sequence[Entry]) -> Section:
    """Reasons hold the values of metrics, which always differ: they are reported where the verdict does."""
    before, after = _decision(old, decisions), _decision(new, decisions)
    if before.get("gates") == after.get("gates"):
        before, after = ({**side, "reasons": None} for side in (before, after))
    return section(before, after)


def _decision(lineage: Lineage, decisions: Sequence[Entry]) -> dict[str, Any]:
    if lineage.evaluation is None:
        return {}
    details, entry = EvaluationDetails.of(lineage.evaluation), _entry(lineage, decisions)
    before = details.baseline
    return {
        "gates": "let it through" if details.decision.promote else "refused it",
        "reasons": list(details.decision.reasons),
        "held against": None if before is None else f"the model of {before['date']}",
        "became": entry.action.replace("_", " ") if entry else "not decided",
    }


__all__ = ["Change", "Difference", "Section", "Side", "difference_of"]
