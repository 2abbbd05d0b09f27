"""What a restatement touches is told from manifests and ledger, and only what stands is to be retrained."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.artifacts import decide, publish, snapshot
from vintage.cli.impact_view import show
from vintage.data.changed_rows import ChangedRow, RowChange
from vintage.flow.restated import impact_of, restated_dates
from vintage.flow.restatement import Impact, Pending
from vintage.spec.range import in_airflow
from vintage.store import Store
from vintage.store.published import published

if TYPE_CHECKING:
    from vintage.store import Artifact

FIRST = date(2024, 3, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


class Nights:
    """A pipeline whose night learns from the day before and is tested on its own day."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.paint = store.joined("paint")
        self.seed = 0

    def features(self, number: int) -> Artifact:
        raw, paint = self.store.current("snapshot", day(number)), self.paint.current("snapshot", FIRST)
        assert raw is not None
        inputs = {"snapshot": [raw], **({"join.paint": [paint]} if paint else {})}
        return publish(self.store, "features", day(number), inputs)

    def run(self, number: int, *, tuned_on: int | None = None) -> tuple[Artifact, Artifact]:
        """Model and evaluation of what stands now."""
        inputs = {"features": [self.features(number - 1)]}
        if tuned_on is not None:
            tuned_from = {"features": [self.features(tuned_on)]}
            inputs["tuning"] = [publish(self.store, "tuning", day(tuned_on), tuned_from)]
        model = publish(self.store, "model", day(number), inputs)
        evaluation = publish(
            self.store, "evaluation", day(number), {"model": [model], "features": [self.features(number)]}
        )
        self.store.set_current(model)
        self.store.set_current(evaluation)
        return model, evaluation

    def impact(self, only: date | None = None, pending: tuple[Pending, ...] = ()) -> Impact:
        return impact_of(self.store, restated_dates(self.store, only), pending)


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    """Nights 2 to 5, promoted one after the other; day 3 is restated then."""
    made = Nights(Store(tmp_path / "store", "demo"))
    for number in range(1, 6):
        snapshot(made.store, day(number), rows=f"rows of {number}")
    for number in range(2, 6):
        decide(made.store, *made.run(number), version=number - 1)
    snapshot(made.store, day(3), rows="other rows of 3", count=4)
    return made


def test_monitors_and_qualities_of_old_rows_are_told(nights: Nights) -> None:
    old = nights.store.find("snapshot", day(3), restated_dates(nights.store)[0].old[0].key)
    fourth = nights.store.current("snapshot", day(4))
    assert old is not None
    assert fourth is not None
    features = publish(nights.store, "features", day(3), {"snapshot": [old]})
    quality = publish(nights.store, "quality", day(3), {"features": [features]})
    monitor = publish(nights.store, "monitor", day(4), {"snapshot": [old, fourth]})
    publish(nights.store, "monitor", day(5), {"snapshot": [fourth]})
    for made in (quality, monitor):
        nights.store.set_current(made)
    found = nights.impact()
    assert [(each.kind, each.key, each.stands, each.again) for each in found.watched] == [
        ("monitor", monitor.key, True, True),
        ("quality", quality.key, True, True),
    ]
    assert [[(use.role, use.date) for use in each.uses] for each in found.watched] == [
        [("compared", day(3))],
        [("measured", day(3))],
    ]
    assert found.watch == (f"vintage monitor demo --date {day(4)}", f"vintage quality demo --date {day(3)}")
    console = Console(file=io.StringIO(), width=120)
    show(found, console)
    assert f"compared {day(3)}" in console.file.getvalue()  # type: ignore[attr-defined]
    assert found.watch[0] in console.file.getvalue()  # type: ignore[attr-defined]


def test_rows_that_are_as_they_were_again_touch_nothing(nights: Nights) -> None:
    before = nights.store.find("snapshot", day(3), restated_dates(nights.store)[0].old[0].key)
    assert before is not None
    nights.store.set_current(before)
    # The versions are there still; what stands has the rows that everything was made from.
    found = nights.impact()
    assert [each.date for each in found.restated] == [day(3)]
    assert found.models == ()
    assert nights.impact(only=day(4)).restated == ()


def test_models_that_learnt_from_or_were_tested_on_the_old_rows_are_listed(nights: Nights) -> None:
    found = nights.impact()
    [restated] = found.restated
    assert (restated.source, restated.date) == ("source", day(3))
    assert [(each.rows, each.current) for each in restated.versions] == [(3, False), (4, True)]
    third, fourth = found.models
    assert [(use.role, use.date, use.state) for use in third.uses] == [("tested", day(3), "restated")]
    assert [(use.role, use.date, use.state) for use in fourth.uses] == [("learnt", day(3), "restated")]
    assert {use.snapshot for each in found.models for use in each.uses} == {restated.old[0].key}
    assert [(each.date, each.version, each.champion, each.stands) for each in found.models] == [
        (day(3), 2, "served", True),
        (day(4), 3, "served", True),
    ]
    assert [len(each.evaluations) for each in found.models] == [1, 1]
    assert third.served_from == (day(3),)


def test_the_commands_retrain_what_stands_and_a_backfill_covers_its_last_day(nights: Nights) -> None:
    found = nights.impact()
    assert found.retrain == (day(3), day(4))
    assert found.commands == tuple(f"vintage run demo --date 2024-03-0{number}" for number in (3, 4))
    assert found.backfills == ("vintage backfill demo --from 2024-03-03 --to 2024-03-04",)
    assert found.airflow_backfills == (in_airflow("demo", day(3), day(4)),)


def test_no_backfill_runs_a_date_that_is_as_it_was(nights: Nights) -> None:
    nights.run(4)
    snapshot(nights.store, day(5), rows="other rows of 5")
    found = nights.impact()
    assert found.retrain == (day(3), day(5))
    assert found.backfills == tuple(
        f"vintage backfill demo --from {day(number)} --to {day(number)}" for number in (3, 5)
    )


def test_what_was_retrained_is_told_and_not_to_be_retrained_again(nights: Nights) -> None:
    nights.run(4)
    found = nights.impact()
    assert [(each.date, each.stands, each.retrain) for each in found.models] == [
        (day(3), True, True),
        (day(4), False, False),
    ]
    nights.run(3)
    again = nights.impact()
    # Night 3 learnt from day 2, whose rows stand: the model is the same, and only its predictions are new.
    assert [(each.date, each.stands, each.retrain) for each in again.models] == [
        (day(3), True, False),
        (day(4), False, False),
    ]
    assert [each.stands for each in again.models[0].evaluations] == [False, True]
    assert again.retrain == ()
    assert again.backfills == again.airflow_backfills == ()


def test_who_serves_is_told(nights: Nights) -> None:
    snapshot(nights.store, day(4), rows="other rows of 4")
    assert [(each.date, each.champion) for each in nights.impact(only=day(4)).models] == [
        (day(4), "served"),
        (day(5), "serves"),
    ]


def test_a_tuning_on_old_rows_counts(nights: Nights) -> None:
    old = nights.store.find("snapshot", day(3), restated_dates(nights.store)[0].old[0].key)
    assert old is not None
    new = nights.store.current("snapshot", day(3))
    nights.store.set_current(old)
    nights.run(5, tuned_on=3)
    assert new is not None
    nights.store.set_current(new)
    tuned = nights.impact().models[-1]
    assert (tuned.date, [use.role for use in tuned.uses], tuned.retrain) == (day(5), ["tuned"], True)


def test_a_joined_source_is_restated_under_its_own_name(tmp_path: Path) -> None:
    nights = Nights(Store(tmp_path / "store", "demo"))
    for number in (1, 2):
        snapshot(nights.store, day(number), rows=f"rows of {number}")
    snapshot(nights.paint, FIRST, rows="red")
    nights.run(2)
    snapshot(nights.paint, FIRST, rows="blue")
    found = nights.impact()
    assert [(each.source, each.date) for each in found.restated] == [("paint", FIRST)]
    [model] = found.models
    assert {(use.role, use.source, use.date) for use in model.uses} == {
        ("learnt", "paint", FIRST),
        ("tested", "paint", FIRST),
    }


def test_the_same_rows_under_another_key_are_no_restatement(tmp_path: Path) -> None:
    nights = Nights(Store(tmp_path / "store", "demo"))
    for number in (1, 2):
        snapshot(nights.store, day(number), rows=f"rows of {number}")
    nights.run(2)
    snapshot(nights.store, day(1), rows="rows of 1", seed=7)
    assert nights.impact() == nights.impact(only=day(2))
    assert nights.impact().restated == ()


def test_raw_files_that_changed_since_touch_what_learnt_from_the_snapshot(nights: Nights) -> None:
    pending = (Pending(source="source", date=day(2), told="rows.csv written again"),)
    found = impact_of(nights.store, (), pending)
    assert [(each.date, each.uses[0].state) for each in found.models] == [
        (day(2), "pending"),
        (day(3), "pending"),
    ]
    assert found.retrain == (day(2), day(3))


def test_a_model_that_nobody_evaluated_stands_by_its_own_pointer(nights: Nights) -> None:
    (nights.store.folder / "evaluation" / f"date={day(4)}" / "current.json").unlink()
    assert [(each.date, each.stands, each.retrain) for each in nights.impact().models] == [
        (day(3), True, True),
        (day(4), True, True),
    ]


def test_a_damaged_manifest_hides_no_other_model(nights: Nights, caplog: pytest.LogCaptureFixture) -> None:
    model = nights.store.current("model", day(3))
    assert model is not None
    (model.folder / "manifest.json").write_text("{", encoding="utf-8")
    assert [each.date for each in nights.impact().models] == [day(4)]
    assert "is not a manifest" in caplog.text


def shown(impact: Impact) -> list[str]:
    out = io.StringIO()
    show(impact, Console(file=out, width=80))
    return out.getvalue().splitlines()


def scored(nights: Nights, features: Artifact, *, by: int) -> Artifact:
    """Predictions of a date's features by the model of a night, the current ones of the date."""
    model = nights.store.current("model", day(by))
    assert model is not None
    inputs = {"model": [model], "features": [features]}
    made = publish(nights.store, "predictions", features.date, inputs, model=model.key, version=by - 1)
    nights.store.set_current(made)
    return made


def test_predictions_of_old_rows_or_by_a_model_of_old_rows_are_listed(nights: Nights) -> None:
    # Day 3 was restated: the model of day 4 learnt from it, that of day 2 did not.
    [before] = published(nights.store, "features", day=day(3))
    of_old = scored(nights, before, by=2)
    by_old = scored(nights, nights.features(5), by=4)
    scored(nights, nights.features(2), by=2)
    impact = nights.impact()
    told = {each.key: (each.model_touched, [use.role for use in each.uses]) for each in impact.predictions}
    assert told == {of_old.key: (False, ["scored"]), by_old.key: (True, [])}
    assert impact.score == (f"vintage score demo --date {day(3)}",)
    lines = shown(impact)
    assert f"  vintage score demo --date {day(3)}" in lines
    assert "2 models and 4 sets of predictions touched" in lines[1]
    table = [line for line in lines if "old rows" in line or "scored" in line]
    assert table
    assert max(map(len, table)) <= 80

    scored(nights, nights.features(3), by=2)
    assert nights.impact().score == ()


def test_a_person_reads_it_within_eighty_columns(nights: Nights) -> None:
    found = nights.impact(
        pending=(Pending(source="paint", date=day(2), told="a.csv (1 → 2 bytes) of another size"),)
    )
    [restated] = found.restated
    change = RowChange(
        old=restated.old[0].key,
        new=restated.standing.key,
        by=("id",),
        added=1,
        removed=0,
        changed=2,
        columns={"size": "int → double"},
        examples=(ChangedRow(key={"id": "7"}, values={"colour": ("red", "blue [green]")}),),
    )
    told = found.model_copy(update={"restated": (restated.model_copy(update={"changes": (change,)}),)})
    lines = shown(told)
    commands = [line for line in lines if line.strip() in told.airflow_backfills]
    assert len(commands) == 1
    assert max(len(line) for line in lines if line not in commands) <= 80
    text = "\n".join(lines)
    for part in (
        "1 added, 0 removed, 2 changed",
        "id=7: colour red → blue [green]",
        "column size: int → double",
        "a.csv (1 → 2 bytes)",
        "  vintage run demo --date 2024-03-03",
        "demo: 1 date restated, 1 date with other raw files since",
        "2 models and 2 sets of predictions touched, 2 dates to retrain",
        "learnt 2024-03-03",
        "retrain",
    ):
        assert part in text, text


def test_a_champion_of_old_rows_is_told_how_to_replace_it(nights: Nights) -> None:
    snapshot(nights.store, day(5), rows="other rows of 5")
    lines = shown(nights.impact())
    assert lines[-1] == f'  vintage promote demo --date {day(5)} --force --why "restated"'


def test_nothing_is_one_line(tmp_path: Path) -> None:
    empty = impact_of(Store(tmp_path, "demo"), ())
    assert shown(empty) == ["demo: no date's raw data was restated"]
