"""libyaml reads the files as PyYAML's own parser does: the same values on the same lines, the same errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vintage.spec import loading

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = sorted([*(CHECKOUT / "pipelines").glob("*.yaml"), *(CHECKOUT / "expectations").glob("*.yaml")])
TEXTS = [
    *(path.read_text(encoding="utf-8") for path in FILES),
    "",
    "a: [1, 1e-3, .5, 0x1f, 0o17, .inf, -.inf, .nan, 1:30, 2013-01-01]\n",
    "b: [~, null, NULL, yes, NO, on, true, False]\n",
    "a: |\n  x\n   y\n\n  z\nb: >-\n  folded\n  text\nc: 'it''s'\nd: \"\\u00e9 \\n\"\n",
    "a: &x {b: 1}\nc: *x\n# é ü\nd: ünïcode\n",
    "? [a]\n: 1\n",
    "a: !!python/object:os.system x\n",
    "a: 1\na: 2\n",
    "a: &x [*x]\n",
]
BROKEN = ["a: [1, 2", "a:\n\t- 1", "a: b: c", "a: *nothing", "- a\nb: 1", "a: 'x", "a: 1\n---\nb: 2", "\x00"]


def read(text: str, monkeypatch: pytest.MonkeyPatch, *, quick: bool) -> object:
    with monkeypatch.context() as patch:
        if not quick:
            patch.setattr(loading, "_QuickLoader", loading._Loader)
        document, problems = loading.read_text(text, "file.yaml")
    return repr(document.data), document.lines, document.text_lines, problems


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="this PyYAML has no libyaml")
@pytest.mark.parametrize("text", [*TEXTS, *BROKEN])
def test_both_parsers_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(text, monkeypatch, quick=True) == read(text, monkeypatch, quick=False)


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_yaml_is_told(text: str) -> None:
    *_, problems = loading.read_text(text, "file.yaml")
    assert problems[-1].what.startswith("not YAML: ")
