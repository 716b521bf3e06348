"""feature_statistics: what training keeps, and predict compares, of the numbers that the network reads."""

from __future__ import annotations

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.run_record import ColumnSchema
from normwise.workflows.encode_table import EncodedTable, feature_names

SKETCH_SIZE = 128
"""Ranks are certain to 0.05 up to a million rows, at 1 to 7 kB of `schema.json` a feature."""


def feature_statistics(
    encoded: EncodedTable, columns: tuple[ColumnSchema, ...], sketches: bool = True
) -> ColumnStatistics:
    """Statistics of each numeric feature, under its name; with sketches of `SKETCH_SIZE` if asked for."""
    return ColumnStatistics.of(
        encoded.numeric, feature_names(columns), sketch_size=SKETCH_SIZE if sketches else None
    )
