"""Runs the application until it is told to end."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from vintage.serving.app import ACCESS, application
from vintage.serving.champions import Followed, Follower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vintage.serving.limits import Limits

log = logging.getLogger(__name__)


def serve(pipelines: Sequence[Followed], *, host: str, port: int, seconds: float, limits: Limits) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are answered first.

    Args:
        pipelines: what is served.
        host: address to listen on.
        port: the same.
        seconds: between two questions who the champions are.
        limits: of a request, and of all at once.
    """
    import uvicorn

    _log_access()
    for each in pipelines:
        each.follow()
    follower = Follower(pipelines, seconds)
    follower.start()
    config = uvicorn.Config(
        application(pipelines, limits),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=limits.seconds,
    )
    try:
        uvicorn.Server(config).run()
    finally:
        follower.stop()


def _log_access() -> None:
    """Write a line of JSON for each request to standard output, whatever else is logged where."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ACCESS.handlers = [handler]
    ACCESS.propagate = False
    ACCESS.setLevel(logging.INFO)
