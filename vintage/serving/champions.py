"""Follows the champion of each pipeline: a new one takes over once it is proved, and never a bad one."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from vintage.errors import ModelRefused, StoreError, TrackingError
from vintage.ml.golden_table import golden_table
from vintage.registry import ledger
from vintage.registry.served_by import served_by
from vintage.registry.timeline import latest_move
from vintage.registry.tracking import MODEL, TWIN, Version
from vintage.store.details import EvaluationDetails, ModelDetails
from vintage.twin import Twin
from vintage.twin.parity import parity_of_tables
from vintage.twin.raw import RawTwin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vintage.store import Artifact, Store

log = logging.getLogger(__name__)

AGAIN: Final = 60.0
"""Seconds until a champion that was refused is tried again."""


class Registry(Protocol):
    """Says who has the alias `champion`; `Tracking` is one."""

    def champion(self, pipeline: str) -> Version | None:
        """Return the version that serves, if there is one."""


@dataclass(frozen=True)
class ServedModel:
    """A champion that was proved.

    Attributes:
        version: the registered one.
        twin: what evaluates it: of raw rows, or of the columns after preprocess.
        told: what an answer says of the model: pipeline, version, key and date.
        since: when it took over.
    """

    version: Version
    twin: Twin | RawTwin
    told: dict[str, Any]
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class RefusedModel:
    """A champion that may not take over.

    Attributes:
        version: the registered one.
        why: the reason.
        at: when, by the monotonic clock.
    """

    version: Version
    why: str
    at: float


@dataclass(frozen=True)
class Evaluated:
    """Who serves by the ledger, with what the store holds of it."""

    model: Artifact
    evaluation: Artifact


def champion_of(store: Store, key: str) -> Evaluated:
    """Return the champion's model and the evaluation by which it was promoted.

    Args:
        store: the pipeline's.
        key: the model's, by the registry.

    Raises:
        StoreError: the ledger names another champion, or an artifact is gone or damaged.
    """
    entry = latest_move(ledger.read(store.ledger_path))
    if entry is None or entry.model_key != key:
        by_ledger = "nobody" if entry is None else f"{entry.model_key[:12]}… of {entry.date}"
        raise StoreError(
            f"registry and ledger of {store.pipeline} name different champions",
            expected=f"{key[:12]}… in the ledger",
            found=by_ledger,
            fix=f"Look at `vintage registry repair {store.pipeline}`.",
        )
    day = date.fromisoformat(entry.date)
    model, evaluation = (
        store.find("model", day, entry.model_key),
        store.find("evaluation", day, entry.evaluation_key),
    )
    if model is None or evaluation is None:
        gone = "model" if model is None else "evaluation"
        raise StoreError(f"the {gone} of the champion of {store.pipeline} is not in the store")
    return Evaluated(model, evaluation)


def proved(store: Store, version: Version) -> ServedModel:
    """Load a champion's twin, each byte of it as the manifest says, and have it score its golden batch.

    Raises:
        StoreError: the store does not have it as it was made.
        ModelRefused: it has no twin, or its twin gives something else than Spark gave.
        TwinError: the twin is damaged, or a later version wrote it.
    """
    found = champion_of(store, version.key)
    served = served_by(ModelDetails.of(found.model), EvaluationDetails.of(found.evaluation))
    if served.by == "spark":
        raise ModelRefused(
            f"version {version.version} of {store.pipeline} is served by Spark",
            found=served.why,
            fix=f"`mlflow models serve --model-uri models:/{store.pipeline}@champion` serves it.",
        )
    folder = found.model.data / MODEL
    twin = Twin.load(folder / TWIN)
    parity = parity_of_tables(twin, [golden_table(folder)])
    if parity.differs:
        raise ModelRefused(
            f"version {version.version} of {store.pipeline} does not give its golden batch",
            found=parity.differs,
        )
    told = {
        "pipeline": store.pipeline,
        "version": version.version,
        "key": version.key,
        "date": version.date,
    }
    return ServedModel(version, RawTwin(twin) if served.rows == "raw" else twin, told)


class Followed:
    """One pipeline: who serves it, and what is known of who should.

    Args:
        store: the pipeline's.
        registry: says who has the alias.

    Attributes:
        model: who serves; a request takes it once and ends with it.
        refused: the champion that may not take over; None where the champion serves.
        unreachable: why the registry could not be asked the last time; empty where it could.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self.store = store
        self.model: ServedModel | None = None
        self.refused: RefusedModel | None = None
        self.unreachable = ""
        self.vacant = False
        self._registry = registry
        self._one_at_a_time = threading.Lock()

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return self.store.pipeline

    def follow(self) -> bool:
        """Ask who the champion is, and have a new one take over if it is proved.

        Returns:
            Whether one took over.
        """
        with self._one_at_a_time:
            try:
                version = self._champion()
            except Exception as error:
                # Of whatever kind: who serves goes on.
                self.unreachable = str(error)
                log.warning("%s: who is champion is not known: %s", self.pipeline, error)
                return False
            self.vacant = version is None
            return version is not None and self._take_over(version)

    def _champion(self) -> Version | None:
        try:
            version = self._registry.champion(self.pipeline)
        except TrackingError as error:
            self.unreachable = str(error)
            if self.model is not None:
                return self.model.version
            # A server that starts while the registry is away: the ledger names the champion.
            entry = latest_move(ledger.read(self.store.ledger_path))
            return None if entry is None else Version(entry.version, "", entry.model_key, entry.date)
        self.unreachable = ""
        return version

    def _take_over(self, version: Version) -> bool:
        serving, refused = self.model, self.refused
        if serving is not None and serving.version.key == version.key:
            if not self.unreachable:
                self.refused = None
                # A registry that was repaired may count otherwise; the model is its key.
                told = {**serving.told, "version": version.version}
                self.model = replace(serving, version=version, told=told)
            return False
        if refused and refused.version.key == version.key and time.monotonic() < refused.at + AGAIN:
            return False
        started = time.monotonic()
        try:
            model = proved(self.store, version)
        except Exception as error:
            # Of whatever kind: a bad one never takes over.
            self.refused = RefusedModel(version, f"{type(error).__name__}: {error}", time.monotonic())
            log.warning("%s: version %d does not take over: %s", self.pipeline, version.version, error)
            return False
        self.model, self.refused = model, None
        seconds = time.monotonic() - started
        log.info("%s: version %d of %s serves: %.2f s", self.pipeline, version.version, version.date, seconds)
        return True


class Follower:
    """Asks for every pipeline's champion again and again, in a thread of its own.

    Args:
        pipelines: what is followed.
        seconds: between two questions.
        seen: called after each round.
    """

    def __init__(
        self, pipelines: Sequence[Followed], seconds: float, seen: Callable[[], None] = lambda: None
    ) -> None:
        self._pipelines = pipelines
        self._seconds = seconds
        self._seen = seen
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="champions", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the question that is being asked."""
        self._ends.set()
        self._thread.join(timeout=self._seconds)

    def _run(self) -> None:
        while True:
            for each in self._pipelines:
                each.follow()
            self._seen()
            if self._ends.wait(self._seconds):
                return
