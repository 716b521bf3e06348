"""BatchNormalization's derivatives: first and second, against differences in float64, and what they keep."""

import keras
import numpy as np
import pytest
from keras import ops
from tests.reference.tolerance import assert_close, tolerance

import normwise

BACKEND = keras.backend.backend()
STEP = 1e-5
ALLOWED = 1e5 * (STEP**2 + 2.0**-52 / STEP)
"""Central differences are off by step² and by ε/step, times derivatives of higher order."""


def cubed(z):
    """An activation in float64: most of Keras' compute in float32 at most on JAX."""
    return z * z * z / 10.0


ARGUMENTS = {"plain": {}, "activation": {"activation": cubed}, "ghost batches": {"virtual_batch_size": 3}}
"""Not renormalization: its r and d are constants to the gradient, while a difference would move them."""


@pytest.fixture(autouse=True)
def _float64():
    if BACKEND != "jax":
        yield
        return
    import jax

    with jax.enable_x64(True):
        yield


def data(seed=0):
    random = np.random.default_rng(seed)
    return random.normal(2.0, 3.0, (8, 2, 3))


MASK = np.arange(16).reshape(8, 2) % 5 != 0


def built(dtype="float64", **arguments):
    layer = normwise.BatchNormalization(dtype=dtype, axis=-1, **arguments)
    layer.build((None, 2, 3))
    layer.gamma.assign([0.5, 2.0, -1.5])
    layer.beta.assign([1.0, 0.0, -3.0])
    return layer


def pure(layer, dtype="float64", **call):
    """x → Σ y³·c, a loss whose second derivative is not that of a linear one; the layer's state stays."""
    weights = np.random.default_rng(3).normal(size=(8, 2, 3))

    def loss(x):
        trainable = [v.value for v in layer.trainable_variables]
        others = [v.value for v in layer.non_trainable_variables]
        y, _ = layer.stateless_call(trainable, others, x, training=True, **call)
        return ops.sum(y * y * y * ops.convert_to_tensor(weights, dtype))

    return loss


def values(loss):
    """The loss of NumPy arrays as numbers, compiled once on JAX: differences take many."""
    if BACKEND == "jax":
        import jax

        loss = jax.jit(loss)
    return lambda x: float(ops.convert_to_numpy(loss(ops.convert_to_tensor(x))))


def gradient(loss):
    """The gradient function of the backend, of NumPy arrays."""
    if BACKEND == "jax":
        import jax

        slope = jax.jit(jax.grad(loss))
        return lambda x: np.asarray(slope(x))
    if BACKEND == "torch":
        import torch

        def by_torch(x):
            x = torch.tensor(x, requires_grad=True)
            return torch.autograd.grad(loss(x), x)[0].numpy()

        return by_torch
    import tensorflow as tf

    def by_tensorflow(x):
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        return tape.gradient(value, x).numpy()

    return by_tensorflow


def calls(name):
    return {"mask": ops.convert_to_tensor(MASK)} if name == "masked" else {}


def number(value):
    return float(ops.convert_to_numpy(value))


def differences(function, x, directions):
    """(function(x + step·v) − function(x − step·v)) / 2 step, for each direction v."""
    return [(function(x + STEP * v) - function(x - STEP * v)) / (2 * STEP) for v in directions]


def unit_vectors(shape):
    for i in np.ndindex(shape):
        vector = np.zeros(shape)
        vector[i] = 1.0
        yield vector


@pytest.mark.parametrize("name", [*ARGUMENTS, "masked"])
def test_the_gradient_is_the_difference(name):
    loss, x = pure(built(**ARGUMENTS.get(name, {})), **calls(name)), data()
    expected = differences(values(loss), x, unit_vectors(x.shape))
    assert_close(gradient(loss)(x), np.reshape(expected, x.shape), ALLOWED)
    with pytest.raises(AssertionError, match="relative error"):
        assert_close(gradient(loss)(x + 0.01 * data(seed=1)), np.reshape(expected, x.shape), ALLOWED)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", [*ARGUMENTS, "masked"])
@pytest.mark.parametrize("way", ["reverse over reverse", "forward over reverse"])
def test_hessian_vector_products_are_differences_of_the_gradient(way, name):
    loss, x, v = pure(built(**ARGUMENTS.get(name, {})), **calls(name)), data(), data(seed=1)
    product = {"reverse over reverse": reverse_over_reverse, "forward over reverse": forward_over_reverse}
    (expected,) = differences(gradient(loss), x, [v])
    assert_close(product[way](loss, x, v), expected, ALLOWED)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("way", ["reverse over reverse", "forward over reverse"])
def test_hessian_vector_products_in_float32_are_those_in_float64(way):
    """Where a backend has a kernel of its own for float32."""
    product = {"reverse over reverse": reverse_over_reverse, "forward over reverse": forward_over_reverse}
    x, v = data(), data(seed=1)
    found, expected = (
        product[way](pure(built(dtype=dtype), dtype=dtype), x.astype(dtype), v.astype(dtype))
        for dtype in ("float32", "float64")
    )
    assert_close(found, expected, tolerance("float32", n=x.size, conditioning=4.0))


def reverse_over_reverse(loss, x, v):
    if BACKEND == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(lambda at: (jax.grad(loss)(at) * v).sum()))(x))
    if BACKEND == "torch":
        import torch

        x = torch.tensor(x, requires_grad=True)
        (slope,) = torch.autograd.grad(loss(x), x, create_graph=True)
        return torch.autograd.grad((slope * torch.tensor(v)).sum(), x)[0].numpy()
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = loss(x)
        product = tf.reduce_sum(inner.gradient(value, x) * v)
    return outer.gradient(product, x).numpy()


def forward_over_reverse(loss, x, v):
    if BACKEND == "jax":
        import jax

        return np.asarray(jax.jit(lambda x, v: jax.jvp(jax.grad(loss), (x,), (v,))[1])(x, v))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.constant(x)
        with tf.autodiff.ForwardAccumulator(x, tf.constant(v)) as forward, tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
            slope = tape.gradient(value, x)
        return forward.jvp(slope).numpy()
    import torch

    x, v = torch.tensor(x), torch.tensor(v)
    return torch.func.jvp(torch.func.grad(loss), (x,), (v,))[1].detach().numpy()


@pytest.mark.skipif(BACKEND == "jax", reason="JAX has no forward mode of a custom_vjp")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_forward_mode_is_the_gradient_along_the_direction(dtype):
    loss, x, v = pure(built(dtype=dtype), dtype=dtype), data().astype(dtype), data(seed=1).astype(dtype)
    expected = (gradient(loss)(x).astype("float64") * v).sum()
    if BACKEND == "torch":
        import torch

        found = torch.func.jvp(loss, (torch.tensor(x),), (torch.tensor(v),))[1]
    else:
        import tensorflow as tf

        x = tf.constant(x)
        with tf.autodiff.ForwardAccumulator(x, tf.constant(v)) as forward:
            value = loss(x)
        found = forward.jvp(value)
    assert_close(number(found), expected, tolerance(dtype, n=v.size, conditioning=16.0))


@pytest.mark.skipif(BACKEND != "jax", reason="the others differentiate forward")
def test_forward_mode_through_a_training_step_says_that_jax_has_none():
    import jax

    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(pure(built()), (data(),), (data(seed=1),))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_keras_activations_take_float64(activation):
    found = gradient(pure(built(activation=activation)))(data())
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
