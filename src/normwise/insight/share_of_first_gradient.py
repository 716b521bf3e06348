"""share_of_first_gradient: which features' weights the first gradient moves. On JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.errors import TrainingError, listing
from normwise.core.measurement import Measurement
from normwise.insight._features import checked
from normwise.insight._loss import loss_of, require_compiled, require_jax, trainable_values

BATCH_SIZE = 32
MOST_BATCHES = 64


def share_of_first_gradient(
    model: Any, x: Any, y: Any, columns: Sequence[str], variant: str = ""
) -> tuple[Measurement, ...]:
    """Each feature's share of the squared gradient of the first dense layer's weights, as the model stands.

        sⱼ = E‖∂L/∂Wⱼ‖² / Σₖ E‖∂L/∂Wₖ‖²,  Wⱼ the weights from feature j to all units, L the loss of a batch,
        E over batches

    The batches, of 32 rows and at most 64 of them, are drawn by a fixed seed; of fewer rows it is one batch
    of them all. The model computes as in training and is left as it is: to measure at initialization, give
    it untrained.

    Args:
        model: A compiled, built Keras model whose first dense layer takes the features in the order of
            `columns`; a scaling layer may be before it.
        x: (rows, features), finite numbers.
        y: (rows, …): the targets, as the model's loss takes them.
        columns: The names of the features.
        variant: ``"raw"`` or ``"scaled"``.

    Returns:
        One measurement a feature; they sum to 1.

    Raises:
        TrainingError: If the backend is not JAX, the model is not compiled, it has no such layer, or the
            gradient is 0 or not finite.
        ValueError: As `normwise.insight.feature_spread`.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> x = np.array([[1.0, 3.0], [-1.0, -3.0]], "float32")
        >>> shares = share_of_first_gradient(model, x, np.array([[0.5], [2.0]], "float32"), ["age", "income"])
        >>> [(m.column, round(m.value, 4)) for m in shares]
        [('age', 0.1), ('income', 0.9)]
    """
    rows = len(checked(x, columns))
    require_jax("gradient")
    require_compiled(model)
    layer = first_dense(model, len(columns))
    batches = _batches(rows)
    squares = _squares(model, layer, np.asarray(x), np.asarray(y), batches)
    total = squares.sum()
    if not (np.isfinite(total) and total > 0):
        raise TrainingError(
            f"the squared gradient of layer {layer.path} sums to {total} over {listing(columns)};"
            " expected a finite number above 0: look at the loss and the targets"
        )
    definition = (
        f"Share of E‖∂L/∂W‖² of the first dense layer's weights, over {len(batches)} batches of"
        f" {batches.shape[1]} rows, of the model as it stands."
    )
    return tuple(
        Measurement(
            *("share_of_first_gradient", float(share), "", batches.size, definition, ""),
            layer=layer.path,
            column=name,
            variant=variant,
        )
        for name, share in zip(columns, squares / total, strict=True)
    )


def first_dense(model: Any, width: int) -> Any:
    """The first dense layer of a model, which takes so many features."""
    import keras

    from normwise.graph.walk import in_order

    dense = [layer for layer in in_order(model) if isinstance(layer, keras.layers.Dense)]
    if not dense or dense[0].kernel.shape[0] != width:
        found = f"{dense[0].path} takes {dense[0].kernel.shape[0]} features" if dense else "there is none"
        raise TrainingError(
            f"the first dense layer of the model {model.name}: {found}; expected {width}, as in x"
        )
    return dense[0]


def _batches(rows: int) -> Any:
    """(batches, batch): which rows are in which batch."""
    size = min(BATCH_SIZE, rows)
    count = min(MOST_BATCHES, rows // size)
    return np.random.default_rng(0).permutation(rows)[: count * size].reshape(count, size)


def _squares(model: Any, layer: Any, x: Any, y: Any, batches: Any) -> Any:
    """(features,): the squared gradient of each feature's weights, averaged over the batches."""
    import jax
    import jax.numpy as jnp

    trainable = trainable_values(model)
    place = next(i for i, variable in enumerate(model.trainable_variables) if variable is layer.kernel)
    loss, x = loss_of(model), x.astype(layer.variable_dtype)

    def loss_of_kernel(kernel: Any, rows: Any) -> Any:
        return loss([*trainable[:place], kernel, *trainable[place + 1 :]], x[rows], y[rows])

    @jax.jit
    def squares(rows: Any) -> Any:
        return jnp.sum(jax.grad(loss_of_kernel)(trainable[place], rows) ** 2, axis=1)

    x, y = jnp.asarray(x), jnp.asarray(y)
    return np.mean([np.asarray(squares(rows), np.float64) for rows in batches], axis=0)
