"""sample_rows: rows to compare two models on, from the user's or drawn by the shapes of the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.core.errors import ModelError, did_you_mean, listing
from normwise.deploy.tensor_names import input_names, model_input
from normwise.graph.walk import consumers

DRAWN_ROWS = 16
MOST_ROWS = 256


def sample_rows(model: Any, x: Any = None) -> list[NDArray[Any]]:
    """An array an input, in the model's order.

    Args:
        model: A built Sequential or Functional model.
        x: Rows, as the model is called on them; of more than 256 as many, evenly spread. Without, 16 are
            drawn: standard normal numbers, and 0 or 1 for integers and for what an `Embedding` reads.

    Raises:
        ModelError: If `x` does not fit the inputs, or no rows can be drawn for them.
    """
    if x is None:
        generator = np.random.default_rng(0)
        takers = consumers(model)
        named = zip(input_names(model), model.inputs, strict=True)
        return [_drawn(name, tensor, takers, generator) for name, tensor in named]
    parts = _by_name(model, x) if isinstance(x, Mapping) else keras.tree.flatten(x)
    arrays = [np.asarray(keras.ops.convert_to_numpy(part)) for part in parts]
    _check(model, arrays)
    rows = len(arrays[0])
    chosen = np.unique(np.linspace(0, rows - 1, MOST_ROWS).astype(int)) if rows > MOST_ROWS else slice(None)
    pairs = zip(model.inputs, arrays, strict=True)
    # Texts, which TensorFlow's models may take, have no dtype of this name in NumPy.
    return [
        array[chosen] if tensor.dtype == "string" else array[chosen].astype(tensor.dtype)
        for tensor, array in pairs
    ]


def as_called(model: Any, arrays: list[NDArray[Any]]) -> Any:
    """The arrays in the structure that the model is called on."""
    return keras.tree.pack_sequence_as(model_input(model), arrays)


def _by_name(model: Any, x: Mapping[str, Any]) -> list[Any]:
    names = input_names(model)
    if absent := [name for name in names if name not in x]:
        raise ModelError(f"x lacks the inputs {listing(absent)}. {did_you_mean(absent[0], x)}")
    return [x[name] for name in names]


def _drawn(
    name: str, tensor: Any, takers: dict[int, list[Any]], generator: np.random.Generator
) -> NDArray[Any]:
    sizes = tensor.shape[1:]
    if None in sizes:
        raise ModelError(
            f'the input "{name}" has the shape {tensor.shape}, so that no rows can be drawn to compare '
            "Keras and ONNX Runtime on; hand over rows x of the sizes that the model will see."
        )
    dtype = np.dtype(tensor.dtype)
    nodes = [node for node in takers.get(id(tensor), []) if node is not None]
    reads_codes = any(isinstance(node.operation, keras.layers.Embedding) for node in nodes)
    if reads_codes or dtype.kind in "iub":
        return generator.integers(0, 2, (DRAWN_ROWS, *sizes)).astype(dtype)
    return generator.normal(size=(DRAWN_ROWS, *sizes)).astype(dtype)


def _check(model: Any, arrays: list[NDArray[Any]]) -> None:
    if len(arrays) != len(model.inputs):
        raise ModelError(f"x holds {len(arrays)} arrays; expected one for each of {len(model.inputs)} inputs")
    for name, tensor, array in zip(input_names(model), model.inputs, arrays, strict=True):
        fits = len(tensor.shape) == array.ndim and all(
            size in (None, given) for size, given in zip(tensor.shape, array.shape, strict=True)
        )
        if not fits:
            raise ModelError(
                f'x has an array of shape {array.shape} for the input "{name}"; expected {tensor.shape}, '
                "None being any size"
            )
    if len(counts := {len(array) for array in arrays}) > 1 or 0 in counts:
        raise ModelError(f"the arrays of x have {sorted(counts)} rows; expected one number of them, above 0")
