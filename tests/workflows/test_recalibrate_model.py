"""`normwise.recalibrate` on every kind of data, and the callback, on whichever backend the process has."""

import re

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from keras import layers, ops
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tests.reference.population_statistics import errors, population
from tests.reference.tolerance import tolerance

import normwise
from normwise.core.errors import ColumnError, TableError, TrainingError

ROWS = 150
ALLOWED = tolerance("float32", ROWS)


def table():
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(ROWS, 3)).astype("float32")
    return pl.DataFrame(x, schema=["a", "b", "c"]).with_columns(y=pl.Series(np.arange(ROWS) % 2))


X = table().drop("y").to_numpy()


def model(inputs=3):
    layer = layers.BatchNormalization(name="norm")
    made = keras.Sequential([keras.Input((inputs,)), layer, layers.Dense(1)], name="net")
    made.compile("sgd", "mse")
    return made


def assert_recalibrated(made, x=X):
    layer = made.layers[0]
    found = [np.float64(ops.convert_to_numpy(v.value)) for v in (layer.moving_mean, layer.moving_variance)]
    assert max(errors(found, population(x))) <= ALLOWED


class Dataset(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return X[50 * i : 50 * i + 50], np.zeros(50)


def generator():
    yield from ((X[i : i + 50], np.zeros(50)) for i in range(0, ROWS, 50))


def endless():
    while True:
        yield from generator()


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize(
    ("x", "options"),
    [
        (X, {}),
        (X, {"y": np.zeros(ROWS), "batch_size": 64}),
        (pd.DataFrame(X), {}),
        (table(), {"y": "y"}),
        (table().drop("y"), {}),
        (table().to_pandas(), {"y": "y"}),
        (table().lazy(), {"y": "y", "batch_size": 40}),
        (Dataset(), {}),
    ],
    ids=["array", "x_y", "pandas", "polars_y", "polars", "pandas_y", "lazy", "dataset"],
)
def test_data_of_each_kind(x, options, sequential):
    made = model()
    found = normwise.recalibrate(made, x, **options, sequential=sequential)
    assert_recalibrated(made)
    assert found.layers[0].values == ROWS


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_files(suffix, tmp_path):
    file, made = tmp_path / f"t.{suffix}", model()
    (table().write_parquet if suffix == "parquet" else table().write_csv)(file)
    found = normwise.recalibrate(made, file, "y", batch_size=64, sequential=True)
    assert_recalibrated(made)
    assert (found.batches, found.layers[0].values) == (3, ROWS)


def test_several_inputs_by_name():
    one, two = keras.Input((3,), name="one"), keras.Input((3,), name="two")
    layer = layers.BatchNormalization()
    made = keras.Model({"one": one, "two": two}, layer(layers.Concatenate()([one, two])))
    normwise.recalibrate(made, {"one": X, "two": 2 * X})
    found = [np.float64(ops.convert_to_numpy(v.value)) for v in (layer.moving_mean, layer.moving_variance)]
    assert max(errors(found, population(np.concatenate([X, 2 * X], axis=1)))) <= ALLOWED


def test_generators_are_gone_through_once():
    made = model()
    normwise.recalibrate(made, generator())
    assert_recalibrated(made)
    made = model()
    assert normwise.recalibrate(made, endless(), steps=3).batches == 3
    assert_recalibrated(made)
    with pytest.raises(TrainingError) as caught:
        normwise.recalibrate(made, generator(), sequential=True)
    assert str(caught.value) == (
        "x is a generator, which can be gone through once, and sequential=True goes through the data once a "
        "layer; expected arrays, a table or a keras.utils.PyDataset, or sequential=False"
    )


@pytest.mark.parametrize(
    "x",
    [
        (X[i : i + 50] for i in range(0, ROWS, 50)),
        iter([X[:100], X[100:]]),
        zip((X[i : i + 50] for i in range(0, ROWS, 50)), strict=True),
    ],
    ids=["generator", "list_iterator", "zip"],
)
def test_iterators_give_the_inputs_alone_or_tuples(x):
    made = model()
    with pytest.raises(TrainingError, match=f"x is a {type(x).__name__}, which can be gone through once"):
        normwise.recalibrate(made, x, sequential=True)
    assert normwise.recalibrate(made, x).layers[0].values == ROWS
    assert_recalibrated(made)
    with pytest.raises(TrainingError, match=f"x is a {type(x).__name__} that gave no batch"):
        normwise.recalibrate(made, x)
    assert_recalibrated(made)


def test_an_iterator_gives_several_inputs_as_a_list_or_by_name():
    one, two = keras.Input((3,), name="one"), keras.Input((3,), name="two")
    layer = layers.BatchNormalization()
    made = keras.Model([one, two], layer(layers.Concatenate()([one, two])))
    normwise.recalibrate(made, iter([[X, 2 * X]]))
    listed = ops.convert_to_numpy(layer.moving_mean.value)
    normwise.recalibrate(made, iter([{"one": X, "two": 2 * X}]))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.moving_mean.value), listed)
    np.testing.assert_allclose(listed, np.concatenate([X, 2 * X], axis=1).mean(axis=0), rtol=1e-5)


def test_loaders_of_other_frameworks():
    torch = pytest.importorskip("torch")
    made = model()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X)), batch_size=50)
    normwise.recalibrate(made, loader, sequential=True)
    assert_recalibrated(made)


def test_tf_data():
    tf = pytest.importorskip("tensorflow")
    made = model()
    normwise.recalibrate(made, tf.data.Dataset.from_tensor_slices(X).batch(50), sequential=True)
    assert_recalibrated(made)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X[:, :2], None, TrainingError, "x has the shape (150, 2), and the model's input \""),
        (table(), None, TrainingError, "x has the shape (150, 4)"),
        (table().lazy(), None, ColumnError, "the model takes 3 features, and the table has 4 columns"),
        (table().lazy(), "z", ColumnError, 'the table has no column "z"'),
        (X, "y", TableError, '"y" names a column, and x is a ndarray'),
        (X[:0], None, TrainingError, "x has no rows: give at least one."),
        ((X[i : i + 50, :2] for i in (0, 50)), None, TrainingError, "x has the shape (50, 2)"),
    ],
    ids=["narrow", "wide", "wide_table", "no_column", "no_table", "empty", "narrow_batch"],
)
def test_data_that_do_not_fit(x, y, error, message):
    x = ((part,) for part in x) if hasattr(x, "send") else x
    made = model()
    with pytest.raises(error) as caught:
        normwise.recalibrate(made, x, y)
    assert message in str(caught.value)


@pytest.mark.parametrize("x", [None, [], {}, [None]])
def test_no_data(x):
    with pytest.raises(TrainingError) as caught:
        normwise.recalibrate(model(), x)
    assert str(caught.value) == (
        f"x is {x!r}, which holds no data; expected arrays, a table, or what gives batches of them"
    )


@pytest.mark.parametrize("name", ["batch_size", "steps"])
@pytest.mark.parametrize("number", [0, -1, 1.5, "a"])
def test_numbers_of_rows_and_batches(name, number):
    with pytest.raises(TrainingError) as caught:
        normwise.recalibrate(model(), X, **{name: number})
    assert str(caught.value).startswith(f"{name}={number!r} is not a whole number from 1")


def test_rows_in_order_are_batched_at_random_and_the_users_random_numbers_stay():
    """Two clusters, one after the other: batches in order would hold one cluster each."""
    x = np.concatenate([X - 20.0, X + 20.0])
    first, second = layers.BatchNormalization(), layers.BatchNormalization()
    made = keras.Sequential([keras.Input((3,)), first, layers.Activation("tanh"), second])
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    normwise.recalibrate(made, x)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    at_once = ops.convert_to_numpy(second.moving_variance.value)
    normwise.recalibrate(made, x, sequential=True)
    exact = ops.convert_to_numpy(second.moving_variance.value)
    # tanh of ±1 and a little: 0.58; of batches in order it would be tanh of a standard normal, 0.39.
    np.testing.assert_allclose(at_once, exact, rtol=0.1)
    assert (exact > 0.5).all()


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return train_test_split(x.astype("float32"), y, test_size=0.3, random_state=0, stratify=y)


def digits_network(**optimizer):
    keras.utils.set_random_seed(0)
    parts = [keras.Input((64,))]
    for _ in range(2):
        parts += [layers.Dense(64), layers.BatchNormalization(), layers.Activation("relu")]
    made = keras.Sequential([*parts, layers.Dropout(0.1), layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(keras.optimizers.Adam(3e-3, **optimizer), loss, metrics=["accuracy"])
    return made


def accuracy(made, x, y):
    return float(np.mean(np.argmax(ops.convert_to_numpy(made(x, training=False)), axis=1) == y))


STEPS = {"batch_size": 32, "steps_per_epoch": 30, "epochs": 1, "verbose": 0}


def test_thirty_steps_at_momentum_099(digits):
    x, held_out, y, held_out_y = digits
    made = digits_network()
    made.fit(x, y, **STEPS)
    found = {"before": accuracy(made, held_out, held_out_y)}
    for sequential in (False, True):
        normwise.recalibrate(made, x, sequential=sequential)
        found[f"sequential={sequential}"] = accuracy(made, held_out, held_out_y)
    print("validation accuracy:", {name: round(value, 3) for name, value in found.items()})
    # After 30 steps three quarters of the moving statistics, 0.99³⁰ = 0.74, are still the initial 0 and 1.
    before, *after = found.values()
    assert min(after) > before + 0.05


@pytest.mark.parametrize("fit", [keras.Model.fit, normwise.fit], ids=["keras", "normwise"])
@pytest.mark.filterwarnings("ignore::normwise.core.errors.NormwiseWarning")
def test_the_callback_after_averaged_weights(digits, fit):
    x, held_out, y, held_out_y = digits
    made = digits_network(use_ema=True, ema_momentum=0.9)
    before = []
    callbacks = [
        keras.callbacks.SwapEMAWeights(),
        keras.callbacks.LambdaCallback(
            on_train_end=lambda _: before.append(accuracy(made, held_out, held_out_y))
        ),
        callback := normwise.RecalibrateCallback(x, sequential=True),
    ]
    assert callback.result is None
    fit(made, x, y, **STEPS, callbacks=callbacks)
    assert len(callback.result.layers) == 2
    assert accuracy(made, held_out, held_out_y) > before[0] + 0.05
    # What was measured are the averaged weights, which the model now has: to do it again changes nothing.
    again = normwise.recalibrate(made, x, sequential=True)
    assert max(layer.largest_mean_shift for layer in again.layers) <= tolerance("float32")


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="checkpoints are of the compiled epoch")
def test_a_checkpoint_of_a_finished_training_has_the_recalibrated_statistics(tmp_path):
    for _ in range(2):
        made = model()
        callback = normwise.RecalibrateCallback(X)
        how = {"batch_size": 50, "verbose": 0, "callbacks": [callback], "checkpoint": tmp_path / "state"}
        normwise.fit(made, X, X[:, :1], **how)
        assert_recalibrated(made)
    assert callback.result is None  # the second training was over at once


@pytest.mark.parametrize(
    ("made", "x", "sequential", "message"),
    [
        (model(), X[:, :2], False, "x has the shape (150, 2)"),
        (model(), generator(), True, "x is a generator, which can be gone through once"),
        (
            keras.Sequential([keras.Input((3,)), layers.Dense(1)], name="plain"),
            X,
            False,
            'the model "plain" has no',
        ),
    ],
    ids=["narrow", "generator", "plain"],
)
def test_the_callback_refuses_before_the_training(made, x, sequential, message):
    made.compile("sgd", "mse")
    before = ops.convert_to_numpy(made.layers[-1].kernel.value)
    callback = normwise.RecalibrateCallback(x, sequential=sequential)
    with pytest.raises(ValueError, match=re.escape(message)):
        made.fit(X, X[:, :1], verbose=0, callbacks=[callback])
    np.testing.assert_array_equal(ops.convert_to_numpy(made.layers[-1].kernel.value), before)
