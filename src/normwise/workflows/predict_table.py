"""From a run folder and a table to predictions."""

from __future__ import annotations

import dataclasses
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import RunFolderError
from normwise.core.errors import warn as warn_user
from normwise.core.run_record import TableSchema
from normwise.tables import as_frame, check_writable, read_table, write_table
from normwise.workflows.check_schema import check_model
from normwise.workflows.drawn_rows import drawn_rows
from normwise.workflows.drift import drift_notes
from normwise.workflows.encode_table import EncodedTable, encode_table, feature_origins, missing_indicators
from normwise.workflows.feature_statistics import feature_statistics
from normwise.workflows.run_folder import MODEL, read_schema

if TYPE_CHECKING:
    import keras

PREDICTION_ROWS = 4096
FEWEST_PREDICTION_ROWS = 64
"""Rows that a network predicts at once, at most and at least."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained network and the schema of its table, as `load_run` reads them from a run folder.

    Args:
        schema: What each column is and how it is encoded.
        model: The Keras model, its numeric scaling included.
    """

    schema: TableSchema
    model: keras.Model

    def predict(self, table: Any, warn: Callable[[str], None] | None = None) -> pl.DataFrame:
        """Predictions for each row of a table, in its order.

        Args:
            table: pandas, Polars, NumPy, a dict of columns; columns are found by name.
            warn: Told what differs from the training table: drift, categories never seen, columns not known.
                By default each is a `NormwiseWarning`.

        Returns:
            ``prediction``, and for classes ``probability of …`` each.

        Raises:
            ColumnError: If a column is absent or of another kind.
        """
        return self._named(network_outputs(self.model, self.encoded(table, warn)))

    def encoded(self, table: Any, warn: Callable[[str], None] | None = None) -> EncodedTable:
        """What the network reads of a table; arguments and errors are those of `predict`."""
        frame = as_frame(table)
        frame = frame.drop(self.schema.target, strict=False)
        encoded = encode_table(frame, self.schema.columns)
        for message in (*encoded.notes, *self._drift(encoded)):
            (warn or warn_user)(message)
        return encoded

    def read(self, table: Path, format: str | None = None, encoding: str = "utf-8") -> pl.DataFrame:
        """The table of a file, as far as the types of its columns go read as the training's was."""
        # A column of categories stays text, even where all that this file holds of it looks like numbers.
        text = [c.name for c in self.schema.columns if c.kind == "categorical" and c.dtype == "String"]
        return read_table(table, format=format, encoding=encoding, text_columns=text)

    def _drift(self, encoded: EncodedTable) -> tuple[str, ...]:
        columns, training = self.schema.columns, self.schema.statistics
        # Run folders of before there were sketches have none to compare with.
        now = feature_statistics(encoded, columns, sketches=bool(training.sketches))
        return drift_notes(training, now, feature_origins(columns), missing_indicators(columns))

    def _named(self, outputs: NDArray[np.float32]) -> pl.DataFrame:
        if self.schema.task == "regression":
            values = outputs[:, 0].astype(np.float64) * self.schema.target_std + self.schema.target_mean
            return pl.DataFrame({"prediction": values})
        wide = outputs.astype(np.float64)
        wide = wide / wide.sum(axis=1, keepdims=True)
        classes = pl.Series(self.schema.classes, dtype=pl.String)
        chosen = classes.gather(wide.argmax(axis=1)) if len(wide) else classes.clear()
        probabilities = {f"probability of {name}": wide[:, i] for i, name in enumerate(self.schema.classes)}
        return pl.DataFrame({"prediction": _as_target(chosen, self.schema.target_dtype), **probabilities})


def network_outputs(model: keras.Model, encoded: EncodedTable) -> NDArray[np.float32]:
    """What a network says of encoded rows, in batches: class probabilities, or standardized targets.

    The last batch is filled up with rows of zeros: batches then have few different sizes, each compiled once,
    and a row's result does not depend on how many others there are.
    """
    rows = len(encoded.numeric)
    if rows == 0:
        return np.zeros((0, model.output_shape[-1]), np.float32)
    batch = min(PREDICTION_ROWS, max(FEWEST_PREDICTION_ROWS, 1 << (rows - 1).bit_length()))
    rest = -rows % batch
    inputs = {
        name: np.concatenate([array, np.zeros((rest, array.shape[1]), array.dtype)])
        for name, array in encoded.inputs().items()
    }
    outputs: NDArray[np.float32] = model.predict(inputs, batch_size=batch, verbose=0)
    return outputs[:rows]


def load_run(folder: Path | str, *, compile: bool = True) -> Run:
    """Reads a run folder.

    Args:
        folder: The run folder.
        compile: Whether its model is compiled as it was saved; inference does not need it.

    Raises:
        RunFolderError: If it is none, or its model cannot be read.
        RecordError: If its schema is malformed, or was written by a newer normwise.
    """
    schema = read_schema(Path(folder))
    from normwise.layers.load_model import load_model  # seconds, which a wrong folder need not cost

    try:
        model = load_model(Path(folder) / MODEL, compile=compile)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise RunFolderError(
            f"{Path(folder) / MODEL} cannot be loaded: {error}. Fetch the run folder again, or train anew."
        ) from error
    check_model(schema, model)
    return Run(schema, model)


def predict_table(
    run: Path,
    table: Path,
    out: Path | None,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    overwrite: bool = False,
    folded: bool = False,
    warn: Callable[[str], None] | None = None,
) -> pl.DataFrame:
    """Predictions for a table's file, written to another.

    Args:
        run: The run folder.
        table: A CSV or Parquet file with the columns of the training table; the target may be absent.
        out: Where the predictions go, CSV or Parquet by its name; None writes nothing.
        format: The table's format, where its name does not tell.
        encoding: The text encoding of a CSV file.
        overwrite: Whether an older file is replaced.
        folded: Whether the network's normalization is folded away first, as far as it then gives the same, to
            rounding, on drawn rows.
        warn: Told what differs from the training table.

    Returns:
        The predictions, one row a row of the table, in its order.
    """
    if out is not None:
        check_writable(out, overwrite)
    loaded = load_run(run, compile=False)
    if folded:
        from normwise.deploy.fold import fold

        rows = drawn_rows(loaded.schema).inputs()
        loaded = dataclasses.replace(loaded, model=fold(loaded.model, rows).model)
    predictions = loaded.predict(loaded.read(table, format, encoding), warn)
    if out is not None:
        write_table(predictions, out, overwrite=overwrite)
    return predictions


def _as_target(classes: pl.Series, dtype: str) -> pl.Series:
    """The classes in the target's own type, where text tells it: numbers and booleans."""
    if dtype == "Boolean":
        return classes == "true"
    if dtype == "UInt64":
        return classes.cast(pl.UInt64)
    if dtype.startswith(("Int", "UInt")):
        return classes.cast(pl.Int64)
    if dtype.startswith("Float"):
        return classes.cast(pl.Float64)
    return classes
