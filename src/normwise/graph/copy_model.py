"""copy_model: a model once more, with the same weights."""

from __future__ import annotations

from typing import Any

from normwise.graph.clone import can_be_cloned
from normwise.graph.compiling import compile_like
from normwise.graph.rebuild import rebuild
from normwise.graph.reconfigure import reconfigured
from normwise.graph.state import copy_state


def copy_model(model: Any) -> Any:
    """An equal model that shares nothing with the first; a compiled one with a fresh optimizer.

    A Sequential or Functional model is made layer by layer, any other one from its configuration.

    Raises:
        ValueError: If the model, or a layer, cannot be rebuilt from its configuration.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="scores")])
        >>> copy_model(model).layers[0] is model.layers[0]
        False
    """
    if can_be_cloned(model):
        return reconfigured(model, {})
    new = rebuild(model)
    copy_state(model, new)
    # Its layers are; the model itself would be by its first call.
    new.built = model.built
    compile_like(new, model)
    return new
