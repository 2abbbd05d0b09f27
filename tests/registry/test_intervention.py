"""A person goes back to what served before, or forces a model, and the ledger says who, why and over what."""

from __future__ import annotations

import getpass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import ingredients, publish_as, publish_evaluation
from tests.registries import FakeRegistry
from vintage.errors import ModelRefused, SpecError, StoreError
from vintage.flow.promote import Challenger, settle
from vintage.registry import intervention, ledger
from vintage.registry.baseline import baseline_of, model_of
from vintage.registry.gates import NoBaseline, UnreadableBaseline
from vintage.registry.intervention import Intervention, carry_out
from vintage.registry.loadability import Loaded
from vintage.registry.tracking import Version
from vintage.store import Artifact, Store

if TYPE_CHECKING:
    from pathlib import Path

FIRST = date(2013, 1, 1)
GIVES_THE_SAME = Loaded(ways=("PipelineModel.transform",), rows=16)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


class Office:
    """A pipeline's store and registry, and what happens to them night by night."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "store", "demo")
        self.registry = FakeRegistry()
        self.challengers: dict[int, Challenger] = {}

    def night(self, number: int, *, passed: bool = True, corrected: bool = False) -> ledger.Entry:
        """Fits, evaluates, registers and decides on a date's model."""
        seed = 2 if corrected else 1
        model = publish_as(
            self.store,
            ingredients("model", day(number), seed=seed),
            fill=lambda folder: (folder / "weights").write_text("1", encoding="utf-8"),
        )
        reasons = ["gate a passed" if passed else "gate a failed"]
        decision = {"promote": passed, "reasons": reasons}
        made = publish_evaluation(self.store, day(number), model.key, seed=seed, decision=decision)
        self.store.set_current(made)
        version = Version(len(self.registry.known) + 1, "r", model.key, str(day(number)))
        self.registry.known.append(version)
        self.challengers[version.version] = Challenger(version, made, "auto")
        return self.again(version.version)

    def again(self, version: int) -> ledger.Entry:
        """The date's promotion, run once more."""
        return settle(self.registry, self.store, self.challengers[version], lambda: GIVES_THE_SAME)

    def back(self, to: int | None = None, *, why: str = "worse at the weekend") -> ledger.Entry:
        wanted = intervention.rollback(self.store, self.registry, to=None if to is None else str(to), why=why)
        return carry_out(self.store, self.registry, wanted, lambda _: GIVES_THE_SAME)

    def forced(self, version: int, loaded: Loaded = GIVES_THE_SAME) -> ledger.Entry:
        target, evaluation = intervention.version_of(self.store, self.registry, str(version))
        wanted = intervention.force(
            self.store, self.registry, target=target, evaluation=evaluation, mode="auto", why="a strike"
        )
        return carry_out(self.store, self.registry, wanted, lambda _: loaded)

    def baseline(self, number: int) -> str | None:
        found = model_of(baseline_of(self.store, day(number)))
        return str(found.date) if found else None

    @property
    def actions(self) -> list[tuple[str, int]]:
        return [(entry.action, entry.version) for entry in ledger.read(self.store.ledger_path)]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Three nights, each promoted."""
    made = Office(tmp_path)
    for number in (1, 2, 3):
        assert made.night(number).action == "promoted"
    return made


def serves(office: Office) -> int:
    champion = office.registry.serves
    assert champion is not None
    return champion.version


def test_a_rollback_goes_to_the_one_before_and_says_who_and_why(office: Office) -> None:
    entry = office.back(why="  too many\nfalse alarms ")
    assert (entry.action, entry.version, entry.champion_before, serves(office)) == ("rolled_back", 2, 3, 2)
    assert (entry.why, entry.by) == ("too many false alarms", getpass.getuser())
    assert entry.reasons[0] == f"back from version 3 of {day(3)}"
    assert office.baseline(4) == str(day(2))
    assert office.baseline(3) == str(day(2))
    assert (office.back().version, serves(office)) == (1, 1)
    with pytest.raises(SpecError, match="no version of demo served before version 1"):
        office.back()


def test_the_night_that_was_rolled_back_does_not_undo_it_when_it_runs_again(office: Office) -> None:
    office.back(why="broken")
    before = office.actions
    entry = office.again(3)
    assert (entry.action, serves(office)) == ("registered", 2)
    assert entry.reasons[-1] == "it served until version 2 took its place (rolled_back, broken)"
    assert office.actions == before
    # Corrected data of that night, and the next night, are promoted as ever.
    assert office.night(3, corrected=True).action == "promoted"
    assert office.night(4).action == "promoted"
    assert [office.baseline(number) for number in (3, 4, 5)] == [str(day(2)), str(day(3)), str(day(4))]


def test_a_night_that_was_replaced_by_a_later_one_and_runs_again_adds_no_line(office: Office) -> None:
    before = office.actions
    assert [office.again(version).action for version in (1, 2, 3)] == ["registered", "registered", "promoted"]
    assert office.actions == before


def test_a_rollback_to_a_version_that_serves_is_found_and_not_repeated(office: Office) -> None:
    office.back(2)
    before = office.actions
    assert office.back(2).action == "rolled_back"
    assert office.actions == before


@pytest.mark.fault("SIGKILL between the alias and the ledger", outcome="run again, it is decided once")
def test_a_decision_that_was_killed_is_made_once_when_it_is_run_again(tmp_path: Path) -> None:
    made = Office(tmp_path)
    for number in (1, 2):
        made.night(number)
    told, served = made.registry.ledger, made.registry.serves
    made.night(3)
    lines = made.store.ledger_path.read_bytes().splitlines(keepends=True)
    for left in (b"".join(lines[:2]) + lines[2][:50], b"".join(lines)):
        made.store.ledger_path.write_bytes(left)
        made.registry.ledger, made.registry.serves = told, served
        entry = made.again(3)
        assert (entry.action, entry.champion_before, serves(made)) == ("promoted", 2, 3)
        assert made.actions == [("promoted", 1), ("promoted", 2), ("promoted", 3)]


def test_the_next_night_finishes_a_move_that_was_killed(office: Office) -> None:
    told, served = office.registry.ledger, office.registry.serves
    office.night(4)
    office.registry.ledger, office.registry.serves = told, served
    entry = office.night(5)
    assert (entry.champion_before, office.registry.moves[-2:]) == (4, [4, 5])
    told, served = office.registry.ledger, office.registry.serves
    office.back()
    office.registry.ledger, office.registry.serves = told, served
    assert office.back(4).action == "rolled_back"
    assert (serves(office), office.actions[-1]) == (4, ("rolled_back", 4))


def test_where_one_cannot_go_back_to(office: Office, tmp_path: Path) -> None:
    office.night(4, passed=False)
    with pytest.raises(
        SpecError, match=r"version 4 of demo never served; expected .*1 \(.*, 2 \(.*, 3 \(.*--force"
    ):
        office.back(4)
    with pytest.raises(SpecError, match="has no champion to go back from"):
        Office(tmp_path / "new").back()
    with pytest.raises(SpecError, match="a reason is wanted"):
        office.back(why=" ")
    model = office.store.find("model", day(2), office.registry.known[1].key)
    assert model is not None
    model.folder.rename(model.folder.with_name("away"))
    with pytest.raises(StoreError, match=r"files of version 2 of demo are gone.*Bring the folder back"):
        office.back()
    assert serves(office) == 3


def test_a_model_whose_gates_failed_is_forced_with_their_reasons(office: Office) -> None:
    assert office.night(4, passed=False).action == "refused"
    entry = office.forced(4)
    assert (entry.action, entry.champion_before, serves(office)) == ("forced", 3, 4)
    assert entry.reasons[0] == "gate a failed"
    assert (entry.why, entry.by) == ("a strike", getpass.getuser())
    assert office.baseline(5) == str(day(4))
    before = office.actions
    assert office.again(4).action == "forced"
    assert office.actions == before
    assert (office.back().version, serves(office)) == (3, 3)


def test_an_older_model_is_forced_over_a_later_champion_and_later_dates_are_held_against_it(
    office: Office,
) -> None:
    entry = office.forced(1)
    assert entry.reasons[1] == f"version 3 of {day(3)} served: {day(1)} is not later"
    assert [office.baseline(number) for number in (2, 3, 4)] == [str(day(1)), str(day(2)), str(day(1))]
    assert (office.again(3).action, serves(office)) == ("registered", 1)
    assert (office.night(4).action, serves(office)) == ("promoted", 4)


def test_what_does_not_load_is_neither_forced_nor_gone_back_to(office: Office) -> None:
    before = office.actions
    with pytest.raises(ModelRefused, match=r"version 1 of demo .*cannot serve; found it is in pieces"):
        office.forced(1, Loaded(problems=("it is in pieces",)))
    assert (office.actions, serves(office)) == (before, 3)


def test_a_champion_that_changed_while_the_target_was_loaded_stays(office: Office) -> None:
    wanted = intervention.rollback(office.store, office.registry, to=None, why="slow")

    def meanwhile(_: Intervention) -> Loaded:
        office.night(4)
        return GIVES_THE_SAME

    with pytest.raises(StoreError, match=r"another champion by now; expected version 3, .*found version 4, "):
        carry_out(office.store, office.registry, wanted, meanwhile)
    assert serves(office) == 4


def test_a_version_that_someone_else_registered_is_not_ours(office: Office) -> None:
    office.registry.known.append(Version(9, "", "", ""))
    for number in (9, 10):
        with pytest.raises(
            SpecError, match=rf"no version {number} that Vintage registered; expected .*1, 2, 3"
        ):
            intervention.version_of(office.store, office.registry, str(number))


@pytest.mark.fault(
    "a champion whose files are gone or damaged, when the next model is held against it",
    outcome="nothing that compares passes; the reason says how to go on",
)
def test_a_baseline_that_is_gone_or_damaged_is_not_none(office: Office) -> None:
    model = office.store.find("model", day(3), office.registry.known[2].key)
    assert isinstance(model, Artifact)
    weights, manifest = model.data / "weights", model.folder / "manifest.json"
    told = manifest.read_bytes()
    for damage in (
        lambda: weights.write_text("2", encoding="utf-8"),
        lambda: weights.write_text("", encoding="utf-8"),
        weights.unlink,
        lambda: manifest.write_bytes(told[:1]),
        manifest.unlink,
    ):
        damage()
        found = baseline_of(office.store, day(4))
        assert isinstance(found, UnreadableBaseline)
        assert (found.date, found.key) == (str(day(3)), model.key)
        assert f"`vintage verify {office.store.pipeline} --repair`" in found.why
        assert "--force --why" in found.why
    assert office.baseline(3) == str(day(2))
    assert baseline_of(office.store, day(1)) == NoBaseline()
