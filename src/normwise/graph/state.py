"""What a layer has beside its configuration: variables, seeds, tables, and what of it is trainable."""

from __future__ import annotations

import tempfile
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.graph.walk import matched


def copy_state(old: Any, new: Any) -> None:
    """Give the layers of a new model the state of the corresponding ones of an old model.

    Raises:
        ValueError: If a layer has no counterpart, or has two: it was shared in a way that got lost.
    """
    counterparts: dict[int, Any] = {}
    pairs = list(matched(old, new))
    for one, other in pairs:
        if counterparts.setdefault(id(one), other) is not other:
            raise ValueError(
                f'the {type(one).__name__} "{one.name}" is shared between a layer that holds it and another '
                "place of the model; rebuilt from configurations there would be two of it. Use it as a layer "
                "of the model itself, in all places."
            )
    for one, other in pairs:
        _copy_own(one, other)
    # Outer layers first, since the setter reaches all layers inside.
    for one, other in pairs:
        other.trainable = one.trainable
        for name in ("_trainable_variables", "_non_trainable_variables"):
            for variable, twin in zip(getattr(one, name), getattr(other, name), strict=False):
                twin.trainable = variable.trainable


def _copy_own(old: Any, new: Any) -> None:
    if old.built and not new.built:
        new.build_from_config(old.get_build_config())
    if _lost_its_bias(old, new):
        values = {variable.name: variable for variable in old.weights}
        for variable in new.weights:
            variable.assign(_copied(values[variable.name]))
    else:
        store: dict[str, Any] = {}
        old.save_own_variables(store)
        if store:
            new.load_own_variables({key: _copied(value) for key, value in store.items()})
    for seed, twin in zip(old._seed_generators, new._seed_generators, strict=True):
        twin.state.assign(_copied(seed.state))
    if hasattr(old, "save_assets"):
        with tempfile.TemporaryDirectory() as folder:
            old.save_assets(folder)
            new.load_assets(folder)


def _lost_its_bias(old: Any, new: Any) -> bool:
    return getattr(old, "bias", None) is not None and getattr(new, "bias", old) is None


def _copied(value: Any) -> Any:
    # Never the same array: Keras' training on JAX donates a model's arrays, which ends them for all.
    if isinstance(value, keras.Variable) or ops.is_tensor(value):
        return ops.copy(value)
    return np.array(value)
