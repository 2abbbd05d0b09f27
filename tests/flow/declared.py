"""A team's pipeline declared anew, for other sources than the CSV files of the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.flow.conftest import Team

STAGES = [
    {"VectorAssembler": {"inputCols": ["size"], "outputCol": "features"}},
    {"LogisticRegression": {"maxIter": 2}},
]
ONE_ROW_AT_LEAST = [{"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}]


def declare(
    team: Team, source: dict[str, Any], sql: str, *, allowed: Sequence[str] = (), **other: Any
) -> Team:
    """Gives the team's pipeline another source, an SQL that makes id, size and late of it, a wide suite."""
    path = team.home.path / "pipelines" / f"{team.name}.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    spec |= {
        "source": source,
        "preprocess": {
            "sql": sql,
            "key": ["id"],
            "label": "CAST(late AS DOUBLE)",
            **({"allow_label_columns": list(allowed)} if allowed else {}),
        },
        "window": {"days": 2, "min_days": 1},
        "split": {"by": "key", "test_fraction": 0.3},
        "stages": STAGES,
        **other,
    }
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    suite = team.home.path / "expectations" / "things.yaml"
    suite.write_text(yaml.safe_dump({"expectations": ONE_ROW_AT_LEAST}), encoding="utf-8")
    return team
