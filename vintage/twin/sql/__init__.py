"""Row-wise expressions of Spark SQL under ANSI rules, in Python: compiled to closures, nothing parsed."""

from collections.abc import Mapping
from operator import itemgetter

from vintage.twin.errors import TwinError
from vintage.twin.sql import calendar, casts, logarithm, logic, numbers, texts
from vintage.twin.sql.expression import Evaluate, Expression, RowError
from vintage.twin.sql.operations import OPERATIONS

__all__ = [
    "Evaluate",
    "Expression",
    "RowError",
    "calendar",
    "casts",
    "logarithm",
    "logic",
    "numbers",
    "prepared",
    "texts",
]


def prepared(node: Expression, places: Mapping[str, int]) -> Evaluate:
    """Return what evaluates an expression.

    Args:
        node: the expression.
        places: column → its place in a row.

    Raises:
        TwinError: it has an operation that this version has no evaluator for.
    """
    if node.op == "column":
        return itemgetter(places[node.value])
    if node.op not in OPERATIONS:
        raise TwinError(f"there is no evaluator for the operation {node.op}; a later version may have one")
    return OPERATIONS[node.op](node, tuple(prepared(each, places) for each in node.args))
