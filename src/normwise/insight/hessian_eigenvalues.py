"""hessian_eigenvalues: the extreme curvatures of the loss of a network. On JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Measurement
from normwise.insight._features import Floats
from normwise.insight._loss import flat_loss

TOLERANCE = 1e-4
"""An eigenvalue has converged where its residual is at most so much of the largest magnitude of all."""
RESTARTS = 100
VECTORS = 40
"""So many Lanczos vectors are kept between restarts; of no more variables the whole Hessian is taken."""
Product = Callable[[Floats], Floats]
Pairs = tuple[Floats, Floats]
"""Eigenvalues, (count,), and their eigenvectors, (size, count)."""


class End(NamedTuple):
    """Eigenvalues at one end of a spectrum, the outermost first; NaN where one was not found.

    Args:
        values: λ, (count,).
        vectors: Their unit eigenvectors, (size, count).
        residuals: ‖Av − λv‖ of each: an eigenvalue of A is no farther from λ.
    """

    values: Floats
    vectors: Floats
    residuals: Floats


class Extremes(NamedTuple):
    """The largest and smallest eigenvalues of a symmetric matrix.

    Args:
        top: The largest.
        bottom: The smallest.
        products: How many products with the matrix were taken.
        magnitude: The largest magnitude of an eigenvalue.
    """

    top: End
    bottom: End
    products: int
    magnitude: float


def hessian_eigenvalues(
    model: Any, x: Any, y: Any, count: int = 1, seed: int = 0, variant: str = ""
) -> tuple[Measurement, ...]:
    """The largest and smallest eigenvalues of the Hessian of the loss by all trainable variables.

        H = ∇²L(θ),   Hv = λv

    By Lanczos' method (ARPACK's, with restarts) on Hessian-vector products, which JAX takes forward over
    reverse: H itself is never formed, save for models of up to 40 variables. L is the loss of all rows as one
    batch, as in training; the model is left as it is. The definition of each record has its residual
    ‖Hv − λv‖, than which the nearest eigenvalue of H is no farther, to the rounding of the products, about
    1e-6 of the largest. A value that did not converge to 1e-4 of the largest magnitude says so there; NaN is
    one that was not found at all.

    Args:
        model: A compiled, built Keras model.
        x: Inputs, as the model takes them.
        y: Targets, as its loss takes them.
        count: How many at each end.
        seed: The seed of the vector that Lanczos starts from.
        variant: What the records call the model, such as ``"raw"``.

    Returns:
        ``hessian_eigenvalue_largest`` and ``hessian_eigenvalue_smallest``; those that follow end in ``_2``,
        ``_3`` and so on, counted from their end.

    Raises:
        TrainingError: If the backend is not JAX, the model is not compiled, or its loss or a second
            derivative is not finite.
        ValueError: If x and y have not as many rows, or there are not so many eigenvalues.

    Example:
        >>> import keras
        >>> line = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        >>> line.compile(loss="mse")
        >>> x = np.array([[3.0, 0.0], [0.0, 1.0]], "float32")  # H = xᵀx
        >>> [(m.name, round(m.value, 4)) for m in hessian_eigenvalues(line, x, x[:, :1])]
        [('hessian_eigenvalue_largest', 9.0), ('hessian_eigenvalue_smallest', 1.0)]

    Source:
        Lanczos 1950, "An iteration method for the solution of the eigenvalue problem"; Pearlmutter 1994,
        "Fast exact multiplication by the Hessian", for the products.
    """
    size, product, rows = hessian_product(model, x, y)
    found = extreme_eigenvalues(product, size, count, seed)
    what = f"eigenvalue of the Hessian of the loss of one batch of {rows} rows by {size} trainable weights"
    return tuple(
        Measurement(
            f"hessian_eigenvalue_{name}" + (f"_{i + 1}" if i else ""),
            float(end.values[i]),
            "",
            rows,
            f"{name} {what}{_convergence(float(end.residuals[i]), found)}",
            "Lanczos 1950; Pearlmutter 1994",
            variant=variant,
        )
        for name, end in (("largest", found.top), ("smallest", found.bottom))
        for i in range(count)
    )


def _convergence(residual: float, found: Extremes) -> str:
    if np.isnan(residual):
        return f"; not found in {found.products} Hessian-vector products"
    state = "" if residual <= TOLERANCE * found.magnitude else "NOT converged, "
    return f"; {state}residual ‖Hv − λv‖ = {residual:.2g} after {found.products} Hessian-vector products"


def hessian_product(model: Any, x: Any, y: Any) -> tuple[int, Product, int]:
    """The size of the Hessian of the loss, its product with a vector, and the rows it is measured on."""
    import jax
    import jax.numpy as jnp

    theta, loss, rows = flat_loss(model, x, y)

    @jax.jit
    def times(vector: Any) -> Any:
        return jax.jvp(jax.grad(loss), (theta,), (vector,))[1]

    def product(vector: Floats) -> Floats:
        found = np.asarray(times(jnp.asarray(vector, theta.dtype)), np.float64)
        if not np.isfinite(found).all():
            raise TrainingError(
                f"the second derivative of the loss of the model {model.name} holds"
                f" {found[~np.isfinite(found)][0]}; expected finite numbers: look at its weights and at the"
                " scale of x"
            )
        return found

    return theta.size, product, rows


def extreme_eigenvalues(product: Product, size: int, count: int, seed: int = 0) -> Extremes:
    """The `count` largest and smallest eigenvalues of a symmetric matrix, known by its products.

    Example:
        >>> diagonal = np.arange(100.0)
        >>> found = extreme_eigenvalues(lambda v: diagonal * v, 100, count=2)
        >>> [round(float(value), 3) for value in (*found.top.values, *found.bottom.values)]
        [99.0, 98.0, 0.0, 1.0]
    """
    if not 1 <= count <= size:
        raise ValueError(f"{count} eigenvalues were asked for at each end; expected from 1 to {size}")
    taken = 0

    def counted(vector: Floats) -> Floats:
        nonlocal taken
        taken += 1
        return product(vector.ravel())

    few = size <= max(VECTORS, 2 * count)
    ends = _dense(counted, size, count) if few else _lanczos(counted, size, count, seed)
    top, bottom = (
        End(
            values,
            vectors,
            np.array([_residual(counted, *pair) for pair in zip(values, vectors.T, strict=True)]),
        )
        for values, vectors in ends
    )
    magnitude = float(np.nanmax(np.abs([*top.values, *bottom.values]), initial=0.0))
    return Extremes(top, bottom, taken, magnitude)


def _residual(product: Product, value: float, vector: Floats) -> float:
    """‖Av − λv‖; NaN of what was not found."""
    return float(np.linalg.norm(product(vector) - value * vector)) if np.isfinite(value) else np.nan


def _dense(product: Product, size: int, count: int) -> tuple[Pairs, Pairs]:
    matrix = np.stack([product(unit) for unit in np.eye(size)])
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (values[::-1][:count], vectors[:, ::-1][:, :count]), (values[:count], vectors[:, :count])


def _lanczos(product: Product, size: int, count: int, seed: int) -> tuple[Pairs, Pairs]:
    """By the largest eigenvalues of s·I + A and of s·I − A, s being the magnitude of A.

    ARPACK has converged where the residual is small beside the eigenvalue, which is never so for one of 0.
    """
    start = np.random.default_rng(seed).normal(size=size)
    (largest,), _ = _largest(product, start, 1, 1e-2)
    shift = abs(float(np.nan_to_num(largest)))

    def end(sign: float) -> Pairs:
        def shifted(v: Floats) -> Floats:
            return shift * v.ravel() + sign * product(v)

        values, vectors = _largest(shifted, start, count, TOLERANCE / 2)
        return sign * (values - shift), vectors

    return end(1.0), end(-1.0)


def _largest(product: Product, start: Floats, count: int, tolerance: float) -> Pairs:
    """The eigenvalues of largest magnitude, in falling order; NaN where one did not converge."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    size = len(start)
    if not product(start).any():
        return np.zeros(count), np.eye(size)[:, :count]
    try:
        values, vectors = eigsh(
            LinearOperator((size, size), product, dtype=np.float64),
            k=count,
            which="LM",
            v0=start,
            ncv=min(size, max(2 * count + 1, VECTORS)),
            maxiter=RESTARTS,
            tol=tolerance,
        )
    except ArpackNoConvergence as error:
        values, vectors = error.eigenvalues, error.eigenvectors
    order = np.argsort(-np.abs(values))
    missing = count - len(values)
    return (
        np.append(values[order], np.full(missing, np.nan)),
        np.hstack([vectors[:, order], np.full((size, missing), np.nan)]),
    )
