"""How the rows of a date differ from those that a model was trained on, or from those of other dates."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from vintage.errors import SpecError, StoreError
from vintage.lineage.graph import Lineage
from vintage.monitoring.calibration import CALM_DATES
from vintage.monitoring.comparison import Pair, compare
from vintage.monitoring.profiles import read_profile
from vintage.registry import ledger
from vintage.registry.baseline import model_of_version
from vintage.registry.timeline import champion_as_of, latest_move
from vintage.spec import parse_partition_date
from vintage.spec.monitor import TRAINING
from vintage.store.keys import Key
from vintage.store.steps import input_name, is_raw, view_of
from vintage.store.windows import store_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vintage.monitoring.comparison import ColumnDrift, Comparison
    from vintage.monitoring.profiles import Profile
    from vintage.spec import Source
    from vintage.store import Artifact, Store
    from vintage.store.keys import Kind

DAYS_BACK: Final[Mapping[str, int]] = {"yesterday": 1, "last-week": 7}
MOST_PAST: Final = 90
"""Dates before the one that is asked about from which bounds are calibrated, at most."""
SCORED: Final = 28
"""Dates of predictions that stand for the training window, which has none."""
UNDATED: Final = "the source has no dates, and so no past that tells what is usual"


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class DriftOfColumn(_Told):
    """How far one column is from the reference.

    Attributes:
        column: its name.
        kind: `number`, `category` or `other`.
        drifted: whether it is further away than on calm dates.
        severity: its worst measure as a multiple of that measure's bound; null where `change` says it all.
        worst: that measure.
        measures, bounds: name → value, and what calm dates do not exceed.
        change: `appeared`, `vanished`, or `<type> → <type>`; empty otherwise.
        new, vanished: values that only the date, or only the reference, has.
        since: the first of the dates in a row on which it drifted; null where it did not, or where the
            reference moves with the date.
        feeds: features that are computed from it, for a column of the raw rows.
        importance: share of what the model weighs that lies in the feature, or in those that a raw column
            feeds; null where it did not drift, or the model tells nothing of the kind.
        severities: date → severity, of the reference's dates by the bounds that the others give and of the
            dates since; null where the column changed itself. Empty where the reference moves with the date.
    """

    column: str
    kind: str
    drifted: bool
    severity: float | None
    worst: str
    measures: Mapping[str, float]
    bounds: Mapping[str, float]
    change: str = ""
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    since: dt.date | None = None
    feeds: tuple[str, ...] = ()
    importance: float | None = None
    severities: Mapping[dt.date, float | None] = {}


class DriftOfRows(_Told):
    """How far the rows of one kind are from the reference.

    Attributes:
        kind: which rows: `snapshot` (the raw ones), `join.<name>` (those of a joined source), `features` or
            `predictions`.
        rows: how many the date has.
        reference: the dates that they are compared with.
        calm: how many comparisons of the past the bounds were calibrated from; 0 means conventional bounds.
        outliers: dates of the past that are so far from all others that they calibrate no bound of a column
            that moved on them.
        columns: the furthest first.
    """

    kind: str
    rows: int
    reference: tuple[dt.date, ...]
    calm: int
    outliers: tuple[dt.date, ...] = ()
    columns: tuple[DriftOfColumn, ...]

    @property
    def drifted(self) -> tuple[DriftOfColumn, ...]:
        """The columns that are further away than on calm dates."""
        return tuple(column for column in self.columns if column.drifted)


class Drift(_Told):
    """How far a date is from a reference.

    Attributes:
        pipeline, date: whose rows.
        against: what they are compared with: `training`, `yesterday`, `last-week`, or two dates.
        model: key of the model whose training rows are the reference; null with another one.
        model_date: its partition date.
        parts: of each kind of rows that both have.
        missing: kind → why its rows are not compared.
    """

    pipeline: str
    date: dt.date
    against: str
    model: Key | None = None
    model_date: dt.date | None = None
    parts: tuple[DriftOfRows, ...]
    missing: Mapping[str, str] = {}

    @property
    def drifted(self) -> bool:
        """Whether any column is further away than on calm dates."""
        return any(part.drifted for part in self.parts)


@dataclass(frozen=True)
class Sides:
    """The artifacts that are compared, of one kind of rows.

    Attributes:
        kind: which rows, as `DriftOfRows` tells it.
        asked: the date's; None where it has none.
        reference: date → what it is compared with.
        past: date → those, and all others from which bounds are calibrated or that tell since when.
    """

    kind: str
    asked: Artifact | None
    reference: Mapping[dt.date, Artifact]
    past: Mapping[dt.date, Artifact]


@dataclass(frozen=True)
class Question:
    """What is compared with what.

    Attributes:
        pipeline, date, against: as `Drift` tells them.
        model: whose training rows are the reference; None with another one.
        sides: of each kind of rows.
        undated: joined sources without dates, which are not compared.
    """

    pipeline: str
    date: dt.date
    against: str
    model: Artifact | None
    sides: tuple[Sides, ...]
    undated: tuple[str, ...] = ()


def drift_of(
    store: Store,
    day: dt.date | None = None,
    against: str = TRAINING,
    *,
    joins: Mapping[str, Source] | None = None,
    overrides: Mapping[str, float] | None = None,
) -> Drift:
    """Compare the rows of a date with a reference, from profiles alone.

    Args:
        store: the pipeline's.
        day: the partition date; None takes the latest that was snapshotted.
        against: `training`, `yesterday`, `last-week`, or `A..B`, two dates of which both count.
        joins: name → joined source of the pipeline.
        overrides: bounds, as `compare` takes them.

    Raises:
        SpecError: `against` is none of these.
        StoreError: there is nothing to compare, or something of the store is damaged.
    """
    found = answer(ask(store, day, against, joins), overrides)
    if not found.parts:
        raise StoreError(
            f"{found.date} of {store.pipeline} cannot be compared with {against}",
            found="; ".join(f"{kind}: {why}" for kind, why in found.missing.items()),
            fix="--against takes training, yesterday, last-week, or two dates A..B.",
        )
    return found


def ask(
    store: Store,
    day: dt.date | None = None,
    against: str = TRAINING,
    joins: Mapping[str, Source] | None = None,
) -> Question:
    """Find what is to be compared, as `drift_of` does; reads no profile.

    Raises:
        SpecError: `against` is nothing to compare with.
        StoreError: the date was not snapshotted, or nobody ever served.
    """
    taken = store.dates("snapshot")
    asked = day or (taken[-1] if taken else None)
    if asked is None or asked not in taken:
        raise StoreError(
            f"{store.pipeline} has no snapshot" + (f" of {asked}" if asked else ""),
            expected=f"one of {', '.join(map(str, taken[-5:]))}" if taken else "a finished run",
            fix=f"Run `vintage run {store.pipeline} --date {asked or 'YYYY-MM-DD'}`.",
        )
    model = _model_before(store, asked) if against == TRAINING else None
    joins = joins or {}
    dated = [input_name(name) for name, source in joins.items() if source.dated]
    return Question(
        pipeline=store.pipeline,
        date=asked,
        against=against,
        model=model.model if model else None,
        sides=tuple(
            _sides(store, kind, asked, _reference(store, kind, asked, against, model), against)
            for kind in ("snapshot", *dated, "features", "predictions")
        ),
        undated=tuple(name for name, source in joins.items() if not source.dated),
    )


def answer(question: Question, overrides: Mapping[str, float] | None = None) -> Drift:
    """Compare; what cannot be compared is `missing`.

    Raises:
        StoreError: a profile is damaged, or of a later release.
    """
    parts: list[DriftOfRows] = []
    missing = {input_name(name): UNDATED for name in question.undated}
    for sides in question.sides:
        told = _rows(sides, question.date, question.against, overrides or {})
        if isinstance(told, str):
            missing[sides.kind] = told
        else:
            parts.append(told)
    model = question.model
    return Drift(
        pipeline=question.pipeline,
        date=question.date,
        against=question.against,
        model=model.key if model else None,
        model_date=model.date if model else None,
        parts=tuple(parts),
        missing=missing,
    )


def model_of(store: Store, drift: Drift) -> Artifact | None:
    """Return the model whose training rows are the reference; None with another one, or where it is gone."""
    if drift.model is None or drift.model_date is None:
        return None
    return store.find("model", drift.model_date, drift.model)


def profiles_of(store: Store, drift: Drift, part: DriftOfRows) -> tuple[list[Profile], Profile]:
    """Return the profiles of the reference that rows were compared with, date by date, and those rows' own.

    Raises:
        StoreError: one is gone or damaged.
    """
    model = model_of(store, drift)
    known = _reference(store, part.kind, drift.date, drift.against, Lineage(store, model) if model else None)
    asked = _current(store, part.kind, [drift.date]).get(drift.date)
    missing = [day for day in part.reference if day not in known]
    if asked is None or missing:
        gone = missing[0] if missing else drift.date
        raise StoreError(f"{part.kind} of {gone} is gone, which {drift.date} was compared with")
    read = [read_profile(known[day]) for day in part.reference]
    return [each for each in read if each is not None], read_profile(asked) or {}


def _model_before(store: Store, day: dt.date) -> Lineage:
    """Who served for the date; where nobody did yet, who serves now."""
    entries = ledger.read(store.ledger_path)
    entry = champion_as_of(entries, str(day)) or latest_move(entries)
    if entry is None:
        raise StoreError(
            f"no version of {store.pipeline} ever served, so that there are no training rows to compare with",
            fix="--against yesterday, last-week or A..B compares dates with each other.",
        )
    day_of_model = parse_partition_date(entry.date)
    return Lineage(store, model_of_version(store, entry.version, day_of_model, entry.model_key))


def _reference(
    store: Store, kind: str, day: dt.date, against: str, model: Lineage | None
) -> dict[dt.date, Artifact]:
    if model is not None:
        if kind == "predictions":
            before = [each for each in _dates(store, kind) if each < day][-SCORED:]
            return _current(store, kind, before)
        found = model.train if kind == "features" else model.sources.get(view_of(kind), {})
        # A source that had no dates when the model was trained was taken under other ones.
        return {each: artifact for each, artifact in found.items() if each == artifact.date != day}
    if against in DAYS_BACK:
        return _current(store, kind, [day - dt.timedelta(days=DAYS_BACK[against])])
    first, last = _range(against)
    return _current(
        store, kind, [each for each in _dates(store, kind) if first <= each <= last and each != day]
    )


def _range(against: str) -> tuple[dt.date, dt.date]:
    first, dots, last = against.partition("..")
    if not dots:
        raise SpecError(
            f'"{against}" is nothing to compare with',
            expected="training, yesterday, last-week, or two dates A..B",
        )
    found = parse_partition_date(first), parse_partition_date(last)
    if found[0] > found[1]:
        raise SpecError(f"{against} ends before it begins", expected="the earlier date first")
    return found


def _place(store: Store, kind: str) -> tuple[Store, Kind]:
    """Return where rows of a kind are kept, and as what."""
    if is_raw(kind):
        return store_of(store, view_of(kind)), "snapshot"
    return store, "features" if kind == "features" else "predictions"


def _dates(store: Store, kind: str) -> Sequence[dt.date]:
    own, kept = _place(store, kind)
    return own.dates(kept)


def _current(store: Store, kind: str, dates: Sequence[dt.date]) -> dict[dt.date, Artifact]:
    own, kept = _place(store, kind)
    found = {each: own.current(kept, each) for each in dates}
    return {each: artifact for each, artifact in found.items() if artifact is not None}


def _sides(
    store: Store, kind: str, day: dt.date, reference: Mapping[dt.date, Artifact], against: str
) -> Sides:
    past: dict[dt.date, Artifact] = dict(reference)
    if against in DAYS_BACK:
        before = [each for each in _dates(store, kind) if each < day][-MOST_PAST:]
        past = _current(store, kind, before) | past
    else:
        since = max(reference, default=day)
        later = [each for each in _dates(store, kind) if since < each < day][-SCORED:]
        past |= _current(store, kind, later)
    return Sides(kind, _current(store, kind, [day]).get(day), reference, past)


def _rows(sides: Sides, day: dt.date, against: str, overrides: Mapping[str, float]) -> DriftOfRows | str:
    asked, reference = sides.asked, sides.reference
    if asked is None:
        return f"there are none of {day}"
    read = {each: read_profile(artifact) for each, artifact in {**sides.past, day: asked}.items()}
    known = {each: profile for each, profile in sorted(read.items()) if profile is not None}
    if day not in known:
        return f"those of {day} were made before profiles were kept"
    dates = list(known)
    place = {each: number for number, each in enumerate(dates)}
    used = tuple(place[each] for each in sorted(reference) if each in place)
    if not used:
        return "there is nothing to compare them with"
    profiles = list(known.values())
    calm = list(_calm(dates, used, day, against))
    # Of the dates between as well, since when; none where the reference moves, or ends after the date.
    between = range(max(used) + 1, place[day]) if against not in DAYS_BACK else ()
    since = [*between, place[day]]
    found = compare(profiles, [Pair(used, number) for number in since], calm, overrides=overrides)
    told = _over_dates(found, [dates[number] for number in since], [dates[pair.found] for pair in calm])
    return DriftOfRows(
        kind=sides.kind,
        rows=next(iter(known[day].values())).rows if known[day] else 0,
        reference=tuple(dates[number] for number in used),
        calm=count if (count := sum(found.ordinary)) >= CALM_DATES else 0,
        outliers=tuple(
            dates[pair.found] for pair, used in zip(calm, found.ordinary, strict=True) if not used
        ),
        columns=tuple(
            _told(column, {} if against in DAYS_BACK else told[column.column]) for column in found.asked[-1]
        ),
    )


def _calm(dates: Sequence[dt.date], used: tuple[int, ...], day: dt.date, against: str) -> Iterator[Pair]:
    """Yield the comparisons from which bounds are calibrated: each date of the reference with all the others.

    Where the reference is one date, each earlier date with the one as many days before it.
    """
    if against in DAYS_BACK:
        place = {each: number for number, each in enumerate(dates)}
        back = dt.timedelta(days=DAYS_BACK[against])
        for each in dates:
            if each < day and each - back in place:
                yield Pair((place[each - back],), place[each])
    elif len(used) > 1:
        for number in used:
            yield Pair(tuple(each for each in used if each != number), number)


def _over_dates(
    found: Comparison, dates: Sequence[dt.date], calm: Sequence[dt.date]
) -> dict[str, dict[dt.date, float]]:
    """Column → date → severity, oldest first: of the calm comparisons, then of the dates that were asked."""
    told: dict[str, dict[dt.date, float]] = {column.column: {} for column in found.asked[-1]}
    for name, severities in found.calm.items():
        told.get(name, {}).update(zip(calm, severities, strict=True))
    for day, columns in zip(dates, found.asked, strict=True):
        for column in columns:
            told.setdefault(column.column, {})[day] = column.severity
    return told


def _told(found: ColumnDrift, severities: Mapping[dt.date, float]) -> DriftOfColumn:
    since = None
    for day, severity in reversed(list(severities.items())):
        if severity <= 1:
            break
        since = day
    return DriftOfColumn(
        column=found.column,
        kind=found.kind,
        drifted=found.drifted,
        severity=_finite(found.severity),
        worst=found.worst,
        measures=found.measures,
        bounds=found.bounds,
        change=found.change,
        new=found.new,
        vanished=found.vanished,
        since=since,
        severities={day: _finite(severity) for day, severity in severities.items()},
    )


def _finite(severity: float) -> float | None:
    return severity if math.isfinite(severity) else None
