"""What a model was declared to be, put together again from the manifests of what it was made from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from vintage.store.details import ModelDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vintage.lineage.graph import Lineage


def declared_spec(lineage: Lineage) -> dict[str, Any]:
    """Return the part of the pipeline's file that decided the model and its evaluation, by its keys there.

    `stages` is name → Params, a class that stands again being `StringIndexer[1]`; their order is beside them.
    """
    day = max(lineage.window)
    model = lineage.model.manifest.ingredients.spec
    found: dict[str, Any] = {"source": lineage.snapshots[day].manifest.ingredients.spec}
    joined = {
        name: dated[max(dated)].manifest.ingredients.spec for name, dated in lineage.joined.items() if dated
    }
    found |= {"joins": joined} if joined else {}
    found["preprocess"] = lineage.window[day].manifest.ingredients.spec.get("preprocess", {})
    found |= {name: model[name] for name in ("split", "task", "partitions") if name in model}
    stages = model.get("stages", ())
    names = stage_names(str(stage["type"]) for stage in stages)
    found["order of stages"] = names
    found["stages"] = {name: stage["params"] for name, stage in zip(names, stages, strict=True)}
    if lineage.tuning is not None:
        search = dict(lineage.tuning.manifest.ingredients.spec["tuning"])
        found["tuning"] = search | {"grid": dict(search["grid"])}
    if lineage.evaluation is not None:
        found["evaluate"] = lineage.evaluation.manifest.ingredients.spec.get("evaluate", {})
    return found


def named_params(lineage: Lineage) -> dict[str, str]:
    """Return every Param of every stage as the fit used it, `StringIndexer[1].handleInvalid` → `keep`."""
    given = ModelDetails.of(lineage.model).params
    # A manifest names them by the stage's place: `4.StringIndexer.handleInvalid`.
    classes = {int(name.split(".")[0]): name.split(".")[1] for name in given}
    places = sorted(classes)
    names = dict(zip(places, stage_names(classes[place] for place in places), strict=True))
    return {
        f"{names[int(name.split('.')[0])]}.{name.split('.', 2)[2]}": value
        for name, value in sorted(given.items(), key=lambda item: (int(item[0].split(".")[0]), item[0]))
    }


def stage_names(classes: Iterable[str]) -> list[str]:
    """Return distinct names of stages, as `--set` uses them; the first of a class has its plain name."""
    seen: Counter[str] = Counter()
    names = []
    for each in classes:
        names.append(f"{each}[{seen[each]}]" if seen[each] else each)
        seen[each] += 1
    return names
