"""smoothness: how far the gradient can be trusted, by Santurkar et al. On JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Curve, Measurement
from normwise.insight._features import Floats
from normwise.insight._loss import flat_loss, require_finite, trainable_values

MULTIPLES = 2.0 ** (np.arange(-4, 9) / 4)
"""Of the learning rate: from ½ to 4 by quarters of an octave, the rate itself among them."""
_AT_RATE = 4
SOURCE = "Santurkar et al. 2018, section 3.2 and Figure 4"
_LOSS = "L(θ − αg)"
_CHANGE = "‖∇L(θ − αg) − g‖"
_RANGE = "η/2 ≤ α ≤ 4η"
_DEFINITIONS = {
    "loss_range": _LOSS,
    "gradient_predictiveness": _CHANGE,
    "effective_beta": f"the largest {_CHANGE} / (α‖g‖), {_RANGE}",
    "eta_beta": f"η times the largest {_CHANGE} / (α‖g‖), {_RANGE}",
}


def smoothness(
    model: Any, x: Any, y: Any, learning_rate: float, variant: str = ""
) -> tuple[Measurement, ...]:
    r"""How loss and gradient change along the gradient g at the model's weights θ.

        θ(α) = θ − αg,  η/2 ≤ α ≤ 4η,      β = max ‖∇L(θ(α)) − g‖ / (α‖g‖)

    L is the loss of all rows as one batch, as in training; the model is left as it is. β is the least that
    the Lipschitz constant of the gradient can be along the way. It changes when the weights are rescaled,
    which η·β takes into account: gradient descent on a quadratic is stable where η times its Lipschitz
    constant is less than 2.

    In float32 ‖∇L(θ(α)) − g‖ is known to about 1e-6 ‖g‖: an η·β near that is rounding.

    Args:
        model: A compiled, built Keras model.
        x: Inputs, as the model takes them.
        y: Targets, as its loss takes them.
        learning_rate: η.
        variant: What the records call the model, such as ``"raw"``.

    Returns:
        ``loss_range`` and ``gradient_predictiveness``, each at α = η, and with ``_low`` and ``_high`` the
        lowest and highest over α; ``effective_beta`` and ``eta_beta``. Infinity or NaN where the loss is.

    Raises:
        TrainingError: If the backend is not JAX, the model is not compiled, or its loss at θ is not finite
            or its gradient is 0.
        ValueError: If x and y have not as many rows, or the learning rate is not above 0.

    Example:
        >>> import keras
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        >>> line.compile(loss="mse")
        >>> x = np.array([[3.0], [-1.0]], "float32")  # L(w) = 5 (w − w*)²
        >>> found = {m.name: m.value for m in smoothness(line, x, 2 * x + 9, learning_rate=0.01)}
        >>> round(found["effective_beta"], 3), round(found["eta_beta"], 5)
        (10.0, 0.1)

    Source:
        Santurkar, Tsipras, Ilyas & Madry 2018, "How does batch normalization help optimization?",
        section 3.2, Figure 4.
    """
    return smoothness_at([trainable_values(model)], model, x, y, learning_rate, variant)[0]


def smoothness_at(
    states: Sequence[Sequence[Any]], model: Any, x: Any, y: Any, learning_rate: float, variant: str = ""
) -> tuple[tuple[Measurement, ...], ...]:
    """`smoothness` at several places by one compiled program, such as the steps of a training.

    Args:
        states: For each place the values of the model's trainable variables, in their order. All else is as
            it is in the model.
        model: As in `smoothness`.
        x: As in `smoothness`.
        y: As in `smoothness`.
        learning_rate: η.
        variant: As in `smoothness`.

    Returns:
        What `smoothness` returns, for each place.
    """
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree

    if not 0 < learning_rate < np.inf:
        raise ValueError(f"the learning rate is {learning_rate}; expected a finite number above 0")
    _, loss, rows = flat_loss(model, x, y)
    rates = learning_rate * MULTIPLES

    @jax.jit
    def along(theta: Any) -> Any:
        here, gradient = jax.value_and_grad(loss)(theta)

        def at(rate: Any) -> Any:
            there, changed = jax.value_and_grad(loss)(theta - rate * gradient)
            return there, jnp.linalg.norm(changed - gradient)

        return here, jnp.linalg.norm(gradient), *jax.lax.map(at, jnp.asarray(rates, theta.dtype))

    found = []
    for state in states:
        here, norm, losses, changes = (
            np.asarray(v, np.float64) for v in along(ravel_pytree([jnp.asarray(v) for v in state])[0])
        )
        require_finite(model, here)
        if not norm > 0:
            raise TrainingError(
                f"the gradient of the model {model.name} has length {norm}; expected one above 0, along which"
                " to look"
            )
        found.append(_measurements(losses, changes, float(norm), learning_rate, rows, variant))
    return tuple(found)


def smoothness_curves(steps: Sequence[int], found: Sequence[Sequence[Measurement]]) -> tuple[Curve, ...]:
    """What `smoothness` found at steps of a training, as curves over the steps.

    Args:
        steps: The steps before which it was measured.
        found: What `smoothness` returned at each.

    Returns:
        ``loss_range`` and ``gradient_predictiveness`` at α = η with their ranges over α, ``effective_beta``
        and ``eta_beta``.

    Raises:
        ValueError: If there are not as many steps as measurements.

    Example:
        >>> names = [f"{name}{end}" for name in ("loss_range", "gradient_predictiveness")
        ...          for end in ("", "_low", "_high")]
        >>> found = [Measurement(name, 1.0, "", 64, "", "") for name in names]
        >>> found += [Measurement(name, 3.0, "", 64, "", "") for name in ("effective_beta", "eta_beta")]
        >>> [(c.name, c.y, c.low) for c in smoothness_curves([10], [found])][1:3]
        [('gradient_predictiveness', (1.0,), (1.0,)), ('effective_beta', (3.0,), ())]
    """
    if len(steps) != len(found) or not steps:
        raise ValueError(
            f"there are {len(steps)} steps and {len(found)} measurements; expected as many, one or more"
        )
    values = [{m.name: m.value for m in each} for each in found]
    first = found[0][0]

    def over(name: str) -> tuple[float, ...]:
        return tuple(each[name] for each in values if name in each)

    return tuple(
        Curve(
            name,
            tuple(float(step) for step in steps),
            over(name),
            "training step",
            "",
            first.sample_size,
            definition if not over(f"{name}_low") else f"{definition} at α = η, and its range for {_RANGE}",
            SOURCE,
            over(f"{name}_low"),
            over(f"{name}_high"),
            variant=first.variant,
        )
        for name, definition in _DEFINITIONS.items()
    )


def _measurements(
    losses: Floats, changes: Floats, norm: float, learning_rate: float, rows: int, variant: str
) -> tuple[Measurement, ...]:
    beta = float(np.max(changes / (learning_rate * MULTIPLES * norm)))
    where = f"g = ∇L(θ), η = {learning_rate:.6g}, of one batch of {rows} rows"
    values = {}
    for name, over in (("loss_range", losses), ("gradient_predictiveness", changes)):
        values[name] = over[_AT_RATE], f"{_DEFINITIONS[name]} at α = η"
        values[f"{name}_low"] = over.min(), f"the lowest {_DEFINITIONS[name]}, {_RANGE}"
        values[f"{name}_high"] = over.max(), f"the highest {_DEFINITIONS[name]}, {_RANGE}"
    values["effective_beta"] = beta, _DEFINITIONS["effective_beta"]
    values["eta_beta"] = learning_rate * beta, _DEFINITIONS["eta_beta"]
    return tuple(
        Measurement(name, float(value), "", rows, f"{what}; {where}", SOURCE, variant=variant)
        for name, (value, what) in values.items()
    )
