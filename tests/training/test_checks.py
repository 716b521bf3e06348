"""What cannot be trained is refused in a sentence before anything compiles; what Keras trains well is not."""

import jax
import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from keras import layers, ops
from tests.training.both_ways import assert_same, both
from tests.training.fit_cases import Subclassed, classes, compiled, dense, numbers, two, words

import normwise
from normwise.core.errors import NormwiseError, NormwiseWarning, TrainingError
from normwise.training import check_data, check_finite, leaves, program

SPARSE = "sparse_categorical_crossentropy"


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch, request):
    """No program of an epoch is made in a test that expects a refusal."""
    if "refused" in request.node.name:

        def made(*_):
            raise AssertionError("compiled")

        monkeypatch.setattr(program.Programs, "_program", made)


def refused(model, *args, **kwargs):
    with pytest.raises(TrainingError) as caught:
        normwise.fit(model, *args, verbose=0, **kwargs)
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said
    assert isinstance(caught.value, (NormwiseError, ValueError))
    return said


def classifier(loss=SPARSE, units=3):
    return compiled(dense(units=units, activation="softmax"), loss=loss)


def changed(name, row, column, value, data=numbers):
    found = data()
    found[name][row, column] = value
    return found


# ---- arguments


def test_refused_not_compiled():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)], name="bare")
    assert 'The model "bare" is not compiled' in refused(model, **numbers())


@pytest.mark.parametrize("epochs", [1.5, "3", None])
def test_refused_epochs(epochs):
    assert f"epochs={epochs!r} is not a whole number" in refused(
        compiled(dense()), **numbers(), epochs=epochs
    )


@pytest.mark.parametrize("size", [0, -2, 16.0])
def test_refused_batch_size(size):
    assert f"batch_size={size!r} is not a whole number from 1" in refused(
        compiled(dense()), **numbers(), batch_size=size
    )


@pytest.mark.parametrize("split", [1.0, -0.1, 2])
def test_refused_split_that_is_no_share(split):
    said = refused(compiled(dense()), **numbers(), validation_split=split)
    assert f"validation_split={split!r} is not a share" in said


def test_refused_empty_split():
    said = refused(compiled(dense()), **numbers(5), validation_split=0.9)
    assert "validation_split=0.9 of 5 rows leaves 0 to train on and 5 to validate on" in said


def test_a_batch_larger_than_the_data_is_warned_of():
    with pytest.warns(NormwiseWarning, match="batch_size=64 is more than the 40 rows there are"):
        normwise.fit(compiled(dense()), **numbers(50), batch_size=64, validation_split=0.2, verbose=0)


# ---- rows, columns, types


def test_refused_rows():
    data = numbers()
    assert "x has 47 rows and y has 48" in refused(compiled(dense()), data["x"][1:], data["y"])
    said = refused(compiled(dense()), **data, sample_weight=np.ones(9))
    assert "x has 48 rows and sample_weight has 9" in said
    said = refused(compiled(dense()), **data, validation_data=(data["x"], data["y"][:3]))
    assert "validation x has 48 rows and validation y has 3" in said
    assert "x has no rows" in refused(compiled(dense()), data["x"][:0], data["y"][:0])


def test_refused_columns():
    data = numbers()
    model = keras.Sequential([keras.Input((4,), name="measured"), layers.Dense(1)])
    said = refused(compiled(model), data["x"][:, :3], data["y"])
    assert 'x has the shape (48, 3), and the model\'s input "measured" takes (rows, 4).' in said
    said = refused(compiled(dense()), **data, validation_data=(data["x"][:, :2], data["y"]))
    assert "validation x has the shape (48, 2)" in said


def test_refused_inputs():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    model = compiled(keras.Model([a, b], layers.Dense(1)(layers.concatenate([a, b]))))
    x, y = numbers().values()
    assert 'x holds 1 array, and the model has 2 inputs: "a", "b".' in refused(model, [x[:, :2]], y)
    assert 'x[1] has the shape (48, 4), and the model\'s input "b" takes (rows, 2).' in refused(
        model, [x[:, :2], x], y
    )


def test_refused_types():
    data = numbers()
    assert "x cannot be trained on, since it holds values of type object" in refused(
        compiled(dense()), np.array([["Basel", 1, 2, 3]] * 48, object), data["y"]
    )
    frame = pd.DataFrame(data["x"], columns=list("abcd")).assign(b="Basel")
    said = refused(compiled(dense()), frame, data["y"])
    assert 'since its columns "b" hold values of type' in said


# ---- values


def test_refused_nan_in_x():
    said = refused(compiled(dense()), **changed("x", 17, 2, np.nan))
    assert "x holds NaN in column 2, row 17 (counted from 0)" in said


def test_refused_infinity_in_y():
    said = refused(compiled(dense()), **changed("y", 4, 0, -np.inf))
    assert "y holds minus infinity in column 0, row 4 (counted from 0)" in said


def test_refused_nan_in_what_is_held_out():
    bad = changed("x", 17, 2, np.nan)
    said = refused(compiled(dense()), **numbers(), validation_data=(bad["x"], bad["y"]))
    assert "validation x holds NaN in column 2, row 17 (counted from 0)" in said
    # Of 48 rows the last twelve are held out.
    said = refused(compiled(dense()), **changed("y", 40, 0, np.inf), validation_split=0.25)
    assert "validation y holds infinity in column 0, row 4 (counted from 0)" in said


def test_refused_nan_in_a_frame_by_name():
    frame = pd.DataFrame(changed("x", 9, 3, np.inf)["x"], columns=["a", "b", "c", "income"])
    said = refused(compiled(dense()), frame, numbers()["y"])
    assert 'x holds infinity in column "income", row 9 (counted from 0)' in said


def test_refused_nan_of_several_inputs():
    data = two()
    data["x"]["b"][5, 1] = np.nan
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    model = compiled(keras.Model({"a": a, "b": b}, layers.Dense(1)(layers.concatenate([a, b]))))
    assert 'x["b"] holds NaN in column 1, row 5' in refused(model, data["x"], data["y"]["first"])


def test_refused_nan_in_weights_and_in_more_axes():
    said = refused(compiled(dense()), **numbers(), sample_weight=np.r_[np.ones(47), np.nan])
    assert "sample_weight holds NaN, row 47" in said
    x = np.zeros((8, 3, 2), "float32")
    x[6, 2, 1] = np.nan
    model = compiled(keras.Sequential([keras.Input((3, 2)), layers.Flatten(), layers.Dense(1)]))
    assert "x holds NaN in column (2, 1), row 6" in refused(model, x, np.zeros(8))


def test_refused_where_another_row_is_copied_with():
    """The first such row is dealt with, a later one of another column is not."""
    data = changed("x", 3, 0, np.nan)
    data["x"][8, 1] = np.inf
    filled = layers.Lambda(lambda x: ops.where(ops.isnan(x), 0.0, x))
    assert "x holds infinity in column 1, row 8" in refused(compiled(dense(filled)), **data)


def test_a_model_that_fills_in_what_is_missing():
    filled = lambda: layers.Lambda(lambda x: ops.where(ops.isnan(x), 0.0, x))  # noqa: E731
    assert_same(*both(lambda: compiled(dense(filled())), lambda: changed("x", 3, 0, np.nan), batch_size=16))


def test_a_loss_that_leaves_out_unknown_labels():
    def known(y, y_pred):
        return ops.mean(ops.square(ops.where(ops.isnan(y), y_pred, y) - y_pred))

    assert_same(
        *both(lambda: compiled(dense(), loss=known), lambda: changed("y", 3, 0, np.nan), batch_size=16)
    )


def test_values_whose_sum_is_infinite_are_finite():
    data = numbers()
    data["x"][:, 0] = 3e38
    fills = lambda: compiled(dense(layers.Lambda(lambda x: x * 1e-38)))  # noqa: E731
    assert_same(*both(fills, lambda: data, batch_size=16))


# ---- labels


def test_refused_one_hot_labels_for_the_sparse_loss():
    data = classes()
    said = refused(classifier(), data["x"], np.eye(3)[data["y"]])
    assert f"{SPARSE} cannot compare y of shape (rows, 3) with the model's output of shape (rows, 3)" in said
    assert "one-hot, for which there is categorical_crossentropy" in said
    model = compiled(dense(units=3, activation="softmax"), loss=SPARSE, metrics=["accuracy"])
    assert "one-hot" in refused(model, data["x"], np.eye(3)[data["y"]])


def test_refused_numbers_of_classes_for_the_categorical_loss():
    said = refused(classifier("categorical_crossentropy"), **classes())
    assert "categorical_crossentropy cannot compare y of shape (rows) with" in said
    assert "for which there is sparse_categorical_crossentropy" in said


@pytest.mark.parametrize("loss", [SPARSE, keras.losses.SparseCategoricalCrossentropy()])
def test_refused_labels_without_an_output(loss):
    data = classes()
    said = refused(classifier(loss), data["x"], data["y"] + 1)
    row = int(np.flatnonzero(data["y"] == 2)[0])
    assert f"y holds 3 in row {row} (counted from 0), and {SPARSE} takes classes from 0 to 2" in said


def test_refused_labels_of_a_subclassed_model():
    data = numbers()
    said = refused(compiled(Subclassed(), loss="binary_crossentropy"), data["x"], np.sign(data["y"]))
    assert "y holds -1 in row" in said
    assert "binary_crossentropy takes labels from 0 to 1" in said


def test_refused_labels_of_one_output_of_two():
    data = two()
    x = keras.Input((4,))
    model = keras.Model(x, {"first": layers.Dense(1)(x), "second": layers.Dense(2, "softmax")(x)})
    model.compile(loss={"first": "mse", "second": SPARSE})
    assert 'y["second"] holds 2 in row' in refused(model, numbers()["x"], data["y"])


def test_labels_that_count_for_nothing():
    data = {**classes(), "sample_weight": np.ones(48, "float32")}
    data["y"][:3], data["sample_weight"][:3] = -1, 0
    assert_same(*both(classifier, lambda: data, batch_size=16))
    ignoring = lambda: classifier(keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))  # noqa: E731
    assert_same(*both(ignoring, lambda: {"x": data["x"], "y": data["y"]}, batch_size=16))


def test_soft_labels_and_ranks_that_keras_adjusts():
    data = numbers()
    soft = lambda: {"x": data["x"], "y": np.linspace(0, 1, 48, dtype="float32")}  # noqa: E731
    assert_same(
        *both(lambda: compiled(dense(activation="sigmoid"), loss="binary_crossentropy"), soft, batch_size=16)
    )
    column = lambda: {"x": classes()["x"], "y": classes()["y"][:, None]}  # noqa: E731
    assert_same(*both(classifier, column, batch_size=16))


def test_nothing_is_computed_for_good_data(monkeypatch):
    """The checks of data without fault run no model."""

    def forbidden(*_):
        raise AssertionError("computed")

    monkeypatch.setattr(check_data, "output_specs", forbidden)
    monkeypatch.setattr(check_finite, "_loss_of", forbidden)
    normwise.fit(compiled(dense()), **numbers(), verbose=0)
    assert jax.numpy.isfinite(1.0)
    assert words()["x"].shape == (48, 5)


def test_a_frame_of_polars_is_looked_at_by_column():
    frame = pl.DataFrame({name: np.arange(6.0) for name in "abc"}).with_columns(c=pl.lit(float("inf")))
    assert check_finite._places("x", frame) == [(0, 'x holds infinity in column "c"')]


def test_a_row_is_taken_without_converting_the_others():
    class Counting(np.ndarray):
        longest = 0

        def astype(self, *arguments, **options):
            Counting.longest = max(Counting.longest, len(self))
            return super().astype(*arguments, **options)

    taken = leaves.take_rows({"a": np.ones((50, 2)).view(Counting), "b": None}, 7, 9)
    assert taken["a"].shape == (2, 2)
    assert taken["a"].dtype == "float32"
    assert taken["b"] is None
    assert Counting.longest == 2
