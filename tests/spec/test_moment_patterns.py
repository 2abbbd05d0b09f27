"""A pattern of dates that Spark would read otherwise than it is meant is told before the night."""

from __future__ import annotations

import pytest

from vintage.spec.reader_options import option_problem


@pytest.mark.parametrize(
    ("name", "pattern", "told"),
    [
        ("dateFormat", "yyyy-MM-dd", ""),
        ("dateFormat", "d. MMMM yyyy", ""),
        ("dateformat", "yyyyDDD", ""),
        ("dateFormat", "yyyy'Year' MM dd", ""),
        ("dateFormat", "yyyy-mm-dd", 'did you mean "MM"'),
        ("dateFormat", "YYYY-MM-dd", 'did you mean "y"'),
        ("dateFormat", "yyyy-MM-DD", 'did you mean "dd"'),
        ("dateFormat", "MM/dd", "with the year"),
        ("dateFormat", "yyyy-MM", "with the day"),
        ("dateFormat", "EEE, dd MMM yyyy", '"E" is none'),
        ("timestampFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", ""),
        ("timestampFormat", "M/d/yyyy hh:mm a", ""),
        ("timestampFormat", "M/d/yyyy hh:mm", 'did you mean "HH"'),
        ("timestampNTZFormat", "HH:mm:ss", "with the year"),
        ("timestampFormat", "yyyy-MM-dd HH:mm:ss[.SSSSSSSSS]", ""),
        ("timestampFormat", "yyyyMMddHHmmssSSSSSS", ""),
        ("timestampFormat", "yyyyMMddHHmmssSSSSSSSSS", "at most SSSSSS"),
        ("timestampFormat", "jjjj-MM-dd", '"j" is none'),
    ],
)
@pytest.mark.parametrize("reader", ["csv", "json", "xml"])
def test_a_pattern_of_dates(reader: str, name: str, pattern: str, told: str) -> None:
    found = " ".join(option_problem(reader, name, pattern))
    assert (told in found) if told else not found.strip()
