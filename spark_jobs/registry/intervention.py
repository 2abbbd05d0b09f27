"""What a person decides about who serves: to go back to a version, or to force one in spite of its gates."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, Protocol

from spark_jobs.errors import ModelRefused, SpecError, StoreError
from spark_jobs.registry import ledger
from spark_jobs.registry.timeline import line_of_champions
from spark_jobs.spec.names import list_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spark_jobs.registry.ledger import Entry
    from spark_jobs.registry.loadability import Loaded
    from spark_jobs.registry.tracking import Version
    from spark_jobs.store import Artifact, Store


class Registry(Protocol):
    """The registered versions and who serves; `Tracking` is one."""

    def versions(self, pipeline: str) -> tuple[Version, ...]:
        """Every registered version, oldest first."""

    def champion(self, pipeline: str) -> Version | None:
        """The version that serves; None when there is none."""

    def set_champion(self, pipeline: str, version: int) -> None:
        """Makes a version the one that serves."""


@dataclass(frozen=True)
class Intervention:
    """A decision of a person, to be carried out.

    Attributes:
        action: what the ledger is to call it.
        target: the version that is to serve.
        model: its model.
        evaluation_key: what was known of it.
        champion: who served when it was decided.
        reasons: what spoke for and against it.
        why: what the person says.
    """

    action: Literal["forced", "rolled_back"]
    target: Version
    model: Artifact
    evaluation_key: str
    champion: Version | None
    reasons: tuple[str, ...]
    why: str


def rollback(store: Store, tracking: Registry, *, to: int | None, why: str) -> Intervention:
    """Goes back to a version that served before.

    Args:
        store: the pipeline's, with its ledger.
        tracking: where its versions are.
        to: the version; None for the one that served before the present champion.
        why: what the ledger is to say.

    Raises:
        SpecError: there is no such version to go back to, or no reason is given.
        StoreError: its files are gone.
        TrackingError: MLflow cannot be reached.
    """
    entries = ledger.read(store.ledger_path)
    champion = tracking.champion(store.pipeline)
    served = {entry.version: entry for entry in entries if entry.moves}
    if to is None:
        to = _before(store, entries, champion)
    if to not in served:
        raise SpecError(
            f"version {to} of {store.pipeline} never served",
            expected=f"one of those that did: {list_names([str(each) for each in served]) or 'none yet'}",
            fix=f"To have it serve nonetheless: vintage promote {store.pipeline} --version {to} --force",
        )
    target = _version(store, tracking, to)
    return Intervention(
        action="rolled_back",
        target=target,
        model=_model(store, target),
        evaluation_key=served[to].evaluation_key,
        champion=champion,
        reasons=(f"back from version {champion.version} of {champion.date}",) if champion else (),
        why=_said(why),
    )


def force(
    store: Store, tracking: Registry, *, target: Version, evaluation: Artifact, mode: str, why: str
) -> Intervention:
    """Has an evaluated model serve, whatever its gates, the spec or a later champion say.

    Args:
        store: the pipeline's, with its ledger.
        tracking: where its versions are.
        target: the registered model.
        evaluation: what was measured of it.
        mode: the spec's `promote`.
        why: what the ledger is to say.

    Raises:
        SpecError: no reason is given.
        StoreError: its files are gone.
        TrackingError: MLflow cannot be reached.
    """
    champion = tracking.champion(store.pipeline)
    reasons = list(evaluation.manifest.details["decision"]["reasons"])
    if mode == "never":
        reasons.append("the spec says promote: never")
    if champion is not None and champion.version != target.version and champion.date >= target.date:
        reasons.append(f"version {champion.version} of {champion.date} served: {target.date} is not later")
    return Intervention(
        action="forced",
        target=target,
        model=_model(store, target),
        evaluation_key=evaluation.key,
        champion=champion,
        reasons=tuple(reasons),
        why=_said(why),
    )


def carry_out(
    store: Store, tracking: Registry, wanted: Intervention, loads: Callable[[Intervention], Loaded]
) -> Entry:
    """Loads the target, makes it the champion and records it; what was carried out before is only found.

    Raises:
        ModelRefused: the target does not load, or gives something else; nothing has changed.
        StoreError: the champion is another one by now, or the ledger cannot be written.
        TrackingError: MLflow cannot be reached.
    """
    target, champion = wanted.target, wanted.champion
    serves = champion is not None and champion.version == target.version
    last = next((entry for entry in reversed(ledger.read(store.ledger_path)) if entry.moves), None)
    if serves and last is not None and last.version == target.version:
        return last
    loaded = loads(wanted)
    if loaded.problems:
        raise ModelRefused(
            f"version {target.version} of {store.pipeline} for {target.date} cannot serve",
            found="; ".join(loaded.problems),
            fix="The champion stays. Choose another version, or run its date again.",
        )
    with ledger.one_decision_at_a_time(store.ledger_path):
        now = tracking.champion(store.pipeline)
        if (now.version if now else None) != (champion.version if champion else None):
            raise StoreError(
                f"{store.pipeline} has another champion by now",
                expected=_named(champion),
                found=_named(now),
                fix="Look at `vintage history`, and say it again if it still holds.",
            )
        if not serves:
            tracking.set_champion(store.pipeline, target.version)
        entry = ledger.Entry(
            action=wanted.action,
            pipeline=store.pipeline,
            date=target.date,
            model_key=target.key,
            evaluation_key=wanted.evaluation_key,
            version=target.version,
            champion_before=last.version if serves and last else (now.version if now else None),
            reasons=(*wanted.reasons, *loaded.reasons),
            why=wanted.why,
            by=os_user(),
        )
        ledger.append(store.ledger_path, entry)
    return entry


def version_of(store: Store, tracking: Registry, number: int) -> tuple[Version, Artifact]:
    """A registered version, and the evaluation that was decided on last, or that stands for its date.

    Raises:
        SpecError: there is no such version.
        StoreError: it was not evaluated, or that is gone.
    """
    found = _version(store, tracking, number)
    day = date.fromisoformat(found.date)
    decided = [entry for entry in ledger.read(store.ledger_path) if entry.model_key == found.key]
    evaluation = (
        store.find("evaluation", day, decided[-1].evaluation_key)
        if decided
        else store.current("evaluation", day)
    )
    if evaluation is None or evaluation.manifest.details["model"] != found.key:
        raise StoreError(
            f"version {number} of {store.pipeline} has no evaluation", fix=f"Run {found.date} again."
        )
    return found, evaluation


def evaluated(store: Store, day: date) -> tuple[Artifact, Artifact]:
    """The evaluation that stands for a date, and its model.

    Raises:
        StoreError: there is none, or the model is gone.
    """
    evaluation = store.current("evaluation", day)
    if evaluation is None:
        raise StoreError(f"{store.pipeline} has no evaluated model for {day}", fix="Run the date first.")
    key = str(evaluation.manifest.details["model"])
    model = store.find("model", day, key)
    if model is None:
        raise StoreError(f"model {key[:12]} of {store.pipeline} for {day} is gone", fix="Run the date again.")
    return evaluation, model


def _before(store: Store, entries: Sequence[Entry], champion: Version | None) -> int:
    line = line_of_champions(entries)
    if champion is None or not line:
        raise SpecError(f"{store.pipeline} has no champion to go back from", fix="Run a date first.")
    if champion.version != line[-1].version:
        raise SpecError(
            f"MLflow's champion of {store.pipeline} is version {champion.version}, and the ledger's is "
            f"version {line[-1].version}: the alias was moved by hand",
            fix="Say with --to which version is to serve.",
        )
    if len(line) == 1:
        raise SpecError(
            f"no version of {store.pipeline} served before version {champion.version}",
            fix="Have another one serve with `vintage promote --force`.",
        )
    return line[-2].version


def _version(store: Store, tracking: Registry, number: int) -> Version:
    known = {each.version: each for each in tracking.versions(store.pipeline)}
    if number not in known or not known[number].key:
        ours = [str(each.version) for each in known.values() if each.key]
        raise SpecError(
            f"{store.pipeline} has no version {number} that Vintage registered",
            expected=f"one of {list_names(ours)}" if ours else "a registered version",
        )
    return known[number]


def _model(store: Store, version: Version) -> Artifact:
    found = store.find("model", date.fromisoformat(version.date), version.key)
    if found is None:
        raise StoreError(
            f"the files of version {version.version} of {store.pipeline} are gone",
            expected=f"model {version.key[:12]} of {version.date} in {store.folder}",
            fix=f"Bring the folder back, or run {version.date} again and promote what that makes.",
        )
    return found


def _said(why: str) -> str:
    if not why.strip():
        raise SpecError("a reason is wanted", expected='--why "what speaks for it"', found="an empty one")
    return " ".join(why.split())


def _named(version: Version | None) -> str:
    return f"version {version.version} of {version.date}" if version else "none"


def os_user() -> str:
    """The name of who gives the command, in the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return str(os.getuid())
