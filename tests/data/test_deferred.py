"""What Great Expectations imports for few rules is imported when such a rule uses it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vintage.validation.deferred import defer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHECK = """
import sys
from vintage.validation import rules
from vintage.spec import Suite
import great_expectations
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as rule
few = ("scipy.stats._stats_py", "altair.vegalite")
print([name in sys.modules for name in few])
print(rule.stats.entropy([0.5, 0.5], [0.5, 0.5]), rule.alt.Chart.__name__)
print([name in sys.modules for name in few])
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with a module, which says on import that it is imported."""
    folder = tmp_path / "seldom_used"
    folder.mkdir()
    (folder / "__init__.py").write_text("import sys\nsys.imported_seldom_used = True\nanswer = 42\n")
    (folder / "inner.py").write_text("deeper = 43\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "imported_seldom_used", False, raising=False)
    yield folder.name
    for name in [each for each in sys.modules if each.startswith(folder.name)]:
        del sys.modules[name]


def test_a_deferred_module_is_imported_when_it_is_used(package: str) -> None:
    defer(package)
    import seldom_used

    inspect.stack()
    assert not hasattr(seldom_used, "__file__")
    assert not sys.imported_seldom_used
    assert seldom_used.answer == 42
    assert sys.imported_seldom_used
    assert sys.modules[package] is not seldom_used
    assert seldom_used.answer == 42
    with pytest.raises(AttributeError):
        seldom_used.question  # noqa: B018


def test_a_module_below_a_deferred_one_is_found(package: str) -> None:
    defer(package)
    from seldom_used.inner import deeper

    assert (deeper, sys.imported_seldom_used) == (43, True)


def test_a_module_that_is_there_stays(package: str) -> None:
    import seldom_used as before

    defer(package)
    assert sys.modules[package] is before


def test_great_expectations_comes_without_what_few_rules_use() -> None:
    """Its rules of distributions still have it."""
    ended = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["[False, False]", "0.0 Chart", "[True, True]"]
