"""The code digest follows what the code does, and every module that a job computes with is in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from spark_jobs.store import code, steps
from spark_jobs.store.code import ROOT, code_digest, code_files

JOBS = {
    "snapshot": "snapshot",
    "validation": "validate",
    "features": "preprocess",
    "tuning": "ml.tuning",
    "model": "fit",
    "evaluation": "evaluate",
    "predictions": "score",
}
# What a job uses to find, keep, tell and record; none of it decides a value that the job makes.
INFRASTRUCTURE = (
    "spark_jobs.ending",
    "spark_jobs.errors",
    "spark_jobs.job",
    # What it runs, the Scala sources, is an engine of the key.
    "spark_jobs.ordered",
    "spark_jobs.spec",
    "spark_jobs.store",
    "spark_jobs.registry.recording",
    "spark_jobs.registry.tracking",
    "spark_jobs.report",
)
COMPUTING = ("spark_jobs.store.fingerprint",)
# What it finds is an artifact with a key of its own, which the kind's key names.
BEHIND_A_KEY = {
    "model": {"spark_jobs.ml.tuning"},
    "predictions": {"spark_jobs.snapshot", "spark_jobs.validate", "spark_jobs.preprocess"},
}


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(code, "ROOT", tmp_path)
    code._digest.cache_clear()
    yield tmp_path
    code._digest.cache_clear()


def digest_of(folder: Path, text: str) -> str:
    (folder / "step.py").write_text(text, encoding="utf-8")
    code._digest.cache_clear()
    return code_digest("step.py")


def test_comments_docstrings_and_layout_change_nothing(sources: Path) -> None:
    plain = digest_of(sources, "def f(x):\n    return x + 1\n")
    dressed = digest_of(
        sources, '"""Doc."""\n\n\ndef f(x):\n    """Adds."""\n    # one\n    return (x\n        + 1)\n'
    )
    assert dressed == plain


def test_what_it_does_changes_the_digest(sources: Path) -> None:
    assert digest_of(sources, "def f(x):\n    return x + 1\n") != digest_of(
        sources, "def f(x):\n    return x + 2\n"
    )


def imported(path: Path) -> set[str]:
    """Modules of spark_jobs that a file imports; a package counts by the names taken from it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spark_jobs"):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if module_file(name)} or {str(node.module)}
    return found


def module_file(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split(".")[1:])
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@pytest.mark.parametrize("kind", steps.CODE)
def test_every_module_that_a_job_computes_with_is_in_its_digest(kind: str) -> None:
    named = set(code_files(*steps.CODE[kind]))
    todo, seen = [f"spark_jobs.{JOBS[kind]}"], set()
    while todo:
        module = todo.pop()
        path = module_file(module)
        if module in seen or path is None or module in BEHIND_A_KEY.get(kind, ()):
            continue
        seen.add(module)
        if module.startswith(INFRASTRUCTURE) and not module.startswith(COMPUTING):
            continue
        assert path in named, (
            f"{module} is used by {JOBS[kind]}.py, but steps.CODE[{kind!r}] does not name it"
        )
        todo += imported(path)
    assert all(path.is_file() for path in named)
