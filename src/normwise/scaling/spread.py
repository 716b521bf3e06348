"""Which columns are constant, and which spreads no float64 can hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import ColumnError, listing, warn


def constant_columns(statistics: ColumnStatistics) -> NDArray[np.bool_]:
    """Per column, whether it has fewer than two different values.

    The range decides, not the variance: the mean of equal values may round, and a tiny spread is a spread.

    Example:
        >>> constant_columns(ColumnStatistics.of([[0.1, 1e-20, np.nan], [0.1, 3e-20, np.nan]]))
        array([ True, False,  True])
    """
    low, high = np.array(statistics.minima), np.array(statistics.maxima)
    return np.asarray((low == high) | np.isnan(low))


def warn_of_constants(statistics: ColumnStatistics, scaler: str, value: float) -> None:
    """One warning that names the constant columns, if there are any."""
    constant = np.flatnonzero(constant_columns(statistics))
    if not len(constant):
        return
    shown = [
        f'"{statistics.names[i]}" '
        + (f"(always {statistics.minima[i]})" if statistics.counts[i] else "(no value at all)")
        for i in constant[:8]
    ]
    more = f" and {len(constant) - 8} more" if len(constant) > 8 else ""
    one = len(constant) == 1
    subject, them = ("column", "it") if one else ("columns", "them")
    warn(
        f"the {subject} {', '.join(shown)}{more} {'is' if one else 'are'} constant: {scaler} makes {them} "
        f"{value:g}. {'It tells' if one else 'They tell'} a model nothing; leave {them} out."
    )


def require_finite(counts: NDArray[np.int64], names: tuple[str, ...], at_least: bool = False) -> None:
    """Raises if a column holds infinities.

    Args:
        counts: Per column, how many values are +inf or −inf.
        names: The columns' names.
        at_least: Whether they were counted in a part of the rows alone.

    Raises:
        ColumnError: Naming each such column and its count.
    """
    pairs = zip(names, counts.tolist(), strict=True)
    found = [f'"{name}" ({"at least " * at_least}{count})' for name, count in pairs if count]
    if found:
        raise ColumnError(
            f"infinite values in {', '.join(found)}. Expected finite numbers, NaN or null: replace ±inf by "
            'what it stands for; or, if it stands for nothing, take infinite="null" (--infinite null on the '
            "command line)."
        )


def require_representable(statistics: ColumnStatistics, spread: NDArray[np.float64], what: str) -> None:
    """Raises where a column that is not constant has a spread that overflows or underflows float64.

    Raises:
        ColumnError: Naming the columns.
    """
    fits = np.isfinite(spread) & (spread >= np.finfo(np.float64).tiny) & np.isfinite(statistics.means)
    require_float64(statistics, np.where(fits | constant_columns(statistics), 0.0, np.inf), what)


def require_two_rows(statistics: ColumnStatistics, what: str) -> None:
    """Raises where the weights of a column that is not constant sum to less than 2.

    Raises:
        ColumnError: Naming the first such column and the sum.
    """
    # Ten times 0.2 is 2, but for a rounding.
    few = np.flatnonzero((np.array(statistics.counts) < 2.0 - 1e-9) & ~constant_columns(statistics))
    if len(few):
        first = few[0]
        raise ColumnError(
            f'the sample weights of column "{statistics.names[first]}" sum to {statistics.counts[first]:g}. '
            f"{what} take them for counts of rows, and need 2: multiply the weights, by the number of rows "
            "if they sum to 1."
        )


def require_float64(statistics: ColumnStatistics, scale: NDArray[np.float64], what: str) -> None:
    """Raises where a scale does not fit in float64.

    Raises:
        ColumnError: Naming the columns.
    """
    bad = np.flatnonzero(~np.isfinite(scale))
    if len(bad):
        first = bad[0]
        raise ColumnError(
            f"the columns {listing(statistics.names[i] for i in bad)} cannot be scaled: the values of the "
            f"first reach from {statistics.minima[first]} to {statistics.maxima[first]}, and {what} does not "
            "fit in float64. Multiply them by a power of ten first."
        )


def require_float32(statistics: ColumnStatistics, what: str, values: NDArray[np.float64]) -> None:
    """Raises where a constant does not fit in float32.

    Raises:
        ColumnError: Naming the columns.
    """
    bad = np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)
    if len(bad):
        raise ColumnError(
            f"the columns {listing(statistics.names[i] for i in bad)} cannot be scaled in a model: {what} "
            f"of the first, {values[bad[0]]:g}, does not fit in float32. Multiply by a power of ten first."
        )
