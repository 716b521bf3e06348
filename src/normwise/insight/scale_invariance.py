"""scale_invariance: whether the size of a layer's weights matters to what follows. On JAX."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Measurement
from normwise.insight._loss import require_jax

SOURCE = "Ioffe & Szegedy 2015, section 3.3"


def scale_invariance(
    model: Any, x: Any, a: float = 10.0, seed: int = 0, variant: str = ""
) -> tuple[Measurement, ...]:
    r"""How nearly batch normalization takes away a factor a of the weights before it, layer by layer.

        BN((aW)u) = BN(Wu),    ∂BN((aW)u)/∂u = ∂BN(Wu)/∂u,    ∂BN((aW)u)/∂(aW) = (1/a) ∂BN(Wu)/∂W

    For each Dense or convolution whose output a normalization layer alone takes, u are its inputs for these
    rows, all one batch, as in training. Each record is the largest deviation of the left side from the right,
    over the largest magnitude of the right; the derivatives are those of a random weighted sum of the
    outputs. With a the weights' whole change, the output deviates by about (1 − a⁻²) ε/(2σ²), σ² the variance
    of Wu: 0 but for the layer's epsilon and rounding. LayerNormalization and the like do as well where the
    layer has no bias, since they do not subtract it.

    Without normalization it does not hold: (aW)u is a times Wu, a deviation of a − 1. There are no records
    then; the model is left as it is.

    Args:
        model: A built Sequential or Functional model. Layers inside of inner models are not looked at.
        x: Inputs, as the model takes them.
        a: The factor.
        seed: The seed of the weighted sum.
        variant: What the records call the model, such as ``"scaled_bn"``.

    Returns:
        For each such layer ``scale_invariance_output``, ``scale_invariance_input_gradient`` and
        ``scale_invariance_weight_gradient``.

    Raises:
        TrainingError: If the backend is not JAX or the model is not built.
        ValueError: If a is not above 0.

    Example:
        >>> import keras
        >>> layers = [keras.layers.Dense(4), keras.layers.BatchNormalization(epsilon=1e-6)]
        >>> model = keras.Sequential([keras.Input((3,)), *layers])
        >>> found = scale_invariance(model, np.random.default_rng(0).normal(size=(32, 3)))
        >>> [(m.name, m.value < 1e-4) for m in found]  # doctest: +NORMALIZE_WHITESPACE
        [('scale_invariance_output', True), ('scale_invariance_input_gradient', True),
         ('scale_invariance_weight_gradient', True)]

    Source:
        Ioffe & Szegedy 2015, "Batch normalization", section 3.3.
    """
    require_jax("scale invariance")
    if not 0 < a < np.inf:
        raise ValueError(f"the factor a is {a}; expected a finite number above 0")
    pairs = _pairs(model)
    if not pairs:
        return ()
    taken = _taken(model, [tensor for _, _, tensor in pairs], x)
    rows = int(taken[0].shape[0])
    return tuple(
        Measurement(
            f"scale_invariance_{name}",
            value,
            "",
            rows,
            f"{formula}: largest deviation over largest magnitude, a = {a:.6g}, one batch of {rows} rows",
            SOURCE,
            layer=layer.path,
            variant=variant,
        )
        for (layer, normalization, _), u in zip(pairs, taken, strict=True)
        for (name, formula), value in zip(_SIDES, _deviations(layer, normalization, u, a, seed), strict=True)
    )


_SIDES = (
    ("output", "BN((aW)u) = BN(Wu)"),
    ("input_gradient", "∂BN((aW)u)/∂u = ∂BN(Wu)/∂u"),
    ("weight_gradient", "a ∂BN((aW)u)/∂(aW) = ∂BN(Wu)/∂W"),
)


def _pairs(model: Any) -> list[tuple[Any, Any, Any]]:
    """Linear layers, the normalization that alone takes their output, and their symbolic inputs."""
    from normwise.graph.kinds import is_linear, is_normalization
    from normwise.graph.walk import consumers, is_built_graph, is_graph, nodes

    if not model.built:
        raise TrainingError(
            f"the model {model.name} is not built; expected one that is: give it an Input, or call it once"
        )
    if not is_graph(model) or not is_built_graph(model):
        return []
    takers = consumers(model)
    found = []
    for node in nodes(model):
        takes = takers.get(id(node.outputs[0]), [])
        if is_linear(node.operation) and len(takes) == 1 and takes[0] is not None:
            after = takes[0].operation
            if is_normalization(after):
                found.append((node.operation, after, node.input_tensors[0]))
    return found


def _taken(model: Any, tensors: list[Any], x: Any) -> list[Any]:
    """The values of tensors of the model for these rows."""
    import jax
    import keras

    # Keras and JAX flatten a dictionary alike, in the order of its keys.
    parts = [np.asarray(part) for part in jax.tree.leaves(x)]
    inner = keras.Model(model.inputs if len(model.inputs) > 1 else model.inputs[0], tensors)
    with keras.StatelessScope():
        return jax.tree.leaves(inner(parts if len(model.inputs) > 1 else parts[0], training=True))


def _deviations(layer: Any, normalization: Any, u: Any, a: float, seed: int) -> list[float]:
    import jax
    import jax.numpy as jnp

    parts = [
        [[v.value for v in group] for group in (part.trainable_variables, part.non_trainable_variables)]
        for part in (layer, normalization)
    ]
    # The other kinds of normalization compute the same in training and take no such argument.
    mode = {"training": True} if hasattr(normalization, "moving_mean") else {}
    kernels = [i for i, v in enumerate(layer.trainable_variables) if v.path.endswith("kernel")]

    def outputs(weights: Any, inputs: Any) -> Any:
        trainable = list(parts[0][0])
        for i, weight in zip(kernels, weights, strict=True):
            trainable[i] = weight
        z, _ = layer.stateless_call(trainable, parts[0][1], inputs)
        return normalization.stateless_call(*parts[1], z, **mode)[0]

    @jax.jit
    def sides(weights: Any, share: Any) -> Any:
        y, pull = jax.vjp(outputs, weights, u)
        by_weights, by_inputs = pull(share.astype(y.dtype))
        return y, by_inputs, by_weights

    weights = [parts[0][0][i] for i in kernels]
    shape = jax.eval_shape(outputs, weights, u).shape
    share = jnp.asarray(np.random.default_rng(seed).normal(size=shape))
    plain = sides(weights, share)
    y, by_inputs, by_weights = sides([a * weight for weight in weights], share)
    scaled = y, by_inputs, [a * gradient for gradient in by_weights]
    return [_deviation(one, other) for one, other in zip(scaled, plain, strict=True)]


def _deviation(found: Any, expected: Any) -> float:
    import jax

    pairs = list(zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True))
    largest = max(float(np.abs(np.asarray(e, np.float64)).max()) for _, e in pairs)
    apart = max(float(np.abs(np.asarray(f, np.float64) - np.asarray(e, np.float64)).max()) for f, e in pairs)
    return apart / largest if largest else float("nan")
