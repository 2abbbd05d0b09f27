"""A pipeline's store and a real MLflow, night by night, without Spark."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.artifacts import ingredients, publish_as, publish_evaluation
from vintage.flow.promote import Challenger, settle
from vintage.registry import agreement, intervention, ledger
from vintage.registry.intervention import carry_out
from vintage.registry.loadability import Loaded
from vintage.registry.recording import registered
from vintage.registry.tracking import Tracking
from vintage.spec import Home
from vintage.store import Artifact, Store

if TYPE_CHECKING:
    from pathlib import Path

FIRST = date(2013, 1, 1)
SAME = Loaded(ways=("PipelineModel.transform",), rows=16)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@dataclass
class Office:
    """A pipeline `demo` below a folder.

    Attributes:
        folder: holds the store and MLflow's database.
        artifacts: where MLflow keeps its copies.
    """

    folder: Path
    artifacts: Path

    @property
    def database(self) -> Path:
        return self.folder / "mlflow.db"

    @property
    def store(self) -> Store:
        return Store(self.folder / "store", "demo")

    @property
    def tracking(self) -> Tracking:
        return Tracking(f"sqlite:///{self.database}", self.artifacts)

    @property
    def home(self) -> Home:
        return Home(self.folder, self.folder / "store", f"sqlite:///{self.database}", self.artifacts)

    def copied(self, folder: Path) -> Office:
        """The same elsewhere; MLflow's copies of models stay where they are."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Office(folder, self.artifacts)

    def evaluated(self, number: int, *, passed: bool = True, seed: int = 1) -> tuple[Artifact, Artifact]:
        """A model of a date, and its evaluation."""

        def fill(folder: Path) -> None:
            (folder / "model" / "sparkml").mkdir(parents=True)
            (folder / "model" / "MLmodel").write_text(
                "flavors: {}\nutc_time_created: '2013-03-01 02:00:00'\nmodel_uuid: x\n", encoding="utf-8"
            )
            weights = folder / "model" / "sparkml" / "part-0"
            weights.write_text(f"weights {number} {seed}", encoding="utf-8")

        named = ingredients("model", day(number), {"features": {}}, seed=seed)
        model = publish_as(self.store, named, fill=fill, task="regression")
        evaluation = publish_evaluation(
            self.store,
            day(number),
            model.key,
            seed=seed,
            decision={"promote": passed, "reasons": ["gate a passed" if passed else "gate a failed"]},
            metrics={"rmse": 1.0},
            rows={"test": 3},
        )
        self.store.set_current(model)
        self.store.set_current(evaluation)
        return model, evaluation

    def night(self, number: int, *, passed: bool = True, seed: int = 1) -> ledger.Entry:
        """Fits, evaluates, registers and decides on a date's model, as the job does."""
        model, evaluation = self.evaluated(number, passed=passed, seed=seed)
        agreement.standing(self.store, self.tracking)
        version = registered(self.tracking, self.store, model, evaluation)
        return settle(self.tracking, self.store, Challenger(version, evaluation, "auto"), lambda: SAME)

    def back(self, to: str | None = None) -> ledger.Entry:
        wanted = intervention.rollback(self.store, self.tracking, to=to, why="odd")
        return carry_out(self.store, self.tracking, wanted, lambda _: SAME)

    def forced(self, named: str) -> ledger.Entry:
        target, evaluation = intervention.version_of(self.store, self.tracking, named)
        wanted = intervention.force(
            self.store, self.tracking, target=target, evaluation=evaluation, mode="auto", why="a strike"
        )
        return carry_out(self.store, self.tracking, wanted, lambda _: SAME)

    @property
    def entries(self) -> tuple[ledger.Entry, ...]:
        return ledger.read(self.store.ledger_path)

    @property
    def champion(self) -> str | None:
        """The date of who has the alias."""
        found = self.tracking.champion("demo")
        return found.date if found else None
