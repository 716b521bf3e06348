"""probed_rows: some rows of any data that `normwise.fit` takes, drawn by a fixed seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.core.errors import ColumnError, NormwiseError, TrainingError
from normwise.graph.error_text import error_text
from normwise.training.check_arguments import check_batch_size
from normwise.training.check_data import check_data
from normwise.training.feed import feed
from normwise.training.frame_arrays import is_name
from normwise.training.keras_trainer import EpochBatches, can_slice_array, convert_to_sliceable, tree
from normwise.training.leaves import named_leaves
from normwise.training.seeded import numpy_state
from normwise.training.table_stream import TableStream

SEED = 0


@dataclasses.dataclass(frozen=True)
class ProbedRows:
    """Rows of a model's data.

    Args:
        x: Arrays in the structure that the model takes.
        y: Targets; None where there are none.
        rows: How many rows the data have; None where nobody knows.
        columns: Names of the features of a table; () of all else.
        places: Where the rows stand in the data, counted from 0.
        batch_size: Rows a batch, of what comes in batches.
    """

    x: Any
    y: Any
    rows: int | None
    columns: tuple[str, ...]
    places: NDArray[np.int64]
    batch_size: int | None = None

    @property
    def count(self) -> int:
        """How many rows were taken."""
        return len(self.places)

    def fewer(self, rows: int) -> ProbedRows:
        """So many of them at most, evenly spread."""
        if rows >= self.count:
            return self
        some = np.linspace(0, self.count - 1, rows).astype(int)
        x, y = (_each(lambda leaf: leaf[some], part) for part in (self.x, self.y))
        return dataclasses.replace(self, x=x, y=y, places=self.places[some])


def probed_rows(
    model: Any, x: Any, y: Any, rows: int, batch_size: int | None = None, *, new: bool = False
) -> ProbedRows:
    """At most `rows` rows: of arrays and tables drawn from all, of what comes in batches the first.

    Args:
        model: The model that takes them.
        x: What `normwise.fit` takes as x.
        y: Targets, or the name of their column.
        rows: How many at most.
        batch_size: Rows a batch.
        new: Whether x are later data, of which a table may lack the targets.

    Raises:
        TrainingError: If there are none, they do not fit each other or the model, or reading them raised.
        TableError: If a table cannot be read; a ColumnError, if a column is absent or holds no numbers.
    """
    check_batch_size(batch_size)
    if new:
        try:
            return _probed(model, x, y, rows, batch_size, new)
        except TrainingError as error:
            raise TrainingError(f"of the new data, {error}") from error
    return _probed(model, x, y, rows, batch_size, new)


def _probed(model: Any, x: Any, y: Any, rows: int, batch_size: int | None, new: bool) -> ProbedRows:
    if not any(part is not None for part in tree.flatten(x)):
        raise TrainingError(f"x is {x!r}, which holds no data; expected arrays, a table, or batches of them")
    for name, structure in (("x", x), ("y", y)):
        _require_rows(name, structure)
    with numpy_state([np.random.RandomState(SEED).get_state()]):
        if new:
            fed = _fed_without_targets(model, x, y)
        else:
            fed = feed(model, (x, y, None), batch_size, None, shuffle=True)[:2]
        if all(map(can_slice_array, tree.flatten(fed[0]))):
            return _of_arrays(model, *fed, rows, _columns(x, y))
        return _of_batches(model, *fed, rows, batch_size)


def _require_rows(name: str, structure: Any) -> None:
    """Raises TrainingError where Keras takes no rows: of lists of numbers, of single ones, of text as y."""
    for called, leaf in named_leaves(name, structure):
        if isinstance(leaf, (bool, int, float, complex, np.generic)) or getattr(leaf, "shape", None) == ():
            kind = f"a {type(structure).__name__}" if structure is not leaf else f"the single value {leaf!r}"
            raise TrainingError(
                f"{name} is {kind}, which holds no array of rows; expected arrays, such as"
                f" numpy.asarray({name}), with a row for each example"
            )
        if name == "y" and isinstance(leaf, np.ndarray) and leaf.dtype.kind in "OUSMm":
            raise TrainingError(
                f"{called} holds values of type {leaf.dtype} and not numbers; expected class numbers from 0,"
                " as numpy.unique(y, return_inverse=True) gives, one-hot rows, or numbers to predict"
            )


def _fed_without_targets(model: Any, x: Any, y: Any) -> tuple[Any, Any]:
    if is_name(y):
        try:
            return feed(model, (x, y, None), None, None, shuffle=True)[0], None
        except ColumnError:
            pass  # new data often have no targets yet
    return feed(model, (x, None, None), None, None, shuffle=True)[0], None


def _of_arrays(model: Any, x: Any, y: Any, most: int, columns: tuple[str, ...]) -> ProbedRows:
    check_data(model, x, y, None, None, validation_split=0.0, batch_size=None)
    count = len(tree.flatten(x)[0])
    places = np.arange(count)
    if count > most:
        places = np.sort(np.random.default_rng(SEED).choice(count, most, replace=False))

    def take(leaf: Any) -> Any:
        sliceable = convert_to_sliceable(leaf, target_backend="numpy")
        return np.asarray(sliceable.convert_to_numpy(sliceable[places]))

    return ProbedRows(_each(take, x), _each(take, y), count, columns, places)


def _of_batches(model: Any, x: Any, y: Any, most: int, batch_size: int | None) -> ProbedRows:
    adapter = _adapter(x, y, batch_size)
    stream = isinstance(adapter, TableStream)
    batches: list[Any] = []
    count = 0
    adapter.on_epoch_begin()
    try:
        for batch in adapter.get_numpy_iterator():
            batches.append(keras.utils.unpack_x_y_sample_weight(batch)[:2])
            count += len(tree.flatten(batches[-1][0])[0])
            if count >= most:
                break
    except NormwiseError:
        raise
    except Exception as error:  # whatever the user's generator or data set raises
        raise TrainingError(f"reading the data raised {error_text(error)}") from error
    finally:
        if stream:
            adapter.close()
    if not count:
        raise TrainingError("the data gave no rows; expected one or more")
    x, y = tree.map_structure(lambda *parts: np.concatenate(parts)[:most], *batches, none_is_leaf=False)
    check_data(model, x, y, None, None, validation_split=0.0, batch_size=None)
    places = np.arange(min(count, most))
    if stream:
        return ProbedRows(x, y, adapter.blocks.rows, adapter.columns.features, places)
    return ProbedRows(x, y, None, (), places, len(tree.flatten(batches[0][0])[0]))


def _adapter(x: Any, y: Any, batch_size: int | None) -> Any:
    try:
        return EpochBatches(x=x, y=y, batch_size=batch_size, shuffle=False).data_adapter
    except NormwiseError:
        raise
    except Exception as error:  # whatever the user's generator raises: its first batches are looked at
        raise TrainingError(f"the data cannot be used: {error_text(error)}") from error


def _each(change: Callable[[Any], Any], structure: Any) -> Any:
    return tree.map_structure(change, structure, none_is_leaf=False)


def _columns(x: Any, y: Any) -> tuple[str, ...]:
    names = getattr(x, "column_names", None) or getattr(x, "columns", None)
    if names is None or isinstance(x, dict):
        return ()
    named = {y} if isinstance(y, str) else set(y) if is_name(y) else set()
    return tuple(str(name) for name in names if name not in named)
