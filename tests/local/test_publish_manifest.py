"""The published reference of manifests describes every field of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from local import publish_manifest
from vintage.store.details import DETAILS
from vintage.store.manifest import Manifest

if TYPE_CHECKING:
    from pathlib import Path


def test_every_field_of_a_manifest_and_of_its_details_has_a_row(tmp_path: Path) -> None:
    page = tmp_path / "manifest.md"
    assert publish_manifest.main([], file=page) == 0
    sections = {part.partition("\n")[0]: part for part in page.read_text(encoding="utf-8").split("\n## ")[1:]}
    for model in (Manifest, *DETAILS.values()):
        lines = sections[model.__name__].splitlines()
        rows = [line.split("`")[1] for line in lines if line.startswith("| `")]
        assert rows == list(model.model_fields)
    assert publish_manifest.main(["--check"], file=page) == 0


def test_a_field_without_a_description_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Undescribed(BaseModel):
        """A model.

        Attributes:
            one: the only field that is described.
        """

        one: int
        two: int

    monkeypatch.setattr(publish_manifest, "Manifest", Undescribed)
    with pytest.raises(KeyError, match="two"):
        publish_manifest.page()


def test_the_published_page_is_up_to_date() -> None:
    assert publish_manifest.main(["--check"]) == 0
