"""The statistics of the columns of numbers of files of any size."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.scaling.spread import constant_columns
from normwise.tables import lazy_statistics
from normwise.workflows.choose_columns import choose_columns, numeric_columns
from normwise.workflows.open_tables import Reading, open_tables
from normwise.workflows.scale_options import ScaleOptions
from normwise.workflows.scale_table import LEARNING, ScaleListener


@dataclasses.dataclass(frozen=True)
class ColumnDescription:
    """What one column of numbers holds.

    Args:
        name: Its name.
        count: How many finite values.
        nulls: Rows without a value.
        nans: Values that are NaN.
        infinities: Values that are +inf or −inf.
        mean: Of the finite values; None where there is none, as for the others.
        std: Their standard deviation, ``√(Σ(x − mean)²/n)``.
        min: The smallest.
        max: The largest.
        constant: Whether there are fewer than two different finite values.
    """

    name: str
    count: int
    nulls: int
    nans: int
    infinities: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    constant: bool


@dataclasses.dataclass(frozen=True)
class TableDescription:
    """What the columns of a table hold.

    Args:
        rows: How many rows there are.
        columns: Those of numbers.
        others: The names of all others.
    """

    rows: int
    columns: tuple[ColumnDescription, ...]
    others: tuple[str, ...]

    def to_json(self) -> str:
        """As JSON, of numbers and null alone.

        Example:
            >>> TableDescription(0, (), ("city",)).to_json()
            '{"rows": 0, "columns": [], "others": ["city"]}'
        """
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, allow_nan=False)


def describe_table(
    tables: Sequence[str | Path], options: ScaleOptions, listener: ScaleListener | None = None
) -> TableDescription:
    """The statistics of each column of numbers, in one pass over files of any size.

    Args:
        tables: As for `scale_table`.
        options: The columns, the format and the encoding; the rest says nothing here.
        listener: What hears of progress.

    Raises:
        TableError: If a table cannot be read.
        ColumnError: If a column that is named is absent or holds no numbers.
    """
    hear = listener or ScaleListener()
    progress = hear.progress if hear.counts_bytes else None
    reading = Reading(
        options.format,
        options.encoding,
        options.exclude,
        verbatim=True,
        progress=progress,
        warn=hear.warning,
    )

    def choose(schema: Any) -> list[str]:
        if options.columns or options.exclude:
            return choose_columns(schema, options.columns, options.exclude)
        return numeric_columns(schema)

    opened = open_tables(tables, choose, reading)
    hear.stage(LEARNING)
    statistics = lazy_statistics(opened.frame, opened.scaled)
    return TableDescription(statistics.rows, _of_columns(statistics), opened.passed)


def _of_columns(statistics: ColumnStatistics) -> tuple[ColumnDescription, ...]:
    moments, constant = statistics.moments, constant_columns(statistics)
    # Equal values whose mean rounds have a spread that is none.
    means = np.where(constant, statistics.minima, moments.mean)
    stds = np.where(constant, 0.0, np.sqrt(moments.variance()))
    return tuple(
        ColumnDescription(
            name,
            round(statistics.counts[i]),
            statistics.nulls[i],
            statistics.nans[i],
            statistics.infinities[i],
            mean=_known(means[i], statistics.counts[i]),
            std=_known(stds[i], statistics.counts[i]),
            min=_known(statistics.minima[i], statistics.counts[i]),
            max=_known(statistics.maxima[i], statistics.counts[i]),
            constant=bool(constant[i]),
        )
        for i, name in enumerate(statistics.names)
    )


def _known(value: float, count: float) -> float | None:
    return float(value) if count and math.isfinite(value) else None
