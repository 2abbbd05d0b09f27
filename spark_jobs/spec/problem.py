"""What is wrong with a file, where, and how several such findings are one error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_jobs.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file, told so that the reader can go there and mend it."""

    file: str
    line: int | None
    what: str
    expected: str = ""
    found: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [self.what]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.found:
            parts.append(f"found {self.found}")
        if self.hint:
            parts.append(self.hint)
        return f"{place}: {'; '.join(parts)}"

    @property
    def order(self) -> tuple[str, int, str]:
        """Sorts problems as a reader meets them: by file, then by line."""
        return (self.file, self.line or 0, self.what)


class InvalidSpec(SpecError):
    """A file has problems; `problems` holds every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda problem: problem.order))
        lines = [str(problem) for problem in self.problems]
        if len(lines) > 1:
            files = sorted({problem.file for problem in self.problems})
            lines = [f"{len(lines)} problems in {', '.join(files)}:", *(f"  {line}" for line in lines)]
        super().__init__("\n".join(lines))

    def __str__(self) -> str:
        return self.what
