"""The one family of errors: each says what was wrong, what was expected, what was found and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from pathlib import Path

FREE_SPACE: Final = "Free some space, or point VINTAGE_STORE at a folder that can be written."
_OPEN_FILES: Final = "Raise the limit of open files (`ulimit -n`), or end the processes that hold many open."
REFUSALS: Final[Mapping[str, str]] = {
    os.strerror(errno.ENOSPC): FREE_SPACE,
    os.strerror(errno.EDQUOT): "Free some space, have the quota raised, or point VINTAGE_STORE elsewhere.",
    os.strerror(errno.EROFS): "Mount it for writing, or point VINTAGE_STORE at a folder that can be written.",
    os.strerror(errno.EMFILE): _OPEN_FILES,
    os.strerror(errno.ENFILE): _OPEN_FILES,
}
"""What the operating system says when it refuses to make or write a file → what to do about it."""

_NOT_OF_THE_FILE: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EPERM}


class VintageError(Exception):
    """Base of every error that Vintage raises on purpose; its text is one readable line.

    Args:
        what: what is wrong, naming the pipeline, date, file or column.
        expected: what would have been right.
        found: what was there instead.
        fix: what to do now.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, expected: str = "", found: str = "", fix: str = "") -> None:
        self.what = what
        self.expected = expected
        self.found = found
        self.fix = fix
        parts = [what.rstrip(".")]
        if expected:
            parts.append(f"expected {expected}")
        if found:
            parts.append(f"found {found}")
        text = "; ".join(parts) + "."
        super().__init__(printable(f"{text} {fix}".strip(), keep="\n\t"))


class SpecError(VintageError):
    """A pipeline or suite file, an argument or a date is not what it must be; no Spark job ran for it."""

    exit_code = 2


class DataError(VintageError):
    """The data of a date is missing, malformed or refused; a retry does not help until the data changes."""

    exit_code = 3


class ValidationFailed(DataError):
    """A critical expectation does not hold for a date."""


class TrainingError(DataError):
    """The training set cannot give a model: one class, no rows, a column that is null throughout."""


class StoreError(VintageError):
    """The store cannot be read or written: full, read-only, or an artifact is missing or damaged."""

    exit_code = 4


class Unreadable(StoreError):
    """A file cannot be read for want of a permission or a descriptor: nothing is known of what is in it."""


class TrackingError(VintageError):
    """MLflow cannot be reached or refused a request."""

    exit_code = 4


class EnvironmentProblem(VintageError):
    """The machine lacks what the jobs need: Java, a connection, a package."""

    exit_code = 4


class OutOfMemory(EnvironmentProblem):
    """Spark had too little memory for what a date holds; its other dates may go on."""


class ModelRefused(VintageError):
    """A model that was to serve does not load, or does not give what it gave when it was fitted."""

    exit_code = 5


class NothingServes(VintageError):
    """No version of a pipeline serves yet, so that nothing can be scored with it."""

    exit_code = 7


class NotReproduced(VintageError):
    """A model that was reproduced is not the same: a step gave something else than it gave then."""

    exit_code = 6


class NotDelivered(VintageError):
    """A date's rows have not come into their database yet; asked later, it may have them."""

    exit_code = 8


def unreadable(path: Path, error: OSError) -> StoreError:
    """Return the error of a file of the store that the system does not hand out."""
    found = error.strerror or str(error)
    kind = Unreadable if error.errno in _NOT_OF_THE_FILE else StoreError
    fix = REFUSALS.get(found, "Look at the disk and at who may read the store.")
    return kind(f"{path} cannot be read", found=found, fix=fix)


def printable(text: str, *, keep: str = "") -> str:
    """Write out the characters of a text that are not seen: of control, and those that turn its direction.

    A terminal would obey them. Bytes that are no UTF-8 are written out too.

    Args:
        text: from wherever.
        keep: characters that stay, such as line ends.
    """
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode()
        for each in text
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's text that says something; the error's class where none does."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
