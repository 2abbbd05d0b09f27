"""Pipelines and suites read from a home's files, checked in full."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from vintage.errors import SpecError
from vintage.spec import checks, evaluation_checks, repeatable_checks, source_checks
from vintage.spec.loading import Document, read_file
from vintage.spec.monitor import bound_problems
from vintage.spec.names import NAME_RULE, did_you_mean, is_name, list_names, require_name, sentence
from vintage.spec.pipeline import Pipeline
from vintage.spec.problem import InvalidSpec, Problem, contained, without_echoes
from vintage.spec.shape import shape_problems, sound_parts
from vintage.spec.suite import Suite

M = TypeVar("M", bound=BaseModel)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vintage.spec.home import Home


def load_pipeline(home: Home, name: str) -> Pipeline:
    """Return the pipeline of a name, checked in full but for what needs pyspark's classes.

    Raises:
        SpecError: there is no such pipeline.
        InvalidSpec: its file, or its suite's, has problems; the text lists all of them.
    """
    path = _existing("pipeline", home.pipelines_dir, name, home.pipeline_names)
    pipeline, problems = _read_pipeline(home, path, partial(_read_suite, home))
    if pipeline is None or problems:
        raise InvalidSpec(problems)
    return pipeline


def load_suite(home: Home, name: str) -> Suite:
    """Return the expectation suite of a name.

    Raises:
        SpecError: there is no such suite.
        InvalidSpec: its file has problems; the text lists all of them.
    """
    path = _existing("suite", home.expectations_dir, name, home.suite_names)
    suite, problems = _read_suite(home, path)
    if suite is None or problems:
        raise InvalidSpec(problems)
    return suite


@dataclass(frozen=True)
class HomeFiles:
    """What a home holds: the pipelines and suites of the right shape, and every problem, by file and line."""

    pipelines: tuple[Pipeline, ...]
    suites: tuple[Suite, ...]
    problems: tuple[Problem, ...]


def read_home(home: Home) -> HomeFiles:
    """Read every pipeline and suite of a home, each once."""
    suite = cache(partial(_read_suite, home))
    suites = [suite(home.expectations_dir / f"{name}.yaml") for name in home.suite_names()]
    pipelines = [
        _read_pipeline(home, home.pipelines_dir / f"{name}.yaml", suite) for name in home.pipeline_names()
    ]
    found = [problem for _, problems in (*suites, *pipelines) for problem in problems]
    for folder in (home.pipelines_dir, home.expectations_dir):
        found += [
            Problem(home.shown(path), None, "is not read", expected=f"the name {path.stem}.yaml")
            for path in folder.glob("*.yml")
        ]
    return HomeFiles(
        tuple(pipeline for pipeline, _ in pipelines if pipeline is not None),
        tuple(suite for suite, _ in suites if suite is not None),
        tuple(without_echoes(found)),
    )


def _existing(kind: str, folder: Path, name: str, names: Callable[[], tuple[str, ...]]) -> Path:
    require_name(kind, name)
    path = folder / f"{name}.yaml"
    known = names()
    if name not in known:
        raise SpecError(
            f'no {kind} "{name}" in {folder}',
            expected=f"one of {list_names(known)}",
            fix=sentence(did_you_mean(name, known)),
        )
    return path


Read = tuple[M | None, list[Problem]]


def _read_pipeline(home: Home, path: Path, suite: Callable[[Path], Read[Suite]]) -> Read[Pipeline]:
    read: list[Pipeline] = []
    problems = contained(home.shown(path), lambda: _look_at_pipeline(home, path, suite, read))
    return next(iter(read), None), problems


def _look_at_pipeline(
    home: Home, path: Path, suite: Callable[[Path], Read[Suite]], read: list[Pipeline]
) -> Iterator[Problem]:
    """Yield the problems of a pipeline file; a pipeline of the right shape goes into `read`."""
    document, problems = _read_document(home, path)
    yield from problems
    if document.data is None:
        return
    pipeline, error = _validated(Pipeline, document.data)
    if error is not None:
        yield from shape_problems(Pipeline, document, error)
    parts = dict(pipeline) if pipeline is not None else sound_parts(Pipeline, document.data, error)
    checked = checks.Checked(document, parts)
    too_large = list(checks.size_problems(checked))
    yield from too_large
    if too_large:
        return
    yield from checks.name_problems(checked, path.stem)
    yield from checks.date_problems(checked)
    yield from source_checks.option_problems(checked)
    yield from checks.sql_problems(checked)
    yield from repeatable_checks.sql_problems(checked)
    yield from checks.suite_problems(
        checked, home.suite_names(), lambda name: suite(home.expectations_dir / f"{name}.yaml")
    )
    yield from evaluation_checks.metric_problems(checked)
    yield from evaluation_checks.column_problems(checked)
    yield from bound_problems(checked)
    yield from checks.tuning_problems(checked)
    yield from checks.trigger_problems(checked)
    if pipeline is not None:
        read.append(pipeline.placed(home.path, document))


def _read_suite(home: Home, path: Path) -> Read[Suite]:
    read: list[Suite] = []
    problems = contained(home.shown(path), lambda: _look_at_suite(home, path, read))
    return next(iter(read), None), problems


def _look_at_suite(home: Home, path: Path, read: list[Suite]) -> Iterator[Problem]:
    document, problems = _read_document(home, path)
    yield from problems
    if document.data is None:
        return
    suite, error = _validated(Suite, document.data)
    if error is not None:
        yield from shape_problems(Suite, document, error)
    if suite is not None:
        read.append(suite.placed(document))


def _read_document(home: Home, path: Path) -> tuple[Document, list[Problem]]:
    """Return the file's mapping; `data` is None when it has none."""
    file = home.shown(path)
    document, problems = read_file(path, file)
    if not is_name(path.stem):
        problems.append(
            Problem(file, None, f"the file's name {path.stem!r} is not a name", expected=NAME_RULE)
        )
    if not isinstance(document.data, dict):
        if not problems:
            problems.append(Problem(file, 1, "the file has no keys", expected="a mapping, `name: …` first"))
        return Document(file), problems
    return document, problems


def _validated(model: type[M], data: Any) -> tuple[M | None, ValidationError | None]:
    try:
        return model.model_validate(data, by_alias=True, by_name=False), None
    except ValidationError as error:
        return None, error
