"""What commands print with `--json` that no other room has a model of."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Started(BaseModel):
    """What `vintage init` made.

    Attributes:
        pipeline, suite: the files.
        raw: the folder of the sample.
        dates: its partition dates, oldest first.
        date_column: the column that they come from; None where there is none.
        key, label: as guessed or told.
        left_out: column of the file → why it is not in the schema.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    suite: str
    raw: str
    dates: tuple[str, ...]
    date_column: str | None
    key: tuple[str, ...]
    label: str
    left_out: Mapping[str, str]
