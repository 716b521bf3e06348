"""loss_surface: the loss of a network over the plane of its sharpest and flattest directions. On JAX."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Measurement, Surface
from normwise.insight._features import Floats
from normwise.insight._loss import flat_loss
from normwise.insight._plane import Plane, descend
from normwise.insight.hessian_eigenvalues import extreme_eigenvalues, hessian_product

PLACES = 41
STARTS = 20
PATH_POINTS = 50
RISE = 2.0
"""Each axis reaches to where the loss is so many times that at the network's own weights."""
SOURCE = "Li et al. 2018; Yao et al. 2020"


def loss_surface(model: Any, x: Any, y: Any, seed: int = 0, variant: str = "") -> Surface:
    """The loss over the plane of the top and the bottom Hessian eigenvector, and descents within it.

        L(θ + a v + b u),   Hv = λ_max v,  Hu = λ_min u

    Each axis reaches on both sides of θ to where the loss has doubled, at most the length of θ. The loss is
    taken at 41 × 41 places and interpolated between them by a bicubic spline, on which gradient descent goes
    from twenty starts, drawn uniformly from the plane, at the best of eleven learning rates: of those stable
    at the lowest place, the one at which more than half of the starts arrive soonest. A step that would leave
    the rectangle ends at its edge; after 3,000 steps, or in another low, a descent is given up.

    L is the loss of all rows as one batch, as in training; the model is left as it is.

    Args:
        model: A compiled, built Keras model of two weights or more.
        x: Inputs, as the model takes them.
        y: Targets, as its loss takes them.
        seed: The seed of the starts.
        variant: What the record calls the model, such as ``"raw"``.

    Returns:
        The surface; `surface_descent_steps` sums up its descents.

    Raises:
        TrainingError: If the backend is not JAX, the model is not compiled, the eigenvectors were not found,
            or a loss of the plane is not finite.
        ValueError: If x and y have not as many rows.

    Example:
        >>> import keras
        >>> line = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        >>> line.compile(loss="mse")
        >>> x = np.array([[3.0, 0.0], [0.0, 1.0]], "float32")  # H = xᵀx, of eigenvalues 9 and 1
        >>> surface = loss_surface(line, x, x @ [[5.0], [-2.0]])
        >>> [round(curvature, 3) for curvature in surface.curvatures], len(surface.losses)
        ([9.0, 1.0], 1681)

    Source:
        Li, Xu, Taylor, Studer & Goldstein 2018, "Visualizing the loss landscape of neural nets", for planes;
        Yao, Gholami, Keutzer & Mahoney 2020, "PyHessian", for those of Hessian eigenvectors.
    """
    size, product, rows = hessian_product(model, x, y)
    if size < 2:
        raise TrainingError(f"the model {model.name} has {size} trainable weight; expected two or more")
    found = extreme_eigenvalues(product, size, 1)
    curvatures = float(found.top.values[0]), float(found.bottom.values[0])
    if not np.isfinite(curvatures).all():
        raise TrainingError(
            f"the top and bottom Hessian eigenvalues of the model {model.name} are {curvatures}; expected"
            f" finite numbers: NaN was not found in {found.products} products"
        )
    plane = _plane(model, x, y, np.stack([found.top.vectors[:, 0], found.bottom.vectors[:, 0]]))
    descents = descend(plane, STARTS, seed)
    return Surface(
        axes=("top Hessian eigenvector", "bottom Hessian eigenvector"),
        first=_plain(plane.first),
        second=_plain(plane.second),
        losses=_plain(plane.losses),
        paths=tuple(_plain(_thinned(path)) for path in descents.paths),
        steps=_plain(descents.steps),
        learning_rate=descents.rate,
        lowest=descents.lowest,
        curvatures=curvatures,
        sample_size=rows,
        definition=(
            f"the loss of one batch of {rows} rows over θ + a v + b u, v and u the unit eigenvectors of the"
            f" largest and smallest Hessian eigenvalue of {size} trainable weights; gradient descent within"
            f" this plane, interpolated, from {STARTS} random starts at the best of the learning rates tried"
        ),
        source=SOURCE,
        variant=variant,
    )


def surface_descent_steps(surface: Surface) -> tuple[Measurement, ...]:
    """The steps of the descents on a surface.

    Args:
        surface: What `loss_surface` returned.

    Returns:
        ``surface_descent_steps``, the median over the starts, and ``surface_descent_steps_least`` and
        ``surface_descent_steps_most``; infinity where a descent did not arrive.

    Example:
        >>> flat = Surface(("a", "b"), (), (), (), (), (3.0, 5.0, float("inf")), 0.1, 0.0, (), 4, "", "")
        >>> [m.value for m in surface_descent_steps(flat)]
        [5.0, 3.0, inf]
    """
    what = (
        f"over {len(surface.steps)} random starts in the plane of the top and bottom Hessian eigenvector:"
        f" steps at η = {surface.learning_rate:.3g} until 1% of the start's loss above the lowest is left"
    )
    return tuple(
        Measurement(
            f"surface_descent_steps{end}",
            float(count(surface.steps)),
            "steps",
            surface.sample_size,
            f"{name} {what}",
            SOURCE,
            variant=surface.variant,
        )
        for end, name, count in (("", "median", np.median), ("_least", "least", min), ("_most", "most", max))
    )


def _plane(model: Any, x: Any, y: Any, directions: Floats) -> Plane:
    """The loss at the places of a grid."""
    import jax
    import jax.numpy as jnp

    theta, loss, _ = flat_loss(model, x, y)
    axes = jnp.asarray(directions, theta.dtype)

    @jax.jit
    def at(coordinates: Any) -> Any:
        """(n, m, 2) to (n, m)."""
        return jax.lax.map(jax.vmap(lambda place: loss(theta + place @ axes)), coordinates)

    def losses(coordinates: Floats) -> Floats:
        return np.asarray(at(jnp.asarray(coordinates, theta.dtype)), np.float64)

    here, farthest = float(loss(theta)), float(jnp.linalg.norm(theta)) or 1.0
    reaches = farthest * 2.0 ** (np.arange(-2 * (PLACES - 1), 1) / 4)
    sides = np.array([[[[r, 0], [-r, 0]], [[0, r], [0, -r]]] for r in reaches]).reshape(-1, 4, 2)
    risen = ~(losses(sides).reshape(-1, 2, 2).max(axis=2) < RISE * here)
    # argmax of a column without any is 0, as it is where the first has risen.
    ends = [reaches[np.argmax(column)] if column.any() else farthest for column in risen.T]
    first, second = (np.linspace(-end, end, PLACES) for end in ends)
    found = losses(np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1))
    if not np.isfinite(found).all():
        raise TrainingError(
            f"{(~np.isfinite(found)).sum()} of {found.size} losses of the model {model.name} in the plane of"
            " its Hessian eigenvectors are not finite; expected all to be"
        )
    return Plane(first, second, found)


def _thinned(path: Floats) -> Floats:
    """At most so many points, the first and the last among them."""
    kept = np.unique(np.linspace(0, len(path) - 1, PATH_POINTS).round().astype(int))
    thinned: Floats = path[kept]
    return thinned


def _plain(values: Floats) -> tuple[float, ...]:
    """To seven significant digits, as float32 has them: a record keeps thousands."""
    return tuple(float(f"{value:.6e}") for value in np.ravel(values))
