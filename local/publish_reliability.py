"""Publish docs/reliability.md: the faults that are tested, read from the tests' `fault` markers."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from local.published import publish

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKOUT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = CHECKOUT / "docs" / "reliability.md"
TESTS: Final = CHECKOUT / "tests"

HEAD: Final = """\
# Reliability

<!-- Made by local/publish_reliability.py from the tests' markers: run `make schema` after a change. -->

- **Nothing is lost.** A published artifact, a line of the ledger and a registered version stay, whatever is
  killed, and whenever. A job that was killed is run again and goes on from what was published. `vintage gc`
  alone deletes, and only what nothing names.
- **Nothing is half there or there twice.** An artifact appears in one rename. Two writers of one key make one
  artifact.
- **Faults fail closed.** Bytes other than those that were written, data that breaks its contract, a file that
  cannot be read, a gate that cannot compare: each stops the run or refuses the model, and leaves the champion
  where it is. The exit code says of what kind it is: 2 a file or an argument, 3 the data, 4 the store or the
  environment, 5 the model.
- **A fault stays where it is.** A bad pipeline file, a bad date or a bad row leaves the others alone.
- **Not covered.** Locks on NFS: the ledger is locked by `flock`, and the NFS server decides whether two
  hosts see each other's locks. A disk that loses what it reported as written. Somebody who may write to the
  store and rewrites artifacts together with their manifests: digests find damage and carelessness, and are no
  signature. Object stores: only a POSIX file system holds a store.

## Tested faults

Each row is a marker at the test that provokes the fault, `@pytest.mark.fault("…", outcome="…")`.
"""

MARKER: Final = "pytest.mark.fault"

# A folder of tests by its subject; one that is not here keeps its name.
SUBJECTS: Final = {
    "": "Jobs and commands",
    "airflow": "Airflow's DAGs",
    "examples": "Example pipelines",
    "flow": "Whole runs",
    "integration": "Clusters, servers and whole stacks",
    "local": "Set-up",
    "ml": "Training and measuring",
    "registry": "Promotion, ledger and registry",
    "report": "Reports",
    "sources": "Raw data and expectations",
    "spec": "Pipeline files",
    "store": "The store",
}


class Fault(NamedTuple):
    """A fault that a test provokes: what happens then, and the test's file and name."""

    text: str
    outcome: str
    file: str
    test: str


def page(root: Path) -> str:
    """Render the page: a table a folder of tests, a row a fault.

    Raises:
        ValueError: a marker is not written as it must be.
    """
    parts = [HEAD]
    folders: dict[str, list[Fault]] = {}
    for fault in faults(root):
        folder = fault.file.split("/")[0] if "/" in fault.file else ""
        folders.setdefault(folder, []).append(fault)
    for folder, rows in sorted(folders.items(), key=lambda item: _subject(item[0])):
        parts.append(
            "\n".join(
                [
                    f"### {_subject(folder)}",
                    "",
                    "| fault | what happens | test |",
                    "|---|---|---|",
                    *(
                        f"| {_cell(row.text)} | {_cell(row.outcome)} | [{row.test}](../tests/{row.file}) |"
                        for row in rows
                    ),
                ]
            )
        )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def faults(root: Path) -> Iterator[Fault]:
    """Yield the marked faults, by file and line, without importing a test."""
    for path in sorted(root.rglob("*.py")):
        yield from _of(path, path.relative_to(root).as_posix())


def _of(path: Path, file: str) -> Iterator[Fault]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    markers = {
        id(node): node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == MARKER
    }
    for test in tree.body:
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            for node in (inner for decorator in test.decorator_list for inner in ast.walk(decorator)):
                if isinstance(node, ast.Call) and markers.pop(id(node.func), None) is not None:
                    yield Fault(*_texts(node, file), file, test.name)
    for marker in markers.values():
        raise ValueError(
            f"tests/{file}:{marker.lineno}: {MARKER} is called in a decorator of its test, or in a "
            "pytest.param of one"
        )


def _texts(call: ast.Call, file: str) -> tuple[str, str]:
    match [*call.args, *call.keywords]:
        case [
            ast.Constant(value=str(fault)),
            ast.keyword(arg="outcome", value=ast.Constant(value=str(outcome))),
        ] if fault.strip() and outcome.strip():
            return fault, outcome
    raise ValueError(
        f'tests/{file}:{call.lineno}: write {MARKER}("what is wrong", outcome="what happens"), '
        "both as plain texts"
    )


def _subject(folder: str) -> str:
    return SUBJECTS.get(folder, folder.capitalize())


def _cell(text: str) -> str:
    """Put a text on one line; a bar would end the table's cell."""
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: Sequence[str] | None = None, *, root: Path = TESTS, file: Path = PAGE) -> int:
    """Write the page when it is out of date; with --check write nothing, and return 1 then."""
    return publish(page(root), file, arguments)


if __name__ == "__main__":
    sys.exit(main())
