"""The last line of a failed task's log is the reason, at the level ERROR."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

# Airflow has opened a group of lines by then, which its UI shows folded.
END_OF_GROUP: Final = "::endgroup::"


def say_reason(context: Context) -> None:
    """Log why a task failed, below the traceback and whatever else Airflow writes."""
    error = context.get("exception")
    if error is not None:
        log.info(END_OF_GROUP)
        log.error("%s", in_lines(str(error) or type(error).__name__))


def in_lines(reason: str) -> str:
    """Break an error's text into short lines: what is wrong, expected, found, what to do."""
    return re.sub(r"; (?=expected |found )|(?<=\.) (?=[A-Z`])", "\n", reason.strip())


ON_FAILURE: Final[dict[str, Any]] = {"on_failure_callback": say_reason, "on_retry_callback": say_reason}
"""Arguments of a task that says its reason last, whether it is tried again or not."""
