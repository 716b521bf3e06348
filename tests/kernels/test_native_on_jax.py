"""The kernels as JAX calls them: under every transformation, and only where they belong."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from tests.kernels.native_arrays import extension
from tests.reference.batch_normalization import algorithm_1, gradients
from tests.reference.tolerance import assert_close, tolerance

if keras.backend.backend() != "jax":
    pytest.skip("this binding is JAX's", allow_module_level=True)
extension()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

from normwise.kernels.batch_norm import Channels, Plan, batch_norm, native_call  # noqa: E402

SHAPE = (40, 6)
EPSILON = 1e-3


@pytest.fixture(autouse=True)
def for_small_arrays_too(monkeypatch):
    monkeypatch.setattr(native_call, "LEAST_SIZE", 0)
    monkeypatch.delenv("NORMWISE_KERNELS", raising=False)


def given(shape=SHAPE, dtype="float32", seed=0, mean=0.5):
    random = np.random.default_rng(seed)
    x, upstream = random.normal(mean, 2.0, shape), random.normal(0.2, 1.0, shape)
    gamma, beta = random.uniform(0.5, 2.0, shape[-1:]), random.normal(size=shape[-1:])
    return tuple(a.astype(dtype) for a in (x, gamma, beta, upstream))


def normalized(x, gamma, beta, activation=keras.activations.relu):
    axes = tuple(range(x.ndim - 1))
    row = (1,) * len(axes) + (-1,)
    channels = Channels(gamma.reshape(row), beta.reshape(row))
    plan = Plan(axes=axes, epsilon=EPSILON, dtype=str(x.dtype), activation=activation)
    return batch_norm(x, channels, None, plan)


def loss(x, gamma, beta, upstream):
    return (normalized(x, gamma, beta)[0] * upstream).sum()


slopes = jax.grad(loss, argnums=(0, 1, 2))


def calls_in(function, *arguments):
    # A function of its own: of the same one JAX keeps what it traced before a switch was thrown.
    program = jax.jit(lambda *given: function(*given)).lower(*arguments)  # noqa: PLW0108
    return program.as_text().count("@normwise_batch_norm_")


def assert_slopes(found, x, gamma, beta, upstream):
    z = algorithm_1(x, gamma.astype(float), beta.astype(float), EPSILON).y
    expected = gradients(upstream * (z > 0), x, gamma.astype(float), EPSILON)
    allowed = 4 * tolerance("float32", x[..., 0].size)
    for actual, reference in zip(found, expected, strict=True):
        assert_close(actual, reference, allowed)


def test_forward_and_moments():
    x, gamma, beta, _ = given()
    assert calls_in(normalized, x, gamma, beta) == 1
    y, moments = jax.jit(normalized)(x, gamma, beta)
    expected = algorithm_1(x, gamma.astype(float), beta.astype(float), EPSILON)
    allowed = tolerance("float32", SHAPE[0])
    assert_close(y, np.maximum(expected.y, 0), allowed)
    assert_close(moments.mean[0], expected.mean, allowed)
    assert_close(moments.variance(xp=jnp)[0], expected.variance, allowed)
    assert float(moments.count.ravel()[0]) == SHAPE[0]


def test_gradients_compiled_and_not():
    arguments = given()
    assert calls_in(slopes, *arguments) == 2
    assert_slopes(jax.jit(slopes)(*arguments), *arguments)
    assert_slopes(slopes(*arguments), *arguments)


def test_the_switch_turns_them_off(monkeypatch):
    monkeypatch.setenv("NORMWISE_KERNELS", "off")
    assert calls_in(slopes, *given()) == 0


def test_a_wrong_switch_is_an_error(monkeypatch):
    monkeypatch.setenv("NORMWISE_KERNELS", "fast")
    with pytest.raises(ValueError, match='NORMWISE_KERNELS must be "on" or "off", got \'fast\''):
        slopes(*given())


def test_small_arrays_are_left_to_the_compiler(monkeypatch):
    arguments = given()
    monkeypatch.setattr(native_call, "LEAST_SIZE", 40 * 6 + 1)
    assert calls_in(slopes, *arguments) == 0


def test_in_scan():
    x, gamma, beta, upstream = given((3, *SHAPE))
    gamma, beta = gamma[:6], beta[:6]

    def step(gamma, batch):
        found = slopes(*batch[:1], gamma, beta, batch[1])
        return gamma - 0.1 * found[1], found

    _, found = jax.jit(lambda g: jax.lax.scan(step, g, (x, upstream)))(gamma)
    for i in range(3):
        assert_slopes([v[i] for v in found], x[i], gamma, beta, upstream[i])
        gamma = gamma - 0.1 * np.asarray(found[1][i])


@pytest.mark.parametrize("axis", [0, 1])
def test_members_of_a_vmap_keep_their_own_statistics(axis):
    """Members with means far apart: taken together, their spread would be another."""
    x, gamma, beta, upstream = given((5, *SHAPE))
    x = x + 100.0 * np.arange(5, dtype="float32")[:, None, None]
    gamma, beta = gamma[:6], beta[:6]
    members = np.moveaxis(x, 0, axis)
    found = jax.jit(jax.vmap(slopes, in_axes=(axis, None, None, 0)))(members, gamma, beta, upstream)
    for i in range(5):
        assert_slopes([v[i] for v in found], x[i], gamma, beta, upstream[i])


def cubed(z):
    return z * z * z / 10.0


@pytest.mark.parametrize("ways", ["forward over reverse", "reverse over reverse"])
def test_products_with_the_hessian(ways):
    """Against central differences of the gradient, in float64."""
    with jax.enable_x64(True):
        x, gamma, beta, direction = given(dtype="float64")
        weights = np.random.default_rng(3).normal(size=SHAPE)

        def scalar(x):
            return (normalized(x, gamma, beta, activation=None)[0] ** 3 * weights).sum()

        slope = jax.grad(scalar)
        if ways == "forward over reverse":
            product = jax.jvp(slope, (x,), (direction,))[1]
        else:
            product = jax.grad(lambda x: (slope(x) * direction).sum())(x)
        assert calls_in(slope, x) == 2
        step = 1e-5
        expected = (slope(x + step * direction) - slope(x - step * direction)) / (2 * step)
        # Differences are off by step² and by ε/step, times derivatives of higher order.
        assert_close(product, expected, 1e5 * (step**2 + 2.0**-52 / step))


def test_derivatives_of_an_activation_in_the_kernel():
    x, gamma, beta, direction = given()

    def scalar(x):
        return (normalized(x, gamma, beta, keras.activations.tanh)[0] ** 2).sum()

    product = jax.jvp(jax.grad(scalar), (x,), (direction,))[1]
    os.environ["NORMWISE_KERNELS"] = "off"
    try:
        expected = jax.jvp(jax.grad(scalar), (x,), (direction,))[1]
    finally:
        del os.environ["NORMWISE_KERNELS"]
    assert_close(product, expected, 16 * tolerance("float32", SHAPE[0]))


def test_an_activation_that_no_kernel_has_comes_behind():
    x, gamma, beta, _ = given()

    def scalar(x):
        return normalized(x, gamma, beta, cubed)[0].sum()

    assert calls_in(jax.grad(scalar), x) == 2
    z = algorithm_1(x, gamma.astype(float), beta.astype(float), EPSILON).y
    expected = gradients(0.3 * z * z, x, gamma.astype(float), EPSILON).x
    assert_close(jax.grad(scalar)(x), expected, 4 * tolerance("float32", SHAPE[0]))


def weighted(x, gamma, beta, weights):
    channels = Channels(gamma[None, None], beta[None, None])
    plan = Plan(axes=(0, 1), epsilon=EPSILON, dtype=str(x.dtype), activation=keras.activations.tanh)
    return batch_norm(x, channels, weights, plan)


def test_values_that_weigh():
    """A weight a row, a weight a step, and one a value, which no kernel has."""
    x, gamma, beta, upstream = given((8, 5, 6))
    random = np.random.default_rng(1)
    for shape, kernels in (((8, 1, 1), 2), ((8, 5, 1), 2), ((8, 5, 6), 0)):
        weights = random.integers(0, 3, shape).astype("float32")
        there = np.broadcast_to(weights, (8, 5, shape[-1]))

        def scalar(x, gamma, beta, weights):
            return (weighted(x, gamma, beta, weights)[0] * upstream).sum()

        slope = jax.grad(scalar, argnums=(0, 1, 2))
        assert calls_in(slope, x, gamma, beta, weights) == kernels
        z, mean, _ = algorithm_1(x, gamma.astype(float), beta.astype(float), EPSILON, there)
        expected = gradients(upstream * (1 - np.tanh(z) ** 2), x, gamma.astype(float), EPSILON, there)
        y, moments = weighted(x, gamma, beta, weights)
        allowed = 4 * tolerance("float32", 40)
        assert_close(y, np.tanh(z), allowed)
        assert_close(moments.mean.ravel(), mean, allowed)
        assert float(moments.count.ravel()[0]) == there[..., 0].sum()
        for actual, reference in zip(jax.jit(slope)(x, gamma, beta, weights), expected, strict=True):
            assert_close(actual, reference, allowed)


def test_members_of_a_vmap_weigh_by_themselves():
    x, gamma, beta, _ = given((3, 8, 5, 6))
    weights = np.random.default_rng(1).integers(0, 3, (3, 8, 5, 1)).astype("float32")
    found = jax.vmap(lambda x, w: weighted(x, gamma[:6], beta[:6], w)[0])(x, weights)
    for i in range(3):
        z = algorithm_1(x[i], gamma[:6].astype(float), beta[:6].astype(float), EPSILON, weights[i]).y
        assert_close(found[i], np.tanh(z), 4 * tolerance("float32", 40))


def test_products_with_the_hessian_of_values_that_weigh(monkeypatch):
    x, gamma, beta, direction = given((8, 5, 6))
    weights = np.random.default_rng(1).integers(0, 3, (8, 5, 1)).astype("float32")

    def product():
        slope = jax.grad(lambda x: (weighted(x, gamma, beta, weights)[0] ** 2).sum())
        return jax.jvp(slope, (x,), (direction,))[1]

    found = product()
    monkeypatch.setenv("NORMWISE_KERNELS", "off")
    assert_close(found, product(), 16 * tolerance("float32", 40))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_and_what_would_round_twice(dtype):
    """γ, β and the moments are in float32; a count of 70,001 is not what a half can hold."""
    shape = (70_001, 3)
    x, gamma, beta, upstream = given(shape)
    gamma, beta = gamma[:3], beta[:3]
    x = jnp.asarray(x, dtype)
    channels = Channels(gamma[None], beta[None])

    def found(x, result, activation):
        plan = Plan(axes=(0,), epsilon=EPSILON, dtype=result, activation=activation)
        return batch_norm(x, channels, None, plan)

    assert calls_in(lambda x: found(x, dtype, keras.activations.gelu), x) == 1
    assert calls_in(lambda x: found(x, "float32", keras.activations.gelu), x) == 0
    assert calls_in(lambda x: found(x, dtype, cubed), x) == 0
    y, moments = found(x, dtype, keras.activations.relu)
    expected = algorithm_1(np.asarray(x, float), gamma.astype(float), beta.astype(float), EPSILON)
    assert y.dtype == dtype
    assert float(moments.count.ravel()[0]) == shape[0]
    assert_close(moments.variance(xp=jnp)[0], expected.variance, tolerance("float32", shape[0]))
    assert_close(np.asarray(y, float), np.maximum(expected.y, 0), tolerance(dtype, 1))
    slope = jax.grad(lambda x: (found(x, dtype, None)[0] * upstream.astype(dtype)).sum())
    assert calls_in(slope, x) == 2
    reference = gradients(
        np.asarray(upstream.astype(dtype), float), np.asarray(x, float), gamma.astype(float), EPSILON
    )
    assert_close(np.asarray(slope(x), float), reference.x, tolerance(dtype, 1))


def test_what_xla_takes_for_zero_is_zero_on_every_thread():
    """Its threads have no denormal numbers; ours do where they began to work for somebody else."""
    code = (
        "import jax, jax.numpy as jnp, numpy as np\n"
        "from tests.kernels.test_native_on_jax import extension, given, normalized\n"
        "extension().set_threads(4)\n"
        "extension().column_statistics(np.ones((3000, 100)))\n"
        "x = jnp.asarray(given((9000, 64))[0] * 1e-40)\n"
        "program = jax.jit(lambda x: normalized(x, jnp.ones(64), jnp.zeros(64), None)[0])\n"
        "found = [np.asarray(program(x)).tobytes() for _ in range(10)]\n"
        "extension().set_threads(1)\n"
        "print(set(found) == {np.asarray(program(x)).tobytes()})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def test_on_several_devices_it_stays_portable_and_nothing_is_gathered():
    code = (
        "import jax, numpy as np\n"
        "from jax.sharding import Mesh, NamedSharding, PartitionSpec\n"
        "from normwise.kernels.batch_norm import native_call\n"
        "native_call.LEAST_SIZE = 0\n"
        "from tests.kernels.test_native_on_jax import calls_in, given, slopes\n"
        "x, gamma, beta, upstream = given()\n"
        "rows = NamedSharding(Mesh(np.array(jax.devices()), ('rows',)), PartitionSpec('rows'))\n"
        "x, upstream = (jax.device_put(v, rows) for v in (x, upstream))\n"
        "program = jax.jit(slopes).lower(x, gamma, beta, upstream).compile().as_text()\n"
        "print(calls_in(slopes, x, gamma, beta, upstream), 'all-reduce' in program, 'all-gather' in program)"
    )
    flags = "--xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XLA_FLAGS": flags},
    )
    assert done.stdout.split() == ["0", "True", "False"]
