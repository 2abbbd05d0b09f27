"""How long the Dag files take to load over a home of many pipelines, as the Dag processor loads them.

`python -m benchmarks.parsing COUNT RUNS` prints JSON: the seconds of the imports; those of each Dag file in
each run, once everything is imported; and which heavy packages came along. Seconds of the processor.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
HEAVY = {"pyspark", "mlflow", "great_expectations", "pandas", "numpy"}


def write_home(home: Path, count: int) -> None:
    """The checkout's own pipelines in turn, each under names of its own."""
    shutil.copytree(CHECKOUT / "expectations", home / "expectations")
    (home / "pipelines").mkdir()
    originals = sorted((CHECKOUT / "pipelines").glob("*.yaml"))
    for number in range(count):
        original = originals[number % len(originals)]
        name = f"{original.stem}_{number}"
        text = original.read_text(encoding="utf-8").replace(f"name: {original.stem}", f"name: {name}", 1)
        (home / "pipelines" / f"{name}.yaml").write_text(text, encoding="utf-8")


def load(file: Path) -> tuple[int, float]:
    """How many Dags a file has, and the seconds it took."""
    from airflow.dag_processing.dagbag import DagBag

    started = time.process_time()
    bag = DagBag(file)
    seconds = time.process_time() - started
    if bag.import_errors:
        raise SystemExit(json.dumps(bag.import_errors, indent=2))
    return len(bag.dags), seconds


def main() -> None:
    """Load each Dag file once over one pipeline, for the imports, and then over all of them."""
    count, runs = int(sys.argv[1]), int(sys.argv[2])
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="vintage-parsing-") as name:
        folder = Path(name)
        os.environ |= {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        }
        for home, pipelines in (("one", 1), ("many", count)):
            (folder / home).mkdir()
            write_home(folder / home, pipelines)
        files = sorted((CHECKOUT / "dags").glob("*.py"))
        os.environ["VINTAGE_HOME"] = str(folder / "one")
        for file in files:
            load(file)
        imports = time.process_time()
        os.environ["VINTAGE_HOME"] = str(folder / "many")
        seconds: dict[str, list[float]] = {file.stem: [] for file in files}
        for _ in range(runs):
            for file in files:
                dags, took = load(file)
                # Two of each pipeline and two of all; none in the file that shows what is wrong.
                if dags not in {0, 2 * count + 2}:
                    raise SystemExit(f"{file.name} has {dags} Dags of {count} pipelines")
                seconds[file.stem].append(took)
        found = {"imports": imports, "files": seconds, "heavy": sorted(HEAVY & set(sys.modules))}
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
