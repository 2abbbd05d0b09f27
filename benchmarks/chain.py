"""The six jobs as Airflow submits them, and the hand-written script, each timed as a whole process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from vintage.ordered import MANAGER_SETTING
from vintage.spec import Home, load_pipeline, submit_conf

CHECKOUT = Path(__file__).resolve().parent.parent
JOBS = ("snapshot", "validate", "preprocess", "fit", "evaluate", "promote")


@dataclass(frozen=True)
class Timing:
    """What a process and its children took.

    Attributes:
        seconds: of the clock.
        cpu: seconds of the processor, which a busy machine changes less.
        peak_mib: the most memory that one of them held, in MiB.
    """

    seconds: float
    cpu: float
    peak_mib: float


class Bench:
    """A home of its own: the pipeline without slices and champion, raw data, a store and an MLflow database.

    Args:
        folder: everything is below it; of one that is there, what is there is used.
        raw: the raw flights, one folder a day.
        times: how many times as many rows a day has; the suite's bounds on the row count grow with it.
    """

    def __init__(self, folder: Path, raw: Path, *, times: int = 1) -> None:
        self.folder = folder
        home = folder / "home"
        if home.is_dir():
            self.environment = environment_of(home, folder / "state")
            return
        home.mkdir(parents=True)
        for part in ("pipelines", "expectations"):
            shutil.copytree(CHECKOUT / part, home / part)
        suite = home / "expectations" / "flights.yaml"
        rules = yaml.safe_load(suite.read_text(encoding="utf-8"))
        for rule in rules["expectations"]:
            if rule["type"] == "expect_table_row_count_to_be_between":
                rule["kwargs"] = {name: bound * times for name, bound in rule["kwargs"].items()}
        suite.write_text(yaml.safe_dump(rules), encoding="utf-8")
        # The script does no more than measure the whole holdout: so do the jobs here.
        pipeline = home / "pipelines" / "flight_delay.yaml"
        spec = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
        spec["evaluate"] = {"metric": "areaUnderROC", "gates": [{"metric": "areaUnderROC", "min": 0.6}]}
        pipeline.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
        (home / "data" / "raw").mkdir(parents=True)
        (home / "data" / "raw" / "flights").symlink_to(raw)
        self.environment = environment_of(home, folder / "state")

    @property
    def window(self) -> int:
        """How many dates a model learns from and is tested on."""
        return load_pipeline(Home.from_environment(self.environment), "flight_delay").window.days

    def chain(self, day: date) -> dict[str, Timing]:
        """Return the six jobs for one date, one process after the other."""
        return {job: self.job(job, day) for job in JOBS}

    def job(self, job: str, day: date) -> Timing:
        """One job, as the DAG submits it."""
        application = [str(CHECKOUT / "spark_jobs" / f"{job}.py"), "--pipeline=flight_delay", f"--date={day}"]
        if job == "promote":
            return self.timed([sys.executable, *application])
        home = Home.from_environment(self.environment)
        return self.timed(
            [*submit(submit_conf(load_pipeline(home, "flight_delay"), home, job)), *application]
        )

    def session(self, first: date, last: date) -> Timing:
        """`vintage backfill`: the six jobs for each date, all in one process and one session."""
        words = ["-m", "vintage", "backfill", "flight_delay", f"--from={first}", f"--to={last}"]
        return self.timed([sys.executable, *words])

    def script(self, day: date, name: str) -> Timing:
        """Return the hand-written script for one date."""
        out = self.folder / "script" / name
        command = [str(CHECKOUT / "benchmarks" / "handwritten.py"), f"--date={day}", f"--out={out}"]
        home = Home.from_environment(self.environment)
        # Plain spark-submit with the pipeline's own settings: a team's script knows no class archive.
        timing = self.timed([*submit(load_pipeline(home, "flight_delay").spark.conf), *command])
        shutil.rmtree(out)
        return timing

    def fits(self, rows: int, mode: str, master: str, file: Path) -> Timing:
        """Return the fits of `benchmarks/exactness.py`, which writes how long they took to the file."""
        home = Home.from_environment(self.environment)
        conf = submit_conf(load_pipeline(home, "flight_delay"), home) | {"spark.driver.memory": "6g"}
        if mode == "plain":
            conf |= {MANAGER_SETTING: "sort"}
        script = str(CHECKOUT / "benchmarks" / "exactness.py")
        return self.timed([*submit(conf, master), script, str(rows), mode, str(file)])

    def keep(self) -> None:
        """Remembers the state as it is now."""
        shutil.copytree(self.folder / "state", self.folder / "kept")

    def restore(self) -> None:
        """Goes back to the state that was kept."""
        shutil.rmtree(self.folder / "state")
        shutil.copytree(self.folder / "kept", self.folder / "state")

    def timed(self, command: list[str]) -> Timing:
        """One command, from its start to its end."""
        return timed(command, self.environment, self.folder)


def timed(command: list[str], environment: Mapping[str, str], folder: Path) -> Timing:
    """One command in a folder, which gets its log, from its start to its end."""
    log = folder / "log.txt"
    with log.open("wb") as stream:
        started = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=stream, stderr=subprocess.STDOUT
        )
        # The usage that wait4 gives is of this process and the ones that it waited for.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[-3:])} failed:\n{log.read_text(errors='replace')[-6000:]}")
    return Timing(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def environment_of(home: Path, state: Path) -> dict[str, str]:
    """Return the environment of a job of a home, whose store and MLflow are kept in a folder of its own."""
    state.mkdir(exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")},
        "VINTAGE_HOME": str(home),
        "VINTAGE_STORE": str(state / "store"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{state / 'mlflow.db'}",
        "VINTAGE_LOG_LEVEL": "WARNING",
        "PYSPARK_PYTHON": sys.executable,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def submit(conf: Mapping[str, str], master: str = "local[*]") -> list[str]:
    """Return the words of spark-submit before the application."""
    settings = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
    return [str(Path(sys.executable).parent / "spark-submit"), "--master", master, *settings]
