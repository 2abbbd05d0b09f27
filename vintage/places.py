"""Where the parts lie that are not modules: beside the library in a checkout, within it when installed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LIBRARY: Final = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder of a part, `spark_jobs` or `jvm`.

    A wheel has it within the package; a checkout beside it.
    """
    within = _LIBRARY / name
    return within if within.is_dir() else _LIBRARY.parent / name
