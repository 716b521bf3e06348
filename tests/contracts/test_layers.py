"""What every layer must do, on whichever backend this process runs (KERAS_BACKEND)."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.data import normal
from tests.layers.gradients import gradients, numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise

BACKEND = keras.backend.backend()
KNOTS = [[-1.0, 2.0, 5.5, 9.0], [0.1, 1 / 3], [-3.0, 0.0, 7.0]]
LOW = [[0.0, 0.3, 0.9, 1.0], [0.0, 1.0], [0.0, 0.2, 1.0]]
HIGH = [[0.1, 0.6, 0.9, 1.0], [0.0, 1.0], [0.0, 0.2, 1.0]]
LAYERS = {
    "BatchNormalization": normwise.BatchNormalization,
    "BatchNormalization, every argument": lambda **k: normwise.BatchNormalization(
        axis=1,
        momentum=0.5,
        epsilon=0.01,
        center=False,
        gamma_initializer=keras.initializers.Constant(2.0),
        moving_mean_initializer="ones",
        moving_variance_initializer=keras.initializers.Constant(0.5),
        gamma_regularizer="l2",
        gamma_constraint="non_neg",
        averaging="exponential",
        unbiased=False,
        **k,
    ),
    "Dropout": lambda **k: normwise.Dropout(0.1, seed=3, **k),
    "FeatureScaling": lambda **k: normwise.FeatureScaling([0.1, 1 / 3, -2.0], [1.5, 1e-3, 3.0], 0.7, **k),
    "FeatureScaling, zero": lambda **k: normwise.FeatureScaling(0.1, 1 / 3, missing="zero", **k),
    "FeatureScaling, clip": lambda **k: normwise.FeatureScaling(0.1, 1 / 3, clip=(-0.9, None), **k),
    "PowerScaling": lambda **k: normwise.PowerScaling(
        "yeo-johnson", [0.0, 1 / 3, 2.0], 0.1, [1.5, 1.0, 2.0], **k
    ),
    "PowerScaling, log1p": lambda **k: normwise.PowerScaling("log1p", center=0.1, missing="zero", **k),
    "QuantileScaling": lambda **k: normwise.QuantileScaling(KNOTS, LOW, HIGH, **k),
    "QuantileScaling, normal": lambda **k: normwise.QuantileScaling(KNOTS, LOW, HIGH, "normal", "zero", **k),
    "ColumnScaling": lambda **k: normwise.ColumnScaling(
        [[2], [0]], [normwise.FeatureScaling(0.1, 1 / 3), normwise.PowerScaling("log1p", missing="zero")], **k
    ),
}
POLICIES = ["float32", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16"]
ROWS = 16
"""One number for all inputs: each operation is compiled for each shape anew."""


@pytest.fixture(params=LAYERS)
def make(request):
    return LAYERS[request.param]


def run(layer, x, training):
    return layer(x, training=training) if "training" in inspect.signature(layer.call).parameters else layer(x)


def state(layer):
    # Not the variables: a seed generator moves on whether the layer is trained or not, and is not saved.
    return [numpy(v).tolist() for v in layer.weights]


def compiled(layer):
    """A function (state, x) → (y, state) that the backend compiles, and the list of its traces."""
    traces = []
    if BACKEND == "jax":
        import jax

        def step(variables, x):
            traces.append(1)
            y, moved = layer.stateless_call(variables[0], variables[1], x, **_training(layer))
            return y, (variables[0], moved)

        return jax.jit(step), traces
    import tensorflow as tf

    def step(variables, x):
        traces.append(1)
        return run(layer, x, True), variables

    return tf.function(step), traces


def _training(layer):
    return {"training": True} if "training" in inspect.signature(layer.call).parameters else {}


def variables(layer):
    if BACKEND != "jax":
        return ()
    return [v.value for v in layer.trainable_variables], [v.value for v in layer.non_trainable_variables]


def test_config_alone_rebuilds_the_layer(make):
    layer = make(name="mine", dtype="mixed_bfloat16")
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    assert json.loads(text)["registered_name"] == f"normwise>{type(layer).__name__}"


def test_every_argument_is_in_the_config(make):
    arguments = [
        p.name for p in inspect.signature(type(make())).parameters.values() if p.kind is not p.VAR_KEYWORD
    ]
    assert set(arguments) <= set(make().get_config())


def test_saved_models_and_weights_come_back(make, tmp_path):
    def model():
        return keras.Sequential([keras.Input((3,)), make(), keras.layers.Dense(3), make()])

    first, x = model(), normal((ROWS, 3))
    first(x, training=True)
    first.save(tmp_path / "m.keras")
    first.save_weights(tmp_path / "m.weights.h5")
    second = model()
    second.load_weights(tmp_path / "m.weights.h5")
    for other in (normwise.load_model(tmp_path / "m.keras"), second):
        np.testing.assert_array_equal(numpy(other(x)), numpy(first(x)))
        assert state(other) == state(first)


@pytest.mark.parametrize("policy", POLICIES)
def test_symbolic_and_eager_calls_agree_on_shape_and_dtype(make, policy):
    x = normal((ROWS, 3))
    y, symbol = run(make(dtype=policy), x, True), make(dtype=policy)(keras.Input((3,)))
    assert tuple(y.shape) == (ROWS, 3)
    assert symbol.shape == (None, 3)
    compute = keras.DTypePolicy(policy).compute_dtype
    assert (keras.backend.standardize_dtype(y.dtype), symbol.dtype) == (compute, compute)
    assert make().compute_output_shape((None, 3)) == (None, 3)


@pytest.mark.skipif(BACKEND == "torch", reason="on torch nothing is compiled")
def test_compiled_equals_eager_and_compiles_once(make):
    x, other = normal((ROWS, 3)), normal((ROWS, 3), seed=1)
    eager, layer = make(), make()
    for subject in (eager, layer):
        subject.build((None, 3))
    step, traces = compiled(layer)
    moving = variables(layer)
    allowed = tolerance("float32", n=ROWS)
    for batch in (x, other, x):
        y, moving = step(moving, ops.convert_to_tensor(batch))
        assert_close(numpy(y), numpy(run(eager, batch, True)), allowed)
    assert len(traces) == 1


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(normal((1, 3)), id="a batch of one"),
        pytest.param(normal((0, 3)), id="an empty batch"),
        pytest.param(np.full((ROWS, 3), 5.0, "float32"), id="zero variance"),
        pytest.param(np.zeros((ROWS, 3), "float32"), id="zeros"),
        pytest.param(normal((ROWS, 3), mean=1e5, std=1.0), id="mean 1e5"),
        pytest.param(normal((ROWS, 3), mean=0.0, std=1e-20), id="tiny"),
    ],
)
@pytest.mark.filterwarnings("ignore:a batch taught the layer")
def test_outputs_gradients_and_state_are_finite(make, x):
    layer = make()
    by_x, by_variables = gradients(layer, x, np.ones_like(x))
    y = run(layer, x, True)
    for values in [numpy(y), by_x, *by_variables.values(), *state(layer), numpy(run(layer, x, False))]:
        assert np.isfinite(values).all()


def test_frozen_layers_keep_their_state(make):
    layer = make()
    run(layer, normal((ROWS, 3)), True)
    layer.trainable = False
    before = state(layer)
    run(layer, normal((ROWS, 3), seed=1, mean=9.0), True)
    assert state(layer) == before
    assert layer.trainable_variables == []


def test_inference_keeps_the_state_and_no_call_touches_its_input(make):
    layer, x = make(), ops.convert_to_tensor(normal((ROWS, 3)))
    layer.build((None, 3))
    before = state(layer)
    run(layer, x, False)
    assert state(layer) == before
    run(layer, x, True)
    np.testing.assert_array_equal(ops.convert_to_numpy(x), normal((ROWS, 3)))


@pytest.mark.parametrize("policy", POLICIES)
def test_compiled_fit_learns(make, policy):
    x = normal((256, 3), mean=0.3, std=1.0)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), make(dtype=policy), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), "mse", jit_compile=BACKEND != "torch")
    losses = model.fit(x, x.sum(1, keepdims=True), batch_size=32, epochs=5, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]


def test_the_mask_is_handed_on(make):
    x = normal((4, 3))
    mask = np.array([True, False, True, True])
    layer = make()
    layer.build((None, 3))
    np.testing.assert_array_equal(layer.compute_mask(x, mask), mask)
