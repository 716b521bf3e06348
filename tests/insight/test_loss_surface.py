"""The loss over a plane of weights, against quadratics and the loss itself."""

import os

import numpy as np
import pytest
from tests.reference.tolerance import assert_close, tolerance
from tests.reference.two_layers import hessian, loss

from normwise.core.errors import TrainingError
from normwise.core.measurement import Surface
from normwise.insight import loss_surface, surface_descent_steps
from normwise.insight._plane import MOST_STEPS, Plane, descend

if os.environ["KERAS_BACKEND"] != "jax":
    pytest.skip("gradients are measured on JAX", allow_module_level=True)

import keras
from keras import layers
from tests.insight.two_layer_networks import (
    EPSILON,
    UNITS,
    assert_unchanged,
    data,
    network,
    state_of,
    theta_of,
)


def line(spread):
    """A linear model whose loss is (w − w*)ᵀ diag(spread², 1)/2 (w − w*), and its data."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False)], name="line")
    model.compile(loss="mse")
    model.set_weights([np.array([[0.2], [0.1]], "float32")])
    x = np.array([[spread, 0.0], [0.0, 1.0]], "float32")
    optimum = np.array([[0.7], [-0.4]], "float32")
    return model, x, x @ optimum, np.array([0.2, 0.1]), np.array([0.7, -0.4])


@pytest.mark.parametrize("spread", [1.5, 6.0])
def test_the_plane_of_a_model_of_two_weights_is_its_whole_loss(spread):
    model, x, y, weights, optimum = line(spread)
    surface = loss_surface(model, x, y, variant="raw")
    curvatures = np.array([spread**2, 1.0])
    assert_close(surface.curvatures, curvatures, 1e-5)
    first, second = np.array(surface.first), np.array(surface.second)
    grid = np.reshape(surface.losses, (41, 41))
    # The signs of eigenvectors are free: θ is (0, 0), and the optimum is to one of four sides.
    fits = []
    for a in (-1, 1):
        for b in (-1, 1):
            away = np.stack(np.meshgrid(a * first, b * second, indexing="ij"), -1) + weights - optimum
            fits.append(np.abs((curvatures * away**2).sum(-1) / 2 - grid).max())
    assert min(fits) <= tolerance("float32", 2, conditioning=10) * grid.max()
    assert surface.lowest >= -1e-6
    assert (surface.variant, surface.sample_size, len(surface.paths)) == ("raw", 2, 20)


def test_the_descents_are_those_of_a_quadratic():
    curvatures, optimum = np.array([40.0, 1.0]), np.array([0.2, -0.1])
    first, second = np.linspace(-1, 1, 41), np.linspace(-2, 2, 41)
    away = np.stack(np.meshgrid(first, second, indexing="ij"), -1) - optimum
    descents = descend(Plane(first, second, (curvatures * away**2).sum(-1) / 2), 20, seed=3)
    assert descents.lowest == pytest.approx(0.0, abs=1e-9)
    counts = []
    for path in descents.paths:
        place, count = path[0], 0
        excess = (curvatures * (place - optimum) ** 2).sum()
        while (curvatures * (place - optimum) ** 2).sum() > 0.01 * excess:
            place = place - descents.rate * curvatures * (place - optimum)
            place, count = np.clip(place, [-1, -2], [1, 2]), count + 1
            np.testing.assert_allclose(path[count], place, atol=1e-6)
        counts.append(max(1, count))
    assert list(descents.steps) == counts
    # The rate is one of a grid by √2 about 2/40, and no stable one is larger than that.
    assert 1 / 40 <= descents.rate <= 2 / 40 * (1 + 1e-6)


def test_a_start_in_another_low_does_not_arrive():
    first = second = np.linspace(-2, 2, 81)
    a, b = np.meshgrid(first, second, indexing="ij")
    # Lows at a = ±1, the left one 0.4 above the right one.
    descents = descend(Plane(first, second, (a**2 - 1) ** 2 - 0.2 * a + b**2), 20, seed=0)
    starts = np.array([path[0] for path in descents.paths])
    ends = np.array([path[-1] for path in descents.paths])
    assert (starts[:, 0] < -0.5).any()
    assert (ends[:, 0] < -0.9).any()
    assert np.isinf(descents.steps[ends[:, 0] < 0]).all()
    assert (np.abs(ends[np.isfinite(descents.steps), 0] - 1) < 0.2).all()
    assert np.isfinite(descents.steps).sum() > 10
    assert max(len(path) for path in descents.paths) <= MOST_STEPS + 1


@pytest.mark.parametrize("normalized", [False, True])
def test_the_losses_of_a_network_are_those_along_its_eigenvectors(normalized):
    model, (x, y) = network(normalized), data()
    before = state_of(model)
    surface = loss_surface(model, x, y)
    theta, args = theta_of(model), (x, y, UNITS, *([EPSILON] if normalized else []))
    values, vectors = np.linalg.eigh(hessian(theta, *args))
    assert_close(surface.curvatures, [values[-1], values[0]], 1e-4)
    first, second = np.array(surface.first), np.array(surface.second)
    grid, places = np.reshape(surface.losses, (41, 41)), [(0, 0), (20, 20), (5, 33), (40, 12)]
    fits = []
    for a in (-1, 1):
        for b in (-1, 1):
            known = [loss(theta + a * first[i] * vectors[:, -1] + b * second[j] * vectors[:, 0], *args)
                     for i, j in places]  # fmt: skip
            fits.append(np.abs(np.array(known) - [grid[i, j] for i, j in places]).max())
    # Lanczos' vectors are within its tolerance, over the gap to the next eigenvalue, of the eigenvectors.
    assert min(fits) <= 5e-3 * grid.max()
    # Each axis ends where the loss has doubled, or at the length of the weights.
    ends = [max(grid[0, 20], grid[40, 20]), max(grid[20, 0], grid[20, 40])]
    for reach, end in zip((first[-1], second[-1]), ends, strict=True):
        assert end >= 2 * grid[20, 20] or reach == pytest.approx(np.linalg.norm(theta), rel=1e-5)
    assert_unchanged(before)
    assert Surface.from_json(surface.to_json()) == surface
    steps = {m.name: m.value for m in surface_descent_steps(surface)}
    assert steps == {
        "surface_descent_steps": np.median(surface.steps),
        "surface_descent_steps_least": min(surface.steps),
        "surface_descent_steps_most": max(surface.steps),
    }
    assert loss_surface(model, x, y) == surface


def test_what_has_no_plane():
    one = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)], name="one")
    one.compile(loss="mse")
    x = np.ones((2, 1), "float32")
    with pytest.raises(TrainingError, match="the model one has 1 trainable weight; expected two or more"):
        loss_surface(one, x, x)
