"""A plan in a terminal of 80 columns: what is made and why, what would fail, what it takes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from vintage.cli.plan_view import show
from vintage.flow.plan import Baseline, Durations, Move, Plan, PlannedRun, Raw, Step
from vintage.store.reasons import Why

if TYPE_CHECKING:
    from vintage.flow.plan import Action
    from vintage.store import Kind

ROWS = Why(reason="data", what="rows of 2024-03-03")
PARAM = Why(reason="spec", what="stages[3].params.regParam")
NEW = Why(reason="new", what="2024-03-04 has no model yet")


def step(kind: Kind, action: Action, *why: Why, day: str = "2024-03-03", view: str = "source") -> Step:
    reads = kind == "snapshot" and action != "reused"
    return Step(kind=kind, view=view, date=day, action=action, why=why, reads_raw=reads)


WHOLE = PlannedRun(
    date="2024-03-03",
    raw={"source": Raw(state="changed")},
    steps=(
        *(step("snapshot", "reused", day=f"2024-03-0{day}") for day in (1, 2)),
        step("snapshot", "if_changed", ROWS),
        step("snapshot", "made", NEW, view="stock"),
        step("validation", "reused"),
        step("features", "made", ROWS, PARAM),
        step("tuning", "made", PARAM),
        step("model", "made", PARAM, ROWS),
        step("evaluation", "if_changed", ROWS),
    ),
    baseline=Baseline(compares=True, now="2023-12-31", if_promoted="2024-03-02"),
    champion=Move(possible=True, why="if its gates pass and it loads"),
    fails=None,
    warnings=("a joined source is late",),
    seconds=(40.0, 125.0),
)
FAILING = PlannedRun(
    date="2024-03-04",
    raw={"source": Raw(state="absent")},
    steps=(),
    baseline=None,
    champion=None,
    fails="no raw data for 2024-03-04",
    warnings=(),
    seconds=(0.0, 0.0),
)


def told(*runs: PlannedRun, **changed: object) -> list[str]:
    fields = {
        "pipeline": "things",
        "first": "2024-03-03",
        "last": "2024-03-04",
        "runs": runs,
        "left_out": (),
        "champion": "2023-12-31",
        "raw_reads": 2,
        "durations": Durations(seconds={"model": 20.0}, job_start=14.2, counted={"model": 1, "jobs": 3}),
        "seconds": (40.0, 125.0),
        "unknown": (),
        "commands": {"in Airflow": "airflow backfill create --dag-id retrain_things " + "x" * 80},
    }
    stream = io.StringIO()
    show(Plan.model_validate(fields | changed), Console(file=stream, width=80, highlight=False))
    lines = stream.getvalue().splitlines()
    assert max(len(line) for line in lines if "airflow" not in line) <= 80
    return lines


def test_a_row_tells_what_is_made_and_why() -> None:
    lines = told(WHOLE, FAILING)
    [header, whole, failing] = [line.split() for line in lines if line.startswith(("date", "2024-03-0"))][:3]
    assert header == ["date", "raw", "snap", "valid", "feat", "tune", "model", "eval", "baseline", "champion"]
    assert " ".join(whole) == "2024-03-03 changed ●1◐1 nd ○ ●1 ds ● s ● ds ◐ d 03-02? may"
    assert " ".join(failing) == "2024-03-04 absent · · · · · · fails"


def test_below_it_stand_the_reasons_the_troubles_and_the_totals() -> None:
    text = "\n".join(told(WHOLE, FAILING))
    assert "d rows of 2024-03-03: 1 snapshot, 1 features, 1 model, 1 evaluation" in text
    assert "s stages[3].params.regParam: 1 features, 1 tuning, 1 model" in text
    assert "Would fail:\n2024-03-04: no raw data for 2024-03-04" in text
    assert "Would warn:\na joined source is late" in text
    text = " ".join(text.split())
    assert "Makes 1 to 2 snapshots, 1 features, 1 tuning, 1 model, 0 to 1 evaluation; reads 2" in text
    assert "Time: about 40 s to 2 min, one date after the other" in text
    assert "14 s for each job to start" in text
    assert told(WHOLE)[-1].endswith("x" * 80), "a command stays on one line"


def test_what_is_not_known_is_not_guessed() -> None:
    text = " ".join("\n".join(told(WHOLE, seconds=None, unknown=("tuning",))).split())
    assert "Time: not known, for none was made before: tuning." in text
    none = Durations(seconds={"model": 20.0}, job_start=None, counted={"model": 1, "jobs": 0})
    text = " ".join("\n".join(told(WHOLE, durations=none, champion=None)).split())
    assert "without the starts of the jobs, for no run in Airflow is known" in text
    assert "there is no champion yet" in text


def test_where_all_is_found_there_is_nothing_to_do() -> None:
    idle = WHOLE.model_copy(
        update={
            "steps": (step("snapshot", "reused"), step("model", "reused")),
            "champion": Move(possible=False, why="it already serves"),
            "baseline": Baseline(compares=False),
        }
    )
    lines = told(idle, left_out=("2024-03-04",))
    [row] = [line.split() for line in lines if line.startswith("2024-03-03")]
    assert row == ["2024-03-03", "changed", "○", "○", "-", "stays"]
    assert "Nothing to do: every step is found by its key." in lines
    assert "1 date omitted: the schedule skips them" in lines
    assert not any(line.startswith(("Makes", "Why")) for line in lines)
