"""Who becomes champion: a later model that passed, and no other."""

from __future__ import annotations

from datetime import date

import pytest

from spark_jobs.promote import choose
from spark_jobs.registry.tracking import Version

DAY = date(2013, 2, 28)


def champion(day: str, version: int = 1) -> Version:
    return Version(version=version, run_id="r", key="k", date=day)


@pytest.mark.parametrize(
    ("before", "mode", "passed", "action"),
    [
        (None, "auto", True, "promoted"),
        (None, "auto", False, "refused"),
        (None, "never", True, "registered"),
        (champion("2013-02-27"), "auto", True, "promoted"),
        (champion("2013-02-27"), "auto", False, "refused"),
        (champion("2013-02-28"), "auto", True, "registered"),
        (champion("2013-03-01"), "auto", True, "registered"),
        (champion("2013-02-28", version=2), "auto", True, "promoted"),
    ],
)
def test_what_becomes_of_a_version(before: Version | None, mode: str, passed: bool, action: str) -> None:
    chosen, reasons = choose(2, DAY, before, mode=mode, passed=passed, reasons=("the gates' reason",))
    assert chosen == action
    assert reasons[0] == "the gates' reason"
    assert (len(reasons) == 2) == (chosen == "registered")
