"""Makes the models of example pipelines again, in one session on any master and any JVM.

    python -m tests.examples.remade MASTER NAME …

in the environment of a home where they were made. It prints a line of JSON a model: its pipeline, how many
comparisons there were, and the first difference, if there is one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.catalogue import EXAMPLES
from tests.quick import QUICK_PLANS, cpu_of_executors
from vintage.flow.reproduce import reproduce
from vintage.session import SparkProvider
from vintage.spec import Home, load_pipeline, submit_conf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHECKOUT = Path(__file__).parents[2]
EXECUTORS = {"spark.executor.memory": "512m", "spark.executor.cores": "1"}
"""Those of a cluster; a local master has none."""


def made_again(
    home: Path, master: str, names: Sequence[str], environment: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What came of making each again there, in a process of its own: what that printed."""
    given = {"VINTAGE_HOME": str(home), "PYTHONPATH": str(CHECKOUT), "SPARK_LOCAL_IP": "127.0.0.1"}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.examples.remade", master, *names],
        cwd=home,
        env={**environment, **given, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-5000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def main(master: str, names: Sequence[str]) -> None:
    """Makes one after the other."""
    home = Home.from_environment(os.environ)
    conf = submit_conf(load_pipeline(home, names[0]), home) | QUICK_PLANS | EXECUTORS | cpu_of_executors()
    provider = SparkProvider("remade", conf=conf, master=master)
    for name in names:
        found = reproduce(home, name, EXAMPLES[name].date, spark=provider)
        first = found.first_difference
        told = {"name": name, "steps": len(found.steps), "first": first and f"{first.step}: {first.reason}"}
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
    provider.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
