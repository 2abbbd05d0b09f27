"""What a secret is called: in an option, a Spark setting, a URL or an option of a JVM."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = (
    r"pass(?:word|wd|phrase|code)|\bpwd\b|secret|token|credential|signature|\bjaas\b"
    r"|(?:access|account|api|auth|encryption|private|secret|shared|storage|master)[._-]?keys?"
    r"|\bsas\b|(?-i:\bsas(?=[A-Z_]))|key[._-]?tab"
)
_SECRET: Final = re.compile(_WORDS, re.IGNORECASE)
# They name a class, or a file that is closed to others, where the secret is kept.
_WHERE_IT_IS: Final = re.compile(r"\.(?:providers?|provider[._](?:path|type|class)|enabled)$", re.IGNORECASE)
_GIVEN: Final = re.compile(rf"[\w.-]*(?:{_WORDS}|\bsig\b)[\w.-]*\s*[=:]\s*['\"]?[^\s'\"&;,]", re.IGNORECASE)
_LOGIN: Final = re.compile(r"//[^/?#\s@]*:[^/?#\s@]*@")


def is_secret(name: str) -> bool:
    """Return whether what has this name is a secret: `spark.hadoop.fs.azure.account.key.x`, `password`."""
    return _SECRET.search(name) is not None and _WHERE_IT_IS.search(name) is None


def holds_secret(text: str) -> bool:
    """Return whether a URL, a path or a line of options holds a login, or gives a secret its value."""
    return _LOGIN.search(text) is not None or _GIVEN.search(text) is not None
