"""A twin's folder: the same bytes for the same description, and refused when one byte is another."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vintage.twin import DamagedTwin, Description, Input, LaterFormat, Stage, Twin, TwinError, description

if TYPE_CHECKING:
    from pathlib import Path

SCALER = Stage(
    "StandardScalerModel",
    {"inputCol": "features", "outputCol": "scaled", "withMean": True, "withStd": True},
    {"mean": np.array([[1.0, 2.0]]), "std": np.array([[2.0, 0.0]])},
)
DESCRIBED = Description("4.1.4", (Input("features", "vector"),), (SCALER,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    description.save(DESCRIBED, tmp_path / "twin")
    return tmp_path / "twin"


def test_what_is_read_is_what_was_written(folder: Path) -> None:
    twin = Twin.load(folder)
    assert twin.inputs == DESCRIBED.inputs
    assert twin.transform({"features": [[3.0, 5.0]]})["scaled"].to_list() == [[1.0, 0.0]]


def test_the_same_description_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    description.save(description.load(folder), tmp_path / "again")
    for name in ("twin.json", "arrays.npz", "SHA256SUMS"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_its_sums_are_those_of_the_usual_tool(folder: Path) -> None:
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True
    )


@pytest.mark.fault("a changed byte in a model's twin", outcome="refused when it is loaded")
@pytest.mark.parametrize("name", ["twin.json", "arrays.npz", "SHA256SUMS"])
def test_a_changed_byte_is_refused(folder: Path, name: str) -> None:
    raw = bytearray((folder / name).read_bytes())
    for place in range(0, len(raw), max(1, len(raw) // 40)):
        raw[place] ^= 1
        (folder / name).write_bytes(raw)
        with pytest.raises(DamagedTwin):
            Twin.load(folder)
        raw[place] ^= 1
    (folder / name).write_bytes(raw)
    Twin.load(folder)


@pytest.mark.parametrize("name", ["twin.json", "arrays.npz", "SHA256SUMS"])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DamagedTwin, match=name):
        Twin.load(folder)


@pytest.mark.fault("a model's twin of a later format", outcome="refused by name")
def test_a_later_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(description, "FORMAT", description.FORMAT + 1)
        description.save(DESCRIBED, tmp_path / "twin")
    with pytest.raises(LaterFormat, match=f"of format {description.FORMAT + 1}"):
        Twin.load(tmp_path / "twin")


def test_a_stage_of_a_later_version_is_refused_by_its_name() -> None:
    later = replace(SCALER, kind="QuantumScalerModel")
    with pytest.raises(TwinError, match="QuantumScalerModel"):
        Twin(replace(DESCRIBED, stages=(later,)))


def test_a_description_is_read_without_what_a_server_does_not_have(folder: Path) -> None:
    """It needs numpy alone, so that a model can carry it to where there is neither Spark nor Vintage."""
    program = (
        "import json, sys; before = set(sys.modules); from pathlib import Path; import numpy\n"
        "from vintage.twin import Twin; Twin.load(Path(sys.argv[1]))\n"
        "own = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(json.dumps(sorted(own & {'pyspark', 'mlflow', 'pandas', 'pyarrow', 'pydantic', 'sqlglot'})))\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith('vintage.'))))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], check=True, capture_output=True, text=True
    )
    heavy, own = map(json.loads, done.stdout.splitlines())
    assert heavy == []
    assert all(name.startswith("vintage.twin") for name in own)
