"""What the Spark connection must be before a job is submitted by it; each problem in one line."""

from __future__ import annotations

import re
import shutil
from typing import Final

from vintage.errors import EnvironmentProblem

_HOST_AND_PORT: Final = r"[\w.-]+:\d+"
_MASTERS: Final = re.compile(
    rf"local(\[(\*|\d+)(,\s*\d+)?\])?|local-cluster\[.+\]|spark://{_HOST_AND_PORT}(,{_HOST_AND_PORT})*"
    r"|yarn|k8s://\S+"
)


def no_connection(conn_id: str) -> EnvironmentProblem:
    """Return the error of a missing Spark connection; the provider would try YARN instead."""
    return EnvironmentProblem(
        f"the Airflow connection {conn_id!r} is missing, so there is no Spark master to submit to",
        expected="a connection of type spark whose host is the master, such as local[*] or spark://host:7077",
        fix=f"Set AIRFLOW_CONN_{conn_id.upper()}, or run `airflow connections add {conn_id} "
        "--conn-type spark --conn-host 'local[*]'`.",
    )


def connection_problem(conn_id: str, master: str, deploy_mode: str | None) -> EnvironmentProblem | None:
    """Return the problem with master and deploy mode of a connection, as the provider reads them."""
    if not _MASTERS.fullmatch(master):
        return EnvironmentProblem(
            f"the Airflow connection {conn_id!r} names no Spark master",
            expected="local[*], spark://host:7077, yarn or k8s://https://host:443",
            found=master,
            fix="Correct its host and port in Admin → Connections, or where it is set.",
        )
    if deploy_mode not in {None, "", "client"}:
        return EnvironmentProblem(
            f"the Airflow connection {conn_id!r} asks for another deploy mode",
            expected="client: the job's exit code, its last words and the source's logins are those of the "
            "task's own process",
            found=deploy_mode or "",
            fix="Remove deploy-mode from the connection's extra.",
        )
    return None


def no_program(name: str, path: str) -> EnvironmentProblem | None:
    """Return the problem when the submitting program is not on the PATH; None when it is."""
    if shutil.which(name, path=path):
        return None
    return EnvironmentProblem(
        f"{name} is not on the PATH of the task, so no Spark job can be submitted",
        expected="the bin/ of the environment that holds pyspark",
        found=path or "an empty PATH",
        fix="Put it on the PATH of the scheduler, or of the worker that runs tasks.",
    )
