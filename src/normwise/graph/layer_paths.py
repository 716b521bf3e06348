"""layer_paths: what each layer of a model is called, wherever the model comes from."""

from __future__ import annotations

from typing import Any

from normwise.graph.walk import children


def layer_paths(model: Any) -> dict[int, str]:
    """By the id of a layer, the names of the layers that hold it and its own, from the model inwards.

    The model's own name is left out. Keras' `Layer.path` has it or not, as the layer was built inside of the
    model or before it: in a Sequential made in Python it is ``"net/hidden"``, in the same one loaded from a
    file ``"hidden"``. A layer that is held twice has the path of the first place.

    Args:
        model: A Keras model.

    Example:
        >>> import keras
        >>> inner = keras.Sequential([keras.layers.Dense(2, name="hidden")], name="inner")
        >>> model = keras.Sequential([keras.Input((3,)), inner], name="net")
        >>> layer_paths(model)[id(inner.layers[0])]
        'inner/hidden'
    """
    found = {id(model): str(model.name)}
    _put(model, "", found)
    return found


def _put(holder: Any, before: str, found: dict[int, str]) -> None:
    for child in children(holder):
        if id(child) not in found:
            found[id(child)] = before + str(child.name)
            _put(child, f"{found[id(child)]}/", found)
