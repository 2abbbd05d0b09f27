"""The command for a range of dates in Airflow, as it works in the shell that it is printed in."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from vintage.spec import range as ranges

if TYPE_CHECKING:
    from pathlib import Path

FIRST, LAST = date(2024, 3, 3), date(2024, 3, 4)
MADE = "backfill FROM=2024-03-03 TO=2024-03-04 PIPELINE=demo"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, elsewhere than the present folder."""
    path = tmp_path / "a checkout"
    (path / "local").mkdir(parents=True)
    (path / "local" / "backfill.py").touch()
    monkeypatch.setattr(ranges, "CHECKOUT", path)
    return path


def test_the_embedded_airflow_is_reached_by_make_from_anywhere(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ranges.in_airflow("demo", FIRST, LAST, {}) == f"make -C '{checkout}' {MADE}"
    monkeypatch.chdir(checkout)
    embedded = {"VINTAGE_HOME": "/srv/shop", "AIRFLOW_HOME": "/srv/shop/data/airflow"}
    assert ranges.in_airflow("demo", FIRST, LAST, embedded) == f"make {MADE}"


@pytest.mark.parametrize("own", [True, False])
def test_an_airflow_of_ones_own_takes_its_own_command_with_the_last_day_in_it(
    checkout: Path, own: bool
) -> None:
    if not own:
        (checkout / "local" / "backfill.py").unlink()
    told = ranges.in_airflow("demo", FIRST, LAST, {"AIRFLOW_HOME": "/opt/airflow"} if own else {})
    assert told.startswith("airflow backfill create --dag-id retrain_demo --from-date 2024-03-03 ")
    assert " --to-date 2024-03-04T23:59:59 " in told
