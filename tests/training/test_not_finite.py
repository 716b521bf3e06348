"""A loss that stops being finite: where the training ends, what it says and keeps; and where it goes on."""

import keras
import numpy as np
import pytest
from keras import ops
from tests.training.both_ways import assert_same, both, train
from tests.training.fit_cases import Subclassed, compiled, dense, numbers

import normwise
from normwise.core.errors import NormwiseError, NotFiniteError


class Breaks(keras.layers.Layer):
    """The logarithm of what is above -3: NaN for a value below, which is there but in training."""

    def call(self, x, training=False):
        return ops.log(x + 3.0) if training else x


def one_bad_row(row):
    data = numbers()
    data["x"][row] = -4.0
    return data


def test_step_layer_and_weights_before_it():
    good = train(
        normwise.fit,
        lambda: compiled(dense(Breaks(name="breaks"))),
        lambda: {name: values[:32] for name, values in numbers().items()},
        batch_size=16,
        shuffle=False,
    )
    keras.utils.set_random_seed(5)
    model = compiled(dense(Breaks(name="breaks")))
    with pytest.raises(NotFiniteError) as caught:
        normwise.fit(model, **one_bad_row(40), batch_size=16, shuffle=False, verbose=0, epochs=3)
    said = str(caught.value)
    assert "the loss of step 2 of epoch 1 is not finite (both counted from step 0 and epoch 1)" in said
    assert f'the output of layer "{model.name}/breaks" is the first that is not finite' in said
    assert "The model has the weights from before that step." in said
    for mine, other in zip(model.weights, good.weights, strict=True):
        assert np.array_equal(mine.value, other)


def test_it_is_a_floating_point_error_too():
    assert issubclass(NotFiniteError, (NormwiseError, FloatingPointError))
    assert issubclass(NotFiniteError, NormwiseError)


def test_weights_that_were_made_not_finite_by_the_step_before():
    keras.utils.set_random_seed(5)
    model = compiled(dense(), keras.optimizers.SGD(3e38))
    with pytest.raises(NotFiniteError, match=r"the step before made the variable \"[\w/]+\" not finite"):
        normwise.fit(model, **numbers(), batch_size=16, verbose=0, epochs=9)


def test_values_in_data_that_are_not_looked_at_before():
    def batches():
        data = one_bad_row(40)
        data["x"][40] = np.inf
        for i in (0, 16, 32):
            yield data["x"][i : i + 16], data["y"][i : i + 16]

    with pytest.raises(NotFiniteError, match=r"step 2 of epoch 1 .*x itself holds NaN or infinite values"):
        normwise.fit(compiled(dense()), batches(), steps_per_epoch=3, shuffle=False, verbose=0)


def test_values_that_the_model_fills_in_are_not_the_cause():
    filled = keras.layers.Lambda(lambda x: ops.where(ops.isnan(x), 0.0, x))
    data = one_bad_row(40)
    data["x"][35, 1] = np.nan
    model = compiled(dense(filled, Breaks(name="breaks")))
    with pytest.raises(NotFiniteError, match=r'step 2 of epoch 1 .*layer "[\w/]+breaks" is the first'):
        normwise.fit(model, **data, batch_size=16, shuffle=False, verbose=0)


def test_a_loss_function_of_ones_own():
    def loss(y, y_pred):
        return ops.log(ops.mean(ops.square(y - y_pred)) - 1e6)

    with pytest.raises(NotFiniteError, match=r"step 0 of epoch 1 .*so it is the loss function"):
        normwise.fit(compiled(dense(), loss=loss), **numbers(), verbose=0)


class NotFiniteLater(keras.losses.Loss):
    def call(self, y, y_pred):
        return ops.mean(ops.square(y - y_pred), axis=-1) + ops.where(y[:, 0] > 1e3, np.inf, 0.0)


def test_validation_may_be_infinite():
    data = numbers()
    data["y"][-4:] = 1e4
    ours, theirs = both(
        lambda: compiled(dense(), loss=NotFiniteLater()),
        lambda: data,
        validation_split=1 / 3,
        batch_size=16,
        epochs=2,
    )
    assert ours.history["val_loss"] == [np.inf, np.inf]
    assert_same(ours, theirs)


class OwnLoss(Subclassed):
    """Calls something "loss" that is infinite, and trains all the same."""

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        return {"loss": logs["loss"] / 0.0, "really": logs["loss"]}, state


def test_a_step_of_ones_own_may_call_anything_loss():
    ours, theirs = both(lambda: compiled(OwnLoss()), numbers, batch_size=16, epochs=2)
    assert ours.history["loss"] == [np.inf, np.inf]
    assert_same(ours, theirs)


def test_but_its_weights_must_be_finite():
    with pytest.raises(NotFiniteError, match=r"step \d of epoch \d"):
        normwise.fit(compiled(OwnLoss(), keras.optimizers.SGD(1e38)), **numbers(), verbose=0, epochs=9)


def test_an_optimizer_that_leaves_steps_out():
    """A scale that is too large at first: gradients overflow, steps are left out, the scale is halved."""
    policy = keras.DTypePolicy("mixed_float16")

    def build():
        inner = keras.optimizers.SGD(0.01)
        scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**24)
        return compiled(dense(keras.layers.Dense(8, dtype=policy, kernel_initializer="ones")), scaled)

    def data():
        found = numbers()
        found["x"][3] = 6e4  # overflows in float16, and the loss of its batch with it
        return found

    ours, theirs = both(build, data, batch_size=16, epochs=2, shuffle=False)
    assert not np.isfinite(ours.history["loss"]).any()
    assert all(np.isfinite(w).all() for w in ours.weights)
    assert_same(ours, theirs)
