"""Tables of a page that a narrow screen and a screen reader can tell."""

from __future__ import annotations

import re
from typing import Final

_HEADING: Final = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
_ROW: Final = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL: Final = re.compile(r"<(t[hd])\b")
_ROLES: Final = {"th": "rowheader", "td": "cell"}
_GROUPS: Final = (
    ("<thead>", '<thead role="rowgroup">'),
    ("<tbody>", '<tbody role="rowgroup">'),
    ("<tr", '<tr role="row"'),
    ('<th scope="col"', '<th role="columnheader" scope="col"'),
)


def labelled(table: str) -> str:
    """Name in each cell its column, and give each element its role.

    A narrow screen shows the cells of a row one below the other. The roles keep them a table for a screen
    reader, whatever `display` they have.

    Args:
        table: `thead` with one row, and `tbody`; every value in it is escaped, so that a tag is a template's.
    """
    # Of plain text: what is put in is a tag, not to be escaped.
    head, end, body = str(table).partition("</thead>")
    names = [_TAG.sub("", found).strip() for found in _HEADING.findall(head)]

    def with_labels(row: re.Match[str]) -> str:
        columns = iter(names)

        def cell(found: re.Match[str]) -> str:
            return f'{found[0]} role="{_ROLES[found[1]]}" data-label="{next(columns, "")}"'

        return _CELL.sub(cell, row[0])

    text = head + end + _ROW.sub(with_labels, body)
    for plain, told in _GROUPS:
        text = text.replace(plain, told)
    return text
