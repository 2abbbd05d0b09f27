"""How a pipeline's rows are scored, where the file says more than nothing."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from vintage.spec.base import SpecModel, Text, refusal
from vintage.spec.cron import cron_problem


class Score(SpecModel):
    """How the rows of a date are scored with the model that serves."""

    schedule: Annotated[
        Text | None,
        Field(
            description="When rows are scored, as cron's five fields in UTC; a run takes the day before. "
            "Left out, a date is scored when its night is over.",
            examples=["30 5 * * *"],
        ),
    ] = None
    where: Annotated[
        Text | None,
        Field(
            description="A condition on the feature rows that are scored; all of them when left out.",
            examples=["label IS NULL"],
        ),
    ] = None

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, value: str | None) -> str | None:
        why = value and cron_problem(value)
        if why:
            raise refusal(
                f'"{value}" is no cron line', expected='five fields, such as "30 5 * * *"', found=why
            )
        return value
