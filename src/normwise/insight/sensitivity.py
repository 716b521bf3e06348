"""sensitivity: how much each feature still moves the first layer, and how much of it one alone saturates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Measurement
from normwise.core.saturation import AT, SATURATED_FROM
from normwise.insight._features import Floats, checked, stds
from normwise.insight._loss import require_jax
from normwise.insight._models import require_built
from normwise.insight.share_of_first_gradient import first_dense

Pass = Callable[[Any, Any], list[Any]]
"""From the first dense layer's kernel and x to what the activation functions take and give, two by two."""


def sensitivity(model: Any, x: Any, columns: Sequence[str], variant: str = "") -> tuple[Measurement, ...]:
    """By feature, how blind the first layer is to it, and the share of units it saturates on its own. On JAX.

        sensitivity_per_std = E|∂a/∂xⱼ|·σⱼ        units_saturated_by_column = share of |∂z/∂xⱼ|·σⱼ ≥ s

    a = f(z) is the first activation function behind the first dense layer, E is over units and rows, σⱼ the
    feature's standard deviation over the rows, and s the pre-activation from which f is saturated to either
    side: 2.09 of tanh, 4.18 of sigmoid. Directly behind a dense layer ``∂z/∂xⱼ = wⱼ``, the same in all rows,
    and the share is one of units: those that one standard deviation of this feature alone drives from the
    middle of f into its flat part.

    Normalization between the two is by the statistics of these rows, held fixed in the derivative: then
    ``∂z/∂xⱼ = γ wⱼ/√(σ_z² + ε)``. Dropout and noise are off. The model is left as it is. Of several branches
    that take the features, the one that is called first is measured.

    Args:
        model: A built Keras model whose first dense layer takes the features in the order of `columns`; a
            scaling layer may be before it.
        x: (rows, features), finite numbers.
        columns: The names of the features.
        variant: ``"raw"`` or ``"scaled"``.

    Returns:
        For each feature ``sensitivity_per_std``, in the unit of a, and ``units_saturated_by_column`` where f
        is flat to either side: tanh, sigmoid, softsign and the hard ones. The layer is the dense one.

    Raises:
        TrainingError: If the backend is not JAX, the model is not built, has no such dense layer or no
            activation function behind it, or a derivative is not finite.
        ValueError: As `normwise.insight.feature_spread`.

    Example:
        >>> import keras
        >>> dense = keras.layers.Dense(2, "tanh", use_bias=False)
        >>> model = keras.Sequential([keras.Input((2,)), dense])
        >>> dense.set_weights([np.array([[0.5, -0.5], [0.5, 0.01]])])
        >>> found = sensitivity(model, np.array([[1.0, 5.0], [-1.0, -5.0]]), ["age", "income"])
        >>> [(m.column, m.value) for m in found if m.name == "units_saturated_by_column"]
        [('age', 0.0), ('income', 0.5)]
    """
    values = checked(x, columns)
    require_jax("sensitivity")
    require_built(model)
    layer = first_dense(model, len(columns))
    function, sensitivities, shares = _measured(model, layer, values)
    if not np.isfinite(sensitivities).all():
        bad = columns[int(np.argmin(np.isfinite(sensitivities)))]
        raise TrainingError(
            f'the derivative of {function} behind layer {layer.path} by column "{bad}" is not finite;'
            " expected finite numbers: look at the model's weights and at the scale of x"
        )
    fixed = "normalization by the rows' statistics, held fixed"
    found = [
        (
            "sensitivity_per_std",
            sensitivities,
            f"mean |∂a/∂x|·σ over units and rows, a being {function} behind the first dense layer; {fixed}",
        )
    ]
    if function in SATURATED_FROM:
        what = (
            "share of the first layer's units that one standard deviation of the column alone saturates:"
            f" |∂z/∂x|·σ ≥ {SATURATED_FROM[function]:.4g}, from where {function} is {AT:.0%} of the way to"
            f" its end; {fixed}"
        )
        found.append(("units_saturated_by_column", shares, what))
    return tuple(
        Measurement(
            *(name, float(value), "", len(values), definition, ""),
            layer=layer.path,
            column=column,
            variant=variant,
        )
        for name, numbers, definition in found
        for column, value in zip(columns, numbers, strict=True)
    )


def _measured(model: Any, layer: Any, values: Floats) -> tuple[str, Floats, Floats]:
    """The activation function, and of each feature E|∂a/∂x|·σ and the share of |∂z/∂x|·σ from s on."""
    import jax
    import jax.numpy as jnp

    kernel, x = layer.kernel.value, jnp.asarray(values, layer.variable_dtype)
    functions, through = _pass(model, layer)
    place = _behind(layer, through, functions, kernel, x)
    function = functions[place]
    end = SATURATED_FROM.get(function, np.inf)

    @jax.jit
    def by_column(x: Any, spreads: Any) -> Any:
        _, moved = jax.linearize(lambda x: through(kernel, x)[2 * place : 2 * place + 2], x)

        def of_one(spread: Any) -> Any:
            z, a = moved(jnp.broadcast_to(spread, x.shape))
            return jnp.abs(a).mean(), (jnp.abs(z) >= end).mean()

        # Column by column: all at once would be features times the activations.
        return jax.lax.map(of_one, jnp.diag(spreads))

    sensitivities, shares = by_column(x, jnp.asarray(stds(values), x.dtype))
    return function, np.asarray(sensitivities, np.float64), np.asarray(shares, np.float64)


def _pass(model: Any, layer: Any) -> tuple[list[str], Pass]:
    """The functions' names, which are there once it was traced, and the pass."""
    import keras

    from normwise.graph.layer_calls import calls_noted, without_noise
    from normwise.graph.replaced import layer_calls_by

    functions: list[str] = []

    def through(kernel: Any, x: Any) -> list[Any]:
        mapping = [(layer.kernel, kernel)]
        with (
            keras.StatelessScope(state_mapping=mapping),
            without_noise(),
            layer_calls_by(_by_fixed_statistics),
            calls_noted() as calls,
        ):
            model(x, training=True)
        functions[:] = [seen.function for seen in calls.activations]
        return [values for seen in calls.activations for values in (seen.inputs, seen.outputs)]

    return functions, through


def _by_fixed_statistics(plain: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
    """Normalization by the rows' statistics as constants: as at inference, with these as the moving ones."""
    import jax

    from normwise.graph.layer_calls import axes_of_statistics, called_with_training, keeps_statistics

    moving = layer.trainable and getattr(layer, "statistics_trainable", True)
    if not (keeps_statistics(layer) and args and moving) or kwargs.get("training") is False:
        return plain(layer, *args, **kwargs)
    rows = jax.lax.stop_gradient(args[0]).astype(layer.moving_mean.dtype)
    axes = axes_of_statistics(layer, rows)
    mean = rows.mean(axes, keepdims=True)
    # Corrected: the mean of large numbers rounds.
    mean = mean + (rows - mean).mean(axes, keepdims=True)
    layer.moving_mean.assign(mean.reshape(layer.moving_mean.shape))
    layer.moving_variance.assign(((rows - mean) ** 2).mean(axes).reshape(layer.moving_variance.shape))
    return called_with_training(plain, layer, False, args, kwargs)


def _behind(layer: Any, through: Pass, functions: list[str], kernel: Any, x: Any) -> int:
    """Which activation function is the first that takes something from the layer."""
    import jax
    import jax.numpy as jnp

    direction = jnp.asarray(np.random.default_rng(0).normal(size=kernel.shape), kernel.dtype)

    @jax.jit
    def moved(kernel: Any, x: Any) -> Any:
        _, tangents = jax.jvp(lambda k: through(k, x)[::2], (kernel,), (direction,))
        return [jnp.any(t != 0) for t in tangents]

    takers = [place for place, takes in enumerate(moved(kernel, x)) if takes]
    if not takers:
        raise TrainingError(
            f"no activation function takes what layer {layer.path} gives; expected a layer's activation or an"
            f" activation layer behind it. The model calls {', '.join(functions) or 'none'}"
        )
    return takers[0]
