"""What Spark notes of a column's slots in its metadata, and an Interaction or an IndexToString asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vintage.twin.columns import NUMBERS
from vintage.twin.description import Input, Stage


@dataclass(slots=True)
class Slots:
    """Of a column's slots the number of categories, 0 for a number; and the labels that indices stand for.

    A column that does not exist is one of which nothing is known.
    """

    cardinalities: dict[str, list[int]] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of_inputs(cls, inputs: Sequence[Input]) -> Slots:
        """Return those of a pipeline's inputs, which are plain numbers."""
        return cls({each.name: [0] for each in inputs if each.type in NUMBERS})

    def follow(self, stage: Stage) -> None:
        """Add what a stage notes of the columns that it makes, and forget what it replaces."""
        made = {name: self._of(stage, place, source) for place, (source, name) in enumerate(_columns(stage))}
        for name, sizes in made.items():
            self.cardinalities.pop(name, None)
            self.labels.pop(name, None)
            if sizes is not None:
                self.cardinalities[name] = sizes
        if stage.kind == "StringIndexerModel":
            for (_, name), labels in zip(_columns(stage), stage.one("labelsArray"), strict=True):
                self.labels[name] = [*labels, "__unknown"] if _keeps(stage) else list(labels)

    def _of(self, stage: Stage, place: int, source: str) -> list[int] | None:
        match stage.kind:
            case "StringIndexerModel":
                return [len(stage.one("labelsArray")[place]) + _keeps(stage)]
            case "Bucketizer":
                given = stage.params.get("splitsArray")
                return [len(given[place] if given is not None else stage.params["splits"]) - 1]
            case "OneHotEncoderModel":
                size = int(stage.one("categorySizes")[place])
                return [0] * (size + _keeps(stage) - int(stage.params["dropLast"]))
            case "VectorSizeHint" | "VectorAttributeRewriter":
                return self.cardinalities.get(source)
            case "VectorAssembler":
                parts = [self.cardinalities.get(each) for each in stage.params["inputCols"]]
                known = [each for each in parts if each is not None]
                return [size for each in known for size in each] if len(known) == len(parts) else None
            case _:
                return [0] if stage.kind in {"ImputerModel", "Binarizer"} else None


def _keeps(stage: Stage) -> int:
    return int(stage.params["handleInvalid"] == "keep")


def _columns(stage: Stage) -> list[tuple[str, str]]:
    """Pairs of what a stage reads and what it makes of it; one pair for all that one is made of."""
    names = stage.params
    if stage.kind in {"VectorSizeHint", "VectorAttributeRewriter"}:
        [column] = [names["inputCol"]] if "inputCol" in names else [stage.one("vectorCol")]
        return [(column, column)]
    made = names.get("outputCols") or [names[name] for name in _MADE if names.get(name)]
    read = names.get("inputCols") or [names.get("inputCol", "")]
    return list(zip(read, made, strict=False)) if len(made) > 1 else [(read[0], name) for name in made]


_MADE = ("outputCol", "predictionCol", "rawPredictionCol", "probabilityCol")
