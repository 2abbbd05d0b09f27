"""What scoring a date made, as a person reads it: by which version, how many rows, and what is kept aside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from rich.text import Text

from vintage.store import Key
from vintage.store.details import PredictionsDetails

if TYPE_CHECKING:
    from rich.console import Console

    from vintage.store import Artifact


class Scored(BaseModel):
    """A date's predictions.

    Attributes:
        pipeline, date: whose rows.
        key: of the artifact.
        model, model_date, version: what scored, as key, partition date and registered version.
        rows: `given`, `scored` and `rejected`.
        rejected: reason → how many rows were not scored for it.
        path: the folder of the predictions' Parquet.
        rejected_path: that of the rows kept aside; None when there are none.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    pipeline: str
    date: dt.date
    key: Key
    model: Key
    model_date: dt.date
    version: int
    rows: Mapping[str, int]
    rejected: Mapping[str, int]
    path: str
    rejected_path: str | None

    @property
    def told(self) -> str:
        """The counts and the version, in a line."""
        aside = f", {self.rows['rejected']} kept aside" if self.rows["rejected"] else ""
        return f"{self.rows['scored']} rows scored by version {self.version} of {self.model_date}{aside}"


def scored_of(artifact: Artifact) -> Scored:
    """Return what an artifact of predictions says of itself."""
    manifest, details = artifact.manifest, PredictionsDetails.of(artifact)
    aside = artifact.folder / "rejected"
    return Scored(
        pipeline=manifest.pipeline,
        date=manifest.date,
        key=artifact.key,
        model=details.model,
        model_date=details.model_date,
        version=details.version,
        rows=details.rows,
        rejected=details.rejected,
        path=str(artifact.place),
        rejected_path=str(aside) if details.rows["rejected"] else None,
    )


def show(scored: Scored, console: Console) -> None:
    """Print the counts, each reason, and where the rows are."""
    console.print(Text(f"{scored.pipeline} {scored.date}: {scored.told}", style="bold"))
    for reason, number in scored.rejected.items():
        console.print(Text(f"· {number} rows: {reason}", style="yellow"))
    for path in filter(None, (scored.path, scored.rejected_path)):
        console.print(f"  {path}", markup=False, soft_wrap=True)
