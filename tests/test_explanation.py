"""What of two tellings differs, and how it is told: by path, by number, and within eighty columns."""

from __future__ import annotations

import io

from rich.console import Console

from vintage.cli.reproduction_view import show
from vintage.data.changed_rows import ChangedRow, RowChange
from vintage.flow.environment import Held, paths_that_differ
from vintage.flow.reproduction import FirstDifference, Reproduction, Restated, Step, marked


def test_paths_that_differ_are_named_with_both_values() -> None:
    then = {"stages": [{"params": {"maxIter": 5, "tol": 0.1}}], "own_code": {"mine": "a" * 64}, "key": ["id"]}
    now = {
        "stages": [{"params": {"maxIter": 6, "tol": 0.1}}],
        "own_code": {"mine": "b" * 64},
        "key": ["id", "x"],
    }
    assert {each.what: (each.then, each.now) for each in paths_that_differ("", then, now)} == {
        "stages[0].params.maxIter": ("5", "6"),
        "own code mine": ("a" * 12, "b" * 12),
        "key": ("['id']", "['id', 'x']"),
    }


def step(name: str, day: str = "2024-03-06", *, same: bool = True, seconds: float = 0.0) -> Step:
    return Step(
        step=name, date=day, same=same, then="f" * 64, now="f" * 64 if same else "e" * 64, seconds=seconds
    )


def test_what_differs_after_the_first_follows_from_it_and_other_dates_of_it_stand_beside() -> None:
    steps = [
        step("snapshot"),
        step("features", "2024-03-05", same=False),
        step("features", same=False),
        step("model", same=False),
        step("gates"),
    ]
    assert [each.follows for each in marked(steps)] == [False, False, False, True, False]


def changes(added: int, removed: int, changed: int, *examples: ChangedRow) -> RowChange:
    return RowChange(
        old="a",
        new="b",
        by=("id",),
        added=added,
        removed=removed,
        changed=changed,
        columns={},
        examples=examples,
    )


def shown(found: Reproduction) -> str:
    written = io.StringIO()
    show(found, Console(file=written, width=80))
    return written.getvalue()


HELD = (
    Held("package numpy", "2.1.0", "2.2.0"),
    Held("git commit", "0123456789ab", "ba9876543210"),
    Held("setting spark.driver.extraJavaOptions", "-XX:MaxVectorSize=16 " * 6, "none"),
    Held("java", "17.0.15", "17.0.15"),
)


def found(**other: object) -> Reproduction:
    steps = marked([step("features", f"2024-03-0{day}", seconds=1.25) for day in (5, 6)] + [step("model")])
    content = {
        "pipeline": "things",
        "date": "2024-03-06",
        "key": "a1" * 32,
        "evaluation": "b2" * 32,
        "same": True,
        "environment": HELD,
        "steps": steps,
        "seconds": 12.0,
    }
    return Reproduction.model_validate(content | other)


def test_the_same_is_said_first_with_what_is_another_in_the_environment() -> None:
    text = shown(found(restated=(Restated(source="snapshot", date="2024-03-04", rows_then=24, rows_now=20),)))
    lines = text.splitlines()
    assert "the same: model a1a1a1a1a1a1" in text
    assert "though the environment is another" in text
    assert "1 more are the same" in text
    assert "java" not in text
    assert max(map(len, lines)) <= 80
    assert "2 dates" in text
    assert "2.5" in text
    assert "2024-03-04 of snapshot (24 rows then, 20 now)" in " ".join(text.split())


def test_what_differed_first_is_said_with_reason_rows_and_what_follows() -> None:
    steps = marked(
        [
            step("features", "2024-03-05", same=False),
            step("model", same=False),
            step("metrics"),
        ]
    )
    example = ChangedRow(key={"id": "3"}, values={"size": ("0.1", "0.10000000000000002")})
    first = FirstDifference(
        step="features",
        date="2024-03-05",
        then="f" * 64,
        now="e" * 64,
        why=(Held("own code mine", "aaa", "bbb"),),
        rows=changes(1, 2, 3, example),
    )
    text = shown(found(same=False, steps=steps, first_difference=first))
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.replace("│", " ").split())
    assert "not the same: model a1a1a1a1a1a1" in flat
    assert "why: own code mine was aaa, is bbb" in flat
    assert "1 rows added, 2 removed, 3 changed" in flat
    assert "id 3: size 0.1 → 0.10000000000000002" in flat
    assert "differs, as follows from the above" in flat


def test_a_difference_without_a_reason_says_what_it_can_only_be() -> None:
    plain = {"step": "features", "date": "2024-03-05", "then": "a", "now": "b", "why": ()}
    assert "not deterministic" in FirstDifference.model_validate(plain).reason
    edited = FirstDifference.model_validate(plain | {"rows": changes(0, 0, 0)})
    assert "a manifest was edited" in edited.reason
