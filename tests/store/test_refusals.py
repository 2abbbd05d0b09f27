"""What the operating system refuses is a StoreError that names the cause; nothing is half published."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import publish
from tests.store.sweeps import DAY
from vintage.errors import StoreError
from vintage.lineage.checking import check
from vintage.store import Store, files

if TYPE_CHECKING:
    from collections.abc import Iterator

STARVED = """
import os, resource, sys
from datetime import date
from pathlib import Path
from vintage.flow.job import readable
from vintage.store import Store
from vintage.lineage.checking import check
from tests.artifacts import publish
store = Store(Path(sys.argv[1]), "demo")
store.record_contract("a INT")
made = publish(store, "features", date(2013, 1, 1))
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for work in (
    lambda: publish(store, "features", date(2013, 1, 2)),
    lambda: store.find("features", date(2013, 1, 1), made.key),
    lambda: store.set_current(made),
    store.contract,
    lambda: check(store, repair=True),
):
    try:
        work()
    except Exception as error:
        told = readable(error)
        sys.stdout.write(f"{told.exit_code} {told}\\n")
"""


@contextlib.contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    refused = subprocess.run(words, check=False, capture_output=True)
    if refused.returncode:
        pytest.skip(f"mounting is not permitted: {refused.stderr.decode()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.fault("a file system with space and no inode left", outcome="exit 4 that says so")
def test_without_inodes(tmp_path: Path) -> None:
    with mounted(tmp_path / "few", "size=4m,nr_inodes=24") as place:
        store, made = Store(place, "demo"), 0
        with contextlib.suppress(StoreError):
            while made < 24:
                publish(store, "features", DAY, seed=made)
                made += 1
        assert 0 < made < 24
        with pytest.raises(StoreError, match=r"No space left on device.*space and no inode left"):
            publish(store, "features", DAY, seed=made)
        assert len(list(store.folder.rglob("manifest.json"))) == made
        assert list(store.folder.rglob(".attempt-*")) == []


@pytest.mark.fault(
    "a store on a read-only file system, when something is made", outcome="exit 4 that says so"
)
def test_on_a_read_only_file_system(tmp_path: Path) -> None:
    with mounted(tmp_path / "still", "size=1m") as place:
        store = Store(place, "demo")
        made = publish(store, "features", DAY)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        assert store.find("features", DAY, made.key) == made
        made.check_files()
        for work in (store.check_writable, lambda: publish(store, "tuning", DAY)):
            with pytest.raises(StoreError, match=r"Read-only file system.*Mount it for writing"):
                work()


@pytest.mark.fault("a quota that is used up", outcome="exit 4 that says so; the attempt is removed")
def test_over_quota(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(files, "write_durably", refuses)
    with pytest.raises(StoreError, match=r"quota exceeded.*have the quota raised"):
        publish(store, "features", DAY)
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


@pytest.mark.fault("too many open files", outcome="exit 4 that names the limit, also of who only reads")
def test_without_descriptors(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", STARVED, str(tmp_path)]
    ended = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True)
    told = ended.stdout.splitlines()
    assert len(told) == 5, ended.stdout + ended.stderr
    for line in told:
        assert line.startswith("4 ")
        assert "Too many open files. Raise the limit" in line
    # What could not be read is not taken for damaged.
    assert check(Store(tmp_path, "demo")).broken == []
