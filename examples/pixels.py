"""`digit_images`: what a picture is to a model, a vector with a value for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def as_vectors(rows: DataFrame) -> DataFrame:
    """Return the rows with `pixels VECTOR` instead of `image`: from 0 to 1 each, row by row from the top.

    Args:
        rows: `image` as Spark's image reader gives it, of 8 bits a pixel; all of one size and one number of
            channels, which the suite holds them to.
    """
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    # Byte by byte in Spark itself: no Python worker is started.
    data = F.col("image.data")

    def grey(place: Column) -> Column:
        return F.conv(F.hex(F.substring(data, place, F.lit(1))), 16, 10).cast("double") / 255

    values = F.transform(F.sequence(F.lit(1), F.length(data)), grey)
    return rows.withColumn("pixels", array_to_vector(values)).drop("image")
