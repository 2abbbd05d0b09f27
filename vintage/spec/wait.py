"""How long a night waits for the raw data of its date."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from vintage.spec.base import SpecModel, refusal

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION: Final = re.compile(r"([0-9]{1,5})([smhd])")


def _duration(value: Any) -> dt.timedelta:
    if isinstance(value, dt.timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refusal(f"{value!r} is no time", expected="a number and s, m, h or d: 6h, 90m")
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})


def told(duration: dt.timedelta) -> str:
    """Return a duration in the largest unit that it is a whole number of: `6 hours`, `90 minutes`."""
    seconds = round(duration.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


Duration = Annotated[
    dt.timedelta,
    BeforeValidator(_duration),
    PlainSerializer(lambda value: f"{round(value.total_seconds())}s", return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"}),
]


class Wait(SpecModel):
    """How long a scheduled night waits for the raw data of its date, and how often it looks."""

    timeout: Annotated[
        Duration,
        Field(
            description="How long a scheduled night waits for the data of its date; 0s: not at all. "
            "A run by hand and a backfill never wait.",
            examples=["6h"],
        ),
    ] = dt.timedelta(hours=6)
    poke: Annotated[
        Duration | None,
        Field(
            gt=dt.timedelta(0),
            description="How often it looks whether it is there. 1m for files when left out, and 10m for a "
            "database, which a Spark job asks.",
            examples=["1m"],
        ),
    ] = None

    @property
    def each_look(self) -> dt.timedelta:
        """How long it sleeps before it looks for files again."""
        return self.poke or dt.timedelta(minutes=1)

    @property
    def each_question(self) -> dt.timedelta:
        """How long it sleeps before it asks a database again."""
        return self.poke or dt.timedelta(minutes=10)
