"""What a pipeline is: the model of a `pipelines/<name>.yaml`, and the dates and paths that follow from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator

from vintage.errors import SpecError
from vintage.spec import date_in_text, partition
from vintage.spec.base import Listed, PartitionDate, SpecModel, Text, refusal
from vintage.spec.cron import cron_problem
from vintage.spec.evaluation import Evaluate
from vintage.spec.loading import Document, KeyPath
from vintage.spec.metrics import LABELLED, METRICS, Metric, Task
from vintage.spec.monitor import Monitor
from vintage.spec.names import NAME_RULE, is_name
from vintage.spec.overrides import find_stage, read_overrides, set_params
from vintage.spec.parts import Preprocess, Spark, Split, SplitByDate, Stage, Window
from vintage.spec.problem import Problem
from vintage.spec.score import Score
from vintage.spec.source import HOME, JoinedSource, Source
from vintage.spec.sql import SOURCE_VIEW
from vintage.spec.tuning import Tuning
from vintage.spec.wait import Duration, Wait


class Pipeline(SpecModel):
    """A model that is retrained for each date: its training data, how, and what it must reach to serve."""

    name: Annotated[
        Text, Field(description="The pipeline's name, the same as the file's, such as flight_delay.")
    ]
    description: Annotated[
        str, Field(description="What the model answers, in a line; shown in Airflow and MLflow.")
    ] = ""
    owner: Annotated[Text, Field(description="Who looks after it; shown in Airflow.")] = "vintage"
    schedule: Annotated[
        Text,
        Field(
            description="When it runs, as cron's five fields in UTC; a run takes the day before.",
            examples=["0 2 * * *"],
        ),
    ]
    start_date: Annotated[PartitionDate, Field(description="The first partition date, as YYYY-MM-DD.")]
    end_date: Annotated[
        PartitionDate | None,
        Field(description="The last partition date, for data that has an end; without it there is none."),
    ] = None
    source: Annotated[Source, Field(description="Where a date's raw rows are, and how Spark reads them.")]
    joins: Annotated[
        dict[str, JoinedSource],
        Field(
            max_length=50,
            description="Further sources by name, each with its own rule of dates: the SQL reads each as a "
            "view of that name. One with dates gives the date's rows, one without what it held on the date.",
        ),
    ] = Field(default_factory=dict)
    expectations: Annotated[
        Text,
        Field(
            description="What must hold for the rows: the suite expectations/<this>.yaml.",
            examples=["flights"],
        ),
    ]
    window: Annotated[Window, Field(description="How many days a model learns from and is tested on.")]
    preprocess: Annotated[Preprocess, Field(description="How the raw rows of one date become feature rows.")]
    split: Annotated[
        Split, Field(description="Which rows of the window test the model, and which it learns from.")
    ]
    task: Annotated[Task, Field(description="What kind of model it is; it decides which metrics there are.")]
    stages: Annotated[
        Listed[Stage],
        Field(
            min_length=1,
            max_length=500,
            description="The stages of the pyspark.ml Pipeline, in order, with their Params.",
        ),
    ]
    tuning: Annotated[
        Tuning | None, Field(description="Stage Params that are chosen among candidates, on training rows.")
    ] = None
    evaluate: Annotated[Evaluate, Field(description="How good a model must be.")]
    promote: Annotated[
        Literal["auto", "approve", "never"],
        Field(
            description="auto: a model that passes its gates is the champion. approve: once a person has let "
            "it pass, whom Airflow asks. never: it is only registered."
        ),
    ] = "auto"
    wait: Annotated[
        Wait, Field(description="How long a scheduled night waits for the raw data of its date.")
    ] = Field(default_factory=Wait)
    deadline: Annotated[
        Duration | None,
        Field(
            description="How long a night may take before an alert is sent, such as 8h.",
            examples=["8h"],
        ),
    ] = None
    score: Annotated[Score, Field(description="How rows are scored with the model that serves.")] = Field(
        default_factory=Score
    )
    monitor: Annotated[Monitor, Field(description="How the dates that are scored are watched for drift.")] = (
        Field(default_factory=Monitor)
    )
    trigger_params: Annotated[
        Listed[Text],
        Field(
            max_length=100,
            description="Stage Params that Airflow's trigger form offers.",
            examples=[["LogisticRegression.regParam"]],
        ),
    ] = ()
    partitions: Annotated[
        int | None,
        Field(
            ge=1,
            le=10_000,
            description="On how many partitions a model is fitted; as many as its rows need when left out. "
            "The model depends on it, and not on cores. 1 does without ordered execution.",
        ),
    ] = None
    seed: Annotated[int, Field(ge=0, lt=2**63, description="The seed of every stage that has one.")] = 42
    spark: Annotated[Spark, Field(description="Settings of the Spark jobs of this pipeline.")] = Field(
        default_factory=Spark
    )

    _home: Path = PrivateAttr(default_factory=Path)
    _document: Document = PrivateAttr(default_factory=lambda: Document("pipeline"))
    # Places in `stages` and Params that an override set, each as it stands in a key path.
    _overridden: frozenset[tuple[KeyPath, KeyPath]] = PrivateAttr(default=frozenset())

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not is_name(value):
            raise refusal(f'"{value}" is not a name', expected=NAME_RULE)
        return value

    @field_validator("joins")
    @classmethod
    def _are_views(cls, value: dict[str, JoinedSource]) -> dict[str, JoinedSource]:
        for name in value:
            if not is_name(name) or name == SOURCE_VIEW:
                raise refusal(
                    f'"{name}" is not a name for a joined source',
                    expected=f"{NAME_RULE}; {SOURCE_VIEW} is the pipeline's own",
                )
        return value

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        why = cron_problem(value)
        if why:
            raise refusal(
                f'"{value}" is no cron line', expected='five fields, such as "0 2 * * *"', found=why
            )
        return value

    def placed(self, home: Path, document: Document) -> Pipeline:
        """Return the same pipeline, knowing the home of its paths and the file that it was read from."""
        copy = self.model_copy()
        copy._home = home
        copy._document = document
        return copy

    @property
    def file(self) -> str:
        """The file that it was read from, for messages."""
        return self._document.file

    def problem(
        self,
        path: KeyPath,
        what: str,
        *,
        expected: str = "",
        found: str = "",
        hint: str = "",
        within: int | None = None,
    ) -> Problem:
        """Return a problem at the line of a key path, such as `("stages", 2, "Imputer")`.

        `within` counts the lines of a block text there, from 1. What an override set stands in no line of the
        file.
        """
        if path[:1] == ("stages",) and (path[1:2], path[3:4]) in self._overridden:
            given = f"--set {path[2]}.{path[3]}"
            return Problem(given, None, what, expected=expected, found=found, hint=hint)
        return self._document.problem(path, what, expected=expected, found=found, hint=hint, within=within)

    def window_dates(self, date: dt.date) -> tuple[dt.date, ...]:
        """Return the dates of the window that ends with `date`, oldest first, none before `start_date`.

        Raises:
            SpecError: `date` is before `start_date` or after `end_date`.
        """
        if self.end_date is not None and date > self.end_date:
            raise SpecError(
                f"date {date} is after the pipeline's end_date", expected=f"{self.end_date} or earlier"
            )
        return partition.window_ending_at(date, days=self.window.days, start_date=self.start_date)

    def split_dates(
        self, available: Iterable[dt.date], date: dt.date
    ) -> tuple[tuple[dt.date, ...], tuple[dt.date, ...]]:
        """Return the train and the test dates among those of the window that are available, oldest first.

        Split by key, every date has rows of both sides, so both hold all dates.
        """
        window = set(self.window_dates(date))
        dates = [day for day in available if day in window]
        if isinstance(self.split, SplitByDate):
            return partition.split_last_days(dates, date, test_days=self.split.test_days)
        both = tuple(sorted(set(dates)))
        return both, both

    @property
    def label(self) -> str | None:
        """The expression of what is learned; None where a model needs none and none is declared."""
        return self.preprocess.label or ("label" if self.task in LABELLED else None)

    @property
    def home(self) -> Path:
        """The folder of the paths, and of code that is named by dotted path."""
        return self._home.absolute()

    @property
    def stage_paths(self) -> tuple[str, ...]:
        """The stages that are named by dotted path, each once."""
        return tuple(dict.fromkeys(stage.type for stage in self.stages if "." in stage.type))

    def source_path(self, date: dt.date, source: Source | None = None) -> str:
        """Return the path for a date of a source of files, the pipeline's own if none is given.

        A relative path is under the home.
        """
        path = date_in_text.filled(str((source or self.source).path), date)
        return path if ":/" in path else str(self._home / path)

    @property
    def connections(self) -> tuple[str, ...]:
        """The names of the connections that its raw rows need."""
        named = (source.connection for source in self.views.values())
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def views(self) -> dict[str, Source]:
        """What the SQL reads: the pipeline's own source, and those that it is joined with, by name."""
        return {SOURCE_VIEW: self.source, **self.joins}

    @property
    def suites(self) -> dict[str, str]:
        """View → name of the suite that its rows are held to."""
        joined = {name: source.expectations for name, source in self.joins.items()}
        return {SOURCE_VIEW: self.expectations, **{view: name for view, name in joined.items() if name}}

    def database_url(self, source: Source) -> str:
        """Return the URL of a source that names one, with `{home}` filled in.

        Raises:
            SpecError: the home has a sign in its path that ends the path of a database in a URL.
        """
        if HOME in str(source.url) and set(";?&") & set(str(self._home)):
            raise SpecError(
                f"VINTAGE_HOME {self._home} cannot be part of a JDBC URL",
                expected="a path without ; ? and &",
                fix="Move the home, or name the database by a connection.",
            )
        return str(source.url).replace(HOME, str(self._home))

    def with_overrides(self, overrides: Iterable[str]) -> Pipeline:
        """Return the pipeline with some stage Params set anew: `LogisticRegression.regParam=0.1`.

        An empty text and a value of `null` are ignored. When a class occurs twice, the name says which:
        `StringIndexer[1].handleInvalid=keep`. A Param that is set so is not tuned.

        Raises:
            SpecError: the text has another form, or names no stage or more than one.
        """
        given = read_overrides(self.stages, overrides)
        if not given:
            return self
        tuning = self.tuning and self.tuning.without(self.stages, {place for place, _ in given})
        copy = self.model_copy(update={"stages": set_params(self.stages, given), "tuning": tuning})
        copy._overridden = frozenset(((index,), (param,)) for (index, param), _ in given)
        return copy

    def on_partitions(self, number: int) -> Pipeline:
        """Return the pipeline with the number of partitions that its rows are put on."""
        return self.model_copy(update={"partitions": number})

    def with_params(self, values: Mapping[str, Any]) -> Pipeline:
        """Return the pipeline with the Params of a candidate, by the names of the grid; it tunes no more.

        Raises:
            SpecError: a name has another form, or names no stage or more than one.
        """
        given = [(find_stage(self.stages, name), value) for name, value in values.items()]
        return self.model_copy(update={"stages": set_params(self.stages, given), "tuning": None})

    @property
    def tuning_metric(self) -> Metric:
        """The metric that chooses among candidates."""
        return METRICS[self.task][(self.tuning and self.tuning.metric) or self.evaluate.metric]

    def tuning_date(self, date: dt.date) -> dt.date:
        """Return the date whose tuning a date uses: its own, or the latest refresh date.

        Those are start_date and every `refresh_days` days after it, so that a date's tuning follows from the
        file and the date alone.
        """
        if self.tuning is None or self.tuning.refresh_days is None:
            return date
        return date - dt.timedelta(days=(date - self.start_date).days % self.tuning.refresh_days)

    def tried(self, name: str) -> tuple[Any, ...]:
        """Return the values that tuning tries for a Param such as `LogisticRegression.regParam`.

        Raises:
            SpecError: the name has another form, or names no stage or more than one.
        """
        place = find_stage(self.stages, name)
        grid = self.tuning.grid if self.tuning is not None else {}
        return next((values for each, values in grid.items() if find_stage(self.stages, each) == place), ())

    def parameter(self, name: str) -> Any:
        """Return the value of a Param such as `LogisticRegression.regParam`; None for Spark's default.

        Raises:
            SpecError: the name has another form, or names no stage or more than one.
        """
        index, param = find_stage(self.stages, name)
        return self.stages[index].params.get(param)
