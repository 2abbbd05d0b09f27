"""The Data Docs of one validation: one file, by Great Expectations' renderers, that loads nothing."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import great_expectations as gx
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView

from vintage.spec.page_policy import POLICY, SCRIPT
from vintage.store.reports import DATES_FROM_DOCS
from vintage.validation.outcomes import SEVERITIES

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

    from vintage.validation.outcomes import ValidationReport

_TEMPLATE: Final = "data_docs.j2"
# GX escapes some texts and others not. So what is to be escaped is out of its sight until the page is made,
# in characters of Unicode's private use.
_STAND_INS: Final = {ord(special): 0xF8E0 + place for place, special in enumerate("&<>\"'")}
_ENTITIES: Final = {0xF8E0: "&amp;", 0xF8E1: "&lt;", 0xF8E2: "&gt;", 0xF8E3: "&quot;", 0xF8E4: "&#x27;"}
_OTHER_DATES: Final = "#other-dates"
# GX's tables of values scroll, and a keyboard does not reach them.
_SCROLLS: Final = '<div class="show-scrollbars">'
_REACHED: Final = '<div class="show-scrollbars" role="group" tabindex="0" aria-label="Unexpected values">'
_SITE_LINK: Final = re.compile(r'<a\s[^>]*href="(?:\.\./)+[^"]*"[^>]*>(.*?)</a>', re.DOTALL)


def write_page(
    result: ExpectationSuiteValidationResult, report: ValidationReport, path: Path, *, title: str
) -> None:
    """Write the page of a result: all rules with their bounds, then GX's sections of those that fail.

    GX's own page takes its styles, icons and scripts from other hosts, and is bare without them; its site is
    4 MB of pictures and fonts a date. So GX's sections are put into a page of Vintage's.
    """
    result = copy.deepcopy(result)
    # The table has the others; a rule that fails has its unexpected values here.
    result.results = [one for one in result.results if not one.success]
    now = dt.datetime.now(dt.UTC)
    result.meta = {
        "great_expectations_version": gx.__version__,
        "run_id": gx.RunIdentifier(run_name=title, run_time=now),
        "validation_time": now,
        "batch_spec": {"data_asset_name": title},
    }
    for one in result.results:
        _make_renderable(one.result)
        one.result = as_text(one.result)
        if one.expectation_config is not None:
            config = one.expectation_config
            config.kwargs = {
                # GX parses a condition anew. It is of the suite, not of the data; the policy bars scripts.
                name: value if name == "row_condition" else as_text(value)
                for name, value in config.kwargs.items()
            }
            config.meta = as_text(config.meta)
            config.description, config.notes = as_text(config.description), as_text(config.notes)
        one.exception_info = as_text(one.exception_info)
    document = ValidationResultsPageRenderer().render(result)
    # What it says of the suite as a whole, without severities.
    document.sections = [each for each in document.sections if each.section_name != "Overview"]
    outcomes = sorted(report.outcomes, key=lambda one: (one.passed, SEVERITIES.index(one.severity)))
    page: str = _view().render(  # type: ignore[no-untyped-call]
        document,
        template=_TEMPLATE,
        title=title,
        report=report,
        outcomes=outcomes,
        policy=POLICY,
        script=SCRIPT,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    page = _SITE_LINK.sub(r"\1", page).replace(_SCROLLS, _REACHED)
    for stand_in, entity in _ENTITIES.items():
        # A list of values is shown as Python writes it, which spells these characters out.
        page = page.replace(f"\\u{stand_in:x}", entity)
    page = page.translate(_ENTITIES).replace(_OTHER_DATES, DATES_FROM_DOCS, 1)
    path.write_text(page, encoding="utf-8")


def as_text(value: Any) -> Any:
    """Return a value of whatever shape in whose texts GX's templates find nothing to obey, or to escape."""
    if value is None or isinstance(value, bool | int | float | Decimal | dt.date):
        return value
    if isinstance(value, Mapping):
        return {as_text(key): as_text(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return type(value)(as_text(each) for each in value)
    return str(value).translate(_STAND_INS)


@cache
def _view() -> DefaultJinjaPageView:
    # One for all pages: compiling the templates takes longer than rendering.
    return DefaultJinjaPageView(custom_views_directory=str(Path(__file__).parent))


def _make_renderable(numbers: dict[str, object]) -> None:
    # GX's renderer asks for a percent wherever there is a count; its rules about distinct values have none.
    if "unexpected_count" in numbers and "element_count" not in numbers:
        for key in ("unexpected_count", "partial_unexpected_list", "partial_unexpected_counts"):
            numbers.pop(key, None)
