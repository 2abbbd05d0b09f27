"""What came of making a model again: what was the same, what differed first, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

# pydantic reads the fields' types when the module is loaded.
from vintage.data.changed_rows import RowChange
from vintage.flow.environment import Held
from vintage.store import Key

if TYPE_CHECKING:
    from collections.abc import Sequence


_REASONS: Final = 3
_KEY: Final = 12


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Told):
    """One comparison.

    Attributes:
        step: `snapshot`, `join.<name>`, `features`, `tuning`, `model`, `predictions`, or a part of what an
            evaluation tells.
        date: of what was compared.
        same: whether both are equal, numbers to the last bit.
        then: what the store holds: a fingerprint, a digest, or the values.
        now: the same of what was reproduced.
        seconds: how long the making took; 0 where it was made with the step before.
        follows: whether it differs after an earlier step did.
    """

    step: str
    date: str
    same: bool
    then: Any
    now: Any
    seconds: float = 0.0
    follows: bool = False

    @property
    def named(self) -> str:
        """The step with its date."""
        return f"{self.step} of {self.date}"


class FirstDifference(_Told):
    """The earliest step that differs; what comes after it may follow from it.

    Attributes:
        why: what that step was made by or from that is not the same now; nothing where no record differs.
        rows: how its rows differ, where it has rows.
        told: what else differs in it, a line each.
    """

    step: str
    date: str
    then: Any
    now: Any
    why: tuple[Held, ...]
    rows: RowChange | None = None
    told: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why, in a line."""
        if self.rows is not None and not self.rows.any:
            return "its rows are the same, so that a manifest was edited, which tells another fingerprint"
        if not self.why:
            return "nothing that is recorded differs: the step is not deterministic, or a manifest was edited"
        named = [
            f"{each.what} was {each.then}, is {each.now}" + (f" ({each.detail})" if each.detail else "")
            for each in self.why[:_REASONS]
        ]
        more = len(self.why) - _REASONS
        return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


class Restated(_Told):
    """A date whose raw data has changed since: what it held then is kept, and was used."""

    source: str
    date: str
    rows_then: int
    rows_now: int


class Reproduction(_Told):
    """A model made again, compared with the one that the store has.

    Attributes:
        key: the model's.
        evaluation: key of the evaluation that it was reached by.
        same: whether everything that was compared is the same.
        environment: what made it then and now, what differs first.
        steps: every comparison, in the order of the flow.
        restated: dates whose raw data has changed since.
    """

    pipeline: str
    date: str
    key: Key
    evaluation: str
    same: bool
    environment: tuple[Held, ...]
    steps: tuple[Step, ...]
    first_difference: FirstDifference | None = None
    restated: tuple[Restated, ...] = ()
    seconds: float = 0.0

    @property
    def other_environment(self) -> tuple[Held, ...]:
        """What of the environment is not as it was."""
        return tuple(each for each in self.environment if each.then != each.now)


def marked(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with those marked that differ after the first difference."""
    first = next((each.step for each in steps if not each.same), None)
    return tuple(each.model_copy(update={"follows": not each.same and each.step != first}) for each in steps)
