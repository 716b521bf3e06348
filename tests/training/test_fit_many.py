"""fit_many: each member is what a training by itself gives, and none disturbs another."""

import random

import keras
import numpy as np
import polars as pl
import pytest
from keras import layers
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import TrainingError
from normwise.training import fit_many, probes
from normwise.training.best_of_members import BestOfMembers
from normwise.training.members import built_again
from normwise.workflows.train_network import BestWeights

ROWS, BATCH, EPOCHS = 100, 16, 3
STEPS = 7


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, 3)).astype("float32")
    return x, (x[:, 0] - x[:, 1]).astype("float32")


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(8, "tanh"),
            normwise.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def linear(optimizer=None):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile(optimizer or "sgd", "mse")
    return model


def alone(model, data, seed, rate, **arguments):
    """The same training by itself, as the documentation of fit_many says it."""
    keras.utils.set_random_seed(seed)
    one = built_again(model)
    if rate is not None:
        one.optimizer.learning_rate = rate
    history = normwise.fit(one, *data, BATCH, EPOCHS, verbose=0, **arguments)
    return one, history


def values(model):
    return [np.asarray(v.value, np.float64) for v in (*model.variables, *model.optimizer.variables)]


def test_each_member_is_a_training_by_itself(model, data):
    weights, caller = model.get_weights(), np.random.get_state()[1].copy()
    seeds, rates = [3, 4], [0.01, 0.1]
    again = {"validation_split": 0.1, "probes": [probes.Loss(2)]}
    found = fit_many(model, *data, BATCH, EPOCHS, seeds=seeds, learning_rates=rates, **again)
    # The model that was given, and the caller's random numbers, are as before.
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(caller, np.random.get_state()[1])
    # Products of stacked matrices may add in another order: a rounding a sum of 16 values, again at each of
    # the steps, and magnified tenfold where Adam divides by small second moments.
    allowed = tolerance("float32", BATCH, 10 * EPOCHS * STEPS)
    for i, (seed, rate) in enumerate(zip(seeds, rates, strict=True)):
        one, history = alone(model, data, seed, rate, **again)
        assert (
            set(found.histories[i].history) == set(history.history) == {"loss", "mae", "val_loss", "val_mae"}
        )
        for name, expected in history.history.items():
            assert_close(found.histories[i].history[name], expected, allowed)
        for a, b in zip(values(found.models[i]), values(one), strict=True):
            assert_close(a, b, allowed)
        assert found.histories[i].probes["loss"].steps == tuple(range(0, EPOCHS * 6, 2))
        assert_close(found.histories[i].probes["loss"].values, history.probes["loss"].values, allowed)
    assert found.histories[0].history["loss"] != found.histories[1].history["loss"]
    assert found.best_epochs == (None, None)
    assert found.models[0].evaluate(*data, verbose=0) != found.models[1].evaluate(*data, verbose=0)


def test_the_best_epoch_of_each_member_is_kept(data):
    x, y = data
    seeds, rates = [1, 2, 3], [0.9, 0.01, 0.6]
    model = linear()
    watched = {"validation_data": (x[:20], y[:20])}
    told = []
    found = fit_many(
        model, x, y, BATCH, EPOCHS, seeds=seeds, learning_rates=rates, keep_best="val_loss", patience=1,
        **watched, on_epoch_end=lambda epoch, logs: told.append((epoch, len(logs))),
    )  # fmt: skip
    assert told[0] == (0, 3)
    for i, (seed, rate) in enumerate(zip(seeds, rates, strict=True)):
        best = BestWeights("val_loss", 1)
        one, history = alone(model, data, seed, rate, callbacks=[best], **watched)
        assert found.best_epochs[i] == best.best_epoch - 1
        assert len(found.histories[i].history["loss"]) == len(history.history["loss"])
        for a, b in zip(found.models[i].get_weights(), one.get_weights(), strict=True):
            assert_close(a, b, tolerance("float32", BATCH, EPOCHS * STEPS))
    assert len(set(found.best_epochs)) > 1


def test_a_member_that_diverges_leaves_the_others(data):
    found = fit_many(
        linear(),
        *data,
        BATCH,
        EPOCHS,
        seeds=[1, 1],
        learning_rates=[1e30, 0.01],
        keep_best="loss",
        shuffle=False,
    )
    assert not np.isfinite(found.histories[0].history["loss"][-1])
    _, history = alone(linear(), data, 1, 0.01, shuffle=False)
    assert_close(
        found.histories[1].history["loss"], history.history["loss"], tolerance("float32", BATCH, STEPS)
    )
    assert found.best_epochs == (None, EPOCHS - 1)


def test_best_epochs_of_losses():
    best = BestOfMembers("loss", 2, 2)
    for epoch, losses in enumerate(
        [(3.0, float("nan")), (2.0, float("nan")), (2.5, 1.0), (2.0, 0.5), (1.0, 0.1)]
    ):
        variables = [np.full((2, 1), float(epoch))]
        best.look(epoch, [{"loss": loss} for loss in losses], variables)
    # The first is done after two epochs that are not below 2.0; what it does then does not count. So is the
    # second, whose loss was no number in both of the first two.
    assert best.epochs == [1, None]
    assert best.done == [True, True]
    assert np.asarray(best.variables[0])[0] == 1.0


class Own(keras.Model):
    """A model whose layers come with its first call."""

    def __init__(self, units):
        super().__init__()
        self.units, self.hidden, self.out = units, layers.Dense(units), layers.Dense(1)

    def get_config(self):
        return {"units": self.units}

    def call(self, x):
        return self.out(self.hidden(x))


def test_a_subclassed_model_with_weights_on_its_rows(data):
    model = Own(units=2)
    model.compile("sgd", "mse")
    weighted = {"sample_weight": np.linspace(0, 1, ROWS), "shuffle": "batch"}
    found = fit_many(model, *data, BATCH, EPOCHS, seeds=[5], **weighted)
    _, history = alone(model, data, 5, None, **weighted)
    assert_close(
        found.histories[0].history["loss"], history.history["loss"], tolerance("float32", BATCH, STEPS)
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"seeds": []}, "seeds is empty; expected a whole number for each model"),
        ({"seeds": [1, 2], "learning_rates": [0.1]}, "1 learning rates were given for 2 seeds"),
        ({"seeds": [1], "keep_best": "val_accuracy"}, 'keep_best="val_accuracy" is no loss'),
        ({"seeds": [1], "keep_best": "val_loss"}, 'is not among the logs of an epoch; they are "loss"'),
        ({"seeds": [1], "patience": 3}, "patience=3 was given with keep_best=None"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit(data, arguments, said):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the words are looked at below
        fit_many(linear(), *data, BATCH, **arguments)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, y: (x[:, :1], y), r"x has the shape \(.*, 1\)"),
        (lambda x, y: (x, y[:9]), "y has 9: each row"),
        (lambda x, y: (np.where(x == x[3, 1], np.nan, x), y), "x holds NaN in column 1, row 3"),
    ],
)
def test_data_that_do_not_fit(data, change, said):
    with pytest.raises(TrainingError, match=said):
        fit_many(linear(), *change(*data), BATCH, seeds=[1])


def test_a_frame_by_its_columns(data):
    x, y = data
    frame = pl.DataFrame({"y": y.reshape(len(y)), **{f"x{i}": x[:, i] for i in range(x.shape[1])}})
    by_name = fit_many(linear(), frame, "y", BATCH, seeds=[1], validation_data=(frame[:, ::-1], "y"))
    by_rows = fit_many(linear(), x, y, BATCH, seeds=[1], validation_data=data)
    assert by_name.histories[0].history == by_rows.histories[0].history


def test_a_schedule_has_no_single_rate(data):
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.1)
    with pytest.raises(ValueError, match=r"the optimizer has a schedule \(InverseTimeDecay\)"):
        fit_many(linear(keras.optimizers.SGD(schedule)), *data, seeds=[1], learning_rates=[0.1])


def test_data_that_come_batch_by_batch(data):
    batches = ((data[0][:16], data[1][:16]) for _ in range(2))
    with pytest.raises(TypeError, match=r"fit_many was given data for Keras. .*, which come batch by batch"):
        fit_many(linear(), batches, seeds=[1], shuffle=False)


def test_a_model_that_is_not_compiled_whole(data):
    model = linear()
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(
        ValueError, match=r"the model was compiled with run_eagerly=True. Train the seeds one by one"
    ):
        fit_many(model, *data, seeds=[1])


class OwnCompile(keras.Sequential):
    def compile(self, *args, **kwargs):
        super().compile("sgd", "mse")


def test_a_compile_of_its_own(data):
    model = OwnCompile([keras.Input((3,)), layers.Dense(1)])
    model.compile()
    with pytest.raises(ValueError, match=r"OwnCompile has a compile\(\) of its own"):
        fit_many(model, *data, seeds=[1])


def test_random_numbers_of_python_go_on(data):
    model = linear()
    random.seed(9)
    first = random.random()
    random.seed(9)
    fit_many(model, *data, BATCH, seeds=[1])
    assert random.random() == first
