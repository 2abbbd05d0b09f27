"""The summary in Markdown: what a person reads who is asked whether a model may serve."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Final

from vintage.report.details import between, number, slice_name
from vintage.report.headline import headline_of
from vintage.report.html import metric_rows
from vintage.report.job_result import experiment_of, page_address
from vintage.spec.home import mlflow_run_page
from vintage.spec.markdown import code, plain
from vintage.spec.partition import spans
from vintage.store.reports import report_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from vintage.report.summary import Summary
    from vintage.spec import Home
    from vintage.store import Artifact, Store

MOST_ROWS: Final = 40
MOST_SLICES: Final = 5


@dataclass(frozen=True)
class Links:
    """Where to read more.

    Attributes:
        report: the page of the evaluation; None where there is none.
        mlflow: address of MLflow's pages; None where it is unknown.
        experiment: the id of the pipeline's experiment there; None where it is not known.
        shown: address of the evaluation's page on a web server; None where none is known to show it.
    """

    report: Path | None = None
    mlflow: str | None = None
    shown: str | None = None
    experiment: str | None = None


def links_of(home: Home, store: Store, evaluation: Artifact) -> Links:
    """Return where to read more of an evaluation."""
    page = report_page(store, evaluation)
    experiment = experiment_of(home, store.pipeline) if home.mlflow_url else None
    if not page.exists():
        return Links(mlflow=home.mlflow_url, experiment=experiment)
    shown = page_address(home, page) if home.store_url else None
    return Links(page, home.mlflow_url, shown, experiment)


def as_text(summary: Summary, links: Links) -> str:
    """Return a summary as GitHub's Markdown, of bounded length; nothing of the data is taken for markup."""
    blocks = [
        _head(summary),
        _gates(summary),
        _metrics(summary),
        _slices(summary),
        _listed("What the gates said:", map(plain, _first(summary.decision.reasons))),
        _listed("What it was made from, and where to read more:", _facts(summary, links)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(summary: Summary) -> str:
    found, version = headline_of(summary), summary.mlflow.version
    named = f", version {version}" if version is not None and summary.decided is None else ""
    head = f"{plain(summary.pipeline)} {summary.date}{named}: {plain(found.decision)}"
    return f"**{head}.** {plain(found.serving)}"


def _gates(summary: Summary) -> str:
    if not summary.gates and not summary.inapplicable:
        return ""
    rows = [
        (
            code(gate["gate"]),
            number(gate["value"]),
            between(gate.get("interval")),
            str(gate.get("rows", "")),
            "passed" if gate["passed"] else "**failed**",
        )
        for gate in sorted(summary.gates, key=lambda each: bool(each["passed"]))
    ]
    rows += [
        (code(gate), "", "", "", plain(f"does not apply: {why}"))
        for gate, why in summary.inapplicable.items()
    ]
    # Only gates of slices count rows of their own.
    counted = any(count for _, _, _, count, _ in rows)
    shown = [True, True, True, counted, True]
    return _table(
        compress(("gate", "value", "interval", "rows", "verdict"), shown),
        (compress(each, shown) for each in rows),
    )


def _metrics(summary: Summary) -> str:
    before = summary.baseline
    head = ["metric", "better", "this model", "interval"]
    if before is not None:
        head += [f"champion of {before['date']}", "gain", "interval of the gain", "which is better"]
    rows = []
    for each in metric_rows(summary):
        row = [code(each.name), each.direction, number(each.value), between(each.interval)]
        if before is not None:
            row += [
                number(each.theirs),
                _gain(each.gain),
                _gained(each.gain),
                plain(each.better),
            ]
        rows.append(row)
    told = _table(head, rows)
    if before is not None and before.get("incomparable"):
        told += f"\n\n{plain(before['incomparable'])}"
    return told


def _slices(summary: Summary) -> str:
    """Return the worst slices by the metric that decides."""
    if not summary.slices:
        return ""
    rows = [
        (
            code(slice_name(each)),
            str(each.rows),
            number(each.metrics.get(summary.metric)),
            between(each.interval),
        )
        for each in summary.slices[:MOST_SLICES]
    ]
    more = len(summary.slices) - len(rows)
    told = f"\n\nand {more} slices that do better, in the report" if more else ""
    return _table(("slice, the worst first", "rows", summary.metric, "interval"), rows) + told


def _facts(summary: Summary, links: Links) -> list[str]:
    run = summary.mlflow.run_id
    facts = [
        f"window: {summary.window[0]} to {summary.window[-1]}, {len(summary.window)} dates with rows",
        f"rows: {summary.rows['train']} training, {summary.rows['test']} holdout",
    ]
    for why, days in summary.absent_dates.items():
        facts.append(f"**{plain(why)}**: {spans(days)}")
    if summary.undated_warning:
        facts.append(f"**undated rows**: {plain(summary.undated_warning)}")
    if summary.overlap_warning:
        facts.append(f"**holdout**: {plain(summary.overlap_warning)}")
    if summary.key_warning:
        facts.append(f"**row key**: {plain(summary.key_warning)}")
    if summary.served_by:
        facts.append(f"served by {plain(summary.served_by)}")
    if run and links.mlflow:
        # MLflow shows the report among the artifacts of the run.
        facts.append(
            f"MLflow: [run {run}](<{mlflow_run_page(links.mlflow, run, links.experiment)}>), with the report"
        )
    elif run:
        facts.append(f"MLflow run: {code(run)}, with the report")
    if links.shown is not None:
        facts.append(f"[report](<{links.shown}>)")
    elif links.report is not None:
        facts.append(f"report: {code(str(links.report))}")
    facts += [f"{kind}: {code(summary.keys[kind])}" for kind in ("model", "evaluation")]
    return facts


def _listed(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, "", *(f"- {line}" for line in lines)])


def _gain(gain: Mapping[str, float | None] | None) -> str:
    value = None if gain is None else gain.get("value")
    return "" if value is None else f"{value:+.4g}"


def _gained(gain: Mapping[str, float | None] | None) -> str:
    """Return the interval of a gain, with its signs."""
    low, high = (None, None) if gain is None else (gain.get("low"), gain.get("high"))
    return "" if low is None or high is None else f"{low:+.4g} to {high:+.4g}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns))]
    cells = [f"| {' | '.join(row)} |" for row in rows]
    more = f"\n\nand {len(cells) - MOST_ROWS} more" if len(cells) > MOST_ROWS else ""
    return "\n".join(lines + cells[:MOST_ROWS]) + more


def _first(texts: Iterable[str]) -> list[str]:
    every = list(texts)
    more = [f"and {len(every) - MOST_ROWS} more"] if len(every) > MOST_ROWS else []
    return every[:MOST_ROWS] + more
