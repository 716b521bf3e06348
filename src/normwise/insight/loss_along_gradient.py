"""loss_along_gradient: what a step of gradient descent makes of the loss, by its learning rate. On JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Curve
from normwise.insight._loss import flat_loss


def loss_along_gradient(
    model: Any, x: Any, y: Any, learning_rates: Sequence[float], variant: str = ""
) -> Curve:
    """The loss after one step of gradient descent over the loss before it, by the learning rate α.

        L(θ − αg) / L(θ),    g = ∇L(θ)

    L is the loss of all rows as one batch, as in training; the model is left as it is. Below 1 a step helps.

    Args:
        model: A compiled, built Keras model, of weights θ.
        x: Inputs, as the model takes them.
        y: Targets, as its loss takes them.
        learning_rates: The α.
        variant: What the record calls the model, such as ``"raw"``.

    Returns:
        ``relative_loss``; infinity or NaN where the loss is.

    Raises:
        TrainingError: If the backend is not JAX, the model is not compiled, or its loss is not above 0 and
            finite.
        ValueError: If x and y have not as many rows, or there is no learning rate.

    Example:
        >>> import keras
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        >>> line.compile(loss="mse")
        >>> x = np.array([[3.0], [-1.0]], "float32")  # L(w) = 5 (w − w*)²: best at α = 0.1, even at 0.2
        >>> curve = loss_along_gradient(line, x, 2 * x, [0.05, 0.2, 0.4])
        >>> [round(ratio, 3) for ratio in curve.y]
        [0.25, 1.0, 9.0]

    Source:
        Bjorck, Gomes, Selman & Weinberger 2018, "Understanding batch normalization".
    """
    import jax
    import jax.numpy as jnp

    if not len(learning_rates):
        raise ValueError("there are no learning rates; expected one or more")
    theta, loss, rows = flat_loss(model, x, y)

    @jax.jit
    def along(rates: Any) -> Any:
        here, gradient = jax.value_and_grad(loss)(theta)
        return here, jax.lax.map(lambda rate: loss(theta - rate * gradient), rates)

    here, losses = (
        np.asarray(v, np.float64) for v in along(jnp.asarray(np.asarray(learning_rates), theta.dtype))
    )
    if not here > 0:
        raise TrainingError(f"the loss of the model {model.name} is {float(here)}; expected one above 0")
    return Curve(
        "relative_loss",
        tuple(float(rate) for rate in learning_rates),
        tuple(float(value) for value in losses / here),
        "learning rate",
        "",
        rows,
        f"L(θ − αg) / L(θ), g = ∇L(θ), of one batch of {rows} rows",
        "Bjorck et al. 2018",
        variant=variant,
    )
