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
from vintage.twin.raw import RawTwin

if TYPE_CHECKING:
    from vintage.registry.tracking import Version
    from vintage.store import Artifact, Store

KEY_DIGITS: Final = 12
"""Enough of a key to name it; `/health` has all of it."""
RAW: Final = "A request holds raw columns, and the twin computes the SQL of preprocess"
FEATURES: Final = "A request holds the columns after preprocess, not the raw ones"
THE_TWIN: Final = "the twin"


@dataclass(frozen=True)
class Field:
    """A column of a request.

    Attributes:
        name: the column's.
        type: Spark's.
    """

    name: str
    type: str


@dataclass(frozen=True)
class Made:
    """A column that the model reads, as preprocess makes it.

    Attributes:
        name: the column's.
        type: Spark's.
        sql: how preprocess makes it, where that can be read from its SQL.
        by: the twin; or why it is Spark alone.
    """

    name: str
    type: str
    sql: str
    by: str


@dataclass(frozen=True)
class Explained:
    """What a champion asks of a request.

    Attributes:
        champion: the version, with its date and key.
        served: what evaluates it, and why.
        fields: the columns of a request; empty where Spark serves.
        made: the columns that the model reads.
        answers: the columns of an answer.
        why: why these columns.
    """

    champion: str
    served: str
    fields: tuple[Field, ...] = ()
    made: tuple[Made, ...] = ()
    answers: tuple[str, ...] = ()
    why: str = ""


def explained(store: Store, champion: Version | None) -> Explained:
    """Explain a pipeline's champion.

    Raises:
        NothingServes: there is none.
        StoreError: the store does not have it as it was made.
    """
    if champion is None:
        raise NothingServes(
            f"no version of {store.pipeline} serves yet", fix=f"`vintage history {store.pipeline}` shows why."
        )
    found = champion_of(store, champion.key)
    details = ModelDetails.of(found.model)
    served = served_by(details, EvaluationDetails.of(found.evaluation))
    named = f"version {champion.version} of {champion.date}, key {champion.key[:KEY_DIGITS]}"
    if served.by == "spark":
        return Explained(named, str(served))
    twin = Twin.load(found.model.data / MODEL / TWIN)
    raw = details.twin.raw if details.twin else None
    refused = raw.columns if raw else {}
    # A reason that is no column's is that of the SQL as a whole.
    other = THE_TWIN if served.rows == "raw" or refused else "Spark"
    sql = _made_by(store, found.model)
    made = tuple(
        Made(each.name, each.type, sql.get(each.name, ""), refused.get(each.name, other))
        for each in twin.inputs
    )
    asked = RawTwin(twin) if served.rows == "raw" else twin
    fields = tuple(Field(each.name, each.type) for each in asked.inputs)
    why = f"{RAW if served.rows == 'raw' else FEATURES}: {served.why_rows}."
    if isinstance(asked, RawTwin) and asked.condition:
        why += f" A row gets no prediction unless {asked.condition}."
    return Explained(named, str(served), fields, made, tuple(twin.outputs), why)


def _made_by(store: Store, model: Artifact) -> dict[str, str]:
    """Column → the SQL that makes it of a raw row; nothing where that cannot be read."""
    for part in references(model.manifest, "features"):
        features = store.find("features", part.date, part.key)
        sql = features and features.manifest.ingredients.spec.get("preprocess", {}).get("sql")
        if sql:
            query = read_query(str(sql))
            return {item.alias_or_name: item.unalias().sql(dialect="spark") for item in query.tree.selects}
    return {}
