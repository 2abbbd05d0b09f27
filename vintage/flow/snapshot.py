"""Keeps each date's raw rows as they stood: Parquet, held to a contract, with profile and fingerprint."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.data.checked import CORRUPT
from vintage.data.deliveries import COPIES, FileDelivery, find_batch, foreseen
from vintage.data.profile import write_profiled
from vintage.data.raw import no_raw_data
from vintage.data.rows import schema_json
from vintage.data.undated import UNDATED, require_dated
from vintage.errors import DataError, StoreError
from vintage.flow.graph import Step, Target
from vintage.flow.job import (
    Job,
    for_each_date,
    require_enough,
    require_valid_stages,
    require_valid_suites,
)
from vintage.spec import SOURCE_VIEW
from vintage.spec.partition import spans
from vintage.spec.raw_key import raw_key
from vintage.store import Rows, steps, windows
from vintage.store.details import SnapshotDetails
from vintage.store.fingerprint import fingerprint, fingerprint_sql

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from datetime import date

    from vintage.data.deliveries import RawBatch
    from vintage.flow.graph import Flow
    from vintage.spec import Source
    from vintage.store import Artifact, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceBinding:
    """One of the pipeline's sources: what the SQL calls its rows, and where its snapshots are kept."""

    view: str
    source: Source
    store: Store

    def of(self, day: date) -> str:
        """Whose rows they are, for a message."""
        return f"{day}" if self.view == SOURCE_VIEW else f"{self.view} of {day}"

    def standing(self, day: date) -> Artifact | None:
        """Return the snapshot that stands for a date, if there is one."""
        if self.view == SOURCE_VIEW:
            return self.store.current("snapshot", day)
        return windows.joined_snapshot(self.source, self.store, day)

    def taken(self, day: date) -> Artifact:
        """Return the snapshot of a date that was just taken."""
        found = self.store.current("snapshot", day)
        if found is None:
            raise StoreError(f"the snapshot of {self.of(day)} is gone", fix="Run again.")
        return found


@dataclass(frozen=True)
class Observed:
    """What a source holds that no snapshot has yet.

    Attributes:
        binding: the source.
        batches: date → what was delivered, or may be other rows than those of its snapshot.
    """

    binding: SourceBinding
    batches: Mapping[date, RawBatch]


def run(job: Job) -> dict[date, Artifact]:
    """Snapshots every date the run needs that has none, or whose raw rows may have changed.

    Raises:
        SpecError: the stages or a suite are not what they must be.
        DataError: the run's own date has no data, a date breaks the contract, or too few dates have rows.
        EnvironmentProblem: a database cannot be asked.
    """
    require_valid_stages(job)
    require_valid_suites(job)
    for observed in observe(job):
        _take(job, observed)
    return {day: found for day in job.dates if (found := job.store.current("snapshot", day))}


def observe(job: Job) -> Generator[Observed]:
    """Yield what each source holds now that is to be snapshotted, one source after the other.

    Whoever asks for the next has given each date that was yielded a current snapshot: of a joined source only
    the dates are looked at that have rows.

    Raises:
        DataError: the run's own date has no data or no rows, or too few dates have rows.
        EnvironmentProblem: a database cannot be asked.
    """
    bindings = [
        SourceBinding(view, source, windows.store_of(job.store, view))
        for view, source in job.pipeline.views.items()
    ]
    # Of each source, before Spark starts for the first.
    for binding in bindings:
        delivery = find_batch(job.pipeline, binding.source, job.date, fresh=False)
        _require_delivered(job, binding, delivery, binding.standing(job.date))
    snapshots = yield from _dated(job, bindings[0], job.dates)
    filled = [day for day, found in snapshots.items() if found.row_count]
    for binding in bindings[1:]:
        if binding.source.dated:
            yield from _dated(job, binding, filled)
        else:
            yield from _as_it_stands(job, binding)
    usable = windows.window_snapshots(job.pipeline, job.store, filled)
    absent = windows.absent_dates(job.pipeline, job.store, job.date, usable)
    for reason in sorted(set(absent.values())):
        days = [day for day, why in absent.items() if why == reason]
        log.warning("%s for %d of the window's %d dates: %s", reason, len(days), len(job.window), spans(days))
    require_enough(job, [day for day in job.window if day in usable], absent)


def _take(job: Job, observed: Observed) -> None:
    """Snapshot what was observed, read by Spark, several dates at once."""
    job.store.check_writable()
    binding, batches = observed.binding, observed.batches
    _contract(job, binding, next(iter(batches.values())))
    for_each_date(lambda day: _snapshot(job, binding, day, batches[day]), batches, doing="snapshot")


def _dated(
    job: Job, binding: SourceBinding, dates: Sequence[date]
) -> Generator[Observed, None, dict[date, Artifact]]:
    """Return the snapshots of those of the dates that have data, oldest first, the run's own among them."""
    source = binding.source
    fresh = set(job.window[len(job.window) - min(source.days_read_again, len(job.window)) :])
    raw = {day: find_batch(job.pipeline, source, day, fresh=day in fresh) for day in dates}
    snapshots = {
        day: found for day, delivery in raw.items() if (found := _unchanged(job, binding, day, delivery))
    }
    _require_delivered(job, binding, raw[job.date], snapshots.get(job.date))
    stale = {day: delivery for day, delivery in raw.items() if delivery and day not in snapshots}
    log.info(
        "%s: %d dates have data, %d of them are to be snapshotted",
        binding.view,
        len(snapshots) + len(stale),
        len(stale),
    )
    if stale:
        yield Observed(binding, stale)
        snapshots |= {day: binding.taken(day) for day in stale}
    _require_rows(binding, job.date, snapshots[job.date])
    for day, found in snapshots.items():
        # Of a snapshot that was taken when more of them were allowed.
        undated = SnapshotDetails.of(found).raw.get(UNDATED, 0)
        require_dated(source, undated, binding.of(day))
        if undated:
            log.warning("%s: %d rows have no day and belong to no date", binding.of(day), undated)
    return dict(sorted(snapshots.items()))


def _as_it_stands(job: Job, binding: SourceBinding) -> Generator[Observed]:
    """Snapshots an undated source that is joined, unless what was seen of it stands for the run's date."""
    taken = binding.store.dates("snapshot")
    latest = taken[-1] if taken else None
    found = windows.as_it_stood(binding.store, job.date)
    if latest is None or job.date >= latest:
        later = latest is None or job.date > latest
        again = later or binding.source.days_read_again > 0
        delivery = find_batch(job.pipeline, binding.source, job.date, fresh=again)
        _require_delivered(job, binding, delivery, found)
        found = None if latest is None else _unchanged(job, binding, latest, delivery)
        if found is None and delivery is not None:
            yield Observed(binding, {job.date: delivery})
            found = binding.taken(job.date)
    elif not binding.source.is_jdbc:
        delivery = find_batch(job.pipeline, binding.source, job.date, fresh=False)
        note = binding.store.pointer("snapshot", latest)
        if delivery is not None and note is not None and not delivery.stands(note, 1):
            log.warning(
                "%s has changed since its snapshot of %s; a run of an earlier date keeps what was seen",
                binding.view,
                latest,
            )
    if found is not None:
        _require_rows(binding, job.date, found)
        log.info("%s: what it held on %s stands for %s", binding.view, found.manifest.date, job.date)


def _targets(flow: Flow) -> Iterator[Target]:
    """Yield the snapshots that a date uses, each under its own date."""
    for views in flow.snapshots.values():
        for view, found in views.items():
            store = windows.store_of(flow.job.store, view)
            yield Target(found.manifest.ingredients, store, view=view)


STEP: Final = Step("snapshot", _targets)


def _require_delivered(
    job: Job, binding: SourceBinding, delivery: RawBatch | None, found: Artifact | None
) -> None:
    if delivery is None and found is None:
        raise no_raw_data(job.pipeline, binding.source, job.date, view=binding.view)


def _require_rows(binding: SourceBinding, day: date, snapshot: Artifact) -> None:
    if snapshot.row_count == 0:
        raise DataError(
            f"the raw data of {binding.of(day)} has no rows",
            expected="at least one row" + ("" if binding.source.is_jdbc else " under the header"),
            found="none",
            fix="Deliver the date's data and run again.",
        )


def _unchanged(job: Job, binding: SourceBinding, day: date, delivery: RawBatch | None) -> Artifact | None:
    found = binding.store.current("snapshot", day)
    if delivery is None:
        if found is not None:
            log.warning("the raw files of %s are gone; its snapshot is used", binding.of(day))
        return found
    note = binding.store.pointer("snapshot", day)
    schema = binding.source.fixed_schema or binding.store.contract()
    if found is None or note is None or schema is None or found.manifest.rows is None:
        return None
    if not delivery.stands(note, found.row_count):
        return None
    # The same raw rows under the code, engines and spec of today: another key means another snapshot.
    today = steps.snapshot(
        job.pipeline, binding.source, day, schema=schema, rows=found.manifest.rows.fingerprint
    )
    return found if today.key == found.key else None


def _contract(job: Job, binding: SourceBinding, delivery: RawBatch) -> str:
    declared = binding.source.fixed_schema or binding.store.contract()
    if declared is None:
        with binding.store.attempt("snapshot", job.date) as attempt:
            inferred = foreseen(delivery, lambda: delivery.infer(job.spark(), attempt.folder / COPIES))
        declared = binding.store.record_contract(inferred)
        log.warning(
            "no schema of %s is declared; later dates are held to the inferred one: %s",
            binding.view,
            declared,
        )
    return declared


def _snapshot(job: Job, binding: SourceBinding, day: date, delivery: RawBatch) -> Artifact:
    schema = _contract(job, binding, delivery)
    session = job.spark.apart()
    with binding.store.attempt("snapshot", day) as attempt:
        copies = attempt.folder / COPIES
        incoming = foreseen(delivery, lambda: delivery.read(session, schema, copies))
        if binding.view == SOURCE_VIEW and isinstance(delivery, FileDelivery):
            views = {view: source.column_names for view, source in job.pipeline.joins.items()}
            views[binding.view] = tuple(incoming.schema.names)
            delivery.require_columns(job.pipeline.preprocess.sql_for(day), views)
        aggregates = {"fingerprint": fingerprint_sql(incoming.schema), "corrupt": f"count({CORRUPT})"}
        observed, seen = foreseen(
            delivery,
            lambda: write_profiled(
                incoming.rows, attempt.data, aggregates, files=delivery.parts, drop=(CORRUPT,)
            ),
        )
        count = observed["fingerprint"]["rows"]
        found = {"corrupt": observed["corrupt"], "rows": count}
        seen_of_raw = foreseen(delivery, lambda: delivery.check(session, incoming, found))
        if binding.view == SOURCE_VIEW and isinstance(delivery, FileDelivery):
            delivery.refuse_doubled(session, attempt.data, schema, raw_key(job.pipeline, day))
        shutil.rmtree(copies, ignore_errors=True)
        content = fingerprint(observed["fingerprint"])
        seen.write(attempt.folder)
        artifact = binding.store.publish(
            attempt,
            steps.snapshot(job.pipeline, binding.source, day, schema=schema, rows=content),
            rows=Rows(count=count, spark_schema=schema_json(incoming.schema), fingerprint=content),
            details=SnapshotDetails(raw={**delivery.facts(), **seen_of_raw}, profile=seen.brief),
        )
    binding.store.set_current(artifact, delivery.note())
    return artifact
