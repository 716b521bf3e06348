"""What the probe finds of pre-activations over a training, beside those that were saved on the way."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.reference import dense_network
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.training import probes

ROWS, BATCH, EPOCHS, EVERY = 180, 32, 4, 3
STEPS_AN_EPOCH = 6
"""The last one has fewer rows."""
EPSILON = 1e-3


class Weights(keras.callbacks.Callback):
    """The weights before each step that is probed, by name: so many steps are a call of the program."""

    def on_train_begin(self, logs=None):
        self.before = [self.now()]

    def on_train_batch_end(self, batch, logs=None):
        self.before.append(self.now())

    def now(self):
        return {
            v.path.partition("/")[2]: np.array(v.value, np.float64) for v in self.model.trainable_variables
        }


def network(normalization):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(6, name="first"),
            normalization(name="norm", epsilon=EPSILON),
            layers.Activation("sigmoid", name="sigmoid"),
            layers.Dense(5, "tanh", name="second"),
            layers.Dense(1, name="last"),
        ],
        name="net",
    )
    model.compile(keras.optimizers.Adam(0.05), "mse", steps_per_execution=EVERY)
    return model


def saved(path, weights, x, steps):
    """Saves what goes into the activation functions at each step, from its weights and its batch."""
    arrays = {}
    for step, w in zip(steps, weights, strict=False):
        normalized = dense_network.Layer(
            "sigmoid", w["first/kernel"], w["first/bias"], w["norm/gamma"], w["norm/beta"], EPSILON
        )
        made = [normalized, dense_network.Layer("tanh", w["second/kernel"], w["second/bias"])]
        start = step % STEPS_AN_EPOCH * BATCH
        dense_network.forward(made, x[start : start + BATCH])
        arrays |= {f"sigmoid {step}": made[0].z, f"second {step}": made[1].z}
    np.savez(path, **arrays)


@pytest.mark.parametrize("normalization", [layers.BatchNormalization, normwise.BatchNormalization])
def test_percentiles_are_those_of_the_pre_activations_that_were_saved(normalization, tmp_path):
    random = np.random.default_rng(0)
    x = (random.normal(size=(ROWS, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, -1.0]).astype("float32")
    y = (x[:, 0] - x[:, 2]).astype("float32")
    model, weights = network(normalization), Weights()
    probe = probes.PreActivations(every=EVERY)
    history = normwise.fit(
        model, x, y, BATCH, EPOCHS, shuffle=False, verbose=0, callbacks=[weights], probes=[probe]
    )
    steps = tuple(range(0, EPOCHS * STEPS_AN_EPOCH, EVERY))
    assert len(weights.before) == len(steps) + 1
    saved(tmp_path / "saved.npz", weights.before, np.float64(x), steps)
    kept = np.load(tmp_path / "saved.npz")
    for place in ("sigmoid", "second"):
        (series,) = [s for s in history.probes.values() if s.place.rpartition("/")[2] == place]
        assert series.steps == steps
        expected = [np.percentile(kept[f"{place} {step}"], (15, 50, 85), axis=0) for step in steps]
        # Three layers, the first over features whose mean is up to five times their spread.
        assert_close(series.values, expected, tolerance("float32", BATCH, 16))
        moved = np.abs(series.values[-1] - series.values[0]).max()
        assert moved > 0.1, "a training that moves nothing would compare one step with itself"
