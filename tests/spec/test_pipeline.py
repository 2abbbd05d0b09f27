"""What follows from a pipeline: its dates, paths, overrides and submission."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vintage.errors import SpecError
from vintage.spec import Home, feature_columns, load_pipeline, submit_conf
from vintage.spec.overrides import read_overrides, set_params
from vintage.spec.parts import Stage
from vintage.spec.submission import PINNED_JVM, refused_option, refused_setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    HomeWith = Callable[..., Home]

DATE = dt.date(2020, 2, 29)


def days(*numbers: int) -> tuple[dt.date, ...]:
    return tuple(dt.date(2020, 2, number) for number in numbers)


def test_the_split_keeps_to_the_window(home_with: HomeWith) -> None:
    pipeline = load_pipeline(home_with(), "tips")
    available = [*days(1, 20, 22, 26, 27, 29), dt.date(2020, 3, 1)]
    assert pipeline.window_dates(DATE)[0] == dt.date(2020, 2, 20)
    assert pipeline.split_dates(available, DATE) == (days(20, 22, 26), days(27, 29))


def test_split_by_key_every_date_has_both_sides(home_with: HomeWith) -> None:
    pipeline = load_pipeline(home_with(("{by: date, test_days: 3}", "{by: key, test_fraction: 0.2}")), "tips")
    assert pipeline.split_dates(days(29, 20, 1), DATE) == (days(20, 29), days(20, 29))


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("raw/{date}", "/raw/2020-02-29"),
        ("/in/{date}/x-{date}.csv", None),
        ("s3a://bucket/d={date}/*.csv", None),
    ],
)
def test_a_source_path_is_under_the_home_unless_it_is_absolute(
    home_with: HomeWith, written: str, path: str | None
) -> None:
    home = home_with(("raw/{date}", written))
    expected = f"{home.path}{path}" if path else written.replace("{date}", "2020-02-29")
    assert load_pipeline(home, "tips").source_path(DATE) == expected


def test_the_date_is_filled_into_the_sql(home_with: HomeWith) -> None:
    pipeline = load_pipeline(home_with(("id, bill", "DATE '{date}' AS d, id, bill")), "tips")
    assert "DATE '2020-02-29' AS d" in pipeline.preprocess.sql_for(DATE)
    assert feature_columns(pipeline) == ("d", "id", "bill", "day", "tip")


def test_an_override_changes_one_param_and_keeps_the_rest(home_with: HomeWith) -> None:
    home = home_with()
    pipeline = load_pipeline(home, "tips")
    changed = pipeline.with_overrides(["LogisticRegression.regParam=0.5", "StringIndexer.handleInvalid=keep"])
    assert changed.stages[2].params == {"maxIter": 5, "regParam": 0.5}
    assert changed.stages[0].params["handleInvalid"] == "keep"
    assert changed.source_path(DATE) == pipeline.source_path(DATE)
    assert pipeline.parameter("LogisticRegression.regParam") == 0.01
    assert pipeline.parameter("LogisticRegression.tol") is None


def test_empty_and_null_overrides_change_nothing(home_with: HomeWith) -> None:
    pipeline = load_pipeline(home_with(), "tips")
    assert (
        pipeline.with_overrides(["", "  ", "LogisticRegression.regParam=null", "LogisticRegression.tol="])
        == pipeline
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "LogisticRegresion.regParam=1",
            'no stage "LogisticRegresion" .* Did you mean "LogisticRegression"?',
        ),
        ("regParam=1", "'regParam' does not name a stage's Param; expected Stage.param"),
        ("LogisticRegression.regParam", "has no value; expected Stage.param=value"),
        ("LogisticRegression.regParam={{ 7*7 }}", "cannot be read; expected a number"),
        ("LogisticRegression.regParam={a: 1}", "cannot be read; expected a number"),
        ("LogisticRegression[1].regParam=1", r"LogisticRegression\[1\] does not exist"),
        ("../x=1", "does not name a stage's Param"),
    ],
)
def test_an_override_that_names_nothing_is_refused(home_with: HomeWith, override: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load_pipeline(home_with(), "tips").with_overrides([override])


def test_a_class_that_stands_twice_is_named_by_its_place() -> None:
    stages = (Stage(type="Imputer"), Stage(type="own.module.Scaler"), Stage(type="Imputer"))
    given = ["Imputer[1].strategy=mode", "Scaler.by=2", "own.module.Scaler.at=[1, 2]"]
    changed = set_params(stages, read_overrides(stages, given))
    assert [dict(stage.params) for stage in changed] == [{}, {"by": 2, "at": [1, 2]}, {"strategy": "mode"}]
    with pytest.raises(
        SpecError, match=r"Imputer occurs 2 times .* expected for example Imputer\[0\]\.strategy"
    ):
        read_overrides(stages, ["Imputer.strategy=mode"])


@given(st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)))
def test_an_override_keeps_the_type_of_its_value(value: float) -> None:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    stages = [Stage(type="Any")]
    [stage] = set_params(stages, read_overrides(stages, [f"Any.param={text}"]))
    assert (type(stage.params["param"]), stage.params["param"]) == (type(value), value)


def test_the_jvm_is_pinned_and_the_archive_used_only_when_it_exists(
    home_with: HomeWith, tmp_path: Path
) -> None:
    home = home_with(
        (
            "trigger_params:",
            "spark: {conf: {spark.driver.extraJavaOptions: -Xss4m, spark.ui.enabled: true}}\ntrigger_params:",
        )
    )
    pipeline = load_pipeline(home, "tips")
    archive = tmp_path / "spark.jsa"
    home = Home.from_environment({"VINTAGE_HOME": str(home.path), "VINTAGE_CDS_ARCHIVE": str(archive)})
    pinned = " ".join(PINNED_JVM)
    without = submit_conf(pipeline, home)
    assert without["spark.driver.extraJavaOptions"] == f"-Xss4m {pinned}"
    assert without["spark.executor.extraJavaOptions"] == pinned
    assert without["spark.ui.enabled"] == "true"
    assert without["spark.ui.showConsoleProgress"] == "false"
    archive.touch()
    with_archive = submit_conf(pipeline, home)
    assert (
        with_archive["spark.driver.extraJavaOptions"]
        == f"-XX:SharedArchiveFile={archive} -Xshare:auto -Xss4m {pinned}"
    )
    assert with_archive["spark.executor.extraJavaOptions"] == pinned


@pytest.mark.parametrize(
    ("job", "compilers"),
    [
        ("snapshot", "the first"),
        ("validate", "the first"),
        ("preprocess", "the first"),
        ("promote", "the first"),
        ("fit", "the second late"),
        ("evaluate", "the second late"),
        ("", "both"),
    ],
)
def test_only_jobs_that_compute_no_vectors_do_without_the_second_compiler(
    home_with: HomeWith, job: str, compilers: str
) -> None:
    home = home_with()
    options = submit_conf(load_pipeline(home, "tips"), home, job)["spark.driver.extraJavaOptions"]
    assert ("-XX:TieredStopAtLevel=1" in options) == (compilers == "the first")
    assert ("-XX:Tier4InvocationThreshold=50000" in options) == (compilers == "the second late")


def test_no_setting_that_results_depend_on_may_be_set() -> None:
    session = pytest.importorskip("vintage.session")
    assert [name for name in session.FIXED_CONF if not refused_setting(name)] == []
    assert refused_setting("spark.SQL.session.timezone")
    assert refused_setting("master")
    assert refused_setting("spark.hadoop.fs.s3a.secret.key")
    assert not refused_setting("spark.driver.memory")
    assert refused_setting("spark.default.parallelism")


SECRETS = """
spark.hadoop.fs.azure.account.key.shop.dfs.core.windows.net spark.hadoop.fs.s3a.secret.key
spark.hadoop.fs.s3a.access.key spark.hadoop.fs.s3a.session.token spark.ssl.keyPassword
spark.hadoop.fs.azure.sas.box.shop.blob.core.windows.net spark.hadoop.fs.azure.sas.fixed.token.shop
spark.databricks.api.key spark.snowflake.sfPassword spark.x.accessKey spark.x.privateKey spark.x.CREDENTIALS
spark.hadoop.javax.jdo.option.ConnectionPassword spark.authenticate.secret spark.kerberos.keytab
"""
NO_SECRETS = """
spark.hadoop.fs.s3a.aws.credentials.provider spark.security.credentials.hive.enabled spark.executor.memory
spark.hadoop.hadoop.security.credential.provider.path spark.sql.shuffle.partitions
spark.kubernetes.container.image spark.jars spark.jars.packages spark.memory.fraction spark.task.cpus
spark.executorEnv.TZ spark.sql.adaptive.enabled spark.hadoop.sasl.qop
"""
CODE = """
spark.plugins spark.extraListeners spark.sql.extensions spark.submit.pyFiles spark.pyspark.python
spark.executorEnv.LD_PRELOAD spark.executorEnv.PYTHONPATH spark.yarn.appMasterEnv.JAVA_TOOL_OPTIONS
spark.executor.resource.gpu.discoveryScript spark.shuffle.manager SPARK.PLUGINS
"""


def test_settings_that_are_secrets_or_run_code_may_not_be_set() -> None:
    assert [name for name in SECRETS.split() if "a secret belongs" not in (refused_setting(name) or "")] == []
    assert [name for name in NO_SECRETS.split() if refused_setting(name)] == []
    assert [name for name in CODE.split() if not refused_setting(name)] == []
    for option in ("-javaagent:/x.jar", "-XX:OnOutOfMemoryError=/x.sh", "-agentpath:/x.so"):
        assert refused_option("spark.driver.extraJavaOptions", f"-Xss4m {option}") == option


@pytest.mark.fault("a setting of Spark that holds a secret, in a pipeline", outcome="exit 2 with its line")
@pytest.mark.parametrize(
    "value",
    ["-Dshop.password=hush", "-Djavax.net.ssl.keyStorePassword=x -Xss4m", "jdbc:x://ann:hush@db/shop"],
)
def test_a_setting_that_holds_a_secret_is_refused(home_with: HomeWith, value: str) -> None:
    conf = f"spark: {{conf: {{spark.driver.extraJavaOptions: '{value}'}}}}\ntrigger_params:"
    with pytest.raises(SpecError, match="holds a secret"):
        load_pipeline(home_with(("trigger_params:", conf)), "tips")


@pytest.mark.parametrize(
    "option",
    [
        *PINNED_JVM,
        "-XX:MaxVectorSize=64",
        "-XX:-UseLibmIntrinsic",
        "-XX:DisableIntrinsic=_dexp",
        "'-XX:+EnableVectorSupport'",
        "-XX:Flags=/etc/jvm.flags",
        "--limit-modules=java.base",
        "@/etc/jvm.options",
    ],
)
def test_no_option_of_a_jvm_that_results_depend_on_may_be_set(option: str) -> None:
    for name in ("spark.driver.extraJavaOptions", "spark.executor.defaultJavaOptions"):
        assert refused_option(name, f"-Xss4m {option} -Xlog:gc") == option
    assert refused_option("spark.app.note", option) is None


def test_other_options_of_a_jvm_are_a_pipelines_own() -> None:
    options = "-Xss4m -XX:+UseG1GC -XX:TieredStopAtLevel=4 -Da.b=c@d -Djava.io.tmpdir=/tmp"
    assert refused_option("spark.driver.extraJavaOptions", options) is None


def test_the_home_and_its_state_have_embedded_defaults(
    home_with: HomeWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home_with().path
    monkeypatch.chdir(path)
    home = Home.from_environment({"VINTAGE_STORE": "", "MLFLOW_TRACKING_URI": ""})
    assert home.path == path
    assert home.store == path / "data/store"
    assert home.tracking_uri == f"sqlite:///{path}/data/mlflow/mlflow.db"
    assert home.pipeline_names() == ("tips",)
    monkeypatch.chdir(path.parent)
    assert (Home.from_environment({}).path / "spark_jobs").is_dir()
    assert Home.from_environment({"VINTAGE_STORE": "/elsewhere"}).store.as_posix() == "/elsewhere"


@pytest.mark.parametrize(
    ("variable", "value"), [("VINTAGE_HOME", "/nowhere"), ("VINTAGE_STORE", "s3://bucket/x")]
)
def test_a_home_or_store_that_cannot_be_is_refused(variable: str, value: str) -> None:
    with pytest.raises(SpecError, match=re.escape(value)):
        Home.from_environment({variable: value})


def test_no_window_ends_after_the_end_date(home_with: HomeWith) -> None:
    pipeline = load_pipeline(home_with(("2020-01-01", "2020-01-01\nend_date: 2020-02-28")), "tips")
    assert pipeline.window_dates(dt.date(2020, 2, 28))[-1] == dt.date(2020, 2, 28)
    with pytest.raises(
        SpecError, match="2020-02-29 is after the pipeline's end_date; expected 2020-02-28 or earl"
    ):
        pipeline.window_dates(DATE)


def test_a_slice_s_value_is_as_spark_writes_it_and_those_of_gates_are_measured_anyhow(
    home_with: HomeWith,
) -> None:
    gates = "{metric: f1, slice: {day: Sat}, min: 0}, {metric: f1, slice: {id: 7}, min: 0, min_rows: 5}"
    gates += ", {metric: f1, slice: {day: null}, min: 0}"
    home = home_with(
        ("    - {metric: areaUnderROC, min: 0.5}", f"    [{gates}]\n  slices: [day]\n  min_rows: 3")
    )
    evaluate = load_pipeline(home, "tips").evaluate
    assert evaluate.sliced == {"day": ("Sat", None), "id": ("7",)}
    assert (evaluate.min_rows, evaluate.confidence, evaluate.compares) == (3, 0.95, False)


def test_a_clustering_is_not_weighed(home_with: HomeWith) -> None:
    home = home_with(
        ("task: classification", "task: clustering"),
        ("metric: areaUnderROC\n", "metric: silhouette\n  weight: tip\n"),
    )
    with pytest.raises(SpecError, match="a clustering is not measured by weighed rows"):
        load_pipeline(home, "tips")


def test_a_clustering_is_not_sliced(home_with: HomeWith) -> None:
    home = home_with(
        ("task: classification", "task: clustering"),
        ("metric: areaUnderROC\n", "metric: silhouette\n  slices: [day]\n"),
        ("metric: areaUnderROC, min", "metric: silhouette, min"),
    )
    with pytest.raises(SpecError, match="a clustering is not measured slice by slice"):
        load_pipeline(home, "tips")
