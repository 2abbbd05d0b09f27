"""Nothing of MLflow's copy of a model is loaded before each of its bytes is known to be the model's."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.registry.offices import Office, day
from vintage.errors import StoreError, TrackingError
from vintage.flow.verify import verify
from vintage.registry import repair
from vintage.registry.copies import verified_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.registry.tracking import Version
    from vintage.store import Artifact


@pytest.fixture(scope="module")
def office(new_office: Office) -> Office:
    """One night that was promoted."""
    new_office.night(1)
    return new_office


@pytest.fixture
def known(office: Office) -> tuple[Artifact, Version]:
    model = office.store.current("model", day(1))
    assert model is not None
    [version] = office.tracking.versions("demo")
    return model, version


def kept(office: Office) -> Path:
    """Where MLflow keeps its copy."""
    [description] = office.artifacts.rglob("MLmodel")
    return description.parent


def described(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        told = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        change(told)
        (folder / "MLmodel").write_text(yaml.safe_dump(told), encoding="utf-8")

    return edit


def evil(folder: Path) -> None:
    """Code that MLflow would import, and the word that makes it."""
    (folder / "code").mkdir()
    (folder / "code" / "evilmod.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
    described(lambda told: told.update(flavors={"python_function": {"loader_module": "evilmod"}}))(folder)


def linked(folder: Path) -> None:
    (folder / "sparkml" / "more").symlink_to("/etc/hostname")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "code": (evil, r"code/evilmod\.py is no file of the model; MLmodel describes another model"),
    "a loader": (
        described(lambda told: told.update(flavors={"python_function": {"loader_module": "evilmod"}})),
        "found MLmodel describes another model",
    ),
    "a field": (described(lambda told: told.update(prompts=["x"])), "MLmodel describes another model"),
    "a description of nothing": (
        lambda folder: (folder / "MLmodel").write_text("[" * 5000, encoding="utf-8"),
        "MLmodel describes another model",
    ),
    "an object in it": (
        lambda folder: (folder / "MLmodel").write_text("!!python/object/apply:os.abort []", encoding="utf-8"),
        "MLmodel describes another model",
    ),
    "no description": (lambda folder: (folder / "MLmodel").unlink(), "MLmodel is missing"),
    "a byte": (
        lambda folder: (folder / "sparkml" / "part-0").write_text("weights 2 1", encoding="utf-8"),
        r"sparkml/part-0 has SHA-256 \w{12}… instead of \w{12}…",
    ),
    "a cut file": (
        lambda folder: (folder / "sparkml" / "part-0").write_text("w", encoding="utf-8"),
        "sparkml/part-0 has 1 bytes instead of 11",
    ),
    "a file gone": (lambda folder: (folder / "sparkml" / "part-0").unlink(), "sparkml/part-0 is missing"),
    "a file more": (
        lambda folder: (folder / "sparkml" / "part-1").write_text("", encoding="utf-8"),
        "sparkml/part-1 is no file of the model",
    ),
}


def test_the_copy_is_the_store_s_to_the_last_byte(office: Office, known: tuple[Artifact, Version]) -> None:
    model, version = known
    ids = yaml.safe_load((kept(office) / "MLmodel").read_text(encoding="utf-8"))
    assert ids["model_id"]
    with verified_copy(office.tracking, model, version) as copy:
        there = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
        folder = model.data / "model"
        assert there == {
            path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
    assert not copy.exists()
    assert repair.repair_of(office.store, office.tracking).steps == ()


@pytest.mark.parametrize("case", DAMAGE)
@pytest.mark.fault(
    "MLflow's copy of a model with another byte, file or loader, such as code that it would import",
    outcome="exit 4 that names the file, and nothing is imported; `vintage verify` tells it, and "
    "`vintage registry repair` copies it anew",
)
def test_a_copy_that_is_another_is_told_and_copied_anew(
    office: Office, known: tuple[Artifact, Version], case: str
) -> None:
    damage, told = DAMAGE[case]
    damage(kept(office))
    with (
        pytest.raises(
            StoreError, match=rf"copy of version 1 of demo.*{told}.*Nothing of it was loaded"
        ) as error,
        verified_copy(office.tracking, *known),
    ):
        pass
    assert error.value.exit_code == 4
    [verified] = verify(office.home)
    assert [(each.what, each.date) for each in verified.left] == [("copy", str(day(1)))]
    assert re.search(f"^{told.removeprefix('found ')}", verified.left[0].found)
    [step] = repair.repair_of(office.store, office.tracking).steps
    assert step.startswith("copy version 1")
    repair.carry_out(office.store, office.tracking)
    with verified_copy(office.tracking, *known):
        pass
    [verified] = verify(office.home)
    assert (verified.copies, verified.damaged, verified.unread) == (1, (), "")


@pytest.mark.parametrize("damage", [shutil.rmtree, linked])
def test_a_copy_that_mlflow_does_not_hand_out_is_made_again(
    office: Office, known: tuple[Artifact, Version], damage: Callable[[Path], object]
) -> None:
    damage(kept(office))
    with pytest.raises((StoreError, TrackingError)), verified_copy(office.tracking, *known):
        pass
    repair.carry_out(office.store, office.tracking)
    with verified_copy(office.tracking, *known):
        pass


def test_what_the_store_holds_is_looked_at_first(office: Office, known: tuple[Artifact, Version]) -> None:
    model, _ = known
    weights = model.data / "model" / "sparkml" / "part-0"
    whole = weights.read_text(encoding="utf-8")
    weights.write_text("weights 9 1", encoding="utf-8")
    [verified] = verify(office.home)
    assert [(each.what, each.key) for each in verified.damaged] == [("model", model.key)]
    with (
        pytest.raises(StoreError, match=r"is damaged.*part-0.*SHA-256"),
        verified_copy(office.tracking, *known),
    ):
        pass
    copied = kept(office) / "sparkml" / "part-0"
    copied.write_text("weights 2 1", encoding="utf-8")
    with pytest.raises(StoreError, match=r"is damaged.*part-0.*SHA-256"):
        repair.carry_out(office.store, office.tracking)
    assert copied.read_text(encoding="utf-8") == "weights 2 1"
    weights.write_text(whole, encoding="utf-8")
    repair.carry_out(office.store, office.tracking)
    assert copied.read_text(encoding="utf-8") == whole
