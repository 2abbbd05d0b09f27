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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from benchmarks.chain import Bench, timed
from vintage.ml.golden_table import golden_table
from vintage.registry.tracking import raw_example
from vintage.store import Artifact, Store
from vintage.twin import Twin

PIPELINE = "flight_delay"
MLFLOW = str(Path(sys.executable).parent / "mlflow")
HEADERS = {"Content-Type": "application/json"}
BATCH = 1_000
SECONDS = 5.0


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        process: the server, or what started it.
        port: of loopback.
        started: seconds until it answered.
    """

    process: psutil.Process
    port: int
    started: float

    @property
    def mib(self) -> float:
        """Resident memory of the process and its children."""
        every = [self.process, *self.process.children(recursive=True)]
        return sum(each.memory_info().rss for each in every) / 2**20


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
        self.raw = raw_example(self.folder)
        self.environment = self.bench.environment

    def body(self, rows: int) -> bytes:
        """A request of so many raw rows, which `vintage serve` takes."""
        return _body(self.raw, rows)

    def body_of_features(self, rows: int) -> bytes:
        """The same of rows after preprocess, which Spark's flavor takes."""
        return _body(self.rows, rows)

    @contextmanager
    def vintage(self) -> Iterator[Server]:
        """Yield `vintage serve`, which asks an MLflow server who the champion is."""
        store = self.bench.environment["MLFLOW_TRACKING_URI"]
        command = [MLFLOW, "server", "--backend-store-uri", store, "--workers", "1"]
        with self._server(command, self.bench.environment, _is_up) as registry:
            self.environment = self.bench.environment | {
                "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{registry.port}"
            }
            command = [sys.executable, "-m", "vintage", "serve", PIPELINE, "--poll", "0.5"]
            with self._server(command, self.environment, partial(_answers, body=self.body(1))) as found:
                yield found

    @contextmanager
    def mlflow_by_spark(self) -> Iterator[Server]:
        """Yield MLflow's own server with the model's Spark flavor."""
        copy = self.bench.folder / "by-spark"
        if not copy.exists():
            shutil.copytree(self.folder, copy)
            shutil.copyfile(copy / "MLmodel.spark", copy / "MLmodel")
        command = [MLFLOW, "models", "serve", "--model-uri", str(copy), "--env-manager", "local"]
        answers = partial(_answers, body=self.body_of_features(1))
        with self._server(command, self.bench.environment, answers) as found:
            yield found

    @contextmanager
    def _server(
        self, command: list[str], environment: Mapping[str, str], answers: Callable[[int], bool]
    ) -> Iterator[Server]:
        # A port of its own: a server's children answer a while longer than what started it.
        port, started = _free_port(), time.monotonic()
        path = self.bench.folder / f"{port}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [*command, "--port", str(port)],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            while not answers(port):
                if process.poll() is not None:
                    raise SystemExit(path.read_text(errors="replace")[-4000:])
                time.sleep(0.02)
            yield Server(psutil.Process(process.pid), port, time.monotonic() - started)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()

    def roll_back(self) -> None:
        """Make the earlier champion the champion again."""
        command = [sys.executable, "-m", "vintage", "rollback", PIPELINE, "--why", "benchmark"]
        timed(command, self.environment, self.bench.folder)


def _body(given: pd.DataFrame, rows: int) -> bytes:
    """The same few rows, again and again."""
    given = pd.concat([given] * (rows // len(given) + 1), ignore_index=True).head(rows)
    return f'{{"dataframe_split": {given.to_json(orient="split", index=False)}}}'.encode()


def seconds_of(port: int, body: bytes, requests: int) -> list[float]:
    """The seconds of each request, one after the other on one connection, in order of size."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
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


def throughput(port: int, body: bytes, clients: int, seconds: float = SECONDS) -> float:
    """Return the requests a second of so many clients at once, each on a connection of its own."""
    with load(port, body, clients) as counts:
        time.sleep(seconds)
        done = sum(counts.values())
    return done / seconds


@contextmanager
def load(port: int, body: bytes, clients: int) -> Iterator[dict[str, int]]:
    """Yield a count of answers by status, while clients ask again and again."""
    counts: dict[str, int] = {}
    ends, lock = threading.Event(), threading.Lock()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
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


def version(port: int, body: bytes) -> str | None:
    """Return the version that answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/invocations", body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.getheader("X-Vintage-Model-Version")


def sklearn_seconds(serving: Serving, runs: int) -> float:
    """Median seconds of pandas and scikit-learn for a batch: a logistic regression of the same features."""
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
    told = json.loads(serving.body_of_features(BATCH))["dataframe_split"]
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        model.predict_proba(pd.DataFrame(told["data"], columns=told["columns"]))
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def twin_seconds(serving: Serving, runs: int) -> float:
    """Median seconds in which the twin scores the same batch."""
    twin = Twin.load(serving.folder / "twin")
    told = json.loads(serving.body_of_features(BATCH))["dataframe_split"]
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        twin.transform({name: [row[at] for row in told["data"]] for at, name in enumerate(told["columns"])})
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _is_up(port: int) -> bool:
    """Whether MLflow's tracking server answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _answers(port: int, body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        _ask(connection, body)
    except OSError:
        return False
    else:
        return True
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
    with serving.mlflow_by_spark() as server:
        taken = seconds_of(server.port, serving.body_of_features(1), max(20, requests // 50))
        spark = {"p50": percentile(taken, 0.5), "started": server.started, "mib": server.mib}
    with serving.vintage() as server:
        port = server.port
        seconds_of(port, one, 200)
        taken = seconds_of(port, one, requests)
        ours = {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99), "started": server.started}
        ours |= {f"clients_{clients}": throughput(port, one, clients) for clients in (1, 8, 64)}
        ours["batches"] = throughput(port, many, 1) * BATCH
        ours["mib"] = server.mib
        with load(port, one, 8) as counts:
            before = version(port, one)
            serving.roll_back()
            while version(port, one) == before:
                time.sleep(0.05)
            time.sleep(1)
        answered = {f"status_{status}": float(count) for status, count in counts.items()}
    batch = {"ours": twin_seconds(serving, 20), "baseline": sklearn_seconds(serving, 20)}
    return {"spark": spark, "ours": ours, "swap": answered, "batch": batch}
