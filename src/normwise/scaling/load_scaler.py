"""load_scaler: a saved scaler of whatever class."""

from __future__ import annotations

import os
from pathlib import Path

from normwise.core.errors import RecordError, did_you_mean
from normwise.scaling.column_scaler import SCALERS, ColumnScaler
from normwise.scaling.scaler import Scaler
from normwise.scaling.scaler_record import read_scaler_record


def load_scaler(path: str | os.PathLike[str]) -> Scaler:
    """The scaler in a file that any scaler's `save` wrote.

    Raises:
        RecordError: If the file is missing or malformed, was written by a newer version, or holds a scaler
            that this version does not know.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> file = pathlib.Path(tempfile.mkdtemp(), "scaler.json")
        >>> SCALERS["MinMaxScaler"]().fit(np.array([[1.0], [3.0]])).save(file)
        >>> load_scaler(file)
        MinMaxScaler()
    """
    known: dict[str, type[Scaler]] = {**SCALERS, "ColumnScaler": ColumnScaler}
    record = read_scaler_record(Path(path), None)
    if record.scaler not in known:
        raise RecordError(f'{path} holds a "{record.scaler}". {did_you_mean(record.scaler, known)}')
    return known[record.scaler].load(path)
