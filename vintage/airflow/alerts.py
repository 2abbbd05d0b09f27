"""Alerts for nights that fail or are late, by the Airflow notifier that the environment names."""

from __future__ import annotations

import asyncio
import json
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseNotifier
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from vintage.errors import EnvironmentProblem
from vintage.spec.wait import told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Context

    from vintage.spec import Pipeline

NOTIFIER: Final = "VINTAGE_NOTIFIER"
ARGUMENTS: Final = "VINTAGE_NOTIFIER_ARGS"
MESSAGE: Final = "{message}"
FAILED: Final = (
    "{{ dag.dag_id }} failed for {{ dag_run.partition_key or 'a date of its form' }}: {{ reason }}"
)

OVER: Final = frozenset({"failed", "success"})
"""States of a run that is not late: it ended, and whoever is to be told of that was."""


def on_failure() -> list[Callable[[Context], None]]:
    """Return what a DAG calls when a run of it fails; nothing where no notifier is named."""
    found = notifier(FAILED)
    return [] if found is None else [found]


def deadline_of(pipeline: Pipeline) -> DeadlineAlert | None:
    """Return the deadline alert of a night; None where no deadline or no notifier is configured."""
    if pipeline.deadline is None or notifier("") is None:
        return None
    message = f"retrain_{pipeline.name} is late: not over {told(pipeline.deadline)} after it was queued"
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=pipeline.deadline,
        callback=AsyncCallback(f"{__name__}.{late.__name__}", kwargs={"message": message}),
    )


async def late(message: str, context: Mapping[str, Any]) -> None:
    """Notify that a night is late; the triggerer calls this with the run's date, if it has one.

    Airflow's deadline outlives a run that failed (apache/airflow#60927), which was reported when it failed.
    """
    run = context.get("dag_run") or {}
    if run.get("state") in OVER:
        return
    key = run.get("partition_key")
    found = notifier(f"{message} (for {key})" if key else message)
    if found is not None:
        await asyncio.to_thread(found.notify, context)  # type: ignore[arg-type]


def notifier(message: str) -> BaseNotifier | None:
    """Return the notifier that VINTAGE_NOTIFIER names by its dotted path; None where it names none.

    Its arguments are those of VINTAGE_NOTIFIER_ARGS, a JSON object; `{message}` in a text of them becomes the
    message.

    Raises:
        EnvironmentProblem: there is no such notifier, or it does not take those arguments.
    """
    path, given = os.environ.get(NOTIFIER, ""), os.environ.get(ARGUMENTS) or "{}"
    if not path:
        return None
    module, _, name = path.rpartition(".")
    try:
        made = getattr(import_module(module), name)(**_filled(json.loads(given), message))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise EnvironmentProblem(
            f"{NOTIFIER} {path} cannot be made ({error})",
            expected=f"a BaseNotifier of Airflow, and in {ARGUMENTS} a JSON object of its arguments",
            fix="Correct both, or unset them: then no alert is sent.",
        ) from error
    if not isinstance(made, BaseNotifier):
        raise EnvironmentProblem(
            f"{NOTIFIER} {path} is no notifier", expected="a class of airflow.sdk.BaseNotifier"
        )
    return made


def _filled(arguments: Mapping[str, Any], message: str) -> dict[str, Any]:
    return {
        name: value.replace(MESSAGE, message) if isinstance(value, str) else value
        for name, value in arguments.items()
    }
