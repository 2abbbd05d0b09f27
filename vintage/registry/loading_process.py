"""The process that loads models: nothing is in it that fitted them, and it is ready before it is asked."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict

from vintage.errors import EnvironmentProblem, StoreError, VintageError, first_line
from vintage.registry.loadability import Loaded, Loading, Place, load_here
from vintage.registry.tracking import preload_serving
from vintage.session import SparkProvider
from vintage.store.shipping import ship
from vintage.store.user_code import CannotImport

if TYPE_CHECKING:
    from types import TracebackType

log = logging.getLogger(__name__)

SECONDS: Final = 600
"""How long an answer may take; more than ten times what a model of the examples needs on two cores."""
GRACE: Final = 10
"""Seconds for the process to end by itself."""
PASSED_ON: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "TZ", "TMPDIR", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "VIRTUAL_ENV"),
        *("PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS"),
        *("JAVA_HOME", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"),
        *("SPARK_HOME", "SPARK_LOCAL_DIRS", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    }
)
"""What the process is given of the environment: where programs and their libraries are.

No login and no secret: it loads from two local folders, and asks nobody. Nor what a spark-submit tells its
own Python, since it starts a JVM for itself.
"""


class _Answer(BaseModel):
    """One line that the process writes: a result, or the error of the machine that kept it from one."""

    model_config = ConfigDict(frozen=True)

    loaded: Loaded | None = None
    what: str = ""
    expected: str = ""
    found: str = ""
    fix: str = ""


@dataclass(frozen=True)
class _Running:
    """The process, what it is told by, and what it answers by."""

    process: subprocess.Popen[bytes]
    questions: IO[bytes]
    answers: IO[str]

    def tell(self, message: BaseModel) -> None:
        # A process that is gone is told of by the answer that does not come.
        with contextlib.suppress(BrokenPipeError):
            self.questions.write(f"{message.model_dump_json()}\n".encode())

    def answer(self, seconds: float) -> str | None:
        """Return the next line; empty when the process is gone, None when it says nothing for so long."""
        ready, _, _ = select.select([self.answers], [], [], seconds)
        return self.answers.readline() if ready else None

    def end(self) -> None:
        """End it, and its JVM with it, whatever it does."""
        self.process.terminate()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class LoadingProcess:
    """Loads and scores in a new process; use it in a `with`, that it ends.

    It starts when it is first asked, or before, by `start`: Python's imports and Spark's start take as long
    as the loading itself, and need not know which model it will be.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._running: _Running | None = None
        self._left = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the process, if it does not run yet, and returns at once."""
        self._started()

    def load(self, wanted: Loading) -> Loaded:
        """Load a model and scores its golden batch.

        Raises:
            EnvironmentProblem: the process could not do its work, through no fault of the model.
        """
        started = time.monotonic()
        running = self._started()
        running.tell(wanted)
        line = running.answer(SECONDS)
        if not line:
            code = None if line is None else running.process.wait(GRACE)
            self.close()
            raise EnvironmentProblem(
                f"the process that loads version {wanted.version} of {wanted.pipeline} did not finish",
                expected="an answer",
                found=f"none after {SECONDS} s" if line is None else f"exit code {code} and no answer",
                fix="Its last output is above. Make sure that there is memory for a second Spark, and run "
                "again.",
            )
        told = _Answer.model_validate_json(line)
        if told.loaded is None:
            raise EnvironmentProblem(told.what, expected=told.expected, found=told.found, fix=told.fix)
        seconds = time.monotonic() - started
        reasons = "; ".join(told.loaded.reasons)
        log.info("version %d in a clean process: %s: %.1f s", wanted.version, reasons, seconds)
        return told.loaded

    def close(self) -> None:
        """End the process, whatever it does, and remove what it wrote."""
        running, self._running = self._running, None
        with self._left:
            if running is not None:
                running.end()

    def _started(self) -> _Running:
        if self._running is None:
            self._running = self._start()
            self._running.tell(self._place)
        return self._running

    def _start(self) -> _Running:
        scratch = self._left.enter_context(tempfile.TemporaryDirectory(prefix="vintage-loading-"))
        environment = {name: value for name, value in os.environ.items() if name in PASSED_ON}
        environment |= {
            "SPARK_LOCAL_IP": "127.0.0.1",
            "MLFLOW_DFS_TMP": f"{scratch}/mlflow",
            # Were MLflow to ask for one, it is not to make one in the working directory.
            "MLFLOW_TRACKING_URI": f"sqlite:///{scratch}/mlflow.db",
        }
        # Standard output belongs to whatever Spark, MLflow or a stage prints.
        reading, writing = os.pipe()
        answers = self._left.enter_context(os.fdopen(reading, encoding="utf-8"))
        asked, telling = os.pipe()
        # Unbuffered: what a process that is gone did not take would be told again when this is closed.
        questions = self._left.enter_context(os.fdopen(telling, "wb", buffering=0))
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "vintage.registry.loading_process", str(writing)],
                stdin=asked,
                stdout=subprocess.DEVNULL,
                env=environment,
                pass_fds=[writing],
            )
        finally:
            os.close(writing)
            os.close(asked)
        return _Running(process, questions, answers)


def _answered(wanted: Loading, place: Place, provider: SparkProvider) -> _Answer:
    try:
        spark = provider()
        ship(provider, place.home, place.stage_paths)
        return _Answer(loaded=load_here(wanted, spark))
    except CannotImport as error:
        return _Answer(loaded=Loaded(problems=(f"its code is gone: {error.what}",)))
    except StoreError as error:
        return _Answer(loaded=Loaded(problems=(str(error),)))
    except VintageError as error:
        return _Answer(what=error.what, expected=error.expected, found=error.found, fix=error.fix)
    except Exception as error:
        log.exception("traceback")
        return _Answer(what=first_line(error), fix="The traceback is above.")


def main() -> None:
    """Start Spark with the settings in the first line of input, and load what each further line names.

    Each result is a line in the file whose descriptor it is given.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    place = Place.model_validate_json(sys.stdin.readline())
    # First, because two threads that import the same packages at once get in each other's way.
    import pyspark.ml  # noqa: F401

    preload_serving()
    provider = SparkProvider(f"load {place.pipeline}", conf=place.spark_conf, master="local[1]")
    # What goes wrong goes wrong again when a model is to be loaded, and is reported then.
    with contextlib.suppress(VintageError):
        provider()
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as answers:
        for line in sys.stdin:
            told = _answered(Loading.model_validate_json(line), place, provider)
            answers.write(told.model_dump_json() + "\n")
            answers.flush()
    provider.stop()


if __name__ == "__main__":
    main()
