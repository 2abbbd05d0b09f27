"""Code of one's own on executors in processes of their own: shipped as an archive, and never an older one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.airflow.conftest import write_home
from tests.integration.conftest import quick_environment, quick_spark, write_day
from tests.integration.postgresql import LOOPBACK
from vintage.spec import Home
from vintage.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from local.cluster import Cluster

pytestmark = [pytest.mark.integration, pytest.mark.spark, pytest.mark.timeout(600)]

DAY = date(2024, 1, 3)
RUN_SECONDS = 280

# What a UDF imports in its body its executor imports; the rest of it comes pickled from the driver.
STAGES = """
    import os
    import sys

    import pandas as pd
    from pyspark.ml import Transformer
    from pyspark.ml.param.shared import HasInputCol, HasOutputCol
    from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
    from pyspark.sql.functions import pandas_udf, udf
    from pyspark.sql.types import DoubleType, StringType


    @pandas_udf(DoubleType())
    def multiplied(values: pd.Series) -> pd.Series:
        from mypackage.numbers import times

        return times(values)


    @udf(StringType())
    def imported_from(_):
        import mypackage.numbers

        return os.path.abspath(mypackage.numbers.__file__)


    @udf(StringType())
    def importable_from(_):
        return os.pathsep.join([os.getcwd(), *sys.path])


    class Larger(Transformer, HasInputCol, HasOutputCol, DefaultParamsReadable, DefaultParamsWritable):
        def _transform(self, rows):
            return rows.withColumn(self.getOrDefault("outputCol"), multiplied(self.getOrDefault("inputCol")))


    def prepared(rows):
        return rows.select(
            "id",
            "x",
            "label",
            multiplied("x").alias("larger"),
            imported_from("id").alias("imported_from"),
            importable_from("id").alias("importable_from"),
        )
"""
SETTINGS = {
    "spark.executor.memory": "512m",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
NUMBERS = """
    def times(values):
        return values * {factor}
"""


# Three sessions of one JVM, which has the classes of ordered execution by its class path.
REFUSED = """
    import sys

    from pyspark import SparkContext

    from vintage.flow.job import readable
    from vintage.ml.arithmetic import require_pinned
    from vintage.ordered import JARS_SETTING, jar
    from vintage.session import SparkProvider
    from vintage.spec import Home, submit_conf
    from tests.integration.exact_fits import SETTINGS, pipeline_of
    from tests.quick import cpu_of_executors

    master, conf_of_another_spark = sys.argv[1:]
    pipeline = pipeline_of("logistic", 4, SETTINGS)
    home = Home.from_environment({"VINTAGE_HOME": conf_of_another_spark})
    pinned = submit_conf(pipeline, home) | cpu_of_executors()
    pinned |= {"spark.driver.extraClassPath": str(jar()), "spark.executor.cores": "2"}
    del pinned[JARS_SETTING]
    for further in (
        {},
        {JARS_SETTING: str(jar()), "spark.executorEnv.SPARK_CONF_DIR": conf_of_another_spark},
        None,
    ):
        if further is None:
            SparkContext("local[1]", "another's")
        provider = SparkProvider("refused", conf=pinned | (further or {}), master=master)
        try:
            require_pinned(provider(), pipeline)
        except Exception as error:
            found = readable(error)
            sys.stdout.write(f"{found.exit_code} {found}\\n")
        else:
            sys.stdout.write("not refused\\n")
        provider.stop()
"""


def write_package(home: Path, factor: float) -> None:
    folder = home / "mypackage"
    folder.mkdir(exist_ok=True)
    for name, text in (("__init__", ""), ("stages", STAGES), ("numbers", NUMBERS.format(factor=factor))):
        (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the pipeline `tiny`, whose features and model need a package of its own."""
    path = write_home(tmp_path / "home")
    write_day(path, DAY)
    write_package(path, factor=2.0)
    file = path / "pipelines" / "tiny.yaml"
    text = file.read_text()
    for old, new in (
        (
            "sql: SELECT id, x, label FROM source",
            "function: mypackage.stages.prepared\n  columns: id INT, x DOUBLE, label DOUBLE, larger DOUBLE, "
            "imported_from STRING, importable_from STRING",
        ),
        (
            "stages:\n  - VectorAssembler: {inputCols: [x]",
            "stages:\n  - mypackage.stages.Larger: {inputCol: larger, outputCol: largest}\n"
            "  - VectorAssembler: {inputCols: [largest]",
        ),
    ):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text + quick_spark(**SETTINGS))
    return path


def run(home: Path, master: str, *program: str) -> subprocess.CompletedProcess[str]:
    """A whole night, or one of its jobs."""
    given = {
        "VINTAGE_HOME": str(home),
        "VINTAGE_SPARK_MASTER": master,
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": LOOPBACK,
    }
    return subprocess.run(
        [sys.executable, "-m", *(program or ("vintage", "run", "tiny", "--date", str(DAY)))],
        env=quick_environment() | given,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def features_of(home: Path) -> pd.DataFrame:
    import pandas as pd

    found = Store(Home.from_environment({"VINTAGE_HOME": str(home)}).store, "tiny").current("features", DAY)
    assert found is not None
    return pd.read_parquet(found.data)


def test_executors_import_what_was_shipped_and_nothing_older(home: Path, cluster: Cluster) -> None:
    archives = set()
    features = ("spark_jobs.preprocess", "--pipeline=tiny", f"--date={DAY}")
    for factor, program in ((2.0, ()), (3.0, features)):
        write_package(home, factor)
        ended = run(home, cluster.master, *program)
        assert ended.returncode == 0, ended.stderr[-5000:]
        rows = features_of(home)
        assert len(rows) == 60
        assert (rows["larger"] == rows["x"] * factor).all()
        [place] = rows["imported_from"].unique()
        archive = Path(place).parents[1]
        assert archive.suffix == ".zip"
        assert archive.is_relative_to(cluster.work)
        for folder in rows["importable_from"].iloc[0].split(os.pathsep):
            assert not Path(folder).is_relative_to(home)
        archives.add(archive.name)
    assert len(archives) == 2


def test_a_master_that_cannot_be_is_tried_once_and_named_in_the_last_line(home: Path) -> None:
    for back in (1, 2):
        write_day(home, DAY - timedelta(days=back))
    ended = run(home, "spark://nowhere")
    assert ended.returncode == 4
    assert ended.stderr.count("Error initializing SparkContext") == 1
    told = ended.stderr.splitlines()[-1]
    assert told.startswith("vintage: Spark did not start on spark://nowhere (")
    assert "VINTAGE_SPARK_MASTER" in told


@pytest.mark.fault(
    "executors without the jar or with another Spark, on a real cluster, or a SparkContext that is another's",
    outcome="exit 4 within a minute; says what an executor must have, or which classes were found",
)
def test_what_would_fit_in_another_order_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    # Before Spark's own jars on the class path, as the version of all of them.
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "spark-version-info.properties").write_text("version=4.1.3\n")
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(REFUSED), cluster.master, str(tmp_path)],
        env=quick_environment() | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": LOOPBACK},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-5000:]
    jarless, another, foreign = ended.stdout.splitlines()
    for told in (jarless, another):
        assert told.startswith("4 no executor of the cluster starts")
        assert "can fetch" in told
    assert "OrderedShuffleManager" in jarless
    assert "found the driver has org.apache.spark.SparkContext with" in foreign
