"""What a request must hold, and why: the columns that a champion's twin reads, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vintage.errors import NothingServes
from vintage.lineage.graph import references
from vintage.registry.served_by import served_by
from vintage.registry.tracking import MODEL, TWIN
from vintage.serving.champions import champion_of
from vintage.spec.sql import read_query
from vintage.store.details import EvaluationDetails, ModelDetails
from vintage.twin import Twin

if TYPE_CHECKING:
    from vintage.registry.tracking import Version
    from vintage.store import Artifact, Store

FEATURES_NOT_RAW: Final = (
    "A request holds the columns after preprocess, not the raw ones: the server has no Spark, and does not "
    "compute the SQL of preprocess otherwise, for that is not shown to give what Spark gives."
)


@dataclass(frozen=True)
class Field:
    """A column of a request.

    Attributes:
        name: the column's.
        type: Spark's.
        made: how preprocess makes it, where that can be read from its SQL.
    """

    name: str
    type: str
    made: str = ""


@dataclass(frozen=True)
class Explained:
    """What a champion asks of a request.

    Attributes:
        champion: the version, with its date and key.
        served: what evaluates it, and why.
        fields: the columns of a request; empty where Spark serves.
        answers: the columns of an answer.
        why: why these columns.
    """

    champion: str
    served: str
    fields: tuple[Field, ...]
    answers: tuple[str, ...]
    why: str


def explained(store: Store, champion: Version | None) -> Explained:
    """Explain a pipeline's champion.

    Raises:
        NothingServes: there is none.
        StoreError: the store does not have it as it was made.
    """
    if champion is None:
        raise NothingServes(
            f"no version of {store.pipeline} serves yet", fix=f"`vintage history {store.pipeline}` tells why."
        )
    found = champion_of(store, champion.key)
    served = served_by(ModelDetails.of(found.model), EvaluationDetails.of(found.evaluation))
    named = f"version {champion.version} of {champion.date}, key {champion.key}"
    if served.by == "spark":
        return Explained(named, str(served), (), (), "")
    twin = Twin.load(found.model.data / MODEL / TWIN)
    made = _made_by(store, found.model)
    fields = tuple(Field(each.name, each.type, made.get(each.name, "")) for each in twin.inputs)
    return Explained(named, str(served), fields, tuple(twin.outputs), FEATURES_NOT_RAW)


def _made_by(store: Store, model: Artifact) -> dict[str, str]:
    """Column → the SQL that makes it of a raw row; nothing where that cannot be read."""
    for part in references(model.manifest, "features"):
        features = store.find("features", part.date, part.key)
        sql = features and features.manifest.ingredients.spec.get("preprocess", {}).get("sql")
        if sql:
            query = read_query(str(sql))
            return {item.alias_or_name: item.unalias().sql(dialect="spark") for item in query.tree.selects}
    return {}
