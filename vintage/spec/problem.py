"""What is wrong with a file, where, and how several such findings are one error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError, first_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST: Final = 200
"""Problems of one file that are reported; each takes time to look for the nearest right name."""
_LONGEST: Final = 1_000
_MEANT: Final = re.compile(r'did you mean "(.+?)"\?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file, told so that the reader can go there and fix it."""

    file: str
    line: int | None
    what: str
    expected: str = ""
    found: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [_short(self.what)]
        if self.expected:
            parts.append(f"expected {_short(self.expected)}")
        if self.found:
            parts.append(f"found {_short(self.found)}")
        if self.hint:
            parts.append(_short(self.hint))
        return printable(f"{place}: {'; '.join(parts)}")

    @property
    def order(self) -> tuple[str, int, str]:
        """Sorts problems as a reader meets them: by file, then by line."""
        return (self.file, self.line or 0, self.what)


def _short(text: str) -> str:
    """Return a text that a file may have made as long as it likes, as long as a person reads on."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}…{text[-half:]}"


def contained(file: str, look: Callable[[], Iterable[Problem]]) -> list[Problem]:
    """Return the problems that the check of one file finds; an unexpected error is one of them.

    Args:
        file: for the message.
        look: may end in any exception, RecursionError, MemoryError and OSError among them.
    """
    found: list[Problem] = []
    try:
        found += islice(look(), MOST + 1)
    except Exception as error:
        what = f"cannot be checked: {type(error).__name__}: {first_line(error)}"
        found.append(Problem(file, None, what, hint="the other files are not affected"))
    return first_of(found, file)


def without_echoes(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems as a reader meets them, each once, without those that another one made.

    Where one name is mistyped, whoever writes it right is told to mistype it too: of two problems that each
    suggest the other's name, the one that comes first in its file stays.
    """
    found: list[Problem] = []
    for problem in sorted(set(problems), key=lambda each: each.order):
        meant = _MEANT.search(problem.hint)
        if not any(meant and _echoes(problem, meant[1], each) for each in found):
            found.append(problem)
    return found


def _echoes(problem: Problem, meant: str, earlier: Problem) -> bool:
    theirs = _MEANT.search(earlier.hint)
    return (
        theirs is not None
        and problem.file == earlier.file
        and f'"{meant}"' in earlier.what
        and f'"{theirs[1]}"' in problem.what
    )


def first_of(problems: Iterable[Problem], file: str) -> list[Problem]:
    """Return the problems of one file, or the first so many of them and how it goes on."""
    found = list(islice(problems, MOST + 1))
    if len(found) > MOST:
        found[MOST:] = [
            Problem(file, None, f"has more than {MOST} problems", hint="the others are not listed")
        ]
    return found


class InvalidSpec(SpecError):
    """A file has problems; `problems` holds every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(without_echoes(problems))
        lines = [str(problem) for problem in self.problems]
        if len(lines) > 1:
            files = sorted({problem.file for problem in self.problems})
            lines = [f"{len(lines)} problems in {', '.join(files)}:", *(f"  {line}" for line in lines)]
        super().__init__("\n".join(lines))

    def __str__(self) -> str:
        return self.what
