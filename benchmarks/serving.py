"""`vintage serve` against MLflow's Spark flavor and a scikit-learn model of the same columns, over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from benchmarks.chain import Bench
from vintage.ml.golden_table import golden_table
from vintage.store import Artifact, Store
from vintage.twin import Twin

PIPELINE = "flight_delay"
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT: int = free.getsockname()[1]
HEADERS = {"Content-Type": "application/json"}
BATCH = 1_000
SECONDS = 5.0


class Serving:
    """Two champions, one after the other, in a home of their own; the later one is served.

    Args:
        folder: everything is below it; champions that are there are used.
        raw: the raw flights.
        days: the champions' dates.
    """

    def __init__(self, folder: Path, raw: Path, days: tuple[date, date]) -> None:
        self.bench = Bench(folder, raw)
        if (folder / "kept").is_dir():
            self.bench.restore()
        else:
            self.bench.session(*days)
            self.bench.keep()
        self.store = Store(folder / "state" / "store", PIPELINE)
        model = self.store.current("model", days[1])
        assert model is not None  # noqa: S101 - the backfill made it
        self.model: Artifact = model
        self.folder = model.data / "model"
        twin = Twin.load(self.folder / "twin")
        self.names = [each.name for each in twin.inputs]
        self.rows = golden_table(self.folder).select(self.names).to_pandas()

    def body(self, rows: int) -> bytes:
        """A request of so many rows of the golden batch, again and again."""
        given = pd.concat([self.rows] * (rows // len(self.rows) + 1), ignore_index=True).head(rows)
        return f'{{"dataframe_split": {given.to_json(orient="split", index=False)}}}'.encode()

    @contextmanager
    def vintage(self) -> Iterator[tuple[psutil.Process, float]]:
        """Yield the server, and the seconds until it answered."""
        command = [sys.executable, "-m", "vintage", "serve", PIPELINE, "--port", str(PORT), "--poll", "0.5"]
        with self._server(command) as found:
            yield found

    @contextmanager
    def mlflow_by_spark(self) -> Iterator[tuple[psutil.Process, float]]:
        """The same of MLflow's own server with the model's Spark flavor."""
        copy = self.bench.folder / "by-spark"
        if not copy.exists():
            shutil.copytree(self.folder, copy)
            shutil.copyfile(copy / "MLmodel.spark", copy / "MLmodel")
        mlflow = str(Path(sys.executable).parent / "mlflow")
        command = [mlflow, "models", "serve", "--model-uri", str(copy), "--env-manager", "local"]
        with self._server([*command, "--port", str(PORT)]) as found:
            yield found

    @contextmanager
    def _server(self, command: list[str]) -> Iterator[tuple[psutil.Process, float]]:
        started = time.monotonic()
        with (self.bench.folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=self.bench.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            while not _answers(self.body(1)):
                if process.poll() is not None:
                    raise SystemExit((self.bench.folder / "server.log").read_text(errors="replace")[-4000:])
                time.sleep(0.02)
            yield psutil.Process(process.pid), time.monotonic() - started
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()

    def roll_back(self) -> None:
        """Make the earlier champion the champion again."""
        self.bench.timed([sys.executable, "-m", "vintage", "rollback", PIPELINE, "--why", "benchmark"])


def seconds_of(body: bytes, requests: int) -> list[float]:
    """The seconds of each request, one after the other on one connection, in order of size."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    taken = []
    for _ in range(requests):
        started = time.perf_counter()
        _ask(connection, body)
        taken.append(time.perf_counter() - started)
    connection.close()
    return sorted(taken)


def percentile(taken: list[float], share: float) -> float:
    """Return the value that this share of sorted values does not exceed."""
    return taken[min(len(taken) - 1, int(len(taken) * share))]


def throughput(body: bytes, clients: int, seconds: float = SECONDS) -> float:
    """Return the requests a second of so many clients at once, each on a connection of its own."""
    with load(body, clients) as counts:
        time.sleep(seconds)
        done = sum(counts.values())
    return done / seconds


@contextmanager
def load(body: bytes, clients: int) -> Iterator[dict[str, int]]:
    """Yield a count of answers by status, while clients ask again and again."""
    counts: dict[str, int] = {}
    ends, lock = threading.Event(), threading.Lock()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        while not ends.is_set():
            try:
                status = str(_ask(connection, body, require=False))
            except OSError as error:
                status = type(error).__name__
            with lock:
                counts[status] = counts.get(status, 0) + 1
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for each in threads:
        each.start()
    try:
        yield counts
    finally:
        ends.set()
        for each in threads:
            each.join()


def sklearn_seconds(serving: Serving, runs: int) -> float:
    """Median seconds of pandas and scikit-learn for a batch: a logistic regression of the same columns."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    texts = [name for name in serving.names if serving.rows[name].dtype == object]
    numbers = [name for name in serving.names if name not in texts]
    model = make_pipeline(
        make_column_transformer(
            (SimpleImputer(strategy="median"), numbers), (OneHotEncoder(handle_unknown="ignore"), texts)
        ),
        LogisticRegression(max_iter=50),
    )
    model.fit(serving.rows, [number % 2 for number in range(len(serving.rows))])
    told = json.loads(serving.body(BATCH))["dataframe_split"]
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        model.predict_proba(pd.DataFrame(told["data"], columns=told["columns"]))
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def twin_seconds(serving: Serving, runs: int) -> float:
    """Median seconds in which the twin scores the same batch."""
    twin = Twin.load(serving.folder / "twin")
    told = json.loads(serving.body(BATCH))["dataframe_split"]
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        twin.transform({name: [row[at] for row in told["data"]] for at, name in enumerate(told["columns"])})
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def memory_mib(process: psutil.Process) -> float:
    """Resident memory of a process and its children."""
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 2**20


def _answers(body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    try:
        return _ask(connection, body, require=False) == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _ask(connection: http.client.HTTPConnection, body: bytes, *, require: bool = True) -> int:
    connection.request("POST", "/invocations", body, HEADERS)
    answer = connection.getresponse()
    content: Any = answer.read()
    if require and answer.status != http.HTTPStatus.OK:
        raise SystemExit(content.decode(errors="replace"))
    return answer.status


def measured(scratch: Path, raw: Path, days: tuple[date, date], requests: int) -> dict[str, dict[str, float]]:
    """Return what was measured, by its name.

    Args:
        scratch: where to work.
        raw: the raw flights.
        days: the dates of two champions.
        requests: of one row, to `vintage serve`; MLflow's server by Spark gets a fiftieth of them.
    """
    serving = Serving(scratch / "serving", raw, days)
    one, many = serving.body(1), serving.body(BATCH)
    with serving.mlflow_by_spark() as (process, started):
        taken = seconds_of(one, max(20, requests // 50))
        spark = {"p50": percentile(taken, 0.5), "started": started, "mib": memory_mib(process)}
    with serving.vintage() as (process, started):
        seconds_of(one, 200)
        taken = seconds_of(one, requests)
        ours = {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99), "started": started}
        ours |= {f"clients_{clients}": throughput(one, clients) for clients in (1, 8, 64)}
        ours["batches"] = throughput(many, 1) * BATCH
        ours["mib"] = memory_mib(process)
        with load(one, 8) as counts:
            serving.roll_back()
            time.sleep(2)
        answered = {f"status_{status}": float(count) for status, count in counts.items()}
    batch = {"ours": twin_seconds(serving, 20), "baseline": sklearn_seconds(serving, 20)}
    return {"spark": spark, "ours": ours, "swap": answered, "batch": batch}
