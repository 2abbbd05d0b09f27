"""The HTTP application: MLflow's scoring protocol for one or several pipelines."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from vintage.serving.limits import Limits
from vintage.serving.measures import CONTENT_TYPE, Measures
from vintage.serving.protocol import JSON, Answer, Refused, respond

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vintage.serving.champions import Followed, ServedModel

ACCESS: Final = logging.getLogger("vintage.serving.access")
"""One line of JSON a request, without a value of it."""
_AT_ONCE: Final = 16 * 1024
"""Bytes of a body that is evaluated where it was read; to hand a larger one to a thread costs less than to
keep the others waiting."""
_THREADS: Final = 4


def application(pipelines: Sequence[Followed], limits: Limits = Limits()) -> FastAPI:  # noqa: B008 - frozen
    """Return the application.

    Args:
        pipelines: what is served: each below its name, and one alone at the top as well.
        limits: of a request, and of all at once.
    """
    app = FastAPI(title="Vintage", docs_url=None, redoc_url=None, openapi_url=None)
    service = Service(pipelines, limits)
    for path in ("/invocations", "/{pipeline}/invocations"):
        app.add_api_route(path, service.invocations, methods=["POST"], response_model=None)
    for path in ("/ping", "/health", "/{pipeline}/ping", "/{pipeline}/health"):
        answers = service.ping if path.endswith("ping") else service.health
        app.add_api_route(path, answers, methods=["GET"], response_model=None)
    app.add_api_route("/version", version, methods=["GET"], response_model=None)
    app.add_api_route("/metrics", service.metrics, methods=["GET"], response_model=None)
    return app


async def version() -> Response:
    """Return the version of MLflow whose protocol this is, as MLflow's own server answers."""
    return Response(metadata.version("mlflow-skinny"), media_type=JSON)


class Service:
    """Answers requests.

    Args:
        pipelines: what is served.
        limits: of a request, and of all at once.
    """

    def __init__(self, pipelines: Sequence[Followed], limits: Limits) -> None:
        self._pipelines: Mapping[str, Followed] = {each.pipeline: each for each in pipelines}
        self._limits = limits
        self._measures = Measures()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="rows")
        self._at_work = 0

    async def invocations(self, request: Request) -> Response:
        """Score rows."""
        started = time.perf_counter()
        name = request.path_params.get("pipeline")
        told: dict[str, Any] = {"pipeline": name if name in self._pipelines else ""}
        try:
            followed = self._named(name)
            told["pipeline"] = followed.pipeline
            response = await self._answered(request, followed, told)
        except Refused as refused:
            headers = {"Retry-After": "1"} if refused.status in {429, 503} else None
            response = Response(refused.body, refused.status, headers, media_type=JSON)
            told["refused"] = refused.code
        except ClientDisconnect:
            # Nobody reads this; the log tells it.
            response = Response(status_code=400)
            told["refused"] = "CLIENT_DISCONNECTED"
        except Exception:
            logging.getLogger(__name__).exception("a request failed")
            failed = Refused(500, "the request failed; see the server's log", "INTERNAL_ERROR")
            response = Response(failed.body, failed.status, media_type=JSON)
        seconds = time.perf_counter() - started
        self._note(told, response.status_code, seconds)
        return response

    async def _answered(self, request: Request, followed: Followed, told: dict[str, Any]) -> Response:
        # Whoever serves now answers, whoever takes over meanwhile.
        model = followed.model
        if model is None:
            why = followed.refused.why if followed.refused else "the registry names no champion"
            raise Refused(503, f"nothing serves {followed.pipeline}: {why}", "TEMPORARILY_UNAVAILABLE")
        if self._at_work >= self._limits.requests:
            raise Refused(
                429, f"{self._limits.requests} requests are worked on already", "REQUEST_LIMIT_EXCEEDED"
            )
        told |= {"version": model.version.version, "key": model.version.key[:12]}
        self._at_work += 1
        pending: asyncio.Future[Answer] | None = None
        try:
            body = await self._body(request)
            told["bytes"] = len(body)
            ask = partial(respond, model, body, request.headers.get("content-type", ""), self._limits.rows)
            if len(body) <= _AT_ONCE:
                answer = ask()
            else:
                pending = asyncio.get_running_loop().run_in_executor(self._threads, ask)
                done, _ = await asyncio.wait({pending}, timeout=self._limits.seconds)
                if not done:
                    raise Refused(
                        503, f"the rows took longer than {self._limits.seconds} s", "DEADLINE_EXCEEDED"
                    )
                answer = pending.result()
        finally:
            if pending is None or pending.done():
                self._left(pending)
            else:
                # What cannot be stopped counts until it ends.
                pending.add_done_callback(self._left)
        told["rows"] = answer.rows
        return Response(answer.body, media_type=JSON, headers=_headers(model))

    def _left(self, ended: asyncio.Future[Answer] | None) -> None:
        self._at_work -= 1
        if ended is not None and not ended.cancelled():
            # Asked for, so that an error no one awaits is not told as lost.
            ended.exception()

    async def _body(self, request: Request) -> bytes:
        most = self._limits.body
        told = request.headers.get("content-length", "")
        if told.isdigit() and int(told) > most:
            raise _too_large(most)
        parts = bytearray()
        try:
            async with asyncio.timeout(self._limits.seconds):
                async for part in request.stream():
                    parts += part
                    if len(parts) > most:
                        raise _too_large(most)
        except TimeoutError as error:
            raise Refused(408, f"the body did not come within {self._limits.seconds} s") from error
        return bytes(parts)

    async def ping(self, request: Request) -> Response:
        """Return whether every pipeline, or the one that is named, is served."""
        followed, status = self._status(request)
        return Response("\n" if followed else "", status, media_type=JSON)

    async def health(self, request: Request) -> Response:
        """Return the same, with who serves and what is wrong."""
        followed, status = self._status(request)
        return Response(
            json.dumps({each.pipeline: health_of(each) for each in followed}), status, media_type=JSON
        )

    async def metrics(self) -> Response:
        """Return what was counted, for Prometheus."""
        self._measures.at_work.set(self._at_work)
        return Response(self._measures.written(self._pipelines.values()), media_type=CONTENT_TYPE)

    def _status(self, request: Request) -> tuple[list[Followed], int]:
        name = request.path_params.get("pipeline")
        if name is not None and name not in self._pipelines:
            return [], 404
        found = [self._pipelines[name]] if name else list(self._pipelines.values())
        return found, 200 if all(each.model for each in found) else 503

    def _named(self, name: str | None) -> Followed:
        if name is None and len(self._pipelines) == 1:
            return next(iter(self._pipelines.values()))
        if name is None or name not in self._pipelines:
            paths = ", ".join(f"/{each}/invocations" for each in self._pipelines)
            raise Refused(404, f"expected one of {paths}", "ENDPOINT_NOT_FOUND")
        return self._pipelines[name]

    def _note(self, told: dict[str, Any], status: int, seconds: float) -> None:
        pipeline = told["pipeline"]
        self._measures.requests.labels(pipeline, str(status)).inc()
        if "rows" in told:
            self._measures.rows.labels(pipeline).inc(told["rows"])
            self._measures.seconds.labels(pipeline).observe(seconds)
        if ACCESS.isEnabledFor(logging.INFO):
            line = {"at": round(time.time(), 3), **told, "status": status, "ms": round(seconds * 1000, 3)}
            ACCESS.info(json.dumps(line))


def health_of(followed: Followed) -> dict[str, Any]:
    """Return who serves a pipeline, and what is wrong with who should."""
    model, refused = followed.model, followed.refused
    told: dict[str, Any] = {"serves": None}
    if model is not None:
        told["serves"] = {**model.told, "since": model.since.isoformat(timespec="seconds")}
    if refused is not None:
        told["refused"] = {"version": refused.version.version, "key": refused.version.key, "why": refused.why}
    if followed.vacant:
        told["registry"] = "it names no champion"
    elif followed.unreachable:
        told["registry"] = followed.unreachable
    else:
        told["registry"] = "reached"
    return told


def _headers(model: ServedModel) -> dict[str, str]:
    return {"X-Vintage-Model-Version": str(model.version.version), "X-Vintage-Model-Key": model.version.key}


def _too_large(most: int) -> Refused:
    return Refused(413, f"expected a body of at most {most} bytes; send the rows in several requests")
