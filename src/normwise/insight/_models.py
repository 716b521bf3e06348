"""What the measurements of models share: checks, and a pass through the model that leaves it as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.insight._features import Floats

if TYPE_CHECKING:
    from normwise.graph.layer_calls import Calls


def require_built(model: Any) -> None:
    """Fail where the model has no variables yet."""
    if not model.built:
        raise TrainingError(
            f"the model {model.name} is not built; expected one that is: give it an Input, or call it once"
        )


def checked_batch(x: Any) -> Any:
    """The rows as a model takes them: an array, or a list or dictionary of arrays.

    Raises:
        ValueError: If they are not two rows or more of finite numbers, as many in every array.
    """
    if isinstance(x, dict):
        batch = {key: _checked(values, f'x["{key}"]') for key, values in x.items()}
        parts = list(batch.values())
    elif isinstance(x, (list, tuple)) and all(hasattr(values, "shape") for values in x):
        parts = [_checked(values, f"x[{i}]") for i, values in enumerate(x)]
        return _same_rows(parts, parts)
    else:
        return _checked(x, "x")
    return _same_rows(batch, parts)


def rows_of(batch: Any) -> int:
    """How many rows a checked batch has."""
    if isinstance(batch, dict):
        return len(next(iter(batch.values())))
    return len(batch[0] if isinstance(batch, list) else batch)


def _same_rows(batch: Any, parts: list[Any]) -> Any:
    rows = [len(values) for values in parts]
    if len(set(rows)) != 1:
        raise ValueError(
            f"the arrays of x have {rows} rows; expected as many in each, and at least one array"
        )
    return batch


def _checked(values: Any, name: str) -> Any:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.ndim < 1 or len(array) < 2:
        raise ValueError(
            f"{name} has shape {array.shape} and dtype {array.dtype}; expected two rows or more of numbers"
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} holds {array[place]} in row {place[0]} (counted from 0); expected finite numbers: fill"
            " in or leave out such rows"
        )
    return array


def calls_as_in_training(model: Any, x: Any) -> Calls:
    """What activation functions and normalizations take and give when the model computes as in training.

    Normalization is by the statistics of these rows, all of them one batch; layers that draw random numbers,
    such as dropout, compute as at inference. What the pass would change in the model is dropped.
    """
    import keras

    from normwise.graph.layer_calls import calls_noted, without_noise

    require_built(model)
    batch = checked_batch(x)
    with keras.StatelessScope(), without_noise(), calls_noted() as calls:
        model(batch, training=True)
    return calls


def by_unit(values: Any, what: str) -> Floats:
    """A layer's values in float64 as (values of a unit, units), the units being on the last axis.

    Raises:
        TrainingError: If one is not finite; `what` says what they are.
    """
    from keras import ops

    found = np.asarray(ops.convert_to_numpy(values), np.float64)
    found = found.reshape(-1, found.shape[-1])
    if not np.isfinite(found).all():
        raise TrainingError(
            f"{what} holds {found[~np.isfinite(found)][0]}; expected finite numbers: look at the model's"
            " weights and at the scale of x"
        )
    return found
