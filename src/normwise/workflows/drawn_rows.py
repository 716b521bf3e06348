"""drawn_rows: rows such as a run's table has, to compare two networks on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.core.run_record import TableSchema
from normwise.workflows.encode_table import EncodedTable, codes_of

ROWS = 64
MISSING = 0.1
"""So many rows are drawn to compare on, this share of their numbers missing."""


def drawn_rows(schema: TableSchema, rows: int = ROWS) -> EncodedTable:
    """Rows as the network reads them, drawn by the schema: the same at each call."""
    random = np.random.default_rng(0)
    statistics = schema.statistics
    counts = np.maximum(statistics.counts, 1.0)
    stds = np.sqrt(np.array(statistics.m2s) / counts)
    numbers = random.normal(statistics.means, stds, (rows, len(stds)))
    numbers[random.random(numbers.shape) < MISSING] = np.nan

    def codes(encoding: str, least: int) -> NDArray[Any]:
        most = [codes_of(column) for column in schema.columns if column.encoding == encoding]
        return random.integers(least, most, (rows, len(most)), dtype=np.int32)

    return EncodedTable(numbers.astype(np.float32), codes("one-hot", -1), codes("embedding", 0), ())
