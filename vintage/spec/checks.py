"""What must fit together in a pipeline file: its SQL, schema, suite and dates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import SpecError
from vintage.spec.loading import TEXT
from vintage.spec.metrics import LABELLED
from vintage.spec.names import did_you_mean, list_names
from vintage.spec.overrides import find_stage
from vintage.spec.parts import SplitByDate
from vintage.spec.sql import SOURCE_VIEW, BadSql, Query, expression_columns, read_query
from vintage.spec.tuning import tuning_problems as problems_of_tuning

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from vintage.spec.loading import Document, KeyPath
    from vintage.spec.parts import Preprocess
    from vintage.spec.problem import Problem
    from vintage.spec.suite import Suite

RESERVED: Final = "trainable"
# Where a file has SQL, beside joins, statements of stages, and those that a tuning tries.
_SQL: Final = {
    "source": ("query",),
    "preprocess": ("sql", "label", "train_where"),
    "evaluate": ("relevant",),
    "score": ("where",),
}
_STATEMENT: Final = "statement"
# Columns that stand beside a row's key where it is scored, measured or kept aside.
_BESIDE_THE_KEY: Final = (
    *("label", "trainable", "prediction", "probability", "rawPrediction", "score", "reduced"),
    *("scored_row", "golden_row", "model_key", "model_version", "reason", "found"),
)
_OF_TASK: Final[Mapping[str, tuple[str, ...]]] = {
    "clustering": ("features",),
    "reduction": ("features",),
    "recommendation": ("relevant", "als_user", "als_item"),
}
_OF_ROWS: Final = ("scored_row", "golden_row")
PROVIDING: Final = "preprocess.columns"


@dataclass(frozen=True)
class Checked:
    """The parts of a pipeline file that have the right shape, and where they stand."""

    document: Document
    parts: Mapping[str, Any]

    @property
    def views(self) -> dict[str, tuple[str, ...] | None]:
        """What the SQL may read, by name: the columns, None where they are not known or not yet right."""
        declared = self.document.data.get("joins")
        names = [str(name).lower() for name in declared] if isinstance(declared, dict) else []
        right = {SOURCE_VIEW: self.parts.get("source"), **self.parts.get("joins", {})}
        return {name: right[name].column_names if right.get(name) else None for name in (SOURCE_VIEW, *names)}

    @property
    def raw_columns(self) -> tuple[str, ...] | None:
        """The columns of the pipeline's own source; None where they are not known or not yet right."""
        return self.views[SOURCE_VIEW]

    @property
    def suites(self) -> Iterator[tuple[KeyPath, str, str]]:
        """Where each suite is named, its name, and the view whose rows it is about."""
        if "expectations" in self.parts:
            yield ("expectations",), self.parts["expectations"], SOURCE_VIEW
        for view, source in self.parts.get("joins", {}).items():
            if source.expectations is not None:
                yield ("joins", view, "expectations"), source.expectations, view

    @property
    def provided(self) -> tuple[tuple[str, ...] | None, str]:
        """The columns of feature rows, None where they are not known; and what in the file provides them."""
        preprocess: Preprocess | None = self.parts.get("preprocess")
        if preprocess is None:
            return None, "preprocess"
        if preprocess.function is not None:
            declared = preprocess.declared_columns
            return None if declared is None else tuple(column.name for column in declared), PROVIDING
        if preprocess.sql is None:
            return self.views[SOURCE_VIEW], "the source"
        try:
            return read_query(preprocess.sql).columns(self.views), "the SQL"
        except BadSql:
            return None, "the SQL"


def name_problems(checked: Checked, stem: str) -> Iterator[Problem]:
    """Yield the problem of a name that is not the file's name."""
    name = checked.parts.get("name", stem)
    if name != stem:
        yield checked.document.problem(
            ("name",), "name", expected=f"{stem}, as the file is called", found=name
        )


def date_problems(checked: Checked) -> Iterator[Problem]:
    """Yield the problems of dates out of order, and of test days that leave no training days."""
    start, end = checked.parts.get("start_date"), checked.parts.get("end_date")
    if start is not None and end is not None and end < start:
        yield checked.document.problem(
            ("end_date",),
            "end_date is before start_date",
            expected=f"{start} or later",
            found=str(end),
        )
    window, split = checked.parts.get("window"), checked.parts.get("split")
    source = checked.parts.get("source")
    if source is not None and not source.dated:
        why = "the source has no dates of its own, so that the window is the run's date alone"
        if window is not None and window.min_days > 1:
            yield checked.document.problem(
                ("window", "min_days"), why, expected="min_days: 1", found=str(window.min_days)
            )
        if isinstance(split, SplitByDate):
            yield checked.document.problem(
                ("split", "by"), why, expected="for example {by: key, test_fraction: 0.2}", found="by: date"
            )
        return
    if window is not None and isinstance(split, SplitByDate) and split.test_days >= window.days:
        yield checked.document.problem(
            ("split", "test_days"),
            "the test days leave no training days",
            expected=f"fewer test_days than the window's {window.days} days",
            found=str(split.test_days),
        )


def tuning_problems(checked: Checked) -> Iterator[Problem]:
    """Yield the problems of the tuning: unknown Params in the grid, a metric that folds do not define."""
    tuning, evaluate = checked.parts.get("tuning"), checked.parts.get("evaluate")
    if tuning is not None:
        yield from problems_of_tuning(
            tuning,
            checked.document,
            stages=checked.parts.get("stages"),
            task=checked.parts.get("task"),
            metric=None if evaluate is None else evaluate.metric,
        )


def trigger_problems(checked: Checked) -> Iterator[Problem]:
    """Yield Params of the trigger form that no stage has."""
    stages = checked.parts.get("stages")
    if stages is None:
        return
    for index, name in enumerate(checked.parts.get("trigger_params", ())):
        try:
            find_stage(stages, name)
        except SpecError as error:
            yield checked.document.problem(
                ("trigger_params", index),
                f"trigger_params: {error.what}",
                expected=error.expected,
                hint=error.fix[:1].lower() + error.fix[1:],
            )


def size_problems(checked: Checked) -> Iterator[Problem]:
    """Yield the problem of SQL that is longer in all than one text may be."""
    parts, sizes = checked.parts, Counter[str]()
    for part, names in _SQL.items():
        for name in names:
            sizes[part] += len(getattr(parts.get(part), name, None) or "")
    sizes["joins"] = sum(len(source.query or "") for source in parts.get("joins", {}).values())
    for stage in parts.get("stages") or ():
        sizes["stages"] += len(str(stage.params.get(_STATEMENT, "")))
    grid = parts["tuning"].grid if parts.get("tuning") else {}
    sizes["tuning"] = sum(
        len(str(value)) for name, values in grid.items() if name.endswith(_STATEMENT) for value in values
    )
    if sizes.total() > TEXT:
        part, size = sizes.most_common(1)[0]
        yield checked.document.problem(
            (part,),
            f"the SQL of the file has {sizes.total():,} characters",
            expected=f"at most {TEXT:,}",
            found=f"{size:,} of them under {part}",
        )


def sql_problems(checked: Checked) -> Iterator[Problem]:
    """Yield the problems of the SQL: not one query over the views, or columns missing for key and label."""
    preprocess: Preprocess | None = checked.parts.get("preprocess")
    if preprocess is None:
        return
    if preprocess.sql is not None:
        path: KeyPath = ("preprocess", "sql")
        try:
            query = read_query(preprocess.sql)
        except BadSql as error:
            yield checked.document.problem(path, error.what, expected=error.expected, within=error.line)
            return
        yield from _unread(checked, query.tables())
        yield from _query_problems(checked, path, query)
    else:
        yield from _unread(checked, ())
    provided, by = checked.provided
    if by == PROVIDING and RESERVED in (provided or ()):
        yield checked.document.problem(
            ("preprocess", "columns"),
            f'the function gives column "{RESERVED}"',
            expected="another name: Vintage uses it to mark trainable rows",
        )
    yield from _taken_names(checked, preprocess)
    for listed in ("key", "allow_label_columns"):
        for index, name in enumerate(getattr(preprocess, listed)):
            yield from unprovided(checked.document, ("preprocess", listed, index), [name], provided, by)
    label = preprocess.label or ("label" if checked.parts.get("task") in LABELLED else None)
    evaluate, score = checked.parts.get("evaluate"), checked.parts.get("score")
    expressions: dict[KeyPath, str | None] = {
        ("preprocess", "label"): label,
        ("preprocess", "train_where"): preprocess.train_where,
        ("evaluate", "relevant"): None if evaluate is None else evaluate.relevant,
        ("score", "where"): None if score is None else score.where,
    }
    for place, text in expressions.items():
        if text is not None:
            # What is scored has these two beside what the SQL gives.
            known = (*(provided or ()), "label", RESERVED) if place[0] == "score" else provided
            try:
                yield from unprovided(
                    checked.document, place, expression_columns(text), provided and known, by
                )
            except BadSql as error:
                yield checked.document.problem(place, error.what, expected=error.expected)


def _taken_names(checked: Checked, preprocess: Preprocess) -> Iterator[Problem]:
    """Key columns that are called like what stands beside them in predictions and evaluations."""
    of_task = _OF_TASK.get(str(checked.parts.get("task")), ())
    taken = {each.lower() for each in (*_BESIDE_THE_KEY, *of_task)}
    for index, name in enumerate(preprocess.key):
        if name.lower() in taken:
            yield checked.document.problem(
                ("preprocess", "key", index),
                f'the key has a column "{name}", and so have predictions and evaluations beside the key',
                expected="another name: have the SQL give it one with AS",
            )


def suite_problems(
    checked: Checked, names: Collection[str], load: Callable[[str], tuple[Suite | None, list[Problem]]]
) -> Iterator[Problem]:
    """Yield suites that do not exist, are invalid, or name columns that their source lacks."""
    for path, name, view in checked.suites:
        if name not in names:
            hint = did_you_mean(name, names) or f"known: {list_names(names)}"
            what = f'no suite "{name}": expectations/{name}.yaml does not exist'
            yield checked.document.problem(path, what, hint=hint)
            continue
        suite, problems = load(name)
        yield from problems
        columns = checked.views[view]
        if suite is None or columns is None:
            continue
        known = {column.lower() for column in columns}
        of = checked.document.file if view == SOURCE_VIEW else f"{view} in {checked.document.file}"
        for index, rule in enumerate(suite.expectations):
            for column in dict.fromkeys((*rule.columns, *rule.columns_in_sql)):
                if column.lower() not in known:
                    yield suite.problem(
                        ("expectations", index),
                        f'{rule.type} names column "{column}", which the schema of {of} lacks',
                        hint=did_you_mean(column, columns),
                    )


def _unread(checked: Checked, read: Collection[str]) -> Iterator[Problem]:
    """Yield the joined sources that are not among the tables that the SQL reads."""
    for view in checked.parts.get("joins", {}):
        if view not in read:
            yield checked.document.problem(
                ("joins", view),
                f'the SQL does not read "{view}"',
                expected=f"preprocess.sql with … FROM {SOURCE_VIEW} JOIN {view} …",
            )


def _query_problems(checked: Checked, path: KeyPath, query: Query) -> Iterator[Problem]:
    document = checked.document
    views = checked.views
    for table in query.tables():
        if table not in views:
            yield document.problem(
                path,
                f'the SQL reads table "{table}"',
                expected=f"one of {list_names(views)}" if len(views) > 1 else "the view `source` alone",
                hint=did_you_mean(table, views) or "further sources are declared under the key joins",
            )
    for item in query.unnamed():
        yield document.problem(
            path, f"the SQL selects {item} without a name", hint=f"write {item} AS some_name"
        )
    known = [name for columns in views.values() for name in columns or ()]
    for column in query.unknown_columns(views):
        yield document.problem(
            path,
            f'the SQL reads column "{column.name}", which {_lacking(column.lacking)}',
            hint=did_you_mean(column.name, known),
            within=column.line,
        )
    names = [name.lower() for name in query.columns(views) or ()]
    if RESERVED in names:
        yield document.problem(
            path,
            f'the SQL provides column "{RESERVED}"',
            expected="another name: Vintage uses it to mark trainable rows",
        )
    for name in _OF_ROWS:
        if name in names:
            what = f'the SQL provides column "{name}"'
            yield document.problem(path, what, expected="another name: Vintage uses it to identify rows")
    for name in (name for name, times in Counter(names).items() if times > 1):
        yield document.problem(path, f'the SQL provides column "{name}" more than once')


def _lacking(read: Sequence[str]) -> str:
    if tuple(read) == (SOURCE_VIEW,):
        return "the schema lacks"
    return f"none of {list_names(read)} has" if len(read) > 1 else f"{read[0]} lacks"


def unprovided(
    document: Document, path: KeyPath, names: Collection[str], provided: Collection[str] | None, by: str
) -> Iterator[Problem]:
    """Yield the names that are not among the columns that the SQL, or what `by` names, provides."""
    if provided is None:
        return
    known = {name.lower() for name in provided}
    for name in names:
        if name.lower() not in known:
            hint = did_you_mean(name, provided) or f"it provides {list_names(provided)}"
            yield document.problem(path, f'column "{name}" is not provided by {by}', hint=hint)
