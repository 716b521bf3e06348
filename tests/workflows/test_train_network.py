"""One training: which weights are kept at which end, and what it leaves untouched."""

import dataclasses
import random

import keras
import numpy as np
import pytest
from keras.src.utils import rng_utils

from normwise.core.errors import TrainingError
from normwise.workflows.encode_table import encode_table
from normwise.workflows.infer_columns import infer_columns
from normwise.workflows.network import tabular_network
from normwise.workflows.presets import PRESETS
from normwise.workflows.train_network import BestWeights, Rows, batch_size_for, train_network
from normwise.workflows.training_progress import TrainingProgress

TINY = dataclasses.replace(PRESETS["default"], hidden_units=(), epochs=2, patience=8)


class Model:
    """Stands for a Keras model: its weights are the number of the epoch."""

    stop_training = False

    def __init__(self):
        self.weights = [np.array(0.0)]

    def get_weights(self):
        return list(self.weights)

    def set_weights(self, weights):
        self.weights = list(weights)


def keep_best(losses, patience, monitor="val_loss"):
    """Runs a BestWeights through epochs of such losses; returns it and the epoch whose weights were kept."""
    keep, model = BestWeights(monitor, patience), Model()
    keep.set_model(model)
    for epoch, loss in enumerate(losses):
        model.weights = [np.array(epoch + 1.0)]
        keep.on_epoch_end(epoch, {monitor: loss})
        if model.stop_training:
            break
    keep.on_train_end()
    return keep, int(model.weights[0])


@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "kept"),
    [
        ([3, 1, 2, 2, 2], 2, 4, 2),
        ([3, 1, 2, 0.5, 2, 2, 9], 2, 6, 4),
        ([3, 2, 1], 2, 3, 3),
        ([3, 1, 2], 2, 3, 2),
        ([1, 1, 1, 1], 2, 3, 1),
        ([3, float("nan"), 2, float("nan"), float("nan"), 0], 2, 5, 3),
        ([3, 2, 9, 9], None, 4, 4),
    ],
)
def test_the_best_epoch_is_kept(losses, patience, epochs, kept):
    keep, weights = keep_best(losses, patience)
    assert (keep.epoch, keep.best_epoch, weights) == (epochs, kept, kept)
    assert keep.stopped == (patience is not None and keep.epoch - kept >= patience)


def test_losses_that_are_never_numbers_stop_it_with_the_last_weights():
    keep, weights = keep_best([float("nan")] * 9, 3)
    assert (keep.epoch, keep.best_epoch, weights, keep.stopped) == (3, 0, 3, True)


def test_without_validation_the_training_loss_decides():
    assert keep_best([3, 1, 2], 5, monitor="loss")[1] == 2


@pytest.mark.parametrize(
    ("rows", "size"), [(1, 16), (400, 16), (511, 16), (512, 32), (4095, 128), (4096, 256), (10**6, 256)]
)
def test_batch_size(rows, size):
    assert batch_size_for(rows, PRESETS["default"]) == size


def test_the_article_batch_is_16_whatever_the_rows():
    assert {batch_size_for(rows, PRESETS["article"]) for rows in (10, 1000, 10**6)} == {16}


def linear(seed=0):
    initializer = keras.initializers.GlorotUniform(seed=seed)
    inputs = {"numeric": keras.Input((2,), name="numeric")}
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer=initializer)(inputs["numeric"]))


def rows(n=64, seed=0, weights=None):
    x = np.random.default_rng(seed).normal(size=(n, 2)).astype("float32")
    return Rows({"numeric": x}, (x @ [1, -2]).astype("float32"), weights)


def train(preset=TINY, validation=None, callbacks=(), seed=0, **changes):
    model = linear()
    return model, train_network(
        model, rows(), validation, dataclasses.replace(preset, **changes), seed, callbacks
    )


class Interrupt(keras.callbacks.Callback):
    """Asks, as Ctrl-C does, for the training to end within an epoch."""

    def __init__(self, progress, epoch):
        super().__init__()
        self.progress, self.at = progress, epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.progress.interrupted = epoch == self.at


def random_states():
    return repr(np.random.get_state()), random.getstate(), rng_utils.get_random_seed()


def test_global_random_states_are_untouched(people):
    before = random_states()
    train(validation=rows(16, 1))
    frame = people.select("age", "city")
    columns = infer_columns(frame)
    tabular_network(columns, encode_table(frame, columns), 2, PRESETS["default"], 0)
    assert random_states() == before
    random.random()
    assert random_states() != before


def test_the_random_state_comes_back_after_an_error():
    class Fails(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise ArithmeticError

    before = np.random.get_state()[1].tolist()
    with pytest.raises(ArithmeticError):
        train(callbacks=[Fails()])
    assert np.random.get_state()[1].tolist() == before


def test_all_epochs():
    _, result = train(validation=rows(16, 1), learning_rate=0.01)
    assert set(result.history) == {"loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"}
    assert {len(values) for values in result.history.values()} == {2}
    assert result.ending == "all 2 epochs; the weights of epoch 2, with the lowest validation loss, were kept"


def test_the_weights_are_those_of_the_best_epoch_after_an_early_stop():
    # A rate that grows: the loss falls, then rises.
    def rate(epoch, _):
        return 0.05 if epoch < 3 else 5.0

    validation = rows(16, 1)
    model, result = train(
        validation=validation, epochs=20, patience=2, callbacks=[keras.callbacks.LearningRateScheduler(rate)]
    )
    best = min(result.history["val_loss"])
    assert result.history["val_loss"][result.best_epoch - 1] == best
    assert len(result.history["loss"]) == result.best_epoch + 2 < 20
    assert model.evaluate(validation.inputs, validation.targets, verbose=0)[0] == pytest.approx(
        best, rel=1e-5
    )
    assert result.ending.startswith(
        f"stopped after {result.best_epoch + 2} epochs, 2 without a lower validation"
    )


def test_an_interrupt_ends_within_the_epoch_and_keeps_the_best():
    reports = []
    progress = TrainingProgress(reports.append, lambda: None, 64)
    validation = rows(16, 1)
    model, result = train(validation=validation, epochs=9, callbacks=[progress, Interrupt(progress, 2)])
    assert result.ending.startswith("interrupted after 3 of 9 epochs; the weights of epoch")
    best = min(result.history["val_loss"])
    assert model.evaluate(validation.inputs, validation.targets, verbose=0)[0] == pytest.approx(
        best, rel=1e-5
    )
    assert [r.epoch for r in reports] == [1, 2, 3]
    assert {r.epochs for r in reports} == {9}
    assert all(r.rows_per_second > 0 for r in reports)


def test_without_patience_the_last_weights_are_kept():
    _, result = train(patience=None)
    assert (result.best_epoch, result.ending) == (2, "all 2 epochs; the last weights were kept")
    progress = TrainingProgress(lambda _: None, lambda: None, 64)
    _, result = train(patience=None, epochs=5, callbacks=[progress, Interrupt(progress, 1)])
    assert result.ending == "interrupted after 2 of 5 epochs; the last weights were kept"


def test_a_loss_that_is_never_a_number():
    bad = rows()
    targets = np.full_like(bad.targets, np.nan)
    with pytest.raises(TrainingError, match=r"y.* NaN"):
        train_network(linear(), Rows(bad.inputs, targets), None, TINY, 0)


def test_a_loss_that_stops_being_a_number_costs_no_finished_epoch():
    model, kept = linear(), []

    class Explode(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept.append(self.model.get_weights())
            if epoch == 1:
                self.model.optimizer.learning_rate = 1e30

    result = train_network(model, rows(), None, dataclasses.replace(TINY, epochs=5), 0, [Explode()])
    assert "epoch 3 is not finite" in result.ending
    assert len(result.history["loss"]) == 2
    for got, best in zip(model.get_weights(), kept[result.best_epoch - 1], strict=True):
        np.testing.assert_array_equal(got, best)


def test_the_article_optimizer():
    model, _ = train(preset=dataclasses.replace(PRESETS["article"], epochs=1))
    optimizer = model.optimizer
    assert (type(optimizer).__name__, optimizer.momentum, optimizer.nesterov) == ("SGD", 0.9, True)
    rate = optimizer._learning_rate
    assert float(rate(0)) == pytest.approx(0.1)
    assert float(rate(1_000_000)) == pytest.approx(0.05)


def test_rows_of_weight_zero_do_not_count():
    x = rows(64)
    noisy = x.targets.copy()
    noisy[32:] = 1e3
    weights = np.append(np.ones(32), np.zeros(32)).astype("float32")
    model = linear()
    train_network(model, Rows(x.inputs, noisy, weights), None, TINY, 0)
    other = linear()
    noisy[32:] = -1e3
    train_network(other, Rows(x.inputs, noisy, weights), None, TINY, 0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))
