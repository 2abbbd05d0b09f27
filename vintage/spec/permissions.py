"""Who may read what Vintage writes: its owner alone, unless VINTAGE_UMASK says otherwise."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

UMASK: Final = "VINTAGE_UMASK"
_OWNER_ALONE: Final = "077"


def umask_of(environ: Mapping[str, str]) -> str:
    """Return the permissions that are taken from whatever is written, as three octal digits.

    Raises:
        SpecError: VINTAGE_UMASK is invalid, or takes its own files from the owner.
    """
    text = environ.get(UMASK) or _OWNER_ALONE
    if not re.fullmatch(r"0{0,2}[0-7]{1,2}", text):
        raise SpecError(
            f"{UMASK} is {text!r}",
            expected="two octal digits after a 0, such as 077 (the owner alone) or 027 (and the group)",
        )
    return f"{int(text, 8):03o}"


def close_to_others(environ: Mapping[str, str]) -> None:
    """Has this process, and every process that it starts, write files that others cannot read.

    Raises:
        SpecError: VINTAGE_UMASK is invalid.
    """
    os.umask(int(umask_of(environ), 8))
