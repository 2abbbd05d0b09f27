"""Lines of LIBSVM, `label index:value …`: each is looked at before Spark reads it, and a bad one is named."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from vintage.errors import DataError
from vintage.data.raw import readable_paths

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pyspark.sql import SparkSession

    from vintage.data.raw import RawFiles

_NUMBER: Final = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
# Java and Python read this pattern alike. Spark trims a line, skips it when it is empty or begins with #, and
# cuts it at spaces alone.
LINE: Final = rf"^(?:#.*|{_NUMBER}(?: +[0-9]+:{_NUMBER})*)?$"
# Only these may be beyond DOUBLE, which Spark takes for infinity.
_LARGE: Final = "[eE][+]?[0-9]{3}|[0-9]{300}"
_SHOWN: Final = 60


def check_lines(spark: SparkSession, raw: RawFiles, features: int, day: date) -> None:
    """Check that every line is valid LIBSVM, with ascending indices from 1 to the number of features.

    Spark itself would take `1:2:3` for `1:2`, and names neither file nor line of what it cannot read.

    Raises:
        DataError: names the first bad line by file and number.
    """
    from pyspark.sql import functions as F

    value = F.trim(F.col("value"))
    pairs = F.regexp_extract_all(value, F.lit(" ([0-9]+):"), F.lit(1))
    indices = F.transform(pairs, lambda each: each.try_cast("int"))
    ordered = indices == F.array_sort(F.array_distinct(indices))
    within = F.forall(indices, lambda each: F.coalesce(each.between(1, features), F.lit(False)))
    numbers = F.regexp_extract_all(value, F.lit(f"(?:^|:)({_NUMBER})"), F.lit(1))
    finite = F.forall(numbers, lambda each: F.abs(each.try_cast("double")) < F.lit(float("inf")))
    valid = ordered & within & (~value.rlike(_LARGE) | finite)
    wellformed = F.regexp_like(value, F.lit(LINE)) & (value.startswith("#") | valid)
    paths, options = readable_paths(raw.paths)
    bad = spark.read.options(**options).text(paths).where(~wellformed).first()
    if bad is None:
        return
    where, number, reason, text = next(
        (
            (file.path, *found)
            for file in raw.files
            if (found := first_bad_line(raw.root / file.path, features))
        ),
        (str(raw.root), 0, "not a line of LIBSVM", str(bad[0])),
    )
    raise DataError(
        f"line {number} of {where} for {day} is not LIBSVM",
        expected=f"label index:value …, indices ascending from 1 to source.options.numFeatures, {features}",
        found=f"{reason}: {text[:_SHOWN]!r}",
        fix=f"Correct the delivery in {raw.root} and run again; nothing of it was used.",
    )


def first_bad_line(path: Path, features: int) -> tuple[int, str, str] | None:
    """Return the number, from 1, of the first line that is none, what is wrong with it, and its text."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            reason = _wrong(text, features)
            if reason:
                return number, reason, text
    return None


def _wrong(text: str, features: int) -> str:
    if text.startswith("#"):
        return ""
    if not re.match(LINE, text):
        words = text.split(" ")
        bad = [word for word in words[1:] if not re.fullmatch(rf"[0-9]+:{_NUMBER}", word)]
        if not bad or not re.fullmatch(_NUMBER, words[0]):
            bad = words[:1]
        return f"{bad[0]!r} is no {'label' if bad == words[:1] else 'index:value'}"
    words = text.split()
    infinite = next((word for word in words if math.isinf(float(word.rpartition(":")[2]))), "")
    if infinite:
        return f"{infinite} is beyond DOUBLE"
    indices = [int(word.partition(":")[0]) for word in words[1:]]
    for before, index in zip([0, *indices], indices, strict=False):
        if index <= before:
            return f"index {index} does not come after {before}" if before else f"index {index} is below 1"
        if index > features:
            return f"index {index} is beyond {features}"
    return ""
