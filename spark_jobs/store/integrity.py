"""Whether artifacts still hold, byte for byte, what their manifests say."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from spark_jobs.errors import StoreError
from spark_jobs.store.files import file_digest
from spark_jobs.store.manifest import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spark_jobs.store.artifacts import Artifact
    from spark_jobs.store.manifest import DataFile

log = logging.getLogger(__name__)

AT_ONCE: Final = 4
TOLD: Final = 3
# What stands in a file of the artifact as well as in its manifest, which no key covers.
_TOLD_TWICE: Final = {"evaluation": "evaluation.json", "tuning": "tuning.json"}


def check_content(artifacts: Iterable[Artifact]) -> int:
    """Reads every file of the artifacts and holds it against the SHA-256 in the manifest.

    Returns:
        How many bytes were read.

    Raises:
        StoreError: a file is gone, or is not what was written; or a manifest tells other results than the
            file beside it. The first few are named.
    """
    started = time.monotonic()
    named = [(artifact, entry) for artifact in artifacts for entry in artifact.manifest.files]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        problems = [told for told in pool.map(lambda pair: _problem(*pair), named) if told]
    seen = {artifact.folder: artifact for artifact, _ in named}
    if not problems:
        problems = [told for artifact in seen.values() for told in _contradictions(artifact)]
    if problems:
        more = f"; and {len(problems) - TOLD} more" if len(problems) > TOLD else ""
        raise StoreError(
            f"what was made is no longer in the store as it was ({len(problems)} of {len(named)} files)",
            expected="what the manifests say",
            found="; ".join(problems[:TOLD]) + more,
            fix="Bring those folders back from a backup. If raw data is there still, moving them away and "
            "running the date again makes new ones.",
        )
    size = sum(entry.size for _, entry in named)
    log.info(
        "%d artifacts, %d files of %d bytes are as their manifests say: %.1f s",
        len(seen),
        len(named),
        size,
        time.monotonic() - started,
    )
    return size


def _problem(artifact: Artifact, entry: DataFile) -> str:
    path = artifact.folder / entry.path
    if not path.is_file():
        return f"{path} is gone"
    size = path.stat().st_size
    if size != entry.size:
        return f"{path} has {size} bytes instead of {entry.size}"
    found = file_digest(path)
    return (
        "" if found == entry.sha256 else f"{path} has SHA-256 {found[:12]}… instead of {entry.sha256[:12]}…"
    )


def _contradictions(artifact: Artifact) -> Iterator[str]:
    name = _TOLD_TWICE.get(artifact.manifest.kind)
    if name is None:
        return
    path = artifact.data / name
    # A manifest has null where a file may have NaN.
    kept = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    told = json.loads(json.dumps(artifact.manifest.details))
    if kept != told:
        differing = [each for each in sorted({*kept, *told}) if kept.get(each) != told.get(each)]
        yield f"{artifact.folder / NAME} tells other {', '.join(differing)} than {path}"
