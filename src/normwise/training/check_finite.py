"""check_finite: values that are not numbers, and that the model cannot deal with.

Some models can: a layer may fill in what is missing, a loss may leave out unknown labels. So NaN and
infinity are looked for, and refused where Keras' own loss of such a row is not finite either.
"""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np

from normwise.core.errors import TrainingError
from normwise.training.leaves import is_array, is_frame, named_leaves, take_rows, values_of

MOST_ROWS = 8
"""Rows that are tried out on the model: the first of each column with such a value."""


def check_finite(model: Any, x: Any, y: Any = None, sample_weight: Any = None, *, of: str = "") -> None:
    """Nothing, if the arrays and frames are finite, or the model copes; what lies on a disk is not looked at.

    Args:
        model: A compiled, built Keras model.
        x: Features.
        y: Targets.
        sample_weight: Weights.
        of: What stands in front of their names in messages, such as ``"validation "``.

    Raises:
        TrainingError: Naming the first value by its column and row.
    """
    named = {"x": x, "y": y, "sample_weight": sample_weight}
    leaves = [found for name, part in named.items() for found in named_leaves(of + name, part)]
    if not all(is_array(leaf) for _, leaf in leaves):
        return
    found = [place for name, leaf in leaves for place in _places(name, leaf)]
    if not found or type(model).train_step is not keras.Model.train_step:
        return
    loss_of = _loss_of(model, (x, y, sample_weight))
    for row, where in found[:MOST_ROWS]:
        if not loss_of(row):
            raise TrainingError(
                f"{where}, row {row:,} (counted from 0), and with it the loss is not finite: fill in or "
                "leave out such rows."
            )


def _places(name: str, leaf: Any) -> list[tuple[int, str]]:
    """Row and words for the first value that is not finite in each column."""
    if is_frame(leaf):
        columns = [(f'{name} holds {{}} in column "{c}"', leaf[c]) for c in leaf.columns]
        return [place for words, column in columns for place in _first(words, values_of(column))]
    values = values_of(leaf)
    if values is None or _is_finite(values):
        return []
    flat = values.reshape(len(values), -1)
    if values.ndim == 1:
        return _first(f"{name} holds {{}}", values)
    columns = [(f"{name} holds {{}} in column {_index(i, values.shape[1:])}", flat[:, i]) for i in _bad(flat)]
    return [place for words, column in columns for place in _first(words, column)]


def _bad(flat: Any) -> list[int]:
    """The first few columns in which something is not finite."""
    with np.errstate(all="ignore"):
        suspects = np.flatnonzero(~np.isfinite(flat.sum(axis=0, dtype=_wide(flat))))
    return [int(i) for i in suspects if not np.isfinite(flat[:, i]).all()][:MOST_ROWS]


def _first(words: str, values: Any) -> list[tuple[int, str]]:
    if values is None or _is_finite(values):
        return []
    rows = np.flatnonzero(~np.isfinite(values))
    return [(int(row), words.format(_word(values[row]))) for row in rows[:1]]


def _word(value: Any) -> str:
    return "NaN" if np.isnan(value) else "infinity" if value > 0 else "minus infinity"


def _index(i: int, shape: tuple[int, ...]) -> str:
    return str(i) if len(shape) == 1 else str(tuple(int(k) for k in np.unravel_index(i, shape)))


def _is_finite(values: Any) -> bool:
    """In one pass without a copy: a sum is finite only if all of its terms are."""
    if values.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum(dtype=_wide(values))):
            return True
    return bool(np.isfinite(values).all())


def _wide(values: Any) -> Any:
    return np.float32 if values.dtype.itemsize < 4 else values.dtype


def _loss_of(model: Any, data: Any) -> Any:
    """A function from a row to whether Keras' loss of it is finite; true where Keras itself cannot say."""
    loss = jax.jit(lambda *state_and_data: model.compute_loss_and_updates(*state_and_data, training=False)[0])
    kinds = ("trainable_variables", "non_trainable_variables", "metrics_variables")
    state = [[v.value for v in getattr(model, kind)] for kind in kinds]

    def is_finite(row: int) -> bool:
        try:
            return bool(np.isfinite(loss(*state, *take_rows(data, row, row + 1))).all())
        except Exception:
            return True

    return is_finite
