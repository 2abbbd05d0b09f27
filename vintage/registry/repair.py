"""Repairs MLflow's registry from ledger and store: registers missing versions, and moves the alias.

The ledger names the champion, and the store holds the models. What neither has stays as it is.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from vintage.errors import StoreError
from vintage.registry import agreement
from vintage.registry import ledger as ledgers
from vintage.registry.agreement import contradictions, told_head, told_model, told_version
from vintage.registry.copies import copies_of
from vintage.registry.recording import record_model, registered, version_tags
from vintage.registry.timeline import latest_move
from vintage.registry.tracking import MODEL
from vintage.store import check_files

if TYPE_CHECKING:
    from vintage.registry.copies import Copy
    from vintage.registry.ledger import Entry, Ledger
    from vintage.registry.tracking import Registered, Tracking, Version
    from vintage.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Repair:
    """The steps that repair the registry from ledger and store.

    Attributes:
        contradictions: what is wrong, as promotion tells it.
        register: the first line of each model that is to be registered, in the order of their numbers.
        copy: MLflow's copies that are not the store's model.
        redate: the versions whose date is to be corrected, and a line of their model.
        serves: the line of the new champion; None where nobody is.
        alias: what becomes of the alias; empty where it stays.
        head: the head of the ledger that the registry should record; None where it knows.
        lost: whether the registry recorded lines that the ledger does not have.
        remains: what no repair can do; None where all can be done.
    """

    contradictions: tuple[str, ...]
    register: tuple[Entry, ...]
    copy: tuple[Copy, ...]
    redate: tuple[tuple[Version, Entry], ...]
    serves: Entry | None
    alias: str
    head: str | None
    lost: bool
    remains: StoreError | None

    @property
    def steps(self) -> tuple[str, ...]:
        """Each step for a person to read."""
        steps = [
            f"register {told_model(each.model_key, each.date)} from the store (version {each.version} in the "
            "ledger)"
            for each in self.register
        ]
        steps += [
            f"set the date of {told_version(version)}, to {entry.date}" for version, entry in self.redate
        ]
        steps += [
            f"copy {told_version(each.version)}, from the store to MLflow anew: {each.told}"
            for each in self.copy
        ]
        steps += [self.alias] if self.alias else []
        if self.lost:
            steps.append("take the ledger as it is, without the lines that MLflow recorded and that it lacks")
        return tuple(steps)


def repair_of(store: Store, tracking: Tracking) -> Repair:
    """Return what is to be done; see `carry_out`.

    Raises:
        StoreError: the ledger is damaged; or the new champion is in neither registry nor store, and
            there is nothing else to do.
        TrackingError: MLflow cannot be reached.
    """
    ledger, now = ledgers.read_ledger(store.ledger_path), tracking.registered(store.pipeline)
    copies = copies_of(store, tracking, now.versions)
    return _repair(store, ledger, now, tuple(each for each in copies if each.problems))


def carry_out(store: Store, tracking: Tracking) -> Repair:
    """Do it, alone of its pipeline; doing it again, or after a crash, does what is left.

    Raises:
        StoreError: the ledger is damaged, or a model that is to be registered is not as it was made.
        TrackingError: MLflow cannot be reached.
    """
    with ledgers.one_decision_at_a_time(store.ledger_path):
        found = repair_of(store, tracking)
        for entry in found.register:
            version = _register(store, tracking, entry)
            log.info("registered %s", told_version(version))
        for each in found.copy:
            tracking.renew_copy(each.version, store.pipeline, each.model.data / MODEL)
        for version, entry in found.redate:
            tracking.set_date(store.pipeline, version.version, entry.date)
        if found.serves is not None and found.alias:
            target = tracking.registered(store.pipeline).with_key(found.serves.model_key)
            if target is None:
                raise StoreError(
                    f"{told_model(found.serves.model_key, found.serves.date)} is not in MLflow",
                    fix=f"Run `vintage registry repair {store.pipeline} --apply` again.",
                )
            tracking.set_champion(store.pipeline, target.version)
        elif found.alias:
            tracking.remove_champion(store.pipeline)
        if found.head is not None:
            tracking.remember_ledger(store.pipeline, found.head)
        agreement.standing_to_decide(store, tracking, by_hand=True)
    return found


def _repair(store: Store, ledger: Ledger, now: Registered, copies: tuple[Copy, ...]) -> Repair:
    wanted = agreement.missing(store, ledger, now)
    serves = latest_move(ledger.entries)
    problems = contradictions(store, ledger, now)
    head = told_head(ledger.head) if ledger.head else ""
    nowhere = agreement.is_nowhere(store, ledger, now)
    found = Repair(
        contradictions=problems,
        register=tuple(sorted(wanted, key=lambda entry: entry.version)),
        copy=copies,
        redate=agreement.misdated(ledger, now),
        serves=serves,
        alias="" if nowhere else _alias(store.pipeline, serves, now),
        head=head if head != (now.ledger or "") and (problems or head) else None,
        lost=any("MLflow recorded" in each for each in problems),
        remains=_champion_is_nowhere(store, serves) if nowhere and serves else None,
    )
    if found.remains and not found.steps:
        raise found.remains
    return found


def _champion_is_nowhere(store: Store, serves: Entry) -> StoreError:
    return StoreError(
        f"by the ledger {told_model(serves.model_key, serves.date)} of {store.pipeline} serves, and is "
        "neither in MLflow nor in the store",
        expected=f"its folder below {store.folder}",
        fix="Bring the folder back from a backup, or run "
        f"`vintage run {store.pipeline} --date {serves.date}`: from the same data, file and code it makes "
        "the model under its key, and ends at promote. Repair then. Where neither can be, choose another "
        f"model: `vintage rollback {store.pipeline} --to DATE --why …`, or `vintage "
        f"promote {store.pipeline} --version DATE --force --why …`.",
    )


def _alias(pipeline: str, serves: Entry | None, now: Registered) -> str:
    champion = now.champion
    if serves is None:
        if champion is None:
            return ""
        return (
            f"take the alias champion from {told_version(champion)}: by the ledger there is no champion. If "
            "the ledger was lost, restore it from a backup instead; or have the model serve again, by "
            f"`vintage promote {pipeline} --version {champion.version} --force --why …`"
        )
    if champion is not None and champion.key == serves.model_key:
        return ""
    before = f", from {told_version(champion)}" if champion else ""
    return f"move the alias champion to {told_model(serves.model_key, serves.date)}{before}"


def _register(store: Store, tracking: Tracking, entry: Entry) -> Version:
    day = date.fromisoformat(entry.date)
    model = store.find("model", day, entry.model_key)
    if model is None:
        raise StoreError(f"{told_model(entry.model_key, entry.date)} is no more in the store")
    evaluation = store.find("evaluation", day, entry.evaluation_key)
    check_files([model] if evaluation is None else [model, evaluation])
    if evaluation is not None:
        return registered(tracking, store, model, evaluation)
    log.warning(
        "the evaluation %s of %s is gone", entry.evaluation_key[:12], told_model(model.key, entry.date)
    )
    return tracking.register(
        pipeline=store.pipeline,
        date=entry.date,
        key=model.key,
        run_id=record_model(tracking, store, model),
        tags=version_tags(model),
    )
