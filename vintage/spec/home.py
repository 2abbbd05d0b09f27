"""The folder that holds a team's pipelines, and where the state beside it lives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from vintage.errors import SpecError, printable

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Home:
    """Where pipelines, suites and state are; every path is absolute.

    `mlflow_url` is the address of MLflow's pages, and `store_url` that of a web server which shows the store;
    None where none is known.
    """

    path: Path
    store: Path
    tracking_uri: str
    mlflow_artifacts: Path
    cds_archive: Path | None = None
    mlflow_url: str | None = None
    store_url: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Home:
        """Return the home that VINTAGE_HOME and its companions name, or the embedded one.

        Raises:
            SpecError: VINTAGE_HOME is no folder with pipelines/ in it, or VINTAGE_STORE is no path.
        """
        path = _home_path(environ.get("VINTAGE_HOME", ""))
        store = environ.get("VINTAGE_STORE") or "data/store"
        if "://" in store:
            raise SpecError(f"VINTAGE_STORE {store} is not a path", expected="a folder of a file system")
        archive = environ.get("VINTAGE_CDS_ARCHIVE")
        tracking = environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(path / "data/mlflow/mlflow.db")
        return cls(
            path=path,
            store=path / Path(store).expanduser(),
            tracking_uri=tracking,
            mlflow_artifacts=path / "data/mlflow/artifacts",
            cds_archive=path / archive if archive else None,
            mlflow_url=environ.get("VINTAGE_MLFLOW_URL")
            or (tracking if tracking.startswith("http") else None),
            store_url=environ.get("VINTAGE_STORE_URL") or None,
        )

    @property
    def pipelines_dir(self) -> Path:
        """The folder of the pipeline files."""
        return self.path / "pipelines"

    @property
    def expectations_dir(self) -> Path:
        """The folder of the suite files."""
        return self.path / "expectations"

    def pipeline_names(self) -> tuple[str, ...]:
        """Return the pipelines that have a file, sorted."""
        return _stems(self.pipelines_dir)

    def suite_names(self) -> tuple[str, ...]:
        """Return the suites that have a file, sorted."""
        return _stems(self.expectations_dir)

    def shown(self, path: Path) -> str:
        """Return a path for a message: relative to the home if below it, with visible characters only."""
        return printable(str(path.relative_to(self.path) if path.is_relative_to(self.path) else path))


def mlflow_run_page(address: str, run_id: str, experiment: str | None = None) -> str:
    """Return where MLflow shows a run, in its view for people who train models.

    Args:
        address: of MLflow's pages.
        run_id: the run's.
        experiment: the id of its experiment; without it MLflow looks for it, and forgets the view meanwhile.
    """
    place = f"experiments/{quote(experiment)}/" if experiment else ""
    return f"{address.rstrip('/')}/#/{place}runs/{quote(run_id)}?workflowType=machine_learning"


def sqlite_uri(database: Path) -> str:
    """Return the URI of an SQLite file: what ends or escapes a path in a URI is itself escaped."""
    # No more than must be, and then with the driver's name: of a plain sqlite:///, MLflow makes the folder
    # that the URI names as it stands.
    path = re.sub(r"%(?=[0-9A-Fa-f]{2})", "%25", str(database)).replace("?", "%3F")
    return f"{'sqlite' if path == str(database) else 'sqlite+pysqlite'}:///{path}"


def _home_path(named: str) -> Path:
    if named:
        path = Path(named).expanduser().absolute()
        if not (path / "pipelines").is_dir():
            raise SpecError(
                f"VINTAGE_HOME is {path}",
                expected="a folder that holds pipelines/",
                found="no such folder" if not path.is_dir() else "no pipelines/ in it",
            )
        return path
    here = Path.cwd()
    return here if (here / "pipelines").is_dir() else Path(__file__).resolve().parents[2]


def _stems(folder: Path) -> tuple[str, ...]:
    """Return the names of all that is called *.yaml: what is no file is reported as such when it is read.

    Editors keep what they are at under hidden names, which may be links to nothing.
    """
    try:
        found = [each.name for each in os.scandir(folder) if each.name.endswith(".yaml")]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise SpecError(f"the folder {folder} cannot be read: {error.strerror}") from error
    shown = (name for name in found if not name.startswith(".") or (folder / name).is_file())
    return tuple(sorted(name.removesuffix(".yaml") for name in shown))
