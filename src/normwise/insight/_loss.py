"""The loss of a compiled Keras model as a pure function of its trainable variables. On JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from normwise.core.errors import TrainingError

Loss = Callable[[Any, Any, Any], Any]


def require_jax(what: str) -> None:
    """Fail on other backends; `what` is what is measured."""
    import keras

    if keras.backend.backend() != "jax":
        raise TrainingError(
            f"the {what} is measured on JAX, and Keras' backend is {keras.backend.backend()}; set"
            " KERAS_BACKEND=jax before keras is imported"
        )


def require_compiled(model: Any) -> None:
    """Fail where the model has no loss."""
    if not (model.built and model.compiled):
        raise TrainingError(
            f"the model {model.name} has built={model.built} and compiled={model.compiled}; expected both:"
            " the gradient is that of its loss"
        )


def loss_of(model: Any) -> Loss:
    """The loss of a batch as a function of the trainable variables' values, x and y, as in training.

    All rows are one batch. Penalties are included. What a layer would change in itself is dropped, so the
    model stays as it is; layers that draw random numbers draw the same ones at each call. An optimizer that
    scales the loss for half precision does not scale this one.
    """
    others, metrics, optimizer = (
        [variable.value for variable in group]
        for group in (
            model.non_trainable_variables,
            model.metrics_variables,
            model.optimizer.variables if model.optimizer else [],
        )
    )

    def loss(trainable: Any, x: Any, y: Any) -> Any:
        _, (unscaled, *_) = model.compute_loss_and_updates(
            trainable, others, metrics, x, y, None, training=True, optimizer_variables=optimizer
        )
        return unscaled

    return loss


def trainable_values(model: Any) -> list[Any]:
    """The values of the trainable variables, in their order."""
    return [variable.value for variable in model.trainable_variables]


def flat_loss(model: Any, x: Any, y: Any) -> tuple[Any, Callable[[Any], Any], int]:
    """For derivatives by all trainable variables: their values as one vector, the loss of it, and the rows.

    Raises:
        TrainingError: If the backend is not JAX, the model has no loss or no trainable variable, or the loss
            is not finite.
        ValueError: If x and y have not as many rows.
    """
    from jax.flatten_util import ravel_pytree

    require_jax("loss")
    require_compiled(model)
    if not model.trainable_variables:
        raise TrainingError(f"the model {model.name} has no trainable variables; expected one or more")
    x, y, rows = arrays(x, y)
    flat, whole = ravel_pytree(trainable_values(model))
    loss = loss_of(model)

    def of_vector(vector: Any) -> Any:
        return loss(whole(vector), x, y)

    require_finite(model, of_vector(flat))
    return flat, of_vector, rows


def require_finite(model: Any, loss: Any) -> None:
    """Fail where the loss is NaN or infinite."""
    if not np.isfinite(loss):
        raise TrainingError(
            f"the loss of the model {model.name} on these rows is {float(loss)}; expected a finite number:"
            " look at its weights, at the scale of x and at the targets"
        )


def arrays(x: Any, y: Any) -> tuple[Any, Any, int]:
    """Inputs and targets as JAX's arrays, and how many rows they have.

    Raises:
        ValueError: If not all of them have as many, and at least one.
    """
    import jax
    import jax.numpy as jnp

    x, y = jax.tree.map(lambda part: jnp.asarray(np.asarray(part)), (x, y))
    rows = [part.shape[0] if part.ndim else 0 for part in jax.tree.leaves((x, y))]
    if len(set(rows)) != 1 or rows[0] < 1:
        raise ValueError(f"the arrays of x and y have {rows} rows; expected as many in each, one or more")
    return x, y, rows[0]
