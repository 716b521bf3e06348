"""What cannot be recalibrated, what the message says, and that the model is as it was."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.deploy.networks import KINDS, dense_network, in_batches, norms, rows, untouched

from normwise.core.errors import ModelError, TrainingError
from normwise.deploy import recalibrate

BY_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def refused(error, model, batches, sequential=False):
    """The message of a recalibration that fails and changes nothing."""
    with untouched(model), pytest.raises(error) as caught:
        recalibrate(model, batches, sequential=sequential)
    return str(caught.value)


def test_a_model_without_statistics():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.LayerNormalization()], name="net")
    assert refused(ModelError, model, in_batches(rows(), 50)) == (
        'the model "net" has no layer with moving statistics, only "InputLayer", "Dense", '
        '"LayerNormalization"; expected a BatchNormalization of Keras or normwise'
    )


@pytest.mark.parametrize("model", ["model.keras", None])
def test_what_is_no_model(model):
    with pytest.raises(TypeError) as caught:
        recalibrate(model, in_batches(rows(), 50))
    assert str(caught.value) == f"normwise.recalibrate takes a built keras.Model, got {model!r}"


def test_a_model_that_is_not_built():
    model = keras.Sequential([layers.BatchNormalization()], name="net")
    with pytest.raises(ModelError, match='the model "net" is not built') as caught:
        recalibrate(model, in_batches(rows(), 50))
    assert "give it an Input, or call it once" in str(caught.value)


@BY_KIND
def test_a_model_that_is_frozen(kind):
    model = keras.Sequential([keras.Input((3,)), kind(name="one")], name="net")
    model.trainable = False
    assert refused(ModelError, model, in_batches(rows(), 50)) == (
        f'no layer of the model "net" can be recalibrated. "{model.layers[0].path}": it is frozen '
        "(trainable=False): it normalizes by its moving statistics in training too. Set trainable=True on "
        "those that are frozen, if their statistics are to change."
    )


@pytest.mark.parametrize("sequential", [False, True])
def test_nan_in_the_data(sequential):
    model, x = dense_network(KINDS["normwise"]), rows()
    x[61, 2] = np.nan
    first = norms(model)[0].path
    assert refused(TrainingError, model, in_batches(x, 50), sequential) == (
        f"layer {first} is the first to be given what is not finite: NaN in channel 0 of batch 1 (both "
        "counted from 0). The batch itself holds nan in row 11: fill in or leave out such rows."
    )


def test_nan_of_the_models_own():
    model = dense_network(KINDS["keras"])
    model.layers[4].kernel.assign(np.full((4, 4), np.nan))
    message = refused(TrainingError, model, in_batches(rows(), 50))
    assert message.startswith(
        f"layer {norms(model)[1].path} is the first to be given what is not finite: NaN"
    )
    assert message.endswith("The batch itself is finite: look at the weights of the layers before it.")


def test_numbers_too_large_to_square():
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
    message = refused(TrainingError, model, in_batches(rows(scale=1e25), 50))
    assert "infinity, or numbers too large to square in channel 0 of batch 0" in message


def test_nan_that_a_mask_hides_does_not_count():
    x = np.zeros((10, 4, 2), "float32")
    x[:, :2] = rows(40).reshape(10, 4, 3)[:, :2, :2]
    x[:, 3] = np.nan
    mask = np.arange(4) < 2
    inputs, layer = keras.Input((4, 2)), KINDS["normwise"]()
    model = keras.Model(inputs, layer(inputs, mask=np.broadcast_to(mask, (10, 4))))
    assert recalibrate(model, lambda: [x]).layers[0].values == 20


@pytest.mark.parametrize("sequential", [False, True])
def test_one_row(sequential):
    model = dense_network(KINDS["normwise"])
    assert refused(TrainingError, model, in_batches(rows(1), 50), sequential) == (
        f"layer {norms(model)[0].path} was given 1 value in channel 0 by 1 batch, and the variance m2/(m − "
        "1) needs more than one; expected two rows or more"
    )


def test_batches_of_one_row():
    model, x = dense_network(KINDS["keras"]), rows(8)
    message = refused(TrainingError, model, in_batches(x, 1))
    assert message.startswith(f"each batch gave layer {norms(model)[0].path} one value a channel")
    assert recalibrate(model, in_batches(x, 1), sequential=True).batches == 8


def test_no_data():
    message = refused(TrainingError, dense_network(KINDS["keras"]), list)
    assert message == "the data gave no batch; expected rows to take the statistics of"


def test_statistics_too_large_for_their_dtype():
    layer = layers.BatchNormalization(dtype="float16", name="norm")
    model = keras.Sequential([keras.Input((2,), dtype="float16"), layer])
    x = np.array([[1.0, -6e4], [2.0, 6e4]], "float16")
    assert refused(TrainingError, model, lambda: [x]) == (
        f"the moving_variance of layer {layer.path} would be 7.2e+09, which is too large for float16; "
        "expected inputs of a smaller scale, or statistics in float32"
    )


@pytest.mark.parametrize("error", [OSError("the disk is gone"), KeyboardInterrupt()])
@pytest.mark.parametrize("sequential", [False, True])
def test_data_that_fail_midway_change_nothing(error, sequential):
    passes = []

    def batches():
        passes.append(1)
        yield rows(20)
        if not sequential or len(passes) == 2:
            raise error

    with untouched(model := dense_network(KINDS["normwise"])), pytest.raises(type(error)):
        recalibrate(model, batches, sequential=sequential)
    assert len(passes) == (2 if sequential else 1)


def test_an_interruption_while_the_statistics_are_set_changes_nothing(monkeypatch):
    model = dense_network(KINDS["normwise"])
    last = norms(model)[-1].moving_variance
    plain, interrupted = type(last).assign, []

    def assign(self, value):
        if self is last and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return plain(self, value)

    monkeypatch.setattr(type(last), "assign", assign)
    with untouched(model), pytest.raises(KeyboardInterrupt):
        recalibrate(model, in_batches(rows(), 50))
    assert interrupted
