"""The published schemas are those of the models, and a stale one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import publish_schemas

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_is_published_is_up_to_date(tmp_path: Path) -> None:
    assert publish_schemas.main([], folder=tmp_path) == 0
    assert publish_schemas.main(["--check"], folder=tmp_path) == 0


def test_a_stale_and_a_missing_schema_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    publish_schemas.main([], folder=tmp_path)
    (tmp_path / "suite.schema.json").write_text("{}\n")
    (tmp_path / "pipeline.schema.json").unlink()
    assert publish_schemas.main(["--check"], folder=tmp_path) == 1
    assert "docs/schema/suite.schema.json is out of date: run `make schema`" in caplog.text
    assert "docs/schema/pipeline.schema.json is out of date" in caplog.text
    assert (tmp_path / "suite.schema.json").read_text() == "{}\n"
