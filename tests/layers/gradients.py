"""Gradients of a layer, taken in the way of the backend that this process runs."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
from keras import ops

Gradients = tuple[Any, dict[str, Any]]


def gradients(layer: keras.layers.Layer, x: Any, upstream: Any, **call: Any) -> Gradients:
    """Of ``Σ upstream·layer(x)`` in training: by `x`, and by each trainable variable's name, in NumPy."""
    if not layer.built:
        layer.build(np.shape(x))
    if "training" in inspect.signature(layer.call).parameters:
        call = {"training": True, **call}
    return _WAYS[keras.backend.backend()](layer, x, upstream, call)


def numpy(tensor: Any) -> Any:
    """A tensor in float64 NumPy."""
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")), np.float64)


def _loss(y: Any, upstream: Any) -> Any:
    return ops.sum(ops.cast(y, "float32") * upstream)


def _jax(layer: Any, x: Any, upstream: Any, call: Any) -> Gradients:
    import jax

    frozen = [v.value for v in layer.non_trainable_variables]

    def loss(trainable: Any, x: Any) -> Any:
        y, _ = layer.stateless_call(trainable, frozen, x, **call)
        return _loss(y, upstream)

    slopes = jax.jit(jax.grad(loss, argnums=(0, 1)))
    by_variables, by_x = slopes([v.value for v in layer.trainable_variables], x)
    return numpy(by_x), _named(layer, by_variables)


def _torch(layer: Any, x: Any, upstream: Any, call: Any) -> Gradients:
    x = ops.convert_to_tensor(x).clone().requires_grad_(True)
    _loss(layer(x, **call), ops.convert_to_tensor(upstream)).backward()
    return numpy(x.grad), _named(layer, [v.value.grad for v in layer.trainable_variables])


def _tensorflow(layer: Any, x: Any, upstream: Any, call: Any) -> Gradients:
    import tensorflow as tf

    x = ops.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = _loss(layer(x, **call), upstream)
    variables = [v.value for v in layer.trainable_variables]
    by_x, *by_variables = tape.gradient(loss, [x, *variables])
    return numpy(by_x), _named(layer, by_variables)


def _named(layer: Any, gradients: Any) -> dict[str, Any]:
    pairs = zip(layer.trainable_variables, gradients, strict=True)
    return {v.name: numpy(g) for v, g in pairs}


_WAYS = {"jax": _jax, "torch": _torch, "tensorflow": _tensorflow}
