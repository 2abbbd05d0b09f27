"""A model as MLflow serves it: loaded as a pyfunc, and asked over HTTP."""

from __future__ import annotations

import base64
import importlib
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from vintage.errors import TrackingError
from vintage.registry.tracking.connection import settle_environment
from vintage.registry.tracking.twin_flavor import RAW_LOADER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from mlflow.pyfunc import PyFuncModel

START_SECONDS: Final = 30
ANSWER_SECONDS: Final = 120
PREDICTION: Final = "prediction"


class Served:
    """A model as `mlflow.pyfunc` loads it.

    Args:
        model: as MLflow loads it.
    """

    def __init__(self, model: PyFuncModel) -> None:
        self._model = model

    @property
    def takes_json(self) -> bool:
        """Whether the model has a signature, by which MLflow reads a request's JSON."""
        return self._model.metadata.signature is not None

    @property
    def takes_raw_rows(self) -> bool:
        """Whether the model computes the SQL of preprocess itself."""
        return bool(self._model.metadata.flavors["python_function"]["loader_module"] == RAW_LOADER)

    def predict(self, rows: pd.DataFrame) -> list[Any]:
        """Return the prediction of each row, by MLflow's pyfunc."""
        return _predictions(self._model.predict(rows))

    def predict_over_http(self, rows: pd.DataFrame) -> list[Any]:
        """Return the prediction of each row, by MLflow's own scoring server on a free loopback port.

        Raises:
            TrackingError: the server does not start, or refuses the rows; says how.
        """
        from mlflow.utils.proto_json_utils import dump_input_data

        texts = {str(name): rows[name].map(_as_text) for name in rows if rows[name].dtype == object}
        body = dump_input_data(rows.assign(**texts), inputs_key="dataframe_split").encode()
        with self._server() as port:
            request = Request(f"http://127.0.0.1:{port}/invocations", body)
            request.add_header("Content-Type", "application/json")
            try:
                # What the environment names as a proxy has no way to a port of this process.
                with build_opener(ProxyHandler({})).open(request, timeout=ANSWER_SECONDS) as answer:
                    return _predictions(json.load(answer)["predictions"])
            except HTTPError as error:
                raise TrackingError(
                    "MLflow's scoring server refuses the rows", found=_reason(error.read())
                ) from error

    @contextmanager
    def _server(self) -> Iterator[int]:
        """Yield what `mlflow models serve` runs, in a thread, so that it shares the model and its Spark."""
        import uvicorn
        from mlflow.pyfunc import scoring_server

        app = scoring_server.init(self._model)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        thread = threading.Thread(target=server.run, name="scoring server", daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + START_SECONDS
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise TrackingError("MLflow's scoring server does not start on loopback")
                time.sleep(0.02)
            yield int(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(timeout=START_SECONDS)


def _predictions(answer: Any) -> list[Any]:
    """Return the predictions of an answer: a twin's has further columns, Spark's flavor gives them alone."""
    if hasattr(answer, "columns"):
        return list(answer[PREDICTION].tolist())
    return [each[PREDICTION] if isinstance(each, dict) else each for each in answer]


def load(folder: Path) -> Served:
    """Load a model's folder as MLflow does."""
    settle_environment()
    import mlflow.pyfunc

    return Served(mlflow.pyfunc.load_model(str(folder)))


def preload_serving() -> None:
    """Import what `load` needs in the background, some seconds' work, while the caller starts Spark."""
    settle_environment()
    threading.Thread(target=importlib.import_module, args=("mlflow.pyfunc",), daemon=True).start()


def _as_text(value: Any) -> Any:
    """Bytes as the server reads them from JSON; all else as it is."""
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray) else value


def _reason(content: bytes) -> str:
    try:
        text = str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        text = content.decode(errors="replace")
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason")[:500]
