"""A formula applied to a table of any kind, by the table's own engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.blocks import each, row_blocks
from normwise.core.errors import ColumnError
from normwise.core.native_columns import affine_by_kernels
from normwise.scaling.affine import Affine, AffineFloat32
from normwise.scaling.engines import Columns, Steps
from normwise.scaling.spread import require_finite


class Formula(Protocol):
    """What a scaler does to a column, told to NumPy and to the engines of tables."""

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64, which it may overwrite."""

    def of_columns(self, x: Columns) -> Columns:
        """The map of columns of float64."""


def apply_to_array(formula: Formula, x: NDArray[Any], names: tuple[str, ...], infinite: str) -> NDArray[Any]:
    """The map of (rows, columns) of float32 or float64, in the same dtype and memory order.

    Raises:
        ColumnError: If a value is infinite and `infinite` is "raise".
    """
    y = np.empty_like(x, subok=False)
    float32 = getattr(formula, "float32", lambda: None)() if x.dtype == np.float32 else None
    if _by_kernels(formula if x.dtype == np.float64 else float32, x, y, names, infinite):
        return y

    def of_block(rows: slice) -> Any:
        block = x[rows] if float32 is not None else x[rows].astype(np.float64)
        counts = _infinities(block)
        if counts is not None and infinite == "null":
            block = np.where(np.isinf(block), np.nan, block)
        # Here and not around `each`: a thread does not inherit what NumPy is to ignore.
        with np.errstate(all="ignore"):
            if float32 is not None:
                float32.of_block(block, out=y[rows])
                return counts
            y[rows] = formula.of_block(block)
        if without := getattr(formula, "without_value", ""):
            _require_values(x[rows], y[rows], names, without)
        return counts

    found = [counts for counts in each(of_block, row_blocks(*x.shape)) if counts is not None]
    if found and infinite == "raise":
        require_finite(np.sum(found, axis=0), names)
    return y


def _by_kernels(
    formula: Any, x: NDArray[Any], y: NDArray[Any], names: tuple[str, ...], infinite: str
) -> bool:
    """Whether the native kernels have written the map into y.

    Raises:
        ColumnError: As `apply_to_array`.
    """
    if not isinstance(formula, Affine | AffineFloat32):
        return False
    unclean = affine_by_kernels(x, formula.constants, formula.limits, y)
    if not unclean:
        return unclean is not None
    found = [n for n in each(lambda rows: _infinities(x[rows]), row_blocks(*x.shape)) if n is not None]
    if found and infinite == "raise":
        require_finite(np.sum(found, axis=0), names)
    # Where there were NaN alone, they stand there now.
    return not found


def _require_values(given: NDArray[Any], mapped: NDArray[Any], names: Sequence[str], without: str) -> None:
    """Raises a ColumnError where a number became NaN, as the map has no value there."""
    lost = np.isfinite(given) & np.isnan(mapped)
    if lost.any():
        row, i = np.argwhere(lost)[0]
        count = int(lost[:, i].sum())
        more = f" and at least {count - 1} more such" if count > 1 else ""
        raise ColumnError(f'column "{names[i]}" holds {given[row, i]}{more}, which {without}')


def _infinities(block: NDArray[Any]) -> NDArray[np.int64] | None:
    """Per column, how many values are infinite; None if no value is anything but finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(block.sum()):
            return None
    counts = np.isinf(block).sum(axis=0, dtype=np.int64)
    return counts if counts.any() else None


def apply_to_frame(
    formula: Formula, frame: nw.LazyFrame[Any], names: Sequence[str], infinite: str
) -> nw.LazyFrame[Any]:
    """The map of the named columns, lazily; Float32 stays Float32, all else becomes Float64.

    Where Polars is the engine, infinities raise as the rows come in; DuckDB and Spark hand them through.
    """
    schema = frame.collect_schema()
    types = {name: nw.Float32() if schema[name] == nw.Float32 else nw.Float64() for name in names}
    native = frame.to_native()
    if isinstance(native, pl.LazyFrame):
        if infinite == "raise":
            native = _checked(native, names)
        if getattr(formula, "by_block", False):
            return nw.from_native(_by_block(formula, native, types, infinite))
        frame = nw.from_native(native)
    steps = Steps(frame)
    x = Columns([_float64(nw.col(name), infinite) for name in names], steps)
    y = formula.of_columns(x)
    mapped = (part.cast(types[name]).alias(name) for name, part in zip(names, y.parts, strict=True))
    return steps.frame.with_columns(*mapped).drop(*steps.made)


def _by_block(formula: Formula, frame: pl.LazyFrame, types: dict[str, Any], infinite: str) -> pl.LazyFrame:
    """The map by NumPy, on the rows that Polars has at hand."""
    wanted = {name: pl.Float32 if dtype == nw.Float32 else pl.Float64 for name, dtype in types.items()}

    def of_rows(rows: pl.DataFrame) -> pl.DataFrame:
        columns = rows.select(pl.col(*wanted).cast(pl.Float64))
        if infinite == "null":
            columns = columns.select(pl.when(~pl.all().is_infinite()).then(pl.all()))
        block = np.array(columns.to_numpy(), order="F")
        with np.errstate(all="ignore"):
            mapped = formula.of_block(block)
        if without := getattr(formula, "without_value", ""):
            _require_values(columns.to_numpy(), mapped, tuple(wanted), without)
        return rows.with_columns(
            pl.Series(name, mapped[:, i]).cast(dtype).set(columns[name].is_null(), None)
            for i, (name, dtype) in enumerate(wanted.items())
        )

    return frame.map_batches(of_rows, schema={**frame.collect_schema(), **wanted}, streamable=True)


def _float64(column: nw.Expr, infinite: str) -> nw.Expr:
    x = column.cast(nw.Float64())
    return nw.when(~((x == np.inf) | (x == -np.inf))).then(x) if infinite == "null" else x


def require_finite_columns(frame: nw.LazyFrame[Any], names: Sequence[str]) -> None:
    """Raises a ColumnError that names the columns with infinities and how many they hold."""
    require_finite(*_infinities_in(frame.to_native().collect(), names))


def _checked(frame: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    """The frame, which raises as soon as rows with an infinity come by."""

    def of_rows(rows: pl.DataFrame) -> pl.DataFrame:
        require_finite(*_infinities_in(rows, names), at_least=True)
        return rows

    return frame.map_batches(of_rows, streamable=True, validate_output_schema=False)


def _infinities_in(rows: pl.DataFrame, names: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    floats = rows.select(pl.col(*names)).select(pl.selectors.float())
    counts = floats.select(pl.all().is_infinite().sum()).row(0) if floats.width else ()
    return np.array(counts, dtype=np.int64), tuple(floats.columns)
