"""A fitted pipeline as numpy evaluates it: in microseconds, without a JVM, with Spark's numbers.

`compiler.compile_model` makes a description of what `PipelineModel.save` wrote; `Twin` evaluates it, with
numpy alone. Nothing here imports anything else of Vintage, so that a model can carry this package along.
"""

from vintage.twin.columns import Column, Frame
from vintage.twin.description import Description, Input, Stage
from vintage.twin.errors import BadInput, DamagedTwin, InvalidRow, LaterFormat, TwinError
from vintage.twin.evaluator import Twin

__all__ = [
    "BadInput",
    "Column",
    "DamagedTwin",
    "Description",
    "Frame",
    "Input",
    "InvalidRow",
    "LaterFormat",
    "Stage",
    "Twin",
    "TwinError",
]
