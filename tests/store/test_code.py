"""The code digest of a kind follows what its code does, in every module that its step imports."""

from __future__ import annotations

import ast
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from vintage.store import code
from vintage.store.code import NOT_COMPUTING, ROOT, STEPS, code_digest, module_digests, source_files
from vintage.store.keys import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def plain() -> dict[Kind, str]:
    """The digests of the code as it is."""
    return {kind: code_digest(kind) for kind in STEPS}


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    forget_digests()


def changed(plain: dict[Kind, str]) -> set[Kind]:
    """The kinds whose digest is another after an edit of a tree or a template."""
    forget_digests()
    return {kind for kind in STEPS if code_digest(kind) != plain[kind]}


def forget_digests() -> None:
    code._digest.cache_clear()
    code._digests.cache_clear()


@contextmanager
def edited(name: str) -> Iterator[ast.Module]:
    """A module's tree as it is parsed, to be edited, and put back."""
    tree = code._tree(name)
    body = list(tree.body)
    try:
        yield tree
    finally:
        tree.body = body


def test_every_kind_has_a_step() -> None:
    assert set(STEPS) == set(get_args(Kind))


def test_comments_docstrings_and_layout_change_nothing(tmp_path: Path) -> None:
    plain = "def f(x):\n    return x + 1\n"
    dressed = '"""Doc."""\n\n\ndef f(x):\n    """Add."""\n    # one\n    return (x\n        + 1)\n'
    trees = [ast.parse(text) for text in (plain, dressed)]
    for tree in trees:
        code.drop_docstrings(tree)

    assert ast.dump(trees[0]) == ast.dump(trees[1])
    assert ast.dump(trees[0]) != ast.dump(ast.parse(plain.replace("1", "2")))


@pytest.mark.parametrize(
    ("module", "kinds"),
    [
        ("data.reader", {"snapshot"}),
        ("validation.rules", {"validation"}),
        ("ml.grid", {"tuning"}),
        ("flow.tune", {"tuning"}),
        ("flow.fit", {"model"}),
        ("flow.preprocess", {"features"}),
        ("ml.golden", {"model"}),
        ("ml.scoring", {"predictions", "quality"}),
        ("ml.families.clustering", {"tuning", "evaluation", "predictions", "quality"}),
        ("registry.gates", {"evaluation", "quality"}),
        ("ml.late_labels", {"quality"}),
        ("spec.parts", set(STEPS)),
        ("session", set(STEPS)),
        ("store.fingerprint", set(STEPS)),
        ("report.html", set()),
        ("spec.flow", set()),
        ("store.artifacts", set()),
        ("errors", set()),
    ],
)
def test_a_change_of_code_changes_what_computes_with_it(
    plain: dict[Kind, str], module: str, kinds: set[Kind]
) -> None:
    with edited(f"vintage.{module}") as tree:
        tree.body.append(ast.Pass())
        assert changed(plain) == kinds


def test_the_sql_of_a_date_is_part_of_the_keys_of_features(plain: dict[Kind, str]) -> None:
    [sql_for] = [
        node
        for node in ast.walk(code._tree("vintage.spec.parts"))
        if isinstance(node, ast.FunctionDef) and node.name == "sql_for"
    ]
    body, sql_for.body = sql_for.body, [ast.Pass()]
    try:
        assert "features" in changed(plain)
    finally:
        sql_for.body = body


def test_a_template_is_part_of_its_module(
    plain: dict[Kind, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "data_docs.j2"
    template.write_text("<p>another</p>\n")
    files = code._files

    def other(name: str) -> Iterator[Path]:
        yield from ((template if file.suffix == ".j2" else file) for file in files(name))

    monkeypatch.setattr(code, "_files", other)

    assert changed(plain) == {"validation"}


def test_a_change_of_any_function_of_a_closure_changes_its_digest() -> None:
    """Each function's body in turn; a module's digest is what the kinds' digests are made of."""
    unnoticed = []
    for name in sorted({name for kind in STEPS for name in module_digests(kind)}):
        before = code._digest(name)
        for node in ast.walk(code._tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body, node.body = node.body, [*node.body, ast.Pass()]
                code._digest.cache_clear()
                if code._digest(name) == before:
                    unnoticed.append(f"{name}.{node.name}")
                node.body = body
    assert unnoticed == []


def test_every_module_is_computing_or_says_why_not() -> None:
    """What is named as not computing exists, and says why in words."""
    assert not [name for name in NOT_COMPUTING if not code._exists(name)]
    assert all(reason for reason in NOT_COMPUTING.values())


def test_no_module_of_a_closure_imports_what_the_closure_cannot_see() -> None:
    """An import by a computed name is allowed where a package imports its own modules, or Spark's."""
    dynamic = {
        name
        for kind in STEPS
        for name in module_digests(kind)
        if "import_module(" in code._file(name).read_text() or "__import__(" in code._file(name).read_text()
    }
    assert dynamic == {"vintage.ml.families", "vintage.ml.catalogue"}
    assert "vintage.ml.families.recommendation" in module_digests("evaluation")


def test_the_files_of_a_kind_exist() -> None:
    for kind in STEPS:
        assert all(file.is_file() for file in source_files(kind))
    assert ROOT / "vintage/validation/data_docs.j2" in source_files("validation")
