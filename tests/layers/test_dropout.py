"""Dropout: Keras' layer in all but the bits, on whichever backend this process runs."""

import importlib
import os
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.data import normal
from tests.layers.gradients import gradients, numpy
from tests.reference import counter_hash

import normwise

BACKEND = keras.backend.backend()
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="what is special to JAX")

_theirs = importlib.import_module("keras.src.layers.regularization.dropout_test")
_theirs.layers = types.SimpleNamespace(**{**vars(_theirs.layers), "Dropout": normwise.Dropout})


@pytest.mark.filterwarnings("default")
class DropoutTest(_theirs.DropoutTest):
    """All of Keras' tests, inherited, with our layer."""


def test_keras_tests_use_our_layer():
    assert _theirs.layers.Dropout is normwise.Dropout
    assert len([name for name in dir(DropoutTest) if name.startswith("test_dropout")]) >= 5


def trained(layer, x):
    return numpy(layer(x, training=True))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("rate", [0.5, 0.3])
def test_values_are_dropped_or_divided_by_what_is_kept(policy, rate):
    x = ops.cast(normal((64, 32)), keras.DTypePolicy(policy).compute_dtype)
    y = trained(normwise.Dropout(rate, seed=1, dtype=policy), x)
    kept = y != 0
    assert 0.8 * (1 - rate) < kept.mean() < 1.2 * (1 - rate)
    np.testing.assert_array_equal(y[kept], numpy(x / (1 - rate))[kept])


def test_inference_rate_0_and_rate_1_as_in_keras():
    x = normal((8, 4))
    np.testing.assert_array_equal(numpy(normwise.Dropout(0.5)(x)), numpy(ops.convert_to_tensor(x)))
    np.testing.assert_array_equal(trained(normwise.Dropout(0.0), x), numpy(ops.convert_to_tensor(x)))
    np.testing.assert_array_equal(trained(normwise.Dropout(1.0), x), np.zeros((8, 4)))


def test_seeds_decide_and_calls_differ():
    x = np.ones((32, 32), "float32")
    first, again, other = (normwise.Dropout(0.5, seed=s) for s in (5, 5, 6))
    masks = [trained(first, x), trained(first, x)]
    for mask in masks:
        np.testing.assert_array_equal(trained(again, x), mask)
    assert (masks[0] != masks[1]).any()
    assert (trained(other, x) != masks[0]).any()


def test_set_random_seed_makes_runs_alike():
    def run():
        keras.utils.set_random_seed(9)
        layers = [normwise.Dropout(0.5), normwise.Dropout(0.5)]
        return [trained(layer, np.ones((32, 32), "float32")) for layer in (*layers, *layers)]

    first, second = run(), run()
    np.testing.assert_array_equal(first, second)
    assert len({mask.tobytes() for mask in first}) == 4


def test_gradients_pass_what_was_kept():
    x, upstream = np.ones((16, 8), "float32"), normal((16, 8), seed=1)
    by_x, _ = gradients(normwise.Dropout(0.3, seed=2), x, upstream)
    mask = trained(normwise.Dropout(0.3, seed=2), x) != 0
    np.testing.assert_allclose(by_x, np.where(mask, upstream / 0.7, 0.0), rtol=1e-6)
    assert 0 < mask.mean() < 1


def test_what_is_not_finite_and_dropped_is_gone():
    x = np.full((16, 8), np.nan, "float32")
    y, mask = (
        trained(normwise.Dropout(0.5, seed=2), x),
        trained(normwise.Dropout(0.5, seed=2), np.ones_like(x)),
    )
    np.testing.assert_array_equal(np.isnan(y), mask != 0)
    by_x, _ = gradients(normwise.Dropout(0.5, seed=2), x, np.ones_like(x))
    np.testing.assert_array_equal(by_x, mask)


@pytest.mark.parametrize(
    "noise_shape", [(None, 1, None), (6, 1, 5), [None, None, 1], (1, 1, 5), (None, 4, None)], ids=str
)
def test_noise_shapes_share_the_mask(noise_shape):
    y = trained(normwise.Dropout(0.5, noise_shape=noise_shape, seed=1), np.ones((6, 4, 5), "float32"))
    shared = tuple(slice(0, 1) if n == 1 else slice(None) for n in noise_shape)
    np.testing.assert_array_equal(y, np.broadcast_to(y[shared], y.shape))
    assert len(np.unique(y)) == 2


def test_a_batch_of_any_size_masks_and_models_that_come_back(tmp_path):
    model = keras.Sequential(
        [keras.Input((None, 3)), keras.layers.Masking(), normwise.Dropout(0.5, (None, 1, None)), _last()]
    )
    model.compile("sgd", "mse")
    for rows in (7, 4):
        assert np.isfinite(model.train_on_batch(normal((rows, 5, 3)), normal((rows, 5, 1))))
    model.save(tmp_path / "m.keras")
    again = normwise.load_model(tmp_path / "m.keras")
    assert type(again.layers[1]) is normwise.Dropout
    assert again.layers[1].noise_shape == (None, 1, None)
    x = normal((4, 5, 3))
    np.testing.assert_array_equal(numpy(again(x)), numpy(model(x)))


def _last():
    return keras.layers.Dense(1)


@pytest.mark.skipif(BACKEND != "torch", reason="JAX and TensorFlow have bits of our own")
def test_on_torch_it_is_keras_layer():
    x = np.ones((16, 16), "float32")
    ours, theirs = normwise.Dropout(0.4, seed=3), keras.layers.Dropout(0.4, seed=3)
    np.testing.assert_array_equal(trained(ours, x), trained(theirs, x))


@pytest.mark.skipif(BACKEND == "torch", reason="on torch the bits are Keras' own")
def test_the_mask_is_the_definitions_and_the_generator_keras_own():
    layer = normwise.Dropout(0.3, seed=1337)
    for counter in range(3):
        y = trained(layer, np.ones((5, 2, 3), "float32"))
        np.testing.assert_array_equal(y != 0, counter_hash.mask(1337, counter, (5, 2, 3), 0.7))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.seed_generator.state.value), [1337, 3])


@on_jax
def test_members_of_a_vmap_have_masks_by_their_seeds():
    import jax

    layer = normwise.Dropout(0.5, seed=0)
    layer.build((8, 4))
    states = np.array([[1, 0], [2, 0], [1, 0]], np.uint32)
    call = jax.vmap(
        lambda state: layer.stateless_call([], [state], np.ones((8, 4), "float32"), training=True)
    )
    y, (moved,) = call(states)
    np.testing.assert_array_equal(moved, states + np.array([0, 1], np.uint32))
    for member, (seed, counter) in zip(np.asarray(y), states, strict=True):
        np.testing.assert_array_equal(member != 0, counter_hash.mask(int(seed), int(counter), (8, 4), 0.5))


def network(around=lambda layer: layer):
    keras.utils.set_random_seed(4)
    layers = [keras.layers.Dense(6, "tanh"), normwise.Dropout(0.5, seed=1), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *map(around, layers)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def states(model):
    lists = model.trainable_variables, model.non_trainable_variables
    return tuple(
        [v.value for v in some] for some in (*lists, model.optimizer.variables, model.metrics_variables)
    )


@on_jax
def test_scanned_steps_equal_those_of_train_on_batch():
    import jax

    x, y = normal((5, 8, 3)), normal((5, 8, 1))
    one, other = network(), network()
    for batch in zip(x, y, strict=True):
        one.train_on_batch(*batch)
    other.train_on_batch(x[0], y[0])
    scan = jax.jit(lambda s: jax.lax.scan(lambda s, b: other.train_step(s, b)[::-1], s, (x[1:], y[1:]))[0])
    found = scan(states(other))
    for a, b in zip(jax.tree.leaves(found[:3]), jax.tree.leaves(states(one)[:3]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found[1][0], [1, 5])


@on_jax
def test_rematerialized_it_draws_once_and_drops_the_same():
    # Keras' own layer fails here: what it draws leaks out of the checkpoint.
    def around(layer):
        with keras.RematScope(mode="full"):
            return type(layer).from_config(layer.get_config())

    plain, again = network(), network(around)
    again.set_weights(plain.get_weights())
    for model in (plain, again):
        model.train_on_batch(normal((8, 3)), normal((8, 1)))
    for a, b in zip(plain.variables, again.variables, strict=True):
        np.testing.assert_allclose(numpy(a), numpy(b), rtol=1e-5, atol=1e-6)


@on_jax
def test_forward_mode_has_the_same_derivative():
    import jax

    x, state = np.ones((8, 4), "float32"), np.array([3, 0], np.uint32)
    layer = normwise.Dropout(0.5, seed=3)
    layer.build(x.shape)
    y, slope = jax.jvp(lambda x: layer.stateless_call([], [state], x, training=True)[0], (x,), (x,))
    np.testing.assert_array_equal(slope, y)


_SHARDED = """
import keras, numpy as np, normwise, jax
assert len(jax.devices()) == 2
keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
model = keras.Sequential([keras.Input((4, 6)), normwise.Dropout(0.5, seed=1337)])
model.compile("sgd", "mse")
x = np.ones((8, 4, 6), "float32")
mesh = jax.sharding.Mesh(jax.devices(), ("batch",))
sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
x = jax.device_put(x, sharding)
state = [v.value for v in model.non_trainable_variables]
call = jax.jit(lambda s, x: model.stateless_call([], s, x, training=True)[0], out_shardings=sharding)
y = call(state, x)
assert len(y.addressable_shards) == 2 and y.addressable_shards[0].data.shape == (4, 4, 6)
text = call.lower(state, x).compile().as_text()
assert "all-gather" not in text and "all-reduce" not in text, text
print("".join("01"[int(v)] for v in (np.asarray(y) != 0).ravel()))
"""


@on_jax
def test_shards_number_the_positions_of_the_whole_batch():
    flags = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    run = subprocess.run(
        [sys.executable, "-c", _SHARDED], env=flags, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    expected = counter_hash.mask(1337, 0, (8, 4, 6), 0.5)
    assert run.stdout.split()[-1] == "".join("01"[int(v)] for v in expected.ravel())
