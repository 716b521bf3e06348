"""gradient_evidence: how large the gradient of the loss is by each trainable variable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from normwise.core.evidence import GradientEvidence
from normwise.insight._data_loss import DataLoss
from normwise.insight._evidence_pass import numbers
from normwise.insight._quick_to_compile import quick_to_compile


def gradient_evidence(
    model: Any, x: Any, y: Any, loss: DataLoss, owners: Mapping[int, str]
) -> tuple[GradientEvidence, ...]:
    """One record a trainable variable, in the model's order.

    The model computes as in training, dropout and noise off, all rows being one batch; penalties are left
    out. It is left as it is. On JAX the gradient is compiled, on torch and TensorFlow it is taken operation
    by operation.

    Args:
        model: A built model.
        x: The rows.
        y: Their targets.
        loss: The loss, as `normwise.insight._data_loss.data_loss` gives it.
        owners: The id of a variable to the path of its layer.
    """
    import keras

    from normwise.graph.layer_calls import without_noise

    variables = model.trainable_variables
    take = {"jax": _on_jax, "torch": _on_torch, "tensorflow": _on_tensorflow}[keras.backend.backend()]
    with without_noise():
        gradients = take(model, variables, x, y, loss)
    return tuple(
        _evidence(variable, gradient, owners.get(id(variable), ""))
        for variable, gradient in zip(variables, gradients, strict=True)
    )


def _evidence(variable: Any, gradient: Any, layer: str) -> GradientEvidence:
    # A variable that the loss does not depend on has none, and that is 0.
    values = np.zeros(1) if gradient is None else numbers(gradient)
    with np.errstate(all="ignore"):
        norm = float(np.sqrt(np.square(values).sum()))
        return GradientEvidence(
            variable=f"{layer}/{variable.name}",
            layer=layer,
            name=variable.name,
            norm=norm,
            rms=norm / float(np.sqrt(values.size)),
            weight_norm=float(np.sqrt(np.square(numbers(variable.value)).sum())),
        )


def _on_jax(model: Any, variables: Any, x: Any, y: Any, loss: DataLoss) -> Any:
    import jax
    import keras

    x, y = jax.tree.map(keras.ops.convert_to_tensor, (x, y))

    def of_values(values: Any, x: Any, y: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss(y, model(x, training=True))

    compiled = jax.jit(jax.grad(of_values), compiler_options=quick_to_compile())
    return compiled([variable.value for variable in variables], x, y)


def _on_torch(model: Any, variables: Any, x: Any, y: Any, loss: DataLoss) -> Any:
    import keras
    import torch

    with keras.StatelessScope(), torch.enable_grad():
        value = loss(keras.tree.map_structure(keras.ops.convert_to_tensor, y), model(x, training=True))
        return torch.autograd.grad(value, [v.value for v in variables], allow_unused=True)


def _on_tensorflow(model: Any, variables: Any, x: Any, y: Any, loss: DataLoss) -> Any:
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape, keras.StatelessScope():
        value = loss(keras.tree.map_structure(keras.ops.convert_to_tensor, y), model(x, training=True))
    found = tape.gradient(value, [variable.value for variable in variables])
    return [None if part is None else tf.convert_to_tensor(part) for part in found]
