"""Every SQL text of a pipeline gives the same for the same rows: what it must not use, or better not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.spec.features import feature_types
from vintage.spec.repeatable import Unrepeatable, unrepeatable
from vintage.spec.sql import BadSql, read_expression, read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlglot import exp

    from vintage.spec.checks import Checked
    from vintage.spec.evaluation import Evaluate
    from vintage.spec.loading import KeyPath
    from vintage.spec.parts import Preprocess, Stage
    from vintage.spec.pipeline import Pipeline
    from vintage.spec.problem import Problem
    from vintage.spec.score import Score
    from vintage.spec.tuning import Tuning

_OF_SQL: Final = ("preprocess", "sql")
_STATEMENT: Final = "SQLTransformer.statement"
_AS_COLUMN: Final = "have preprocess.sql give it as a column; {date} is the partition date there"


@dataclass(frozen=True)
class _SqlText:
    """A SQL text of a pipeline: where it stands, what messages call it, and what it was parsed to."""

    path: KeyPath
    called: str
    tree: exp.Expr
    text: str


def sql_problems(checked: Checked) -> Iterator[Problem]:
    """Yield what is not repeatable in the SQL, the expressions and the statements of stages."""
    parts = checked.parts
    preprocess: Preprocess | None = parts.get("preprocess")
    if preprocess is None:
        return
    texts = [
        *_of_preprocess(preprocess),
        *_of_evaluate(parts.get("evaluate")),
        *_of_score(parts.get("score")),
        *_of_stages(parts.get("stages") or (), parts.get("tuning")),
    ]
    for text in texts:
        for each in unrepeatable(text.tree, text.text, key=preprocess.key, types={}):
            if each.certain:
                yield _told(checked.document.problem, text, each)


def statement_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield the same of the stages' statements alone, those that a run was given with `--set` among them."""
    for text in _of_stages(pipeline.stages, pipeline.tuning):
        for each in unrepeatable(text.tree, text.text, key=pipeline.preprocess.key, types={}):
            if each.certain:
                yield _told(pipeline.problem, text, each)


def sql_warnings(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield what may not be repeatable for some rows: an order with ties, a rounded sum."""
    made = feature_types(pipeline)
    for text in _of_preprocess(pipeline.preprocess):
        types = _raw_types(pipeline) if text.path == _OF_SQL else made
        for each in unrepeatable(text.tree, text.text, key=pipeline.preprocess.key, types=types):
            if not each.certain:
                yield _told(pipeline.problem, text, each)
    for text in _of_stages(pipeline.stages, pipeline.tuning):
        for each in unrepeatable(text.tree, text.text, key=pipeline.preprocess.key, types=made):
            if not each.certain:
                yield _told(pipeline.problem, text, each)


def _told(problem: Callable[..., Problem], text: _SqlText, found: Unrepeatable) -> Problem:
    instead = found.instead
    if "{date}" in instead and text.path != _OF_SQL:
        instead = _AS_COLUMN
    return problem(text.path, f"{text.called} uses {found.what}", hint=instead, within=found.line)


def _of_preprocess(preprocess: Preprocess) -> Iterator[_SqlText]:
    if preprocess.sql is not None:
        yield from _query(_OF_SQL, "the SQL", preprocess.sql)
    for name in ("label", "train_where"):
        yield from _expression(("preprocess", name), getattr(preprocess, name))


def _of_evaluate(evaluate: Evaluate | None) -> Iterator[_SqlText]:
    if evaluate is not None:
        yield from _expression(("evaluate", "relevant"), evaluate.relevant)


def _of_score(score: Score | None) -> Iterator[_SqlText]:
    if score is not None:
        yield from _expression(("score", "where"), score.where)


def _of_stages(stages: Sequence[Stage], tuning: Tuning | None) -> Iterator[_SqlText]:
    kind, _, param = _STATEMENT.partition(".")
    for index, stage in enumerate(stages):
        if stage.type == kind:
            yield from _query(("stages", index, kind, param), _STATEMENT, stage.params.get(param))
    for name, values in (tuning.grid if tuning is not None else {}).items():
        if name.startswith(kind) and name.endswith(f".{param}"):
            for index, value in enumerate(values):
                yield from _query(("tuning", "grid", name, index), _STATEMENT, value)


def _query(path: KeyPath, called: str, text: object) -> Iterator[_SqlText]:
    if isinstance(text, str):
        try:
            query = read_query(text)
        except BadSql:
            return
        yield _SqlText(path, called, query.tree, query.text)


def _expression(path: KeyPath, text: str | None) -> Iterator[_SqlText]:
    if text is not None:
        try:
            tree = read_expression(text)
        except BadSql:
            return
        yield _SqlText(path, ".".join(map(str, path)), tree, text)


def _raw_types(pipeline: Pipeline) -> Mapping[str, str]:
    """Column → type in upper case, of all views; that of the source where several have the column."""
    found: dict[str, str] = {}
    for source in pipeline.views.values():
        for column in source.columns or ():
            found.setdefault(column.name, column.type.upper())
    return found
