"""run_rows: a raw table as the network of a run folder takes it, and its targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import TableError, listing
from normwise.core.run_record import TableSchema
from normwise.workflows.column_values import as_category, as_number
from normwise.workflows.predict_table import Run


def run_rows(
    run: Run, table: pl.DataFrame, warn: Callable[[str], None]
) -> tuple[dict[str, NDArray[Any]], NDArray[Any] | None]:
    """The network's inputs and its targets.

    Args:
        run: The run folder.
        table: Raw rows; those without a target are left out.
        warn: Told of them, of an absent target, and of what differs from the training table.

    Returns:
        The inputs by their names; class numbers, or standardized targets, None where the table has none.

    Raises:
        ColumnError: If a column is absent or of another kind.
        TableError: If the target has classes that the network does not know, or is missing in all rows.
    """
    name = run.schema.target
    if name not in table.columns:
        warn(f'the table has no column "{name}", the target; what needs it is not measured')
        return run.encoded(table, warn).inputs(), None
    known = table.filter(table[name].is_not_null())
    if known.height == 0:
        raise TableError(f'column "{name}" is the target, but is missing in all of the {table.height} rows')
    if left_out := table.height - known.height:
        warn(f'column "{name}" is the target and is missing in {left_out} rows; these were left out')
    return run.encoded(known, warn).inputs(), _targets(run.schema, known[name])


def _targets(schema: TableSchema, column: pl.Series) -> NDArray[Any]:
    if schema.task == "regression":
        values = as_number(column).to_numpy().astype(np.float64)
        return ((values - schema.target_mean) / schema.target_std).astype(np.float32)
    text = as_category(column)
    if unknown := sorted(set(text.unique().to_list()) - set(schema.classes)):
        raise TableError(
            f'column "{column.name}" is the target and has {listing(unknown)}, which the network does not'
            f" know; expected {listing(schema.classes)}"
        )
    codes = list(range(len(schema.classes)))
    return text.replace_strict(list(schema.classes), codes, return_dtype=pl.Int64).to_numpy()
