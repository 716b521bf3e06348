"""leaves: the arrays of a structure, each with the name by which a message speaks of it."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from normwise.training.keras_trainer import can_slice_array, convert_to_sliceable, tree


def named_leaves(name: str, structure: Any) -> list[tuple[str, Any]]:
    """What the structure holds, but for None.

    Example:
        >>> [name for name, _ in named_leaves("x", {"age": 1, "city": [2, None]})]
        ['x["age"]', 'x["city"][0]']
    """
    if structure is None:
        return []
    found = [(path, leaf) for path, leaf in tree.flatten_with_path(structure) if leaf is not None]
    return [(name + "".join(_key(part) for part in path), leaf) for path, leaf in found]


def _key(part: Any) -> str:
    return f'["{part}"]' if isinstance(part, str) else f"[{part}]"


def is_array(leaf: Any) -> bool:
    """Whether Keras takes rows of it: an array, a tensor or a frame, and not a data set or a generator."""
    return bool(can_slice_array(leaf)) and hasattr(leaf, "shape")


def is_frame(leaf: Any) -> bool:
    """Whether it has columns with names, as frames of pandas and Polars have."""
    return hasattr(leaf, "columns") and hasattr(leaf, "to_numpy")


def values_of(leaf: Any) -> np.ndarray[Any, Any] | None:
    """The values of a numeric array or series without a copy; None for others, and what lies on a disk."""
    if hasattr(leaf, "to_numpy") and not is_frame(leaf):
        leaf = leaf.to_numpy()
    if isinstance(leaf, jax.Array) and leaf.is_fully_addressable:
        leaf = np.asarray(leaf)
    if not isinstance(leaf, np.ndarray) or isinstance(leaf, np.memmap):
        return None
    return leaf if leaf.dtype.kind in "biuf" else None


def take_rows(structure: Any, start: int, stop: int) -> Any:
    """Some rows, as Keras' step takes them.

    Raises:
        ValueError: If the values are not numbers.
    """

    def one(leaf: Any) -> Any:
        # Keras' own slices convert the whole array first.
        rows = leaf.iloc[start:stop] if hasattr(leaf, "iloc") else leaf[start:stop]
        sliceable = convert_to_sliceable(rows, target_backend="jax")
        return np.asarray(sliceable.convert_to_jax_compatible(sliceable[0 : stop - start]))

    return tree.map_structure(one, structure, none_is_leaf=False)
