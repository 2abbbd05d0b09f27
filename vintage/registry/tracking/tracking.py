"""What the jobs ask of MLflow, in their own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from vintage.registry.tracking import candidates, model_folder, runs, versions
from vintage.registry.tracking.connection import Connection
from vintage.registry.tracking.records import (
    DATE,
    KEY,
    LEDGER,
    LONGEST_DESCRIPTION,
    PIPELINE,
    accepted_params,
    accepted_tags,
    accepted_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    import pandas as pd
    from pyspark.ml import PipelineModel

    from vintage.registry.tracking.records import Registered, Table, TrainingData, TriedCandidate, Version
    from vintage.spec import Home


class Tracking:
    """A pipeline's experiment and registered model, both of its name; calls may be repeated without harm.

    Args:
        uri: MLflow's tracking URI: `sqlite:///<file>` or that of a server.
        artifacts: the folder for artifacts when no server decides where they go.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        self._connection = Connection(uri, artifacts)

    @classmethod
    def of(cls, home: Home) -> Self:
        """Return the MLflow of a home."""
        return cls(home.tracking_uri, home.mlflow_artifacts)

    @property
    def exists(self) -> bool:
        """Whether there is somebody to ask, or a database in which something was logged."""
        database = self._connection.endpoint.database
        return database is None or database.exists()

    def preload(self) -> None:
        """Import and open MLflow in the background, some seconds' work, while the caller starts Spark."""
        self._connection.preload()

    def check(self) -> None:
        """Make sure, within seconds, that MLflow answers.

        Raises:
            TrackingError: it does not; the text names the URI and says what to do.
        """
        self._connection.check()

    def save_model(
        self,
        model: PipelineModel,
        directory: Path,
        *,
        example: pd.DataFrame,
        output: pd.DataFrame,
        requirements: Sequence[str],
    ) -> None:
        """Write an MLflow model folder: `sparkml/` is what Spark saves, once; the rest describes it.

        `mlflow.spark.save_model` would write to a temporary folder of its own and copy from there.

        Args:
            model: the fitted pipeline.
            directory: the folder to make.
            example: a few rows as the model takes them.
            output: the same rows as the model gives them; columns that are not plain values are left out.
            requirements: pinned packages. MLflow would start a second Spark to guess them.
        """
        model_folder.save(model, directory, example=example, output=output, requirements=requirements)

    def load_model(self, directory: Path) -> PipelineModel:
        """Return the fitted pipeline of a folder that `save_model` wrote, wherever it is now.

        Raises:
            TrackingError: the folder holds none.
        """
        return model_folder.load(directory)

    def start_run(self, *, pipeline: str, date: str, key: str, tags: Mapping[str, str]) -> str:
        """Return the one run of a model key: the existing one, reopened unless finished, or a new one.

        Returns:
            The run's id.
        """
        wanted = accepted_tags({**tags, PIPELINE: pipeline, DATE: date, KEY: key})
        with self._connection.asking(f"start the run of {pipeline} {date}") as client:
            return runs.start(client, self._connection.endpoint, pipeline, wanted)

    def log_fit(
        self,
        run_id: str,
        *,
        params: Mapping[str, str],
        datasets: Sequence[TrainingData],
        model_dir: Path,
        metrics: Mapping[str, float],
    ) -> str:
        """Log what a model is and what it was trained on.

        Args:
            run_id: the model's run.
            params: every Param of every stage; one that is too long for MLflow is cut and carries its digest.
            datasets: one for each date.
            model_dir: what `save_model` wrote; it becomes the run's logged model, without Spark.
            metrics: of the fit.

        Returns:
            The id of the logged model.
        """
        with self._connection.asking("log the model") as client:
            run, endpoint, wanted = client.get_run(run_id), self._connection.endpoint, accepted_params(params)
            runs.log_params(client, run, wanted)
            runs.log_datasets(client, endpoint, run, datasets)
            model_id = runs.log_model(client, endpoint, run, model_dir, wanted)
            runs.log_metrics(client, run, metrics, model_id)
            return model_id

    def log_candidates(self, run_id: str, *, tuning: str, tried: Sequence[TriedCandidate]) -> None:
        """Log the candidates that a model's Params were chosen among, each as a run under the model's.

        Args:
            run_id: the model's run.
            tuning: the tuning's key; its candidates are logged once, under the first model that has it.
            tried: every candidate; one that failed becomes a failed run with the reason as a tag.
        """
        with self._connection.asking("log the candidates") as client:
            candidates.log(client, self._connection.endpoint, client.get_run(run_id), tuning, tried)

    def log_evaluation(
        self,
        run_id: str,
        *,
        metrics: Mapping[str, float],
        artifacts: Mapping[str, Path],
        tags: Mapping[str, str],
        datasets: Sequence[TrainingData] = (),
        at: datetime | None = None,
    ) -> None:
        """Log how good a model is.

        Args:
            run_id: the model's run.
            metrics: of the holdout; NaN is kept.
            artifacts: folder in the run → a file that goes into it, or a folder whose content does.
            tags: set on the run.
            datasets: the holdout, one for each date.
            at: when it was measured, with a time zone; None is the run's start. A model that is measured
                again has a later point then, where MLflow refuses a second value of one time.
        """
        with self._connection.asking("log the evaluation") as client:
            run = client.get_run(run_id)
            runs.log_tags(client, run_id, accepted_tags(tags))
            runs.log_datasets(client, self._connection.endpoint, run, datasets)
            runs.log_metrics(client, run, metrics, runs.model_id_of(run), at=at)
            for folder, path in artifacts.items():
                if path.is_dir():
                    client.log_artifacts(run_id, str(path), folder)
                else:
                    client.log_artifact(run_id, str(path), folder)

    def log_tables(self, run_id: str, tables: Mapping[str, Table]) -> None:
        """Keep tables that MLflow shows among a run's artifacts, each by its name."""
        with self._connection.asking("log tables") as client:
            runs.log_tables(client, run_id, tables)

    def log_history(self, pipeline: str, date: date, metrics: Mapping[str, float]) -> None:
        """Add a partition date to the run `history`, in which each metric is a line over the dates."""
        with self._connection.asking(f"log the history of {pipeline}") as client:
            run = runs.history(client, self._connection.endpoint, pipeline, date)
            runs.log_point(client, run, date, metrics)

    def experiment(self, pipeline: str) -> str | None:
        """Return the id of a pipeline's experiment; None where nothing was logged yet."""
        with self._connection.asking(f"find the experiment of {pipeline}") as client:
            found = client.get_experiment_by_name(pipeline)
            return str(found.experiment_id) if found else None

    def log_decision(
        self,
        version: Version,
        pipeline: str,
        text: str,
        *,
        tags: Mapping[str, str],
        serves: bool,
        report: Path,
    ) -> None:
        """Describe a version and its run by what was decided, and keep the report that says so.

        Args:
            version: what was decided on.
            pipeline: whose version.
            text: Markdown.
            tags: of the version.
            serves: whether it serves, so that the registered model is described by it.
            report: folder of the page; nothing is kept of one that does not exist.
        """
        description = accepted_text(text, LONGEST_DESCRIPTION)
        with self._connection.asking(f"describe version {version.version} of {pipeline}") as client:
            client.update_model_version(pipeline, str(version.version), description)
            client.set_tag(version.run_id, "mlflow.note.content", description)
            for name, value in accepted_tags(tags).items():
                client.set_model_version_tag(pipeline, str(version.version), name, value)
            if serves:
                client.update_registered_model(pipeline, description)
            if report.is_dir():
                client.log_artifacts(version.run_id, str(report), "report")

    def serve_by(
        self,
        run_id: str,
        by: Literal["twin", "spark"],
        model_dir: Path,
        *,
        rows: Literal["raw", "features"] = "features",
    ) -> None:
        """Have MLflow load a run's model by its twin or by Spark, where it is asked for a `python_function`.

        Args:
            run_id: the model's run.
            by: Spark, for a model without a twin, or whose twin differs.
            model_dir: what was saved.
            rows: what a request holds: raw columns, or those after preprocess.
        """
        with self._connection.asking("record what serves the model") as client:
            runs.serve_by(client, run_id, by, rows, model_dir)

    def finish_run(self, run_id: str, status: Literal["FINISHED", "FAILED", "KILLED"] = "FINISHED") -> None:
        """End a run; one that has ended so before keeps its time."""
        with self._connection.asking("end the run") as client:
            if client.get_run(run_id).info.status != status:
                client.set_terminated(run_id, status)

    def delete_run(self, run_id: str) -> None:
        """Take a run out of sight; MLflow keeps it until its own garbage collection."""
        with self._connection.asking("delete the run") as client:
            client.delete_run(run_id)

    def register(
        self, *, pipeline: str, date: str, key: str, run_id: str, tags: Mapping[str, str]
    ) -> Version:
        """Return the one registered version of a model key.

        Returns:
            The version that has the key; the lowest, should several processes have made one at once.
        """
        wanted = accepted_tags({**tags, PIPELINE: pipeline, DATE: date, KEY: key})
        with self._connection.asking(f"register {pipeline} {date}") as client:
            return versions.register(self._connection, client, run_id, wanted)

    def versions(self, pipeline: str) -> tuple[Version, ...]:
        """Return every registered version, oldest first."""
        with self._connection.asking(f"list the versions of {pipeline}") as client:
            return versions.listed(client, pipeline)

    def champion(self, pipeline: str) -> Version | None:
        """Return the version that serves, if there is one."""
        with self._connection.asking(f"find the champion of {pipeline}") as client:
            return versions.champion(client, pipeline)

    def set_champion(self, pipeline: str, version: int) -> None:
        """Make a version the one that `models:/<pipeline>@champion` loads."""
        with self._connection.asking(f"make version {version} the champion of {pipeline}") as client:
            client.set_registered_model_alias(pipeline, versions.CHAMPION, str(version))

    def registered(self, pipeline: str) -> Registered:
        """Return every registered version, the alias, and the recorded head of the ledger."""
        with self._connection.asking(f"list the registered versions of {pipeline}") as client:
            return versions.registered(client, pipeline)

    def remove_champion(self, pipeline: str) -> None:
        """Take the alias away, so that no version serves."""
        with self._connection.asking(f"take the alias of {pipeline} away") as client:
            client.delete_registered_model_alias(pipeline, versions.CHAMPION)

    def remember_ledger(self, pipeline: str, head: str) -> None:
        """Keep how far the ledger went; empty forgets it."""
        with self._connection.asking(f"keep how far the ledger of {pipeline} went") as client:
            if head:
                client.set_registered_model_tag(pipeline, LEDGER, head)
            else:
                client.delete_registered_model_tag(pipeline, LEDGER)

    def set_date(self, pipeline: str, version: int, date: str) -> None:
        """Correct the partition date in the tags of a version."""
        with self._connection.asking(f"set the date of version {version} of {pipeline}") as client:
            client.set_model_version_tag(pipeline, str(version), DATE, date)

    def fetch_copy(self, version: Version, pipeline: str, scratch: Path) -> Path:
        """Copy what MLflow holds for a version into a folder, and load nothing of it.

        Returns:
            The copy.
        """
        with self._connection.asking(f"hand out version {version.version} of {pipeline}") as client:
            return versions.fetch(self._connection, client, pipeline, version.version, scratch)

    def renew_copy(self, version: Version, pipeline: str, model_dir: Path) -> None:
        """Write what MLflow holds for a version anew.

        Args:
            version: whose copy.
            pipeline: whose version.
            model_dir: what `save_model` wrote.
        """
        with self._connection.asking(f"take a copy of version {version.version} of {pipeline}") as client:
            runs.renew(client, self._connection, version.run_id, model_dir)
