"""Configurations of Keras' BatchNormalization, anywhere inside one another, made into normwise's."""

from __future__ import annotations

from typing import Any

import keras

from normwise.layers.batch_normalization import BatchNormalization


def swapped(config: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a normwise.BatchNormalization that behaves as Keras' layer of this one.

    Example:
        >>> swapped({"axis": 1}, {"virtual_batch_size": 8})
        {'axis': 1, 'averaging': 'exponential', 'unbiased': False, 'virtual_batch_size': 8}
    """
    return {**config, "averaging": "exponential", "unbiased": False, **overrides}


def swap_config(config: Any, overrides: dict[str, Any]) -> Any:
    """A configuration in which every serialized Keras BatchNormalization is a normwise one."""
    if isinstance(config, list | tuple):
        return type(config)(swap_config(inner, overrides) for inner in config)
    if not isinstance(config, dict):
        return config
    if _is_keras_layer(config):
        layer = BatchNormalization.from_config(swapped(config["config"], overrides))
        return {**config, **keras.saving.serialize_keras_object(layer)}
    return {key: swap_config(inner, overrides) for key, inner in config.items()}


def _is_keras_layer(config: dict[str, Any]) -> bool:
    return (
        config.get("class_name") == "BatchNormalization"
        and str(config.get("module")).partition(".")[0] == "keras"
        and isinstance(config.get("config"), dict)
    )
