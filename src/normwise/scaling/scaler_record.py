"""The JSON form of a fitted scaler."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from normwise.core.column_statistics import ColumnStatistics, Floats
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
    """

    scaler: str
    parameters: dict[str, Floats]
    named: bool
    statistics: ColumnStatistics


def read_scaler_record(path: Path, scaler: str) -> ScalerRecord:
    """The record in a file.

    Raises:
        RecordError: If the file cannot be read, or holds no such record, a newer one or one of
            another scaler.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read as a saved scaler: {error}") from error
    try:
        record = ScalerRecord.from_json(text)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    if record.scaler != scaler:
        raise RecordError(
            f"{path} holds a {record.scaler}, not a {scaler}. Load it with {record.scaler}.load."
        )
    return record
