"""The JSON form of a fitted scaler."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import RecordError
from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class ScalerRecord(Record):
    """A fitted scaler: what it was told and what it learned; everything else follows from these.

    Args:
        scaler: The name of its class.
        parameters: The arguments of its constructor.
        named: Whether the columns had names when it was fitted.
        statistics: Of the table that it was fitted on.
        learned: What does not follow from the statistics: quantiles, powers, the scalers of columns.
    """

    version: ClassVar[int] = 2

    scaler: str
    parameters: dict[str, Any]
    named: bool
    statistics: ColumnStatistics
    learned: dict[str, Any] = dataclasses.field(default_factory=dict)


def read_scaler_record(path: Path, scaler: str | None) -> ScalerRecord:
    """The record in a file; of the named class, where one is named.

    Raises:
        RecordError: If the file cannot be read, or holds no such record, a newer one or one of
            another scaler.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fault = getattr(error, "strerror", None) or error
        raise RecordError(
            f"{path} cannot be read as a saved scaler: {fault}. Expected a file that save wrote "
            "(--save-scaler on the command line)."
        ) from error
    try:
        record = ScalerRecord.from_json(text)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    if scaler is not None and record.scaler != scaler:
        raise RecordError(
            f"{path} holds a {record.scaler}, not a {scaler}. Load it with {record.scaler}.load."
        )
    return record


def learned_numbers(learned: dict[str, Any], name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """What was learned under a name, as an array.

    Raises:
        ValueError: If it has another shape, which only a file can have.
    """
    values = np.array(learned[name], np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} has the shape {values.shape}; expected {shape}")
    return values
