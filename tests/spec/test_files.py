"""A file with mistakes is refused with all of them: line, expected, found, nearest right name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vintage.errors import SpecError
from vintage.spec import InvalidSpec, Pipeline, feature_columns, load_pipeline, load_suite, read_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.spec import Home

    HomeWith = Callable[..., Home]

FILE = "pipelines/tips.yaml"


def problems_of(home: Home, name: str = "tips") -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        load_pipeline(home, name)
    return [str(problem) for problem in caught.value.problems]


def test_a_right_file_has_no_problems_and_keeps_words_as_written(home_with: HomeWith) -> None:
    home = home_with()
    pipeline = load_pipeline(home, "tips")
    assert read_home(home).problems == ()
    assert pipeline.start_date.isoformat() == "2020-01-01"
    assert pipeline.source.options == {"header": "true", "samplingRatio": "0.5"}
    assert pipeline.source.schema_ddl == "id INT, bill DOUBLE, tip DOUBLE, day STRING"
    # YAML 1.1 would read 1e-2 as a text, and NO as false.
    assert pipeline.stages[2].params == {"maxIter": 5, "regParam": 0.01}
    assert load_suite(home, "tips").expectations[1].kwargs["value_set"] == ["Sat", "NO"]


def test_what_a_step_reads_of_a_pipeline_serialises_to_the_same_again(home_with: HomeWith) -> None:
    pipeline = load_pipeline(home_with(), "tips")
    dumped = pipeline.model_dump(mode="json")
    assert Pipeline.model_validate(dumped).model_dump(mode="json") == dumped
    assert dumped["stages"][0] == {
        "type": "StringIndexer",
        "params": {"inputCol": "day", "outputCol": "day_ix"},
    }


WRONG: list[tuple[tuple[str, str], str]] = [
    (
        ("expectations: tips", "expectation: tips"),
        f'{FILE}:9: unknown key "expectation"; did you mean "expectations"?',
    ),
    (
        ("expectations: tips", "reproducibility: exact\nexpectations: tips"),
        f'{FILE}:9: the key "reproducibility" is gone; every model is exact now, on all cores: '
        "remove the line",
    ),
    (
        ("expectations: tips", "partitions: 0\nexpectations: tips"),
        f"{FILE}:9: partitions; expected greater than or equal to 1; found 0",
    ),
    (
        ("days: 10", 'days: "10"'),
        f'{FILE}:10: window.days; expected a whole number; found text "10"',
    ),
    (("days: 10", "days: 1.5"), f"{FILE}:10: window.days; expected a whole number; found 1.5"),
    (("days: 10", "days: 0"), f"{FILE}:10: window.days; expected greater than or equal to 1; found 0"),
    (
        ("min_days: 4", "min_days: 11"),
        f"{FILE}:10: min_days 11 is more than days 10; expected min_days ≤ days",
    ),
    (
        ("test_days: 3", "test_days: 10"),
        f"{FILE}:20: the test days leave no training days; "
        "expected fewer test_days than the window's 10 days; found 10",
    ),
    (("by: date", "by: dates"), f"{FILE}:20: split.by; expected date or key; found dates"),
    (
        ("{by: date, test_days: 3}", "{by: key, test_fraction: 1}"),
        f"{FILE}:20: split.test_fraction; expected less than 1; found 1",
    ),
    (
        ("trigger_params:", "promote: atuo\ntrigger_params:"),
        f'{FILE}:30: promote; expected auto, approve or never; found text "atuo"; did you mean "auto"?',
    ),
    (
        ("trigger_params:", "seed: yes\ntrigger_params:"),
        f'{FILE}:30: seed; expected a whole number; found text "yes"',
    ),
    (
        ("2020-01-01", "2020-02-30"),
        f"{FILE}:3: '2020-02-30' is not a partition date; "
        "expected a day of the calendar as YYYY-MM-DD, such as 2013-02-28",
    ),
    (
        ('"0 2 * * *"', '"0 25 * * *"'),
        f'{FILE}:2: "0 25 * * *" is no cron line; expected five fields, such as "0 2 * * *"; '
        "found '25' as the hour, which goes from 0 to 23",
    ),
    (
        ('"0 2 * * *"', '"0 */6 * * *"'),
        f'{FILE}:2: "0 */6 * * *" is no cron line; expected five fields, such as "0 2 * * *"; '
        "found '*/6' as the hour: a partition is a day, so a run comes once a day at most",
    ),
    (
        ('"0 2 * * *"', '"0 2 31 4,jun *"'),
        f'{FILE}:2: "0 2 31 4,jun *" is no cron line; expected five fields, such as "0 2 * * *"; '
        "found day 31 of month 4,jun, which never comes",
    ),
    (
        ("2020-01-01", "2020-01-01\nend_date: 2019-12-31"),
        f"{FILE}:4: end_date is before start_date; expected 2020-01-01 or later; found 2019-12-31",
    ),
    (("name: tips", "name: tipps"), f"{FILE}:1: name; expected tips, as the file is called; found tipps"),
    (("format: csv", "format: cvs"), f'{FILE}:5: unknown format "cvs"; did you mean "csv"?'),
    (
        ("raw/{date}", "raw/{day}"),
        f"{FILE}:6: {{day}} has no meaning; expected {{date}}, or {{date:%Y%m%d}} with %Y %m %d %y %j, "
        "and %-m %-d without a leading zero: the partition date",
    ),
    (
        ("bill DOUBLE", "bill DUOBLE"),
        f'{FILE}:8: column "bill" has unknown type DUOBLE; expected a Spark SQL type; did you mean "DOUBLE"?',
    ),
    (
        ("id, bill", "id, bil"),
        f'{FILE}:14: the SQL reads column "bil", which the schema lacks; did you mean "bill"?',
    ),
    (
        ("FROM source", "FROM sauce"),
        f'{FILE}:12: the SQL reads table "sauce"; expected the view `source` alone; did you mean "source"?',
    ),
    (
        ("id, bill", "rand() AS r, id, bill"),
        f"{FILE}:14: the SQL uses rand, which returns different values each time; "
        "write pmod(xxhash64(id), 1000) / 1000 instead: a hash of the key is the same each time",
    ),
    (
        ("FROM source", "FROM source\n    LIMIT 10"),
        f"{FILE}:17: the SQL uses LIMIT without ORDER BY, which takes arbitrary rows; "
        "write ORDER BY id before LIMIT",
    ),
    (
        ("id, bill", "IF(tip > 2, current_date(), NULL) AS at, id, bill"),
        f"{FILE}:14: the SQL uses current_date, which returns different values each time; "
        "write {date}, the partition date, instead, for example DATE '{date}'",
    ),
    (
        ("tip > 2", "tip > rand()"),
        f"{FILE}:18: preprocess.label uses rand, which returns different values each time; "
        "write pmod(xxhash64(id), 1000) / 1000 instead: a hash of the key is the same each time",
    ),
    (
        ("tip IS NOT NULL", "day < current_date()"),
        f"{FILE}:19: preprocess.train_where uses current_date, which returns different values each time; "
        "have preprocess.sql give it as a column; {date} is the partition date there",
    ),
    (
        (
            "  - StringIndexer: {",
            "  - SQLTransformer:\n      statement: |\n        SELECT *,\n"
            "          rank() OVER (PARTITION BY day) AS n\n        FROM __THIS__\n  - StringIndexer: {",
        ),
        f"{FILE}:26: SQLTransformer.statement uses rank over a window without ORDER BY, whose rows come "
        "in any order; write OVER (… ORDER BY id)",
    ),
    (
        ("id, bill", "upper(day), id, bill"),
        f"{FILE}:12: the SQL selects UPPER(day) without a name; write UPPER(day) AS some_name",
    ),
    (
        ("FROM source", "FROM source WHERE ("),
        f"{FILE}:16: the SQL cannot be read: it is not complete, near '('",
    ),
    (("FROM source", "FROM source; SELECT 1"), f"{FILE}:12: the SQL is not a query; expected one SELECT"),
    (("id, bill", "id, bill, bill"), f'{FILE}:12: the SQL provides column "bill" more than once'),
    (
        ("key: [id]", "key: [di]"),
        f'{FILE}:17: column "di" is not provided by the SQL; it provides id, bill, day, tip',
    ),
    (("tip > 2", "tips > 2"), f'{FILE}:18: column "tips" is not provided by the SQL; did you mean "tip"?'),
    (
        ("tip IS NOT", "tipp IS NOT"),
        f'{FILE}:19: column "tipp" is not provided by the SQL; did you mean "tip"?',
    ),
    (
        ("metric: areaUnderROC\n", "metric: areaUnderRoc\n"),
        f'{FILE}:27: no metric "areaUnderRoc" for classification; did you mean "areaUnderROC"?',
    ),
    (("min: 0.5", "mim: 0.5"), f'{FILE}:29: unknown key "mim"; did you mean "min"?'),
    (
        (", min: 0.5", ""),
        f"{FILE}:29: the gate on areaUnderROC has no bound; expected min, max or vs_champion",
    ),
    (
        (", min: 0.5", ", min: 0.5, vs_champion: 0.0"),
        f"{FILE}:29: the gate on areaUnderROC has vs_champion and another bound; "
        "expected two gates, one of each",
    ),
    (
        ("min: 0.5", "min: 0.5, slice: {dya: Sat}"),
        f'{FILE}:29: column "dya" is not provided by the SQL; did you mean "day"?',
    ),
    (
        ("min: 0.5", "slice: {day: Sat}, vs_champion: 0.0"),
        f"{FILE}:29: the gate on areaUnderROC of a slice has vs_champion; expected min or max",
    ),
    (
        ("min: 0.5", "min: 0.5, min_rows: 30"),
        f"{FILE}:29: the gate on areaUnderROC has min_rows and no slice; "
        "expected evaluate.min_rows, which is of the whole holdout",
    ),
    (
        ("min: 0.5", "vs_champion: no_worse"),
        f"{FILE}:29: vs_champion is 'no_worse'; expected a number such as -0.005, or not_significantly_worse",
    ),
    (
        ("metric: areaUnderROC\n", "metric: areaUnderROC\n  slices: [day, tipp]\n"),
        f'{FILE}:28: column "tipp" is not provided by the SQL; did you mean "tip"?',
    ),
    (
        ("metric: areaUnderROC\n", "metric: areaUnderROC\n  slices: [day, day]\n"),
        f'{FILE}:28: slice "day" occurs more than once; expected each column once',
    ),
    (
        ("metric: areaUnderROC\n", "metric: areaUnderROC\n  weight: tipp\n"),
        f'{FILE}:28: column "tipp" is not provided by the SQL; did you mean "tip"?',
    ),
    (("min: 0.5", "min: .nan"), f"{FILE}:29: evaluate.gates[0].min; expected a finite number; found nan"),
    (
        ("[LogisticRegression.regParam]", "[LogisticRegresion.regParam]"),
        f"{FILE}:30: trigger_params: LogisticRegresion.regParam: "
        'no stage "LogisticRegresion" in the pipeline; '
        "expected one of StringIndexer, VectorAssembler, LogisticRegression; "
        'did you mean "LogisticRegression"?',
    ),
    (
        ("trigger_params:", "spark: {conf: {spark.master: yarn}}\ntrigger_params:"),
        f'{FILE}:30: setting "spark.master" cannot be set here; '
        "the master comes from Airflow's connection spark_default, or from the command line",
    ),
    (
        (
            "trigger_params:",
            "spark: {conf: {spark.driver.extraJavaOptions: -Xss4m -XX:UseLibmIntrinsic=0}}\ntrigger_params:",
        ),
        f'{FILE}:30: setting "spark.driver.extraJavaOptions" cannot hold -XX:UseLibmIntrinsic=0; '
        "results depend on it, so it is the same for every pipeline",
    ),
    (
        ("expectations: tips", "expectations: tisp"),
        f'{FILE}:9: no suite "tisp": expectations/tisp.yaml does not exist; did you mean "tips"?',
    ),
    (
        ("kwargs: {column: id}", "kwargs: {column: di}"),
        "expectations/tips.yaml:3: expect_column_values_to_not_be_null names column "
        f'"di", which the schema of {FILE} lacks',
    ),
    (
        ("severity: warning", "severity: warn"),
        "expectations/tips.yaml:4: expectations[1].severity; expected critical, warning or info; "
        'found text "warn"; did you mean "warning"?',
    ),
    (
        ("  - StringIndexer: {", "  - StringIndexer: 4\n  - StringIndexer: {"),
        f"{FILE}:23: the Params of StringIndexer are no mapping; expected for example {{maxIter: 50}}",
    ),
    (
        ("window: {days: 10, min_days: 4}\n", ""),
        f'{FILE}:1: key "window" is missing; How many days a model learns from and is tested on',
    ),
]


@pytest.mark.parametrize(("replaced", "problem"), WRONG, ids=[wrong[0][1] or "nothing" for wrong in WRONG])
def test_a_mistake_is_named_with_its_line(
    home_with: HomeWith, replaced: tuple[str, str], problem: str
) -> None:
    assert problems_of(home_with(replaced)) == [problem]


def test_a_source_without_dates_has_a_window_of_one(home_with: HomeWith) -> None:
    found = problems_of(home_with(("raw/{date}", "raw/all")))
    why = "the source has no dates of its own, so that the window is the run's date alone"
    assert found == [
        f"{FILE}:10: {why}; expected min_days: 1; found 4",
        f"{FILE}:20: {why}; expected for example {{by: key, test_fraction: 0.2}}; found by: date",
    ]


def test_all_mistakes_of_a_file_are_told_at_once(home_with: HomeWith) -> None:
    home = home_with(
        ("days: 10", "days: ten"), ("2020-01-01", "tomorrow"), ("metric: areaUnderROC\n", "metric: roc\n")
    )
    with pytest.raises(SpecError) as caught:
        load_pipeline(home, "tips")
    first, *rest = str(caught.value).splitlines()
    assert first == f"3 problems in {FILE}:"
    assert [line.split(":")[1] for line in rest] == ["3", "10", "27"]
    assert [str(problem) for problem in read_home(home).problems] == [line.strip() for line in rest]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: tips\nname: tips\n", f'{FILE}:2: key "name" occurs twice; the first is on line 1'),
        ("name: [tips\nowner: x\n", f"{FILE}:2: not YAML: while parsing a flow sequence expected ',' or ']'"),
        (
            "name: tips\n\towner: x\n",
            f"{FILE}:2: not YAML: while scanning for the next token found character",
        ),
        ("", f"{FILE}:1: the file has no keys; expected a mapping"),
        ("- name: tips\n", f"{FILE}:1: the file has no keys; expected a mapping"),
        (
            "name: !!python/object:os.system tips\n",
            f"{FILE}:1: tag tag:yaml.org,2002:python/object:os.system is not",
        ),
        ("name: &a [*a]\n", f"{FILE}:1: an alias refers to what it is part of"),
        ("{{ name }}: tips\n", f"{FILE}:1: a key must be a word; quote a text that has"),
    ],
)
def test_broken_yaml_is_named_with_its_line(home_with: HomeWith, text: str, problem: str) -> None:
    assert any(line.startswith(problem) for line in problems_of(home_with(pipeline=text)))


@pytest.mark.fault("a pipeline file that is no text", outcome="refused")
def test_a_file_that_is_no_text_is_refused(home_with: HomeWith) -> None:
    home = home_with()
    (home.pipelines_dir / "tips.yaml").write_bytes(b"\xff\xfe name")
    assert problems_of(home) == [
        f"{FILE}:1: byte 0xff is no UTF-8; expected a file in UTF-8; it may be UTF-16"
    ]


@pytest.mark.fault("`../` and the like as a name", outcome="refused before a path is made")
@pytest.mark.parametrize(
    "name", ["../tips", "../../etc/passwd", "{{ 7*7 }}", "", "Tips", "tips/../tips", "tips\n"]
)
@pytest.mark.parametrize("load", [load_pipeline, load_suite])
def test_a_name_that_is_none_never_reaches_a_path(home_with: HomeWith, name: str, load: Any) -> None:
    with pytest.raises(SpecError, match="is not a name; expected lower-case letters"):
        load(home_with(), name)


def test_an_unknown_pipeline_is_told_with_those_there_are(home_with: HomeWith) -> None:
    with pytest.raises(
        SpecError, match=r'no pipeline "tipps" .*; expected one of tips\. Did you mean "tips"\?'
    ):
        load_pipeline(home_with(), "tipps")


def test_a_file_with_another_suffix_is_not_silently_left_out(home_with: HomeWith) -> None:
    home = home_with()
    (home.pipelines_dir / "other.yml").write_text("name: other\n")
    (home.pipelines_dir / "Bad-Name.yaml").write_text("name: tips\n")
    found = [str(problem) for problem in read_home(home).problems]
    assert "pipelines/other.yml: is not read; expected the name other.yaml" in found
    assert any(
        line.startswith("pipelines/Bad-Name.yaml: the file's name 'Bad-Name' is not a name") for line in found
    )


def test_without_a_schema_columns_of_a_star_are_not_guessed(home_with: HomeWith) -> None:
    home = home_with(
        ("  schema: id INT, bill DOUBLE, tip DOUBLE, day STRING\n", ""),
        ("      id, bill, day,\n      tip\n", "      *\n"),
        ("kwargs: {column: id}", "kwargs: {column: anything}"),
    )
    pipeline = load_pipeline(home, "tips")
    assert feature_columns(pipeline) is None
    assert pipeline.source.column_names is None
