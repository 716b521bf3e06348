"""Probes measure what their definitions say, and change nothing."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.reference.probes import OneTanhLayer
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import TrainingError
from normwise.training import probes

ALL = [getattr(probes, name) for name in probes.__all__]
ROWS, BATCH = 70, 16
STEPS = 5
"""A pass over the rows, the last step having 6 of them."""


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 3)).astype("float32")
    return x, (x[:, 0] - x[:, 1]).astype("float32")


def normalized(steps_per_execution=1):
    """A small network with all that training moves: statistics, seeds, moments of the optimizer."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4),
            normwise.BatchNormalization(activation="relu", name="fused"),
            layers.Dropout(0.5),
            layers.Dense(4, activation="tanh", name="hidden"),
            layers.BatchNormalization(name="plain"),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"], steps_per_execution=steps_per_execution)
    return model


def all_values(model):
    return [np.asarray(v.value) for v in (*model.variables, *model.optimizer.variables)]


def test_training_is_the_same_to_the_last_bit(data):
    plain = normalized()
    bare = normwise.fit(plain, *data, BATCH, epochs=2, verbose=0)
    probed = normalized(steps_per_execution=3)
    chosen = [kind(every=3 if kind is probes.Loss else 2) for kind in ALL]
    history = normwise.fit(probed, *data, BATCH, epochs=2, verbose=0, probes=chosen)
    assert history.history == bare.history
    assert any("seed" in v.path for v in plain.variables)
    for a, b in zip(all_values(plain), all_values(probed), strict=True):
        np.testing.assert_array_equal(a, b)
    # Counted over epochs and calls of the program, the smaller last batch included.
    assert history.probes["loss"].steps == (0, 3, 6, 9)
    assert history.probes["gradient_norm"].steps == (0, 2, 4, 6, 8)


def test_values_are_those_of_the_definitions(data):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "tanh", name="hidden"), layers.Dense(1, name="out")]
    )
    model.compile(keras.optimizers.SGD(0.125), "mse")
    x, y = data
    x *= 3
    reference = OneTanhLayer([w + 0.1 for w in model.get_weights()], 0.125)
    model.set_weights(reference.weights)
    chosen = [kind(every=1) for kind in ALL if kind is not probes.NormalizationStatistics]
    found = normwise.fit(model, x, y, BATCH, verbose=0, shuffle=False, probes=chosen).probes
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        for name, value in reference.step(x[rows], y[rows]).items():
            (key,) = [k for k in found if k.split("/")[0] == name.split("/")[0] and _place(k) == _place(name)]
            assert found[key].steps == tuple(range(STEPS))
            assert_close(found[key].values[step], value, tolerance("float32", 64 * (step + 1)))
    assert len(found) == 6 + 2 * len(OneTanhLayer.names)


def _place(key):
    """Without the name of the model, which counts up over the tests."""
    return tuple(part for part in key.split("/")[1:] if not part.startswith("sequential"))


def test_statistics_of_both_normalizations_and_a_fused_activation(data):
    x, y = data
    model = normalized()
    kernel, bias = (np.asarray(w, np.float64) for w in model.layers[0].get_weights())
    chosen = [probes.NormalizationStatistics(1), probes.PreActivations(1), probes.Saturation(1)]
    found = normwise.fit(model, x, y, BATCH, verbose=0, shuffle=False, probes=chosen).probes
    by = {key.split("/")[0] + ":" + key.split("/")[-1]: series for key, series in found.items()}
    z = x[:BATCH].astype(np.float64) @ kernel + bias
    first = by["normalization:fused"].values[0]
    assert_close(first, [z.mean(0), z.var(0), np.zeros(4), np.ones(4)], tolerance("float32", BATCH))
    # Debiased, and of the sample: after the first batch the moving statistics are its own.
    assert_close(by["normalization:fused"].values[1][2], z.mean(0), tolerance("float32", BATCH, 8))
    normal = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-3)
    expected = np.percentile(normal, (15, 50, 85), axis=0)
    assert_close(by["pre_activation:fused"].values[0], expected, tolerance("float32", BATCH, 8))
    np.testing.assert_array_equal(by["saturation:fused"].values[0], (normal <= 0).mean(0))
    assert by["normalization:plain"].shape == (4, 4)
    assert set(by) == {
        "normalization:fused", "normalization:plain", "pre_activation:fused", "pre_activation:hidden",
        "saturation:fused", "saturation:hidden",
    }  # fmt: skip


def test_layers_of_a_graph_with_activation_layers_a_shared_layer_and_a_loop(data):
    x, y = data
    steps = keras.Input((3, 1))
    inner = layers.SimpleRNN(4, name="loop")(steps)
    shared = layers.Dense(4, "sigmoid", name="shared")
    out = layers.Dense(1)(layers.ReLU(name="rectified")(layers.Dense(4)(shared(shared(inner)))))
    model = keras.Model(steps, out)
    model.compile("sgd", "mse")
    history = normwise.fit(model, x[:, :, None], y, BATCH, verbose=0, probes=[probes.Saturation(2)])
    assert list(history.probes) == ["saturation/shared", "saturation/shared#2", "saturation/rectified"]


def test_a_probe_sees_what_the_model_gives_for_other_rows_in_inference(data):
    """No dropout, and the moving statistics: as Keras' predict before the step, which is step 0 here."""
    other = np.random.default_rng(5).normal(size=(7, 3)).astype("float32")

    class Predicted:
        name, every, unit, definition = "predicted", STEPS, "", "outputs"

        def measure(self, step):
            return {"": step.predict(other)}

    model = normalized()
    normwise.fit(model, *data, BATCH, verbose=0)
    before = model.predict(other, verbose=0)
    found = normwise.fit(model, *data, BATCH, verbose=0, probes=[Predicted()]).probes["predicted"]
    assert found.steps == (0,)
    assert_close(found.values[0], before, tolerance("float32", 4, 8))
    assert np.abs(model.predict(other, verbose=0) - before).max() > 1e-4


class OwnStep(keras.Model):
    """A train_step in which no loss is asked of the model."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def compute_loss_and_updates(self, *args, **kwargs):
        raise NotImplementedError("there is no such loss")

    def train_step(self, state, data):
        trainable = [0.5 * w for w in state[0]]
        return {"half": trainable[0].sum()}, (trainable, *state[1:])


def own_step():
    model = OwnStep()
    model.compile("sgd", "mse")
    return model


def test_weights_of_a_train_step_without_a_loss(data):
    chosen = [probes.UpdateRatios(1), probes.WeightNorms(1)]
    found = normwise.fit(own_step(), *data, BATCH, verbose=0, probes=chosen).probes
    (key,) = [key for key in found if key.startswith("update_ratio") and key.endswith("kernel")]
    assert_close(found[key].values, np.full(STEPS, 0.5), tolerance("float32", 3))


def test_a_train_step_without_a_loss_says_what_the_probe_needs(data):
    with pytest.raises(
        ValueError, match=r"OwnStep has a train_step of its own.*there is no such loss"
    ) as error:
        normwise.fit(own_step(), *data, BATCH, verbose=0, probes=[probes.Loss()])
    assert "probe the weights alone (WeightNorms, UpdateRatios)" in str(error.value)


def test_the_gradient_is_not_scaled_by_an_optimizer_for_half_precision(data):
    norms = []
    for optimizer in (
        keras.optimizers.SGD(0.125),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.125), initial_scale=1024.0),
    ):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        model.compile(optimizer, "mse")
        history = normwise.fit(model, *data, BATCH, verbose=0, probes=[probes.GradientNorms(1)])
        norms.append(history.probes["gradient_norm"].values)
    assert_close(*norms, tolerance("float32", BATCH))


class Watch(keras.callbacks.Callback):
    """How many losses are there after each call of the program."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(len(self.model.history.probes["loss"].steps))


def test_callbacks_see_what_was_found_so_far(data):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=2)
    watch = Watch()
    normwise.fit(model, *data, BATCH, verbose=0, callbacks=[watch], probes=[probes.Loss(1)])
    assert watch.seen == [2, 4, 5]


@pytest.fixture
def linear():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ([probes.Loss(), probes.Loss(5)], 'two probes have the name "loss"'),
        ([probes.Loss(0)], 'the probe "loss" measures every 0 steps; expected a whole number from 1'),
        ([probes.Saturation()], 'the probe "saturation" found nothing to measure in this model'),
    ],
)
def test_probes_that_cannot_measure(linear, data, chosen, said):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the words are looked at below
        normwise.fit(linear, *data, BATCH, verbose=0, probes=chosen)
    assert said in str(error.value)


def test_a_percentile_that_there_is_not():
    with pytest.raises(ValueError, match=r"percentiles are \(15, 101\); expected numbers from 0 to 100"):
        probes.PreActivations(percentiles=(15, 101))


def test_a_name_that_no_probe_has(linear, data):
    found = normwise.fit(linear, *data, BATCH, verbose=0, probes=[probes.Loss()]).probes
    with pytest.raises(KeyError, match=r'no probe found "los"\. Did you mean "loss"\?'):
        found["los"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (probes.Loss(), "probes is a Loss; expected a list of probes"),
        ([probes.Loss], "is no probe; expected an object with name, every, unit, definition, measure"),
        (["loss"], "'loss' is no probe"),
    ],
)
def test_what_is_no_probe(linear, data, given, said):
    with pytest.raises(TrainingError, match=said):
        normwise.fit(linear, *data, verbose=0, probes=given)


def test_probes_need_the_compiled_epoch(data):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ValueError, match=r"1 probes were given.*compiled with run_eagerly=True"):
        normwise.fit(model, *data, verbose=0, probes=[probes.Loss()])
