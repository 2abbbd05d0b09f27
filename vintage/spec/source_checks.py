"""What is wrong with the options of a pipeline's sources, each at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.spec.moment_patterns import is_pattern
from vintage.spec.option_values import value_problem
from vintage.spec.reader_options import option_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.spec.checks import Checked
    from vintage.spec.loading import KeyPath
    from vintage.spec.problem import Problem
    from vintage.spec.source import Source


def option_problems(checked: Checked) -> Iterator[Problem]:
    """Yield reader options that are unknown, write or hide files."""
    sources: dict[KeyPath, Source] = {
        ("joins", name): joined for name, joined in checked.parts.get("joins", {}).items()
    }
    if "source" in checked.parts:
        sources["source",] = checked.parts["source"]
    for path, source in sources.items():
        for name, value in source.options.items():
            expected, hint = option_problem(source.format, name, value)
            if expected:
                place = f"{'.'.join(map(str, path))}.options"
                what = f"{place} may not set {name}"
                if is_pattern(name):
                    what = f"{place}.{name} {value!r} does not read dates as they are meant"
                elif value_problem(name, value)[0] == expected:
                    what = f"{place}.{name} cannot be {value!r}"
                yield checked.document.problem((*path, "options", name), what, expected=expected, hint=hint)
