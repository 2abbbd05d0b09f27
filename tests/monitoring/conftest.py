"""A home with one pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.spec.conftest import PIPELINE, SUITE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tips_home(tmp_path: Path) -> Path:
    for folder, text in (("pipelines", PIPELINE), ("expectations", SUITE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tips.yaml").write_text(text, encoding="utf-8")
    return tmp_path
