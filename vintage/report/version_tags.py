"""What a registered version is tagged with, so that MLflow's list of versions tells what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.report.details import between, number

if TYPE_CHECKING:
    from vintage.report.markdown import Links
    from vintage.report.summary import Summary


def version_tags(summary: Summary, links: Links) -> dict[str, str]:
    """Return the decision, the metric that decides with its interval, and where the report is."""
    spread = summary.metric_intervals.get(summary.metric)
    interval = f" ({between(spread)})" if between(spread) else ""
    tags = {
        "vintage.decision": summary.decided.told if summary.decided else "none yet",
        "vintage.metric": f"{summary.metric} {number(summary.metrics.get(summary.metric))}{interval}",
    }
    report = links.shown or (str(links.report) if links.report else "")
    return tags | ({"vintage.report": report} if report else {})
