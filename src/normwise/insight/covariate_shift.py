"""covariate_shift: how far a layer's gradient moves when the layers before it take their step. On JAX."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.core.measurement import Measurement
from normwise.insight._loss import flat_loss

SOURCE = "Santurkar et al. 2018, Definition 2.1"


def covariate_shift(
    model: Any, x: Any, y: Any, learning_rate: float, variant: str = ""
) -> tuple[Measurement, ...]:
    r"""Internal covariate shift as Santurkar et al. define it, by layer.

        G = ∇_{Wᵢ} L(W₁, …, W_k),    G′ = ∇_{Wᵢ} L(W₁ − η∇_{W₁}L, …, Wᵢ₋₁ − η∇_{Wᵢ₋₁}L, Wᵢ, …, W_k)

    Wᵢ is all trainable variables of layer i, in the order of the model; G and G′ are of the same rows, all of
    them one batch, as in training; the step is that of gradient descent. The model is left as it is. The
    first layer has none before it: its shift is 0.

    Santurkar et al. find the shift alike or larger with batch normalization: it is measured here because the
    word is often used, and explains nothing by itself.

    Args:
        model: A compiled, built Keras model.
        x: Inputs, as the model takes them.
        y: Targets, as its loss takes them.
        learning_rate: η.
        variant: What the records call the model, such as ``"raw"``.

    Returns:
        For each layer with trainable variables but the first ``covariate_shift``, ‖G − G′‖, and
        ``covariate_shift_cosine``, cos(G, G′), which is NaN where one of them is 0.

    Raises:
        TrainingError: If the backend is not JAX, the model is not compiled, or its loss is not finite.
        ValueError: If x and y have not as many rows, or the learning rate is not above 0.

    Example:
        >>> import keras
        >>> dense = [keras.layers.Dense(1, use_bias=False, kernel_initializer="ones") for _ in range(2)]
        >>> model = keras.Sequential([keras.Input((1,)), *dense])
        >>> model.compile(loss="mse")
        >>> x = np.array([[1.0], [-1.0]], "float32")  # L = (w₁w₂ − 2)²: from (1, 1) w₁ steps to 1.2
        >>> found = covariate_shift(model, x, 2 * x, learning_rate=0.1)  # G = −2, G′ = −1.92
        >>> [(m.name, round(m.value, 3)) for m in found]
        [('covariate_shift', 0.08), ('covariate_shift_cosine', 1.0)]

    Source:
        Santurkar, Tsipras, Ilyas & Madry 2018, "How does batch normalization help optimization?",
        Definition 2.1.
    """
    import jax
    import jax.numpy as jnp

    if not 0 < learning_rate < np.inf:
        raise ValueError(f"the learning rate is {learning_rate}; expected a finite number above 0")
    theta, loss, rows = flat_loss(model, x, y)
    layers = _layers(model)
    names = list(dict.fromkeys(layers))
    sizes = [int(np.prod(variable.shape)) for variable in model.trainable_variables]
    place = jnp.asarray(np.repeat([names.index(name) for name in layers], sizes))

    @jax.jit
    def shifts() -> Any:
        gradient = jax.grad(loss)(theta)

        def of_layer(i: Any) -> Any:
            here = jnp.where(place == i, gradient, 0.0)
            moved = jnp.where(place < i, theta - learning_rate * gradient, theta)
            there = jnp.where(place == i, jax.grad(loss)(moved), 0.0)
            lengths = jnp.linalg.norm(here) * jnp.linalg.norm(there)
            return jnp.linalg.norm(here - there), jnp.vdot(here, there) / lengths

        return jax.lax.map(of_layer, jnp.arange(1, len(names)))

    distances, cosines = (np.asarray(v, np.float64) for v in shifts())
    where = (
        f"G of one batch of {rows} rows, G′ with the layers before after a step of η = {learning_rate:.6g}"
    )
    return tuple(
        Measurement(name, float(value), "", rows, f"{formula}; {where}", SOURCE, layer=layer, variant=variant)
        for layer, distance, cosine in zip(names[1:], distances, cosines, strict=True)
        for name, value, formula in (
            ("covariate_shift", distance, "‖G − G′‖"),
            ("covariate_shift_cosine", cosine, "cos(G, G′)"),
        )
    )


def _layers(model: Any) -> list[str]:
    """The path of the layer of each trainable variable."""
    owners = {
        id(variable): layer.path
        for layer in model._flatten_layers(include_self=False)
        for variable in layer._trainable_variables
    }
    return [owners.get(id(variable), variable.path) for variable in model.trainable_variables]
