"""What Vintage writes is its owner's alone, unless VINTAGE_UMASK says otherwise."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vintage.errors import SpecError
from vintage.spec.permissions import umask_of

if TYPE_CHECKING:
    from pathlib import Path

WRITES = """
import os, sys
from vintage.spec.permissions import close_to_others
os.umask(0)
close_to_others(os.environ)
os.makedirs(sys.argv[1] + "/a")
open(sys.argv[1] + "/a/file", "w").close()
"""


@pytest.mark.parametrize(
    ("given", "folder", "file"), [({}, 0o700, 0o600), ({"VINTAGE_UMASK": "027"}, 0o750, 0o640)]
)
def test_files_are_closed_whatever_the_umask(
    tmp_path: Path, given: dict[str, str], folder: int, file: int
) -> None:
    environment = {**os.environ, **given}
    subprocess.run([sys.executable, "-c", WRITES, str(tmp_path / "data")], env=environment, check=True)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == folder
    assert stat.S_IMODE((tmp_path / "data" / "a" / "file").stat().st_mode) == file


@pytest.mark.parametrize("text", ["abc", "0777", "700", "-1", "8", "0o77", " 77"])
def test_a_umask_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="VINTAGE_UMASK"):
        umask_of({"VINTAGE_UMASK": text})


def test_a_umask_is_written_as_hadoop_takes_it() -> None:
    assert [umask_of({"VINTAGE_UMASK": text}) for text in ("", "77", "7", "027")] == [
        "077",
        "077",
        "007",
        "027",
    ]
