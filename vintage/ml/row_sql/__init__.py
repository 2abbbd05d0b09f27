"""The SQL of preprocess, as far as it is over one row alone, compiled for a twin: no Spark, no guesses."""

from vintage.ml.row_sql.query import LeftToSpark, compile_query, raw_types

__all__ = ["LeftToSpark", "compile_query", "raw_types"]
