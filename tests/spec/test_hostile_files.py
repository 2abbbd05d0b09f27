"""One bad file harms its own pipeline alone: it is refused at once, with its line; others stay."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.spec.conftest import PIPELINE, SUITE
from vintage.errors import SpecError
from vintage.flow.job import stage_problems
from vintage.spec import load_pipeline, loading, read_home
from vintage.spec.problem import MOST
from vintage.spec.sql import BadSql, read_expression, read_query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vintage.spec import Home

HANG_SECONDS = 30.0
"""CPU time after which a case counts as a hang: a second within the budgets, without them minutes."""


def bent(old: str, new: str) -> bytes:
    text = PIPELINE.replace("name: tips", "name: bad").replace(old, new, 1)
    assert new in text
    return text.encode()


def bomb(levels: int, width: int = 9) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


SQL = "    SELECT\n      id, bill, day,\n      tip\n    FROM source\n"
CONTENTS: dict[str, tuple[bytes, str]] = {
    "alias bomb": (
        bomb(9).encode(),
        ": the file has more than 50,000 keys and values with those its aliases",
    ),
    "bomb in the options": (bent("{header: true", "{<<: [" + "x, " * 60_000 + "]"), "keys and values"),
    "aliases": (
        f"a: &x 1\nb: [{'*x, ' * 1001}]\n".encode(),
        "bad.yaml:2: the file has more than 1,000 aliases",
    ),
    "deep alias": (
        "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 500))]).encode(),
        "more than 32 levels with those its aliases stand for",
    ),
    "brackets": (b"a: " + b"[" * 3_000, "bad.yaml:1: the file has more than 32 levels"),
    "brackets that crash": (b"a: " + b"[" * 100_000, "bad.yaml:1: "),
    "braces that crash": (b"{a: " * 100_000, "bad.yaml:1: "),
    "blocks": (b"- " * 100_000, "bad.yaml:1: the file has more than 32 levels"),
    "indents": (
        "\n".join(" " * n + "a:" for n in range(600)).encode(),
        "bad.yaml:32: the file has more than 32 levels",
    ),
    "large": (b"a: b\n" * 4_000_000, "the file has 20,000,000 bytes; expected at most 1,048,576"),
    "many keys": ("\n".join(f"k{n}: 1" for n in range(60_000)).encode(), "more than 50,000 keys and values"),
    "a long list": (bent("stages:\n", "stages:\n" + "  - T\n" * 40_000), "stages; expected"),
    "a list of 100,000": (bent("stages:\n", "stages:\n" + "  - T\n" * 100_000), "more than 50,000 keys"),
    "unknown keys": (
        bent("name: bad", "name: bad\n" + "\n".join(f"kee{n}: 1" for n in range(20_000))),
        f"has more than {MOST} problems",
    ),
    "a long text": (
        bent("name: bad", f"name: bad\ndescription: {'x' * 70_000}"),
        "bad.yaml:2: a text has 70,000 characters",
    ),
    "a long key": (bent("name: bad", f"name: bad\n? {'k' * 5_000}\n: 1"), "a key has 5,000 characters"),
    "merges": (bent("name: bad", "name: bad\n<<: {seed: 1}"), 'unknown key "<<"'),
    "a long number": (bent("name: bad", f"name: bad\nseed: {'9' * 6_000}"), "a number has 6,000 characters"),
    "a long hex number": (bent("name: bad", f"name: bad\nseed: 0x{'f' * 60_000}"), "a number has 60,002"),
    "an infinite number": (bent("regParam: 1e-2", "regParam: 1e999"), "1e999 is beyond"),
    "a timestamp": (
        bent("start_date: 2020-01-01", "start_date: 2020-01-01T00:00:00Z"),
        "is not a partition date",
    ),
    "a tag": (b"name: !!python/name:os.system x\n", "tag:yaml.org,2002:python/name"),
    "no UTF-8": (b"name: bad\nowner: K\xf6ln\n", "bad.yaml:2: byte 0xf6 is no UTF-8"),
    "UTF-16": ("name: bad".encode("utf-16"), "it may be UTF-16"),
    "NUL": (b"name: bad\nowner: a\x00b\n", "bad.yaml:2: not YAML: the character '\\x00'"),
    "half a character": (b'name: bad\nowner: "\\ud800"\n', "bad.yaml:2: a text holds half a character"),
    "an escape within quotes": (b'name: "\\u001b[2J"\n', "name"),
    "escapes": (b"name: bad\n\nowner: \x1b[2J\n", "bad.yaml:3: not YAML: the character '\\x1b'"),
    "empty": (b"", "has no keys"),
    "deep SQL": (bent(SQL, f"    SELECT {'(' * 1_000}1{')' * 1_000} AS id FROM source\n"), "nested too deep"),
    "very deep SQL": (bent(SQL, f"    SELECT {'(' * 19_000} AS id\n"), "nested too deep"),
    "NOT NOT": (bent(SQL, f"    SELECT {'NOT ' * 5_000} a AS id FROM source\n"), "nested too deep"),
    "CASE": (bent(SQL, f"    SELECT {'CASE WHEN a THEN ' * 900} 1\n"), "nested too deep"),
    "long SQL": (bent(SQL, f"    SELECT {'a,' * 25_000} 1 AS id FROM source\n"), "the SQL has 50,"),
    "AND AND": (
        bent(SQL, f"    SELECT id, bill, day, tip FROM source WHERE {' AND '.join(['tip > 1'] * 3_000)}\n"),
        "bad.yaml:12: the SQL has more than 1,200 operators in a row",
    ),
    "SELECTs": (
        bent(SQL, f"    {' UNION ALL '.join(['SELECT id, bill, day, tip FROM source'] * 250)}\n"),
        "the SQL has more than 200 SELECTs",
    ),
    "SQL in many stages": (
        bent(
            "stages:\n",
            "stages:\n"
            + f"  - SQLTransformer: {{statement: 'SELECT *{', 1 AS a' * 3_000} FROM __THIS__'}}\n" * 4,
        ),
        "the SQL of the file has 96,",
    ),
    "many slices": (
        bent("  metric: areaUnderROC\n", f"  metric: areaUnderROC\n  slices: [{'s,' * 2}{'x, ' * 40_000}]\n"),
        'slice "s" occurs more than once',
    ),
    "a deep label": (bent("CAST(tip > 2 AS DOUBLE)", "(" * 2_000 + "tip"), "nested too deep"),
    "deep types": (
        bent("day STRING", f"day {'ARRAY<' * 5_000}INT"),
        "is nested too deep; expected 50 levels",
    ),
    "blanks": (bent("day STRING", f"'day STRING{' ' * 60_000}'"), "schema"),
    "many types": (
        bent("id INT, bill", "".join(f"c{n} INTT, " for n in range(5_000)) + "id INT, bill"),
        "INTT",
    ),
    "a backtracking pattern": (bent("0 2 * * *", "0 2 * * " + "*/1," * 10_000 + "x"), "is no cron line"),
    "a far date": (bent("days: 10", f"days: {10**39}"), "window.days"),
    "a long time": (bent("name: bad", "name: bad\ndeadline: 99999999999999d"), "is no time"),
}


@pytest.mark.fault(
    "an alias bomb, deep brackets, a huge file", outcome="refused with file and line within a second"
)
@pytest.mark.parametrize("case", CONTENTS)
def test_a_hostile_pipeline_is_refused_at_once(home_with: Callable[..., Home], case: str) -> None:
    home = home_with()
    content, expected = CONTENTS[case]
    (home.pipelines_dir / "bad.yaml").write_bytes(content)
    started = time.process_time()
    found = read_home(home)
    assert time.process_time() - started < HANG_SECONDS
    assert [pipeline.name for pipeline in found.pipelines if pipeline.name != "bad"] == ["tips"]
    assert {problem.file for problem in found.problems} == {"pipelines/bad.yaml"}
    assert len(found.problems) <= MOST + 1
    assert any(expected in str(problem) for problem in found.problems), [str(each) for each in found.problems]
    assert all(len(str(problem)) < 5_000 for problem in found.problems)
    with pytest.raises(SpecError):
        load_pipeline(home, "bad")


STATEMENTS = {
    "many columns": [
        "SELECT *" + "".join(f", tip AS a{k}x{n}" for n in range(700)) + " FROM __THIS__" for k in range(4)
    ],
    "long sums": [
        "SELECT *" + "".join(f", {'+'.join(['tip'] * 1_000)} AS a{n}" for n in range(6)) + " FROM __THIS__"
    ],
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_large_statements_of_stages_are_looked_through_at_once(
    home_with: Callable[..., Home], case: str
) -> None:
    home = home_with()
    stages = "".join(f"  - SQLTransformer: {{statement: '{each}'}}\n" for each in STATEMENTS[case])
    (home.pipelines_dir / "bad.yaml").write_bytes(bent("stages:\n", f"stages:\n{stages}"))
    started = time.process_time()
    assert list(stage_problems(load_pipeline(home, "bad"))) == []
    assert time.process_time() - started < HANG_SECONDS


def test_queries_that_double_each_other_are_followed_at_once(home_with: Callable[..., Home]) -> None:
    """Each reads the one before it twice: a value of the last has come by a billion ways."""
    queries = ["t0 AS (SELECT id, bill, day, tip, tip AS s FROM source)"]
    queries += [f"t{n} AS (SELECT id, bill, day, tip, s + s AS s FROM t{n - 1})" for n in range(1, 31)]
    starred = ["u0 AS (SELECT * FROM source)"]
    starred += [f"u{n} AS (SELECT * FROM u{n - 1} AS a CROSS JOIN u{n - 1} AS b)" for n in range(1, 31)]
    with_s = f"    WITH {', '.join(queries)} SELECT id, bill, day, tip, s FROM t30\n"
    with_all = f"    WITH {', '.join(starred)} SELECT a.id, bill, day, tip FROM u30 AS a\n"
    home = home_with()
    for name, sql in (("doubled", with_s), ("starred", with_all)):
        text = bent(SQL, sql).decode().replace("name: bad", f"name: {name}")
        (home.pipelines_dir / f"{name}.yaml").write_text(text.replace("[bill, day_ix]", "[bill, day_ix, s]"))
    started = time.process_time()
    found = read_home(home)
    told = [str(each) for one in found.pipelines for each in stage_problems(one)]
    assert time.process_time() - started < HANG_SECONDS
    assert any("doubled.yaml" in each and 'the model learns from "s"' in each for each in told)


@pytest.mark.fault("a hostile suite", outcome="the pipelines that name it are refused, and no other")
def test_a_hostile_suite_harms_those_that_name_it(home_with: Callable[..., Home]) -> None:
    home = home_with()
    (home.pipelines_dir / "other.yaml").write_text(PIPELINE.replace("tips", "other"))
    (home.expectations_dir / "other.yaml").write_text(bomb(9))
    found = read_home(home)
    assert [pipeline.name for pipeline in found.pipelines] == ["other", "tips"]
    assert {problem.file for problem in found.problems} == {"expectations/other.yaml"}
    assert load_pipeline(home, "tips").name == "tips"


def test_a_suite_is_read_once_however_many_name_it(
    home_with: Callable[..., Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with()
    for number in range(5):
        text = PIPELINE.replace("name: tips", f"name: tips_{number}")
        (home.pipelines_dir / f"tips_{number}.yaml").write_text(text)
    read: list[str] = []
    monkeypatch.setattr(
        "vintage.spec.files.read_file",
        lambda path, file: read.append(file) or loading.read_file(path, file),
    )
    assert len(read_home(home).pipelines) == 6
    assert read.count("expectations/tips.yaml") == 1


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.symlink_to("nothing")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def closed(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (os.mkfifo, "is no file but something else"),
        (folder, "is no file but something else"),
        (device, "is no file but something else"),
        (loop, "Too many levels of symbolic links"),
        (dangling, "No such file"),
        (closed, "cannot be read"),
    ],
)
def test_what_is_no_file_is_told(
    home_with: Callable[..., Home], make: Callable[[Path], None], expected: str
) -> None:
    home = home_with()
    make(home.pipelines_dir / "bad.yaml")
    found = read_home(home)
    assert [pipeline.name for pipeline in found.pipelines] == ["tips"]
    [problem] = found.problems
    assert str(problem).startswith("pipelines/bad.yaml: ")
    assert expected in str(problem)


def test_what_an_editor_keeps_beside_a_file_is_not_read(home_with: Callable[..., Home]) -> None:
    home = home_with()
    (home.pipelines_dir / ".#tips.yaml").symlink_to("anna@host.1234")
    assert read_home(home).problems == ()


def test_a_name_of_other_bytes_is_told(home_with: Callable[..., Home]) -> None:
    home = home_with()
    os.link(home.pipelines_dir / "tips.yaml", os.fsencode(home.pipelines_dir) + b"/\xff\n\x1b.yaml")
    problems = [str(problem) for problem in read_home(home).problems]
    assert all(text.isprintable() and text.encode() for text in problems)
    assert any("is not a name" in text for text in problems)


def test_a_long_name_is_refused(home_with: Callable[..., Home]) -> None:
    home = home_with()
    (home.pipelines_dir / f"{'a' * 121}.yaml").write_text(
        PIPELINE.replace("name: tips", f"name: {'a' * 121}")
    )
    assert any("at most 120" in str(problem) for problem in read_home(home).problems)


@pytest.mark.fault("any exception while one file is read", outcome="a problem of that file alone")
@pytest.mark.parametrize(
    "error", [RecursionError("deep"), MemoryError(), OSError("gone"), ZeroDivisionError()]
)
def test_whatever_goes_wrong_is_of_one_file(
    home_with: Callable[..., Home], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    home = home_with()
    (home.pipelines_dir / "bad.yaml").write_bytes(bent("days: 10", "days: 9"))
    read = loading.read_file

    def failing(path: Path, file: str) -> object:
        if path.stem == "bad":
            raise error
        return read(path, file)

    monkeypatch.setattr("vintage.spec.files.read_file", failing)
    found = read_home(home)
    assert [pipeline.name for pipeline in found.pipelines] == ["tips"]
    assert [problem.file for problem in found.problems] == ["pipelines/bad.yaml"]
    assert f"cannot be checked: {type(error).__name__}" in str(found.problems[0])
    with pytest.raises(SpecError, match="cannot be checked"):
        load_pipeline(home, "bad")


def test_a_wide_table_is_within_the_budget() -> None:
    """1,000 columns with three rules each, the widest that Vintage is measured with."""
    rules = [
        f"  - {{type: {rule}, kwargs: {{column: column_number_{n}, {arguments}}}, severity: warning}}"
        for n in range(1_000)
        for rule, arguments in (
            ("expect_column_values_to_not_be_null", "mostly: 0.99"),
            ("expect_column_values_to_be_between", "min_value: 0, max_value: 1"),
            ("expect_column_values_to_be_of_type", "type_: IntegerType"),
        )
    ]
    document, problems = loading.read_text("expectations:\n" + "\n".join(rules) + "\n", "wide.yaml")
    assert problems == []
    assert len(document.data["expectations"]) == 3_000
    columns = ", ".join(f"CAST(column_number_{n} AS DOUBLE) AS column_number_{n}" for n in range(1_000))
    assert len(columns) < loading.TEXT
    assert read_query(f"SELECT {columns} FROM source").columns({"source": None}) is not None


def test_the_budgets_end_where_they_say() -> None:
    def refused(text: str) -> bool:
        return bool(loading.read_text(text, "x.yaml")[1])

    assert not refused("a: " + "[" * 31 + "]" * 31)
    assert refused("a: " + "[" * 32 + "]" * 32)
    assert not refused("[" + "1," * 49_999 + "]")
    assert refused("[" + "1," * 50_000 + "]")
    assert not refused(f"a: &x 1\nb: [{'*x,' * 1_000}]")
    assert refused(f"a: &x 1\nb: [{'*x,' * 1_001}]")
    assert not refused(f"a: {'x' * 65_536}")
    assert refused(f"a: {'x' * 65_537}")


def test_nested_sql_is_read_as_deep_as_is_said() -> None:
    nested = "coalesce(a, " * 24 + "1" + ")" * 24
    assert read_expression(nested).sql()
    assert read_query(f"SELECT {nested} AS a FROM source").columns({"source": ("a",)}) == ("a",)
    with pytest.raises(BadSql, match="nested too deep"):
        read_expression(f"({nested})")


def test_the_suite_of_the_examples_is_sound() -> None:
    assert loading.read_text(SUITE, "suite.yaml")[1] == []
