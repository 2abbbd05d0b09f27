"""The list of pipelines, from their files, the store and the ledger; MLflow is not asked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.table import Table
from rich.text import Text

from vintage.errors import SpecError, StoreError, first_line
from vintage.registry import ledger
from vintage.registry.timeline import latest_move
from vintage.spec import load_pipeline
from vintage.store import Store

if TYPE_CHECKING:
    from rich.console import Console

    from vintage.spec import Home


class Listed(BaseModel):
    """A pipeline in the list.

    Attributes:
        name: the pipeline's.
        task, schedule: as its file has them; None where the file is wrong.
        latest: the latest partition date that was evaluated.
        champion: version of the champion by the ledger, and its partition date.
        error: why something above is not known; empty when all is.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    task: str | None = None
    schedule: str | None = None
    latest: dt.date | None = None
    champion: int | None = None
    champion_date: str | None = None
    error: str = ""


class Pipelines(BaseModel):
    """The pipelines of a home, by their names."""

    model_config = ConfigDict(frozen=True)

    home: str
    pipelines: tuple[Listed, ...]


def listed(home: Home) -> Pipelines:
    """Return the pipelines of a home; one that cannot be read is listed with the reason."""
    return Pipelines(
        home=str(home.path), pipelines=tuple(_listed(home, name) for name in home.pipeline_names())
    )


def show(found: Pipelines, console: Console) -> None:
    """Print the list."""
    if not found.pipelines:
        console.print(f"There is no pipeline in {found.home}/pipelines.", markup=False)
        return
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("pipeline", "task", "schedule", "latest date"):
        # What is long is the last column's to wrap.
        table.add_column(name, no_wrap=True)
    table.add_column("champion")
    for each in found.pipelines:
        champion = f"version {each.champion} of {each.champion_date}" if each.champion is not None else "none"
        table.add_row(
            Text(each.name),
            each.task or "",
            each.schedule or "",
            str(each.latest or "none"),
            Text(each.error, style="bold red") if each.error else champion,
        )
    console.print(table)


def _listed(home: Home, name: str) -> Listed:
    try:
        pipeline = load_pipeline(home, name)
    except SpecError:
        return Listed(name=name, error="its file is wrong: run vintage check")
    known = Listed(name=name, task=pipeline.task, schedule=pipeline.schedule)
    store = Store(home.store, name)
    try:
        dates = store.dates("evaluation")
        last = latest_move(ledger.read(store.ledger_path))
    except StoreError as error:
        return known.model_copy(update={"error": first_line(error)})
    return known.model_copy(
        update={
            "latest": max(dates, default=None),
            "champion": last and last.version,
            "champion_date": last and last.date,
        }
    )
