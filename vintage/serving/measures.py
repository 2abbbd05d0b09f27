"""What a server counts for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vintage.serving.champions import Followed

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Measures:
    """Counts of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "vintage_requests", "Requests, by status.", ["pipeline", "status"], registry=self._registry
        )
        self.rows = Counter(
            "vintage_rows", "Rows given in answered requests.", ["pipeline"], registry=self._registry
        )
        self.seconds = Histogram(
            "vintage_request_seconds",
            "Time of answered requests, body and answer included.",
            ["pipeline"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.at_work = Gauge(
            "vintage_requests_at_work", "Requests that are worked on.", registry=self._registry
        )
        self._version = Gauge(
            "vintage_champion_version",
            "Version of the champion; 0 without one.",
            ["pipeline"],
            registry=self._registry,
        )
        self._since = Gauge(
            "vintage_champion_since_seconds", "When it took over.", ["pipeline"], registry=self._registry
        )
        self._refused = Gauge(
            "vintage_champion_refused",
            "1 while the registry's champion may not take over.",
            ["pipeline"],
            registry=self._registry,
        )
        self._reached = Gauge(
            "vintage_registry_reached", "1 while the registry answers.", ["pipeline"], registry=self._registry
        )

    def written(self, pipelines: Iterable[Followed]) -> bytes:
        """Return all of it in Prometheus' text format."""
        for each in pipelines:
            model = each.model
            self._version.labels(each.pipeline).set(0 if model is None else model.version.version)
            self._since.labels(each.pipeline).set(0 if model is None else model.since.timestamp())
            self._refused.labels(each.pipeline).set(each.refused is not None)
            self._reached.labels(each.pipeline).set(not each.unreachable)
        return generate_latest(self._registry)
