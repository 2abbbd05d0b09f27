"""A notifier of the tests' own, as a user would write one: it keeps what it is to tell in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class ToFile(BaseNotifier):
    """Adds a line for each message to a file."""

    template_fields = ("text",)

    def __init__(self, path: str, text: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.text = text

    def notify(self, context: Context) -> None:
        """Writes it."""
        del context
        with Path(self.path).open("a", encoding="utf-8") as file:
            file.write(f"{self.text}\n")
