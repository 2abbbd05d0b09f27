"""What in a query of a database's own SQL, whatever its dialect, gives other rows each time."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

_NOT_SQL: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CLOCK: Final = re.compile(
    r"\b(current_date|current_timestamp|current_time|localtimestamp|localtime|sysdate|systimestamp"
    r"|(?:getdate|getutcdate|sysdatetime|now|curdate|curtime|clock_timestamp|statement_timestamp)\s*\()",
    re.IGNORECASE,
)
_CHANCE: Final = re.compile(
    r"\b(tablesample|dbms_random|(?:rand|random|newid|uuid|gen_random_uuid|sys_guid)\s*\()", re.IGNORECASE
)
# LIMIT, and what other databases write for it.
_FIRST_ROWS: Final = re.compile(
    r"\b(limit(?=\s+[\d?:(])|fetch\s+(?:first|next)|rownum|select\s+(?:distinct\s+)?top(?=\s*\(?\s*\d))",
    re.IGNORECASE,
)
# A query stands within brackets; what ends them, or stands behind a semicolon, is a statement of its own.
_WRITE: Final = re.compile(
    r"\b(insert\s+into|delete\s+from|merge\s+into|replace\s+into|update\s+\S+(?:\s+(?:as\s+)?\w+)?\s+set"
    r"|truncate\s+(?:table\s+)?\w|(?:create|drop|alter|rename|comment\s+on)\s+(?:\w+\s+){0,2}"
    r"(?:table|view|index|schema|database|function|procedure|trigger|sequence|user|role|type|extension)"
    r"|grant\s+\w+|revoke\s+\w+|exec(?:ute)?\s+\w|call\s+\w|copy\s+\w|into\s+(?:outfile|dumpfile)"
    r"|for\s+(?:no\s+key\s+)?update|lock\s+(?:table|in\s+share)"
    r"|(?:setval|nextval|lo_import|lo_export|lo_unlink|dblink\w*|xp_cmdshell|pg_terminate_backend"
    r"|pg_cancel_backend|pg_advisory\w*|set_config|pg_notify|sys_exec|load_extension)\s*\()",
    re.IGNORECASE,
)
_READS: Final = re.compile(r"[\s(]*(?:select|with|values|table|from)\b", re.IGNORECASE)
_NAME: Final = r"(?:[\w$#]+|\"(?:[^\"]|\"\")+\"|`[^`]+`|\[[^\]]+\])"
_TABLE: Final = re.compile(rf"{_NAME}(?:\.{_NAME}){{0,3}}(?:@[\w$#.]+)?")
_ORDER: Final = re.compile(r"\border\s+by\b", re.IGNORECASE)


def is_table(text: str) -> bool:
    """Return whether a text is the name of a table or view: up to four names and dots, each quoted or not."""
    return _TABLE.fullmatch(text) is not None


def query_problem(query: str) -> tuple[str, str]:
    """Return why a query writes or is not repeatable, and what to write instead; empty if it is fine.

    Args:
        query: with `{date}` in it where the partition date is meant.
    """
    sql = _NOT_SQL.sub(" ", query)
    what = _more_than_reads(query, sql)
    if what:
        return what, "one SELECT, which reads; no source is written"
    clock, chance = _CLOCK.search(sql), _CHANCE.search(sql)
    if clock:
        return (
            f"uses {_word(clock)}, which returns different rows each time",
            "write {date} where the partition date is meant",
        )
    if chance:
        return (
            f"uses {_word(chance)}, which returns different rows each time",
            "take a share of the rows by a hash of their key",
        )
    first = _FIRST_ROWS.search(sql)
    if first and not _ORDER.search(sql):
        return (
            f"uses {_word(first)} without ORDER BY, which returns arbitrary rows",
            "order by a key, or take the rows of {date}",
        )
    return "", ""


def _more_than_reads(query: str, sql: str) -> str:
    """Return how a query may do more than read; empty where it cannot.

    Args:
        query: as it is written.
        sql: the same without its texts and comments.
    """
    depths = list(accumulate((sign == "(") - (sign == ")") for sign in sql))
    write = _WRITE.search(sql)
    reasons = {
        "ends a bracket that it has not begun": min(depths, default=0) < 0,
        "leaves a bracket open": depths[-1:] not in ([], [0]),
        "holds a semicolon: more than one statement": ";" in sql.strip().removesuffix(";"),
        "holds a text that databases end at different places": "\\'" in query or "$$" in query,
        "leaves a text or a comment open": "'" in sql or "/*" in sql,
        "does not begin with SELECT or WITH": not _READS.match(sql),
        f"uses {_word(write) if write else ''}, which writes or locks": write is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _word(found: re.Match[str]) -> str:
    return " ".join(found[1].rstrip("( ").split())
