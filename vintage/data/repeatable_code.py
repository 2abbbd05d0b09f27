"""What in Python user code may give other values for the same rows, found in its syntax tree.

Only the plain cases are found, and whether one of them matters cannot be certain: these are warnings.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from vintage.data.calls import Calls
from vintage.spec import Problem
from vintage.spec.repeatable import Unrepeatable, unrepeatable
from vintage.spec.sql import BadSql, read_expression, read_query
from vintage.store.user_code import look_in, read_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vintage.spec import Pipeline

_SPARK: Final = "pyspark.sql.functions."
_EACH_TIME: Final = "returns different values each time"
_DATE_COLUMN: Final = "have preprocess.sql give the partition date as a column"
_SEEDED: Final = "make a generator from a seed, or take a hash of the row's key"
_CLOCK: Final = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow"),
        *("datetime.date.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"),
        *("pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow"),
    }
)
_NAMING: Final = frozenset({"uuid.uuid1", "uuid.uuid4", "os.urandom", "random.SystemRandom"})
_CHANCE: Final = ("random.", "numpy.random.", "secrets.")
_GENERATORS: Final = frozenset(
    {
        "random.Random",
        *(f"numpy.random.{name}" for name in ("default_rng", "Generator", "RandomState", "SeedSequence")),
        *(f"numpy.random.{name}" for name in ("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937")),
    }
)
_NO_VALUE: Final = frozenset({"random.seed", "random.getstate", "random.setstate", "numpy.random.seed"})
_LISTS: Final = frozenset({"collect_list", "collect_set", "array_agg"})
# Around a list, they make its order not matter.
_ORDERING: Final = frozenset(
    {"array_sort", "sort_array", "size", "cardinality", "array_max", "array_min", "array_contains"}
)
_SORTING: Final = frozenset({"orderBy", "sort"})
_EXPRESSIONS: Final = frozenset({"selectExpr", "where", "filter"})


def code_warnings(pipeline: Pipeline) -> list[Problem]:
    """Return the warnings about the user's modules that the pipeline's stages and function use."""
    function = pipeline.preprocess.function
    paths = [*([function] if function else []), *pipeline.stage_paths]
    look_in(pipeline.home)
    files = dict.fromkeys(file for path in paths for file in read_modules(path))
    found: list[Problem] = []
    for file in files:
        shown = str(file.relative_to(pipeline.home) if file.is_relative_to(pipeline.home) else file)
        found += file_warnings(file, shown, key=pipeline.preprocess.key)
    return found


def file_warnings(file: Path, shown: str, *, key: Sequence[str]) -> list[Problem]:
    """Return what is found in one Python file.

    Args:
        file: its path.
        shown: what messages call it.
        key: the columns that identify a row.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError):
        return []
    calls = Calls(tree)
    found = []
    for call in calls:
        for what, instead in _of_call(call, calls, key):
            found.append(Problem(shown, call.lineno, what, hint=instead))
    return found


def _of_call(call: ast.Call, calls: Calls, key: Sequence[str]) -> Iterator[tuple[str, str]]:
    path = calls.path(call.func)
    if path.startswith(_SPARK):
        yield from _of_spark(call, path.removeprefix(_SPARK), calls, key)
    elif path:
        yield from _of_python(call, path)
    elif isinstance(call.func, ast.Attribute):
        yield from _of_method(call, call.func, calls, key)


def _of_python(call: ast.Call, path: str) -> Iterator[tuple[str, str]]:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    seeded = bool(given) and not (isinstance(given[0], ast.Constant) and given[0].value is None)
    if path in _CLOCK and not (path.startswith("time.") and given):
        yield f"{path} {_EACH_TIME}", _DATE_COLUMN
    elif path in _NAMING:
        yield f"{path} {_EACH_TIME}", _SEEDED
    elif path in _GENERATORS:
        if not seeded:
            yield f"{path} without a seed {_EACH_TIME}", "give it one"
    elif path.startswith(_CHANCE) and path not in _NO_VALUE:
        yield f"{path} {_EACH_TIME}", _SEEDED
    elif path == "builtins.hash":
        yield (
            "hash of a text differs in each process",
            "use zlib.crc32, or xxhash64 of pyspark.sql.functions",
        )


def _of_spark(call: ast.Call, name: str, calls: Calls, key: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield a call of pyspark.sql.functions, judged as the same function is in SQL."""
    if name == "expr":
        yield from _of_texts(call, "SELECT ", key)
        return
    if calls.is_over_a_window(call) or (
        name in _LISTS and any(each.removeprefix(_SPARK) in _ORDERING for each in calls.around(call))
    ):
        return
    if name == "mode" and any(
        isinstance(each, ast.Constant) and each.value is True
        for each in [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    ):
        return
    text = f"{name}({', '.join(map(_as_sql, call.args))})"
    try:
        tree = read_expression(text)
    except BadSql:
        return
    for each in unrepeatable(tree, text, key=key, types={}):
        yield _as_told(each)


def _of_method(
    call: ast.Call, method: ast.Attribute, calls: Calls, key: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield a method by its name alone: of what, the syntax does not tell."""
    name, by_hash = method.attr, f"take for example where pmod(xxhash64({', '.join(key)}), 100) < 20"
    keywords = {keyword.arg for keyword in call.keywords}
    if name in {"randomSplit", "sampleBy"} or (
        name == "sample" and "random_state" not in keywords and not calls.is_generator(method.value)
    ):
        yield f"{name} draws rows by chance and by how they are spread", by_hash
    elif name == "limit" and not _SORTING & calls.chained(method.value):
        yield (
            "limit without orderBy returns arbitrary rows",
            f"write .orderBy({_names(key)}) before it",
        )
    elif (name == "dropDuplicates" and call.args) or (
        name == "drop_duplicates" and call.args and not calls.imports("pandas")
    ):
        instead = "group by those columns, and take the others with min_by"
        yield f"{name} of some columns keeps an arbitrary row", instead
    elif name == "asNondeterministic":
        yield f"a function that is marked so {_EACH_TIME}", "make it one that depends on its arguments alone"
    elif name in _EXPRESSIONS:
        yield from _of_texts(call, "SELECT ", key)
    elif name == "sql":
        yield from _of_texts(call, "", key)


def _of_texts(call: ast.Call, before: str, key: Sequence[str]) -> Iterator[tuple[str, str]]:
    """SQL that stands in the code as a text; with `before` in front of it, it is a query."""
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            try:
                query = read_query(before + argument.value)
            except BadSql:
                continue
            for each in unrepeatable(query.tree, query.text, key=key, types={}):
                yield _as_told(each)


def _as_told(found: Unrepeatable) -> tuple[str, str]:
    return f"it uses {found.what}", _DATE_COLUMN if "{date}" in found.instead else found.instead


def _as_sql(argument: ast.expr) -> str:
    """Return an argument of a function of columns, as SQL; `x` where it is no name and no number."""
    value = argument.value if isinstance(argument, ast.Constant) else None
    if isinstance(value, str) and value.isidentifier():
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else "x"


def _names(key: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in key)
