"""Decisions of a person about the champion: roll back to a version, or force one despite its gates."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from vintage.errors import ModelRefused, SpecError, StoreError
from vintage.registry import agreement, ledger
from vintage.registry.agreement import told_version
from vintage.registry.naming import chosen_key, renumbered
from vintage.registry.people import os_user
from vintage.registry.timeline import latest_move, line_of_champions
from vintage.spec.names import list_names
from vintage.store import check_files
from vintage.store.details import EvaluationDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vintage.registry.agreement import Registry, Standing
    from vintage.registry.ledger import Entry
    from vintage.registry.loadability import Loaded
    from vintage.registry.tracking import Registered, Version
    from vintage.store import Artifact, Store


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


def rollback(store: Store, tracking: Registry, *, to: str | None, why: str) -> Intervention:
    """Goes back to a model that served before.

    Args:
        store: the pipeline's, with its ledger.
        tracking: where its versions are.
        to: its key, date or number; None for the one that served before the present champion.
        why: what the ledger is to say.

    Raises:
        SpecError: there is no such model to go back to, or no reason is given.
        StoreError: its files are gone, or ledger and registry contradict each other.
        TrackingError: MLflow cannot be reached.
    """
    now = agreement.standing(store, tracking, by_hand=True)
    champion, past = now.champion, now.ledger.entries
    served = {entry.model_key: entry for entry in past if entry.moves}
    if to is None:
        key = _before(store, now)
    else:
        dates = {each: entry.date for each, entry in served.items()}
        labels = [f"{entry.version} ({each[:8]}, {entry.date})" for each, entry in served.items()]
        none = SpecError(
            f"version {to} of {store.pipeline} never served",
            expected=f"one of those that did: {list_names(labels) or 'none yet'}",
            fix=_by_force(store.pipeline, to, now),
        )
        key = chosen_key(to, dates, past, now.registered, none=none)
    target = now.registered.with_key(key)
    if target is None:
        raise StoreError(
            f"model {key[:12]} of {store.pipeline} for {served[key].date} is no more in MLflow nor the store",
            fix="Bring its folder back from a backup, or choose another.",
        )
    reasons = [f"back from version {champion.version} of {champion.date}"] if champion else []
    return Intervention(
        action="rolled_back",
        target=target,
        model=_model(store, target),
        evaluation_key=served[key].evaluation_key,
        champion=champion,
        reasons=tuple(each for each in (*reasons, renumbered(key, past, now.registered)) if each),
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
        StoreError: its files or those of the evaluation are gone or are others, or ledger and registry
            contradict each other.
        TrackingError: MLflow cannot be reached.
    """
    now = agreement.standing(store, tracking, by_hand=True)
    champion = now.champion
    check_files([evaluation])
    reasons = list(EvaluationDetails.of(evaluation).decision.reasons)
    if mode == "never":
        reasons.append("the pipeline declares promote: never")
    if champion is not None and champion.key != target.key and champion.date >= target.date:
        reasons.append(f"version {champion.version} of {champion.date} served: {target.date} is not later")
    note = renumbered(target.key, now.ledger.entries, now.registered)
    reasons += [note] if note else []
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
    """Load the target, make it the champion and record it; what was carried out before is only found.

    Raises:
        ModelRefused: the target does not load, or gives something else; nothing has changed.
        StoreError: the champion is another one by now, or the ledger cannot be written.
        TrackingError: MLflow cannot be reached.
    """
    target, champion = wanted.target, wanted.champion
    with ledger.one_decision_at_a_time(store.ledger_path):
        before = agreement.standing_to_decide(store, tracking, by_hand=True)
        last = latest_move(before.ledger.entries)
        if last is not None and last.model_key == target.key:
            agreement.remember(store, tracking, before.registered.ledger)
            return last
    loaded = loads(wanted)
    if loaded.problems:
        raise ModelRefused(
            f"version {target.version} of {store.pipeline} for {target.date} cannot serve",
            found="; ".join(loaded.problems),
            fix=f"The champion stays. Choose another version, or run `vintage run {store.pipeline} --date "
            f"{target.date}`.",
        )
    with ledger.one_decision_at_a_time(store.ledger_path):
        now = agreement.standing_to_decide(store, tracking, by_hand=True)
        if (now.champion.key if now.champion else None) != (champion.key if champion else None):
            raise StoreError(
                f"{store.pipeline} has another champion by now",
                expected=told_version(champion) if champion else "none",
                found=told_version(now.champion) if now.champion else "none",
                fix=f"Look at `vintage history {store.pipeline}`, and repeat the command if still needed.",
            )
        entry = ledger.Entry(
            action=wanted.action,
            pipeline=store.pipeline,
            date=target.date,
            model_key=target.key,
            evaluation_key=wanted.evaluation_key,
            version=target.version,
            champion_before=champion.version if champion else None,
            champion_before_key=champion.key if champion else None,
            reasons=(*wanted.reasons, *loaded.reasons),
            why=wanted.why,
            by=os_user(),
        )
        ledger.append(store.ledger_path, entry)
        tracking.set_champion(store.pipeline, target.version)
        agreement.remember(store, tracking, now.registered.ledger)
    return entry


def version_of(store: Store, tracking: Registry, named: str) -> tuple[Version, Artifact]:
    """Return a registered version, and the evaluation that was decided on last, or that stands for its date.

    Args:
        store: the pipeline's, with its ledger.
        tracking: where its versions are.
        named: its key, date or number.

    Raises:
        SpecError: there is no such version, or the number is that of two models.
        StoreError: it was not evaluated, or that is gone; or ledger and registry contradict each other.
    """
    now = agreement.standing(store, tracking, by_hand=True)
    found = registered_version(store.pipeline, named, now.ledger.entries, now.registered)
    day = date.fromisoformat(found.date)
    decided = [entry for entry in now.ledger.entries if entry.model_key == found.key]
    evaluation = (
        store.find("evaluation", day, decided[-1].evaluation_key)
        if decided
        else store.current("evaluation", day)
    )
    if evaluation is None or EvaluationDetails.of(evaluation).model != found.key:
        raise StoreError(
            f"version {found.version} of {store.pipeline} has no evaluation",
            fix=f"Run `vintage run {store.pipeline} --date {found.date}`.",
        )
    return found, evaluation


def registered_version(pipeline: str, named: str, past: Sequence[Entry], registered: Registered) -> Version:
    """Return the version that a person names by its key, date or number.

    Args:
        pipeline: whose.
        named: its key, date or number.
        past: the ledger's lines, oldest first.
        registered: what there is.

    Raises:
        SpecError: there is none, or the number is that of two models.
    """
    ours = {each.key: each for each in reversed(registered.versions) if agreement.is_dated(each)}
    numbers = [str(each.version) for each in reversed(ours.values())]
    none = SpecError(
        f"{pipeline} has no version {named} that Vintage registered",
        expected=f"one of {list_names(numbers)}" if numbers else "a registered version",
    )
    dates = {key: each.date for key, each in ours.items()}
    return ours[chosen_key(named, dates, past, registered, none=none)]


def evaluated(store: Store, day: date) -> tuple[Artifact, Artifact]:
    """Return the evaluation that stands for a date, and its model.

    Raises:
        StoreError: there is none, or the model is gone.
    """
    run = f"Run `vintage run {store.pipeline} --date {day}`."
    evaluation = store.current("evaluation", day)
    if evaluation is None:
        raise StoreError(f"{store.pipeline} has no evaluated model for {day}", fix=run)
    key = EvaluationDetails.of(evaluation).model
    model = store.find("model", day, key)
    if model is None:
        raise StoreError(f"model {key.short} of {store.pipeline} for {day} is gone", fix=run)
    return evaluation, model


def _by_force(pipeline: str, named: str, now: Standing) -> str:
    """Say how a model that never served can; nothing where none is registered under that name."""
    with suppress(SpecError):
        registered_version(pipeline, named, now.ledger.entries, now.registered)
        return (
            f"To have it serve all the same: `vintage promote {pipeline} --version {named} --force --why …`"
        )
    return ""


def _before(store: Store, now: Standing) -> str:
    line = line_of_champions(now.ledger.entries)
    if not line:
        raise SpecError(
            f"{store.pipeline} has no champion to go back from",
            fix=f"Run `vintage run {store.pipeline} --date YYYY-MM-DD`.",
        )
    if len(line) == 1:
        raise SpecError(
            f"no version of {store.pipeline} served before version {line[-1].version}",
            fix=f"`vintage promote {store.pipeline} --version MODEL --force --why …` has another one serve.",
        )
    return line[-2].model_key


def _model(store: Store, version: Version) -> Artifact:
    found = store.find("model", date.fromisoformat(version.date), version.key)
    if found is None:
        raise StoreError(
            f"the files of version {version.version} of {store.pipeline} are gone",
            expected=f"model {version.key[:12]} of {version.date} in {store.folder}",
            fix=f"Bring the folder back, or run `vintage run {store.pipeline} --date {version.date}` "
            "and promote what that makes.",
        )
    return found


def _said(why: str) -> str:
    if not why.strip():
        raise SpecError("a reason is wanted", expected='--why "what speaks for it"', found="an empty one")
    return " ".join(why.split())
