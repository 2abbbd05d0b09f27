"""Publishes docs/stages.md, the table of pyspark.ml's stages and their cases, or checks that it is fresh."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyspark
import yaml
from pyspark.ml import Estimator

from local.published import publish
from vintage.ml.catalogue import MODULES, known_stages
from vintage.twin.registry import EVALUATORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHECKOUT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = CHECKOUT / "docs" / "stages.md"
CASES: Final = CHECKOUT / "tests" / "ml" / "every_stage.yaml"

HEAD: Final = """\
# The stages

<!-- Made by local/publish_stages.py: run `make schema` after a change. -->

Every Transformer and Estimator of `pyspark.ml` {version} can be a stage, by its class's name and with Spark's
own Params. The list is found by reflection: another Spark brings its own. Each class has the case below in
`tests/ml/every_stage.yaml`, which the tests declare, check without a JVM, fit, save, load, and compare.

A classifier within a classifier is declared in its place:
`OneVsRest: {{classifier: {{LinearSVC: {{maxIter: 10}}}}}}`. Classes of your own and of other packages go by
their dotted path.

A pipeline all of whose stages are served by a twin is [served](serving.md) without Spark.
"""


def page(cases: Mapping[str, Any]) -> str:
    """Return the page's text: a table a module, a row a class.

    Raises:
        KeyError: a class has no case.
    """
    declared: dict[str, Any] = {}
    for group in cases["groups"].values():
        for stage in group["stages"]:
            for name, params in stage.items():
                declared.setdefault(name, params)
    parts = [HEAD.format(version=pyspark.__version__)]
    for module in MODULES:
        rows = [
            f"| `{name}` | {'Estimator' if issubclass(found, Estimator) else 'Transformer'} "
            f"| {'twin' if _has_twin(name) else 'Spark'} | `{_short(declared[name])}` |"
            for name, found in sorted(known_stages().items())
            if found.__module__ == f"pyspark.ml.{module}"
        ]
        columns = ["| class | kind | served by | tested case |", "|---|---|---|---|"]
        head = [f"## pyspark.ml.{module}", "", *columns]
        parts.append("\n".join([*head, *rows]))
    out = [f"- `{name}`: {reason}" for name, reason in cases["left_out"].items()]
    out.append("- `Pipeline`, `CrossValidator`, `TrainValidationSplit`: The keys of the file replace them.")
    parts.append("\n".join(["## Left out", "", *out]))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main(arguments: Sequence[str] | None = None, *, file: Path = PAGE) -> int:
    """Write the page when it is out of date; with --check writes nothing, and is 1 then."""
    return publish(page(yaml.safe_load(CASES.read_text(encoding="utf-8"))), file, arguments)


def _has_twin(name: str) -> bool:
    """Return whether what a stage is once it is fitted has an evaluator."""
    fitted = "Bucketizer" if name == "QuantileDiscretizer" else name
    kind = fitted.replace("Classifier", "Classification").replace("Regressor", "Regression")
    return not {fitted, f"{fitted}Model", f"{kind}Model"}.isdisjoint(EVALUATORS)


def _short(params: Mapping[str, Any]) -> str:
    """Return the Params on one line, as YAML takes them; a bar would end the table's cell."""
    return json.dumps(params).replace("Infinity", ".inf").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
