"""Tells what a backfill would do before it does it; starts no Spark and writes nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from vintage.data.deliveries import find_batch
from vintage.errors import VintageError
from vintage.flow.dry_run import DryRun, compares
from vintage.flow.durations import durations_of
from vintage.flow.job import DATES_AT_ONCE
from vintage.flow.plan import Baseline, Plan, PlannedRun, Raw
from vintage.flow.planned_store import PlannedStore
from vintage.registry import ledger
from vintage.registry.prospects import champion_of
from vintage.spec.flow import BY_DATE, FLOW, TRAINING
from vintage.spec.range import dates_of, in_airflow
from vintage.store import windows
from vintage.store.engines import java_major

if TYPE_CHECKING:
    from datetime import date

    from vintage.flow.dry_run import Tried
    from vintage.flow.plan import Durations, RawState
    from vintage.spec import Home, Pipeline, Source
    from vintage.store import Store

JOBS: Final = len(TRAINING) + 1
_KINDS: Final = [each.kind for each in FLOW]


def plan(home: Home, pipeline: Pipeline, first: date, last: date) -> Plan:
    """Return what a backfill of a range of dates would do, one date after the other.

    Each date finds what those before it make. Raw data is taken to stand still meanwhile, new dates to have
    rows and to hold their suites.

    Args:
        home: where pipeline and suites are.
        pipeline: the spec.
        first: the first partition date.
        last: the last one, included.

    Raises:
        SpecError: the range is invalid, or outside the pipeline's; the pipeline or a suite is invalid.
        EnvironmentProblem: there is no Java, whose version is part of the keys.
    """
    dates = dates_of(pipeline, first, last)
    java_major()
    store = PlannedStore(home.store, pipeline.name)
    least, most = (DryRun(home, pipeline, store.unplanned(), most=most) for most in (False, True))
    durations = durations_of(store)
    runs = []
    for day in dates.scheduled:
        run = _merged(pipeline, day, least.run(day), most.run(day), _raw(pipeline, store, day))
        runs.append(run.model_copy(update={"seconds": _seconds(run, durations)}))
    worked_on = {step.kind for run in runs for step in run.steps if step.reads_raw or step.action != "reused"}
    known = [run.seconds for run in runs if run.seconds is not None]
    champion = champion_of(ledger.read(store.ledger_path))
    return Plan(
        pipeline=pipeline.name,
        first=str(first),
        last=str(last),
        runs=tuple(runs),
        left_out=tuple(map(str, dates.skipped)),
        champion=champion.date if champion else None,
        raw_reads=sum(step.reads_raw for run in runs for step in run.steps),
        durations=durations,
        seconds=(sum(one for one, _ in known), sum(two for _, two in known))
        if len(known) == len(runs)
        else None,
        unknown=tuple(sorted(worked_on - set(durations.seconds))),
        commands={
            "in Airflow": in_airflow(pipeline.name, first, last),
            "in one Spark session": f"vintage backfill {pipeline.name} --from {first} --to {last}",
        },
    )


def _merged(pipeline: Pipeline, day: date, least: Tried, most: Tried, raw: dict[str, Raw]) -> PlannedRun:
    """Return what is certain, and what hangs on the rows that are read again and on who becomes champion."""
    by_case = [{(step.kind, step.view, step.date): step for step in tried.steps} for tried in (most, least)]
    steps = []
    for place in dict.fromkeys([*by_case[0], *by_case[1]]):
        found = [each[place] for each in by_case if place in each]
        made = [step for step in found if step.action == "made"]
        if not made or len(made) == len(by_case):
            steps.append(found[0])
        else:
            steps.append(made[0].model_copy(update={"action": "if_changed"}))
    views = list(pipeline.views)
    steps.sort(key=lambda step: (_KINDS.index(step.kind), views.index(step.view), step.date))
    fails = most.fails
    if least.fails and not most.fails:
        fails = f"unless the rows that are read again are others than before: {least.fails}"
    champion = most.champion or least.champion
    baseline = Baseline(
        compares=compares(pipeline),
        now=least.baseline if least.champion else most.baseline,
        if_promoted=most.baseline if most.baseline != least.baseline and least.champion else None,
    )
    return PlannedRun(
        date=str(day),
        raw=raw,
        steps=tuple(steps),
        baseline=baseline if champion else None,
        champion=champion,
        fails=fails or None,
        warnings=tuple(dict.fromkeys([*least.warnings, *most.warnings])),
    )


def _raw(pipeline: Pipeline, store: PlannedStore, day: date) -> dict[str, Raw]:
    """Return the raw data of a date, of each source."""
    return {
        view: _raw_of(pipeline, source, windows.store_of(store, view), day)
        for view, source in pipeline.views.items()
    }


def _raw_of(pipeline: Pipeline, source: Source, store: Store, day: date) -> Raw:
    undated = not source.dated and source is not pipeline.source
    try:
        delivery = find_batch(pipeline, source, day, fresh=False)
        found = windows.as_it_stood(store, day) if undated else store.current("snapshot", day)
        note = store.pointer("snapshot", found.date) if found else None
    except VintageError as error:
        return Raw(state="broken", told=str(error))
    state: RawState
    if delivery is None:
        state = "gone" if found else "absent"
    elif source.is_jdbc:
        state = "asked"
    elif found is None:
        state = "new"
    else:
        state = "same" if note is not None and delivery.stands(note, found.row_count) else "changed"
    if found is None:
        return Raw(state=state)
    fingerprint = found.manifest.rows.fingerprint if found.manifest.rows else None
    return Raw(state=state, snapshot=found.key, fingerprint=fingerprint, rows=found.row_count)


def _seconds(run: PlannedRun, durations: Durations) -> tuple[float, float] | None:
    """Return how long a run takes without and with the uncertain steps, starts of jobs included.

    Several dates are worked on at once.
    """
    bounds = []
    for least in (True, False):
        total = JOBS * (durations.job_start or 0.0)
        for kind in dict.fromkeys(step.kind for step in run.steps):
            wanted = sum(
                step.reads_raw or step.action == "made" or (step.action == "if_changed" and not least)
                for step in run.of(kind)
            )
            if wanted and kind not in durations.seconds:
                return None
            rounds = math.ceil(wanted / DATES_AT_ONCE) if kind in BY_DATE else wanted
            total += rounds * durations.seconds.get(kind, 0.0)
        bounds.append(round(total, 1))
    return bounds[0], bounds[1]
