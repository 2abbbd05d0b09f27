"""The command of `vintage` that makes a first pipeline from the user's file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vintage.cli.arguments import AsJson
from vintage.cli.screen import Console, write_json
from vintage.errors import SpecError
from vintage.spec import Home, last_closed_date, parse_partition_date
from vintage.spec.names import NAME_RULE, is_name

if TYPE_CHECKING:
    from vintage.cli.published import Started


def init(
    name: Annotated[str, typer.Argument(help="Name of the new pipeline and its suite.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="A CSV, Parquet or JSON file.", show_default=False)],
    label: Annotated[
        str | None, typer.Option(help="The label column. [default: guessed]", show_default=False)
    ] = None,
    date_column: Annotated[
        str | None,
        typer.Option(help="Column whose day is the partition date. [default: guessed]", show_default=False),
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(
            help="Partition date of rows without a date column. [default: yesterday]", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a first pipeline, its suite and a sample of raw data from a data file.

    Infers schema, date column, key, label and a first suite, which you then edit: lines
    with a question mark are guesses. Nothing that exists is overwritten. In an empty folder, it becomes
    the home.

    Example: `vintage init returns orders.csv --label returned`
    """
    from vintage.cli.published import Started
    from vintage.data.draft import pipeline_text, suite_text, write_sample
    from vintage.data.first_look import look_at

    if not is_name(name):
        raise SpecError(f"{name!r} cannot name a pipeline", expected=NAME_RULE)
    day = parse_partition_date(date) if date else last_closed_date(datetime.now(UTC))
    home = _home()
    pipeline, suite = home / "pipelines" / f"{name}.yaml", home / "expectations" / f"{name}.yaml"
    raw = home / "raw" / name
    for each in (pipeline, suite, raw):
        if each.exists():
            raise SpecError(f"{each} exists", fix="Choose another name, or remove it.")
    look = look_at(file, label=label, date_column=date_column)
    days = write_sample(look, raw, str(day))
    for path, text in ((pipeline, pipeline_text(name, look, days[0])), (suite, suite_text(look))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    made = Started(
        pipeline=str(pipeline),
        suite=str(suite),
        raw=str(raw),
        dates=tuple(days),
        date_column=look.date_column,
        key=look.key,
        label=look.label.name,
        left_out=dict(look.left_out),
    )
    if as_json:
        write_json(made)
    else:
        _show(name, made, Console(highlight=False, soft_wrap=True), home)


def _home() -> Path:
    """Return the folder that is the home, or becomes it: the present one where none is named."""
    named = os.environ.get("VINTAGE_HOME")
    return Home.from_environment(os.environ).path if named else Path.cwd()


def _show(name: str, made: Started, console: Console, home: Path) -> None:
    for what, path in (("pipeline", made.pipeline), ("suite", made.suite), ("sample", made.raw)):
        console.print(f"{what:<10}{path}", markup=False)
    console.print(f"label     {made.label}", markup=False)
    console.print(f"key       {', '.join(made.key)}", markup=False)
    console.print(f"dates     {made.dates[0]} to {made.dates[-1]}, {len(made.dates)} in the sample")
    for column, why in made.left_out.items():
        console.print(f"left out  {column}: {why}", markup=False)
    console.print("\nEdit the lines with a question mark. Then:", markup=False)
    if not os.environ.get("VINTAGE_HOME"):
        console.print(f"  export VINTAGE_HOME={home}", markup=False)
    console.print("  vintage check", markup=False)
    console.print(f"  vintage run {name} --date {made.dates[-1]}", markup=False)
