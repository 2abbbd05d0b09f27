"""Where the ledger and MLflow contradict each other nothing is decided, until the registry is repaired."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.registry.offices import Office, day
from vintage.cli.main import app
from vintage.errors import SpecError, StoreError
from vintage.registry import repair
from vintage.registry.agreement import standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mlflow import MlflowClient


@pytest.fixture(scope="module")
def template(new_office: Office) -> Office:
    """Three nights that were promoted, one that was refused; MLflow's database of before and of the first."""
    made = new_office
    made.tracking.check()
    shutil.copyfile(made.database, made.folder / "new.db")
    for number in (1, 2, 3):
        assert made.night(number).action == "promoted"
        if number == 1:
            shutil.copyfile(made.database, made.folder / "first.db")
    assert made.night(4, passed=False).action == "refused"
    return made


@pytest.fixture
def office(template: Office, tmp_path: Path) -> Office:
    return template.copied(tmp_path)


def client_of(office: Office) -> MlflowClient:
    from mlflow import MlflowClient

    uri = f"sqlite:///{office.database}"
    return MlflowClient(uri, uri)


def by_hand(office: Office) -> int:
    """Registers a version as somebody does who knows nothing of Vintage."""
    return int(client_of(office).create_model_version("demo", office.artifacts.as_uri()).version)


def restored(office: Office, name: str = "first.db") -> None:
    shutil.copyfile(office.folder / name, office.database)


def with_lines(office: Office, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    path = office.store.ledger_path
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


def moved_to_a_stranger(office: Office) -> None:
    client_of(office).set_registered_model_alias("demo", "champion", str(by_hand(office)))


def taken_number(office: Office) -> None:
    """The copy of the first night's, where somebody registers by hand what then has the next number."""
    restored(office)
    by_hand(office)


def tag(name: str, value: str) -> Callable[[Office], None]:
    return lambda office: client_of(office).set_model_version_tag("demo", "3", name, value)


CONTRADICTIONS: dict[str, tuple[Callable[[Office], object], str]] = {
    "the copy of before": (restored, r"ledger's version 2, model .* is not in MLflow; .*by the ledger model"),
    "the database gone": (lambda office: restored(office, "new.db"), r"version 1.*version 4.*is gone$"),
    "a number taken": (taken_number, r"version 2, .*MLflow, which has version 2, a model without Vintage"),
    "alias gone": (
        lambda office: client_of(office).delete_registered_model_alias("demo", "champion"),
        r"by the ledger model \w{12} of 2013-01-04 serves \(version 3\), and .* alias champion is gone$",
    ),
    "alias moved": (
        lambda office: client_of(office).set_registered_model_alias("demo", "champion", "1"),
        r"serves \(version 3\), and MLflow's champion is version 1, model \w{12} of 2013-01-02$",
    ),
    "alias back by one": (
        lambda office: client_of(office).set_registered_model_alias("demo", "champion", "2"),
        r"serves \(version 3\), and MLflow's champion is version 2",
    ),
    "alias on a stranger": (moved_to_a_stranger, r"champion is version 5, a model without Vintage's tags$"),
    "champion gone": (
        lambda office: client_of(office).delete_model_version("demo", "3"),
        r"version 3, .* is not in MLflow; by the ledger .* alias champion is gone$",
    ),
    "another version gone": (
        lambda office: client_of(office).delete_model_version("demo", "2"),
        r"^the ledger's version 2, model \w{12} of 2013-01-03, is not in MLflow$",
    ),
    "the key of another": (tag("vintage.key", "ab" * 32), r"version 3.*champion is version 3, model abab"),
    "the key gone": (
        lambda office: client_of(office).delete_model_version_tag("demo", "3", "vintage.key"),
        r"champion is version 3, a model without Vintage's tags$",
    ),
    "another date": (tag("vintage.date", "2099-01-01"), r"^MLflow has version 3, .* says that its date is"),
    "no date": (tag("vintage.date", "soon"), r"of soon, and the ledger says that its date is 2013-01-04"),
    "ledger gone": (
        lambda office: office.store.ledger_path.unlink(),
        r"recorded 4 lines of the ledger, which is missing: .* is missing, names no champion$",
    ),
    "ledger empty": (
        lambda office: office.store.ledger_path.write_bytes(b""),
        r"recorded 4 lines of the ledger, which is an empty file",
    ),
    "the last move gone": (
        lambda office: with_lines(office, lambda lines: lines[:2]),
        r"4 lines of the ledger, which has 2 lines: lines are gone; by the ledger .* of 2013-01-03 serves",
    ),
    "the last line gone": (
        lambda office: with_lines(office, lambda lines: lines[:3]),
        r"^MLflow recorded 4 lines of the ledger, which has 3 lines: lines are gone$",
    ),
    "the last line cut": (
        lambda office: with_lines(office, lambda lines: [*lines[:3], lines[3][:60]]),
        r"^MLflow recorded another line 4 than the ledger has$",
    ),
}
NOT_MENDED_BY_REGISTERING = ("ledger gone", "ledger empty", "the last move gone")


@pytest.mark.parametrize("case", CONTRADICTIONS)
@pytest.mark.fault(
    "a ledger and an MLflow registry that contradict each other: one of them lost, restored or edited",
    outcome="nothing is decided, exit 4 says what each says; `vintage registry repair` makes them agree",
)
def test_what_is_contradicted_is_told_and_repaired(office: Office, case: str) -> None:
    damage, told = CONTRADICTIONS[case]
    damage(office)
    ledger = office.store.ledger_path
    before = ledger.read_bytes() if ledger.exists() else None
    alias, versions = office.tracking.champion("demo"), office.tracking.versions("demo")
    for attempt in (
        lambda: office.night(5),
        lambda: office.night(1, seed=2),
        office.back,
        lambda: office.forced("1"),
        lambda: standing(office.store, office.tracking),
    ):
        with pytest.raises(StoreError, match=r"contradict each other.*vintage registry repair demo") as error:
            attempt()
        assert error.value.exit_code == 4
        assert re.search(told, error.value.found), error.value.found
    planned = repair.repair_of(office.store, office.tracking)
    assert planned.contradictions
    assert planned.steps
    # Nothing has changed so far.
    assert (ledger.read_bytes() if ledger.exists() else None) == before
    assert (office.tracking.champion("demo"), office.tracking.versions("demo")) == (alias, versions)

    repair.carry_out(office.store, office.tracking)
    assert repair.repair_of(office.store, office.tracking).steps == ()
    assert (ledger.read_bytes() if ledger.exists() else None) == before
    serves = {"ledger gone": None, "ledger empty": None, "the last move gone": str(day(2))}
    assert office.champion == serves.get(case, str(day(3)))
    if case in NOT_MENDED_BY_REGISTERING:
        assert office.forced(str(day(3))).action == "forced"
    assert office.night(2, seed=2).action == "registered"
    assert (office.night(5).action, office.champion) == ("promoted", str(day(5)))
    if case not in NOT_MENDED_BY_REGISTERING:
        assert (office.back("1").date, office.champion) == (str(day(1)), str(day(1)))


def test_what_is_no_contradiction(office: Office) -> None:
    by_hand(office)
    assert standing(office.store, office.tracking).champion == office.tracking.champion("demo")
    # Neither MLflow nor the store has it: nobody can bring it back, and nothing waits for it.
    client_of(office).delete_model_version("demo", "1")
    shutil.rmtree(office.store.folder / "model" / f"date={day(1)}")
    assert office.night(5).action == "promoted"
    with pytest.raises(StoreError, match="no more in MLflow nor the store"):
        office.back("1")


def test_numbers_that_changed_are_labels(office: Office) -> None:
    taken_number(office)
    repair.carry_out(office.store, office.tracking)
    keys = {entry.date: entry.model_key for entry in office.entries}
    numbers = {version.date: version.version for version in office.tracking.versions("demo")}
    assert numbers == {str(day(1)): 1, "": 2, str(day(2)): 3, str(day(3)): 4, str(day(4)): 5}
    # 2 was one model alone; 3 was one and is another.
    entry = office.back("2")
    assert (entry.model_key, entry.version, entry.champion_before_key) == (
        keys[str(day(2))],
        3,
        keys[str(day(3))],
    )
    assert "is version 2 in the ledger and version 3 in MLflow" in " ".join(entry.reasons)
    with pytest.raises(SpecError, match=rf"3 names 2 models.*{keys[str(day(2))][:12]} of {day(2)}"):
        office.back("3")
    with pytest.raises(SpecError, match="4 names 2 models"):
        office.forced("4")
    assert office.back(keys[str(day(3))][:8]).date == str(day(3))
    assert office.back(str(day(1))).date == str(day(1))
    assert office.forced(str(day(4))).date == str(day(4))
    with pytest.raises(SpecError, match="'nobody' names no model"):
        office.back("nobody")
    with pytest.raises(SpecError, match=r"never served; expected one of those"):
        office.back("0123456789abcdef")


@pytest.mark.fault(
    "a refused evaluation's manifest into which somebody wrote that it may be promoted",
    outcome="exit 4: it is not what was made",
)
def test_a_decision_that_was_edited_is_not_decided_on(office: Office) -> None:
    evaluation = office.store.current("evaluation", day(4))
    assert evaluation is not None
    manifest = evaluation.folder / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    assert '"promote": false' in text
    manifest.write_text(text.replace('"promote": false', '"promote": true'), encoding="utf-8")
    with pytest.raises(StoreError, match=r"manifest\.json"):
        office.forced(str(day(4)))
    assert office.champion == str(day(3))


def test_who_serves_and_is_nowhere_cannot_be_made_up(office: Office) -> None:
    client_of(office).delete_model_version("demo", "3")
    away = office.store.folder / "model" / f"date={day(3)}"
    away.rename(office.folder / "away")
    with pytest.raises(StoreError, match=r"neither in MLflow nor in the store.*from a backup"):
        repair.repair_of(office.store, office.tracking)
    (office.folder / "away").rename(away)
    [weights] = away.rglob("part-0")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"0")
    with pytest.raises(StoreError, match="SHA-256"):
        repair.carry_out(office.store, office.tracking)
    assert office.champion is None
    weights.write_bytes(whole)
    repair.carry_out(office.store, office.tracking)
    assert office.champion == str(day(3))


@pytest.mark.fault(
    "a champion that is neither in MLflow nor in the store",
    outcome="nothing is promoted by itself; `vintage rollback` and `promote --force` choose another",
)
@pytest.mark.parametrize("choose", [lambda office: office.back("1"), lambda office: office.forced("1")])
def test_in_place_of_who_is_nowhere_a_person_chooses(
    office: Office, choose: Callable[[Office], object]
) -> None:
    for version in ("2", "3"):
        client_of(office).delete_model_version("demo", version)
    shutil.rmtree(office.store.folder / "model" / f"date={day(3)}")
    # The other one is registered anew; that the champion cannot be is known before and after.
    first, done = (each(office.store, office.tracking) for each in (repair.repair_of, repair.carry_out))
    for found in (first, done):
        assert [entry.version for entry in found.register] == [2]
        assert "neither in MLflow nor in the store" in str(found.remains)
    for automatic in (lambda: office.night(5), lambda: repair.repair_of(office.store, office.tracking)):
        with pytest.raises(StoreError, match=r"contradict each other|vintage rollback demo --to"):
            automatic()
    choose(office)
    assert office.champion == str(day(1))
    assert office.night(6).action == "promoted"


def test_an_evaluation_that_is_gone_is_not_needed_to_register(office: Office) -> None:
    client_of(office).delete_model_version("demo", "2")
    shutil.rmtree(office.store.folder / "evaluation" / f"date={day(2)}")
    repair.carry_out(office.store, office.tracking)
    assert office.back("2").date == str(day(2))


def test_the_command_tells_first_and_does_it_when_asked(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipelines = office.folder / "pipelines"
    pipelines.mkdir()
    from tests.flow.conftest import PIPELINE, SUITE

    (pipelines / "demo.yaml").write_text(PIPELINE.format(name="demo"), encoding="utf-8")
    (office.folder / "expectations").mkdir()
    (office.folder / "expectations" / "things.yaml").write_text(SUITE, encoding="utf-8")
    monkeypatch.setenv("VINTAGE_HOME", str(office.folder))
    monkeypatch.setenv("VINTAGE_STORE", str(office.folder / "store"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{office.database}")
    restored(office)

    def said(*words: str) -> str:
        done = CliRunner().invoke(app, ["registry", "repair", "demo", *words], catch_exceptions=False)
        assert done.exit_code == 0
        # Without the lines of the log.
        return "".join(line for line in done.output.splitlines(keepends=True) if " INFO " not in line)

    first = said()
    assert "would do:" in first
    assert "· register model" in first
    assert "· move the alias champion to model" in first
    assert "Nothing was changed" in first
    assert said() == first
    assert "done:" in said("--apply")
    assert said() == "demo: ledger, store and MLflow agree\n"
    assert [version.version for version in office.tracking.versions("demo")] == [1, 2, 3, 4]
