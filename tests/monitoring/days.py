"""Days of rows, kept in a store as their profiles alone."""

from __future__ import annotations

import base64
from collections import Counter
from typing import TYPE_CHECKING, Any

import datasketches
import numpy as np

from tests.artifacts import ingredients, publish_as
from vintage.data.profile import Profile
from vintage.store import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from vintage.store import Artifact, Store
    from vintage.store.keys import Kind

Day = dict[str, Any]
"""Column → its values."""


def calm_day(seed: int, rows: int = 800) -> Day:
    """Numbers, categories and flags of one distribution, some of them missing."""
    chance = np.random.default_rng(seed)
    price = chance.lognormal(3, 0.5, rows).round(2)
    return {
        "price": price,
        "size": chance.normal(0, 1, rows),
        "spread": chance.normal(0, 1, rows),
        "count": chance.poisson(3, rows),
        "hour": chance.integers(0, 24, rows),
        "share": chance.beta(2, 5, rows),
        "one": np.ones(rows),
        "tax": price * 0.2,
        "fee": chance.exponential(1, rows),
        "id": np.arange(seed * rows, (seed + 1) * rows),
        "shop": chance.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2]),
        "kind": chance.choice(list("abcdefgh"), rows),
        "paid": chance.choice(["true", "false"], rows, p=[0.9, 0.1]),
        "note": [None if each < 0.3 else "x" for each in chance.random(rows)],
        "age": np.where(chance.random(rows) < 0.1, np.nan, chance.normal(40, 10, rows)),
    }


def profile_of(day: Day) -> Profile:
    """What Spark would have made of it; NaN stands for null."""
    columns: dict[str, dict[str, Any]] = {}
    sketches: dict[str, dict[str, str]] = {}
    for name, values in day.items():
        known = [value for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN
        columns[name] = {"nulls": len(values) - len(known)}
        if all(isinstance(value, str) for value in known):
            top = Counter(known).most_common(100)
            columns[name] |= {"type": "string", "top": [{"item": item, "count": each} for item, each in top]}
        else:
            sketch = datasketches.kll_doubles_sketch(200)
            for value in known:
                sketch.update(float(value))
            columns[name] |= {"type": "double"}
            sketches[name] = {"kll": base64.b64encode(sketch.serialize()).decode()}
    return Profile(len(next(iter(day.values()), [])), columns, sketches)


def keep(store: Store, day: date, rows: Day, kind: Kind = "snapshot", *, profiled: bool = True) -> Artifact:
    """Publish an artifact of these rows and make it the date's current one."""
    number = len(next(iter(rows.values()), []))
    inputs: Mapping[str, Mapping[str, str]] = {"rows": {day.isoformat(): f"{kind}-{number}"}}
    made = publish_as(
        store,
        ingredients(kind, day, inputs),
        fill=lambda folder: profile_of(rows).write(folder.parent) if profiled else None,
        counted=Rows(count=number, spark_schema={}, fingerprint=f"{kind}-{day}-{number}"),
    )
    store.set_current(made)
    return made
