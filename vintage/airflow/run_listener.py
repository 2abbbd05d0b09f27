"""What Airflow's scheduler adds to a run of a pipeline: its partition date, and a note of what came of it.

A plugin of the scheduler. Without it the runs do the same work and show less.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from vintage.airflow.job_result import LINKS
from vintage.errors import SpecError
from vintage.spec import Home, last_closed_date, parse_partition_date
from vintage.spec.markdown import code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.models.dagrun import DagRun

PREFIXES: Final = ("retrain", "score")
RESULT: Final = "return_value"
MOST: Final = 5
"""Columns that drifted and stand in a note."""


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:
    """Give a run that a form started the partition key that its tasks would work on anyhow."""
    dag = dag_run.dag
    if dag is not None and _is_ours(dag_run) and dag_run.partition_key is None:
        given = (dag_run.conf or {}).get("partition_date")
        try:
            date = parse_partition_date(given) if given else last_closed_date(dag_run.run_after)
        except SpecError:
            # Its first task fails and says so.
            return
        dag_run.partition_key = date.isoformat()
        dag_run.partition_date = dag.timetable.resolve_partition_date(dag_run.partition_key)


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    """Note the decision, the deciding metric and the links."""
    _note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Note what was reached, and what failed."""
    _note(dag_run)


def _is_ours(dag_run: DagRun) -> bool:
    """Return whether a run belongs to a pipeline that has a file; a run that a person ended has no DAG."""
    prefix, _, name = dag_run.dag_id.partition("_")
    try:
        return prefix in PREFIXES and name in Home.from_environment(os.environ).pipeline_names()
    except SpecError:
        return False


def _note(dag_run: DagRun) -> None:
    """Write a run's note anew; one that a person wrote stays."""
    # Tasks load the plugin too, and have no database.
    from airflow.models.xcom import XComModel
    from sqlalchemy.orm import object_session

    session, note = object_session(dag_run), dag_run.dag_run_note
    if session is None or not _is_ours(dag_run) or (note is not None and note.user_id is not None):
        return
    keys = [RESULT, *{link.xcom_key for links in LINKS.values() for link in links}]
    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id)
    found: Iterable[Any] = session.execute(query.where(XComModel.key.in_(keys))).scalars()
    told: dict[tuple[str, str], Any] = {
        (each.task_id, each.key): XComModel.deserialize_value(each) for each in found
    }
    failed = [ti.task_id for ti in dag_run.get_task_instances(session=session) if ti.state == "failed"]
    facts = {task: value for (task, key), value in told.items() if key == RESULT and isinstance(value, dict)}
    if text := note_of(facts, failed, _links(told)):
        dag_run.note = text


def _links(told: Mapping[tuple[str, str], Any]) -> dict[str, str]:
    return {
        link.name: address
        for task, links in LINKS.items()
        for link in links
        if (address := told.get((task, link.xcom_key)))
    }


def note_of(facts: Mapping[str, Mapping[str, Any]], failed: Sequence[str], links: Mapping[str, str]) -> str:
    """Return what a run's note says, in Markdown: what failed or was decided, the metric, the links.

    Args:
        facts: task → its result.
        failed: the tasks that failed.
        links: name → address.
    """
    lines = [f"**Failed**: {', '.join(failed)}. The last line of its log is the reason."] if failed else []
    measured = facts.get("evaluate") or {}
    if decided := facts.get("promote"):
        told = f"**{_sentence(decided['decision'])}**: version {decided['version']}."
        lines.append(" ".join([told, *decided["reasons"][:1]]))
    lines += [f"{name} {value:.4f} on {measured['rows']} rows" for name, value in _metrics(measured)]
    if scored := facts.get("score"):
        rows = scored["rows"]
        lines.append(
            f"**Scored** {rows['scored']} rows by version {scored['version']}, {rows['rejected']} rejected"
        )
    drift = facts.get("monitor") or {}
    if drift.get("drifted"):
        lines.append(f"**Drift** ({drift['state']}): {'; '.join(map(code, drift['drifted'][:MOST]))}")
    if lines and links:
        lines.append(" · ".join(f"[{name}]({address})" for name, address in links.items()))
    return "\n\n".join(lines)


def _metrics(measured: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(name, value) for name, value in measured.items() if isinstance(value, float)]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


class RunNotes(AirflowPlugin):
    """Has the scheduler call the functions above."""

    name = "vintage_run_notes"
    # Declared as its base class does.
    listeners: list[Any] = [sys.modules[__name__]]  # noqa: RUF012
