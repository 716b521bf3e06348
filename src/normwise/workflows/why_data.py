"""The table of `why_table` as one matrix of numbers, raw and scaled, in three parts."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.errors import ModelError, NormwiseWarning, TableError, listing
from normwise.core.run_record import ColumnSchema
from normwise.tables import as_frame
from normwise.workflows.encode_table import (
    EncodedTable,
    codes_of,
    encode_table,
    feature_names,
    feature_origins,
)
from normwise.workflows.fit_table import FitOptions, read_source, target_name
from normwise.workflows.infer_columns import infer_columns
from normwise.workflows.network import scaling_of
from normwise.workflows.stratified import held_out_rows
from normwise.workflows.training_target import Target, take_target
from normwise.workflows.why_options import WhyOptions

MOST_ROWS = {"training": 8192, "validation": 2048, "held_out": 16384}
"""Of a part with more rows, so many are taken: what is compared needs steps, not rows."""
VALIDATION = 0.2
IN_MEMORY = Path("table.parquet")
"""What a table that is no file is called."""
Part = Literal["training", "validation", "held_out"]
Floats = NDArray[np.float32]
Kept = list[tuple[bool, int, NDArray[np.int32]]]
"""Of each column of categories: whether it is embedded, its place, and the codes of the training rows."""


@dataclasses.dataclass(frozen=True)
class WhyData:
    """A table as the networks of `why` read it.

    Args:
        source: The table's name.
        target: The target, of all rows.
        inputs: The names of the inputs.
        numeric: How many of the inputs, the first ones, are numbers; the others are categories, 0 or 1.
        raw: Part to inputs, (rows, inputs), as they stand in the table, missing numbers filled by the mean.
        scaled: The same, the numbers standardized by the training rows.
        y: Part to targets, (rows,): class numbers, or numbers standardized by the training rows.
        schema: The columns.
        training: The numeric features of the training rows, NaN where missing.
    """

    source: str
    target: Target
    inputs: tuple[str, ...]
    numeric: int
    raw: dict[Part, Floats]
    scaled: dict[Part, Floats]
    y: dict[Part, NDArray[np.int32] | Floats]
    schema: tuple[ColumnSchema, ...]
    training: EncodedTable

    def x(self, scaled: bool) -> dict[Part, Floats]:
        """The inputs, scaled or raw."""
        return self.scaled if scaled else self.raw

    @property
    def outputs(self) -> int:
        """The network's outputs: one a class, or one."""
        return len(self.target.classes) or 1


def read_why_data(table: Any, options: WhyOptions, note: Callable[[str], None]) -> WhyData:
    """Reads a table, parts it and makes its numbers.

    Args:
        table: As in `why_table`.
        options: As there.
        note: Told of what was done to the data.

    Raises:
        TableError: If the table or its target cannot be used; the message says why.
    """
    given = FitOptions(target=options.target, format=options.format, encoding=options.encoding)
    file = why_file(table)
    if table is None or isinstance(table, str | Path):
        frame, source, _ = read_source(file, given)
    else:
        frame, source = as_frame(table), IN_MEMORY.name
    features, target = take_target(frame, target_name(frame, file, given), options.task, note)
    parts = _parts(target, options, note)
    with warnings.catch_warnings():
        # The whole table first, so that a row in an error is a row of the file.
        warnings.simplefilter("ignore", NormwiseWarning)
        infer_columns(frame.drop(target.name), options.column_kinds)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NormwiseWarning)
        schema = infer_columns(features[parts["training"]], options.column_kinds)
        encoded = {part: encode_table(features[rows], schema) for part, rows in parts.items()}
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        note(message)
    training = encoded["training"]
    names, kept = _categories(training, schema)
    raw = {part: _raw(e, training, schema, kept) for part, e in encoded.items()}
    scaled = {part: _scaled(e, training, schema, kept) for part, e in encoded.items()}
    y = _targets(target, parts)
    inputs = (*feature_names(schema), *names)
    return WhyData(source, target, inputs, training.numeric.shape[1], raw, scaled, y, schema, training)


def why_file(table: Any) -> Path | None:
    """The file of a table, or one that a table in memory may be saved as; None for the built-in one."""
    if table is None:
        return None
    return Path(table) if isinstance(table, str | Path) else IN_MEMORY


def fit_to_width(data: WhyData, width: int, model: str, note: Callable[[str], None]) -> WhyData:
    """The table as a model of this many inputs reads it: all inputs, or the columns of numbers alone.

    Args:
        data: The table.
        width: The width of the model's input.
        model: The model's name, for the message.
        note: Told of inputs that are left out.

    Raises:
        ModelError: If the model takes neither as many.
    """
    if width == len(data.inputs):
        return data
    columns = {column.name for column in data.schema}
    kept = [i for i, name in enumerate(data.inputs[: data.numeric]) if name in columns]
    names = tuple(data.inputs[i] for i in kept)
    if width == len(names):
        others = [name for name in data.inputs if name not in names]
        note(f"{model} takes {width} inputs, the columns of numbers; left out are {listing(others)}")
        raw, scaled = ({part: x[:, kept] for part, x in way.items()} for way in (data.raw, data.scaled))
        return dataclasses.replace(data, inputs=names, numeric=width, raw=raw, scaled=scaled)
    alone = f", or its {len(names)} columns of numbers ({listing(names, 20)})" if names != data.inputs else ""
    raise ModelError(
        f"{model} takes {width} inputs, and {data.source} gives {len(data.inputs)}"
        f" ({listing(data.inputs, 20)}){alone}; expected the columns that the model was made for. Leave"
        " columns out by --kind NAME=excluded."
    )


def _parts(target: Target, options: WhyOptions, note: Callable[[str], None]) -> dict[Part, NDArray[np.intp]]:
    """The rows of each part, of each class alike, at most `MOST_ROWS`."""
    strata = target.strata()
    classes = np.zeros(strata, np.int64) if isinstance(strata, int) else strata
    held = held_out_rows(classes, options.held_out, options.seed, keep=2)
    rest = np.flatnonzero(~held)
    checked = held_out_rows(classes[rest], VALIDATION, options.seed + 1)
    parts: dict[Part, NDArray[np.intp]] = {
        "training": rest[~checked],
        "validation": rest[checked],
        "held_out": np.flatnonzero(held),
    }
    for part, rows in parts.items():
        if not len(rows):
            raise TableError(
                f"{len(classes)} rows are too few to part into training, validation and held-out rows;"
                " gather more rows"
            )
        if len(rows) > MOST_ROWS[part]:
            share = 1 - MOST_ROWS[part] / len(rows)
            parts[part] = rows[~held_out_rows(classes[rows], share, options.seed + 2)]
            words = part.replace("_", "-")
            note(
                f"of {len(rows):,} {words} rows, {len(parts[part]):,} were drawn, of each class alike: the"
                " variants are compared on equal terms, not trained to the last"
            )
    return parts


def _categories(training: EncodedTable, schema: tuple[ColumnSchema, ...]) -> tuple[list[str], Kept]:
    """Names of the inputs that categories become, and which codes of which column they are."""
    names: list[str] = []
    kept: Kept = []
    for embedded, encoding in ((False, "one-hot"), (True, "embedding")):
        for i, column in enumerate(c for c in schema if c.encoding == encoding):
            codes = (training.embedded if embedded else training.one_hot)[:, i]
            seen = np.unique(codes[codes >= 0])
            words = ["other", "missing", *column.categories]
            names += [f"{column.name} = {words[code]}" for code in seen]
            kept.append((embedded, i, seen))
            assert not len(seen) or seen[-1] < codes_of(column)
    return names, kept


def _raw(
    encoded: EncodedTable,
    training: EncodedTable,
    schema: tuple[ColumnSchema, ...],
    kept: Kept,
) -> Floats:
    """Numbers as they stand in the table, then a 0 or 1 for each category of the training rows."""
    means = np.array([_mean(column) for column in training.numeric.T])
    filled = np.where(np.isnan(encoded.numeric), means, encoded.numeric.astype(np.float64))
    return np.hstack([filled + feature_origins(schema), *_one_hot(encoded, kept)]).astype(np.float32)


def _scaled(
    encoded: EncodedTable,
    training: EncodedTable,
    schema: tuple[ColumnSchema, ...],
    kept: Kept,
) -> Floats:
    """Numbers standardized by the training rows, a missing one 0, the mean; categories as they are."""
    if not training.numeric.shape[1]:
        return np.hstack([encoded.numeric, *_one_hot(encoded, kept)]).astype(np.float32)
    named = pl.DataFrame(encoded.numeric, schema=list(feature_names(schema)))
    numbers = np.nan_to_num(scaling_of(schema, training).transform(named).to_numpy(), nan=0.0)
    return np.hstack([numbers, *_one_hot(encoded, kept)]).astype(np.float32)


def _one_hot(encoded: EncodedTable, kept: Kept) -> list[NDArray[np.bool_]]:
    return [(encoded.embedded if e else encoded.one_hot)[:, [i]] == seen for e, i, seen in kept]


def _mean(column: NDArray[np.float32]) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean(dtype=np.float64)) if len(known) else 0.0


def _targets(target: Target, parts: dict[Part, NDArray[np.intp]]) -> dict[Part, NDArray[np.int32] | Floats]:
    if target.classes:
        return {part: target.values[rows].astype(np.int32) for part, rows in parts.items()}
    training = target.values[parts["training"]]
    mean, std = training.mean(), training.std()
    if std == 0:
        raise TableError(
            f'column "{target.name}" is the target, but always {mean:g} in the {len(training)} training rows:'
            " there is nothing to learn. Gather more rows."
        )
    return {part: ((target.values[rows] - mean) / std).astype(np.float32) for part, rows in parts.items()}
