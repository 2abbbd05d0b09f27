"""The import error of pipelines that cannot become a Dag: for the airflow UI and `dags list-import-errors`.

A Dag file either loads or has one import error. So retrain.py leaves a wrong pipelines/*.yaml out, that the
others may run, and this file, which makes no Dag, is the one that fails to import, with what is wrong in it.
"""

from __future__ import annotations

import os

from dags.retrain import retrain
from dags.score import scoring
from vintage.errors import SpecError, first_line
from vintage.spec import Home, load_pipeline


def problems(home: Home) -> list[str]:
    """What is wrong with each pipeline that cannot be loaded, or made a Dag of; empty when all can."""
    found = []
    for name in home.pipeline_names():
        try:
            pipeline = load_pipeline(home, name)
            # The Dags with most in them: what breaks another breaks one of these.
            for make in (retrain, scoring):
                make(pipeline, home)
        except SpecError as error:
            found.append(f"retrain_{name} is left out: {error}")
        except Exception as error:
            found.append(f"retrain_{name} is left out: {type(error).__name__}: {first_line(error)}")
    return found


if broken := problems(Home.from_environment(os.environ)):
    raise SpecError("\n".join(broken))
