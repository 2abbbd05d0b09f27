"""A pipeline's store with champions that have twins, made by hand: no Spark, and a registry in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.artifacts import ingredients, publish_as, publish_evaluation
from tests.twin.test_pyfunc import DESCRIBED
from vintage.errors import TrackingError
from vintage.ml.row_sql import compile_query
from vintage.registry import ledger
from vintage.registry.tracking import Version
from vintage.serving import Followed
from vintage.store import Store
from vintage.twin import Description, Twin, description
from vintage.twin.description import Preparation

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.store import Artifact

FIRST = date(2024, 3, 1)
SQL = "SELECT id, colour, CAST(millimetres / 10 AS DOUBLE) AS size FROM source"
RAW = compile_query(
    f"{SQL} WHERE millimetres > 0",
    {"id": "int", "colour": "string", "millimetres": "int"},
    {"colour": "string", "size": "double"},
)
"""What makes the twin's columns of raw rows."""
GOLDEN = {"colour": ["blue", "red", None], "size": [1.0, None, 2.0]}


@dataclass
class Desk:
    """A pipeline `paint`: its store, and who is champion by a registry in memory.

    Attributes:
        away: whether the registry does not answer.
        serves: who has the alias.
    """

    store: Store
    away: bool = False
    serves: Version | None = None
    versions: list[Version] = field(default_factory=list)

    def champion(self, _: str) -> Version | None:
        if self.away:
            raise TrackingError("MLflow does not answer")
        return self.serves

    def followed(self) -> Followed:
        return Followed(self.store, self)

    def promoted(self, described: Description = DESCRIBED, **changed: Any) -> Version:
        """Publish a model of the next date with its evaluation, and make it champion.

        Args:
            described: its twin.
            changed: `golden`, what Spark made of the golden batch where the twin does not give it;
                `twin` of the evaluation's details, or of the model's as `fitted`; `raw` of the evaluation's.
        """
        number = len(self.versions) + 1
        day = FIRST + timedelta(days=number)

        def fill(folder: Path) -> None:
            description.save(described, folder / "model" / "twin")
            _write_golden(folder / "model" / "golden", described, changed.get("golden"))

        named = ingredients("model", day, {"features": [self._features(day)]}, seed=number)
        model = publish_as(self.store, named, fill=fill, twin=changed.get("fitted", {"reason": ""}))
        twin = changed.get("twin", {"rows": 9, "columns": ["prediction"], "apart": 0.0})
        evaluation = publish_evaluation(
            self.store, day, model.key, seed=number, twin=twin, raw=changed.get("raw")
        )
        ledger.append(
            self.store.ledger_path,
            ledger.Entry(
                action="promoted",
                pipeline=self.store.pipeline,
                date=str(day),
                model_key=model.key,
                evaluation_key=evaluation.key,
                version=number,
                champion_before=None,
                reasons=("it passed",),
            ),
        )
        self.serves = Version(number, "run", model.key, str(day))
        self.versions.append(self.serves)
        return self.serves

    def _features(self, day: date) -> Artifact:
        named = ingredients("features", day, spec={"preprocess": {"sql": SQL}})
        return publish_as(self.store, named, validation={"source": "v"})

    def folder(self, version: Version) -> Path:
        found = self.store.find("model", date.fromisoformat(version.date), version.key)
        assert found is not None
        return found.place / "model"


def _write_golden(folder: Path, described: Description, made: list[float] | None) -> None:
    given = {each.name: GOLDEN[each.name] for each in described.inputs}
    if made is None:
        frame = Twin(described).transform(given)
        rows, made = frame.rows.tolist(), frame["prediction"].to_list()
    else:
        rows = list(range(len(made)))
    for name, content in {
        "given": {"golden_row": [0, 1, 2], **given},
        "made": {"golden_row": rows, "prediction": made},
    }.items():
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.table(content), folder / name / "part-0.parquet")


def of_raw_rows() -> dict[str, Any]:
    """What `promoted` needs for a champion that takes raw rows."""
    assert isinstance(RAW, Preparation)
    return {
        "described": replace(DESCRIBED, preparation=RAW),
        "fitted": {"reason": "", "raw": {}},
        "raw": {"rows": 9},
    }


def with_intercept(value: float) -> Description:
    """A twin whose answers say which one it is."""
    *stages, regression = DESCRIBED.stages
    import numpy as np

    data = {**regression.data, "intercept": np.array([value])}
    return replace(DESCRIBED, stages=(*stages, replace(regression, data=data)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Store(tmp_path, "paint"))
