"""RFormula's language, as far as the columns that a formula reads go; `.` is all that are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# As org.apache.spark.ml.feature.RFormulaParser has it.
_NAME: Final = re.compile(r"(?:[a-zA-Z]|\.[a-zA-Z_])[a-zA-Z0-9._]*")
_DOT: Final = re.compile(r"(?<![a-zA-Z0-9._])\.(?![a-zA-Z_])")
_TERM: Final = re.compile(r"([+-]?)((?:\([^()]*\)|[^+\-()])+)")


@dataclass(frozen=True)
class Formula:
    """What a formula reads.

    Attributes:
        label: the column before the tilde.
        named: the columns of its terms by name, in order, without those that it takes away.
        removed: the columns that it takes away.
        rest: whether a `.` stands for all other columns.
    """

    label: str
    named: tuple[str, ...]
    removed: tuple[str, ...]
    rest: bool

    @classmethod
    def read(cls, text: str) -> Formula | None:
        """Return the formula of a text; None where no tilde stands between a label and terms."""
        label, tilde, terms = text.partition("~")
        if not tilde or not label.strip() or not terms.strip():
            return None
        alone: dict[str, None] = {}
        together: dict[str, None] = {}
        removed: dict[str, None] = {}
        rest = False
        for sign, term in _TERM.findall(terms):
            bare = term.strip()
            if sign == "-":
                if _NAME.fullmatch(bare):
                    removed[bare] = None
                    alone.pop(bare, None)
                continue
            rest = rest or _DOT.search(bare) is not None
            named = dict.fromkeys(_NAME.findall(bare))
            if _NAME.fullmatch(bare):
                alone |= named
            else:
                together |= named
        return cls(label.strip(), tuple(alone | together), tuple(removed), rest)

    def taken(self, there: Sequence[str]) -> tuple[str, ...]:
        """Return the columns that its terms read where these are there."""
        gone = {self.label, *self.removed}
        more = [name for name in there if name not in gone] if self.rest else []
        return tuple(dict.fromkeys([*self.named, *more]))
