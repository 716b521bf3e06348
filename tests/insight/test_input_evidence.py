"""The columns of an input as the first layer that learns takes them."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.reference.tolerance import assert_close, tolerance

from normwise.graph.record_model import record_model
from normwise.insight.input_evidence import Place, input_evidence, places_of_inputs

PLAIN = Place("x", "", "", False)


def places(*parts, shape=(3,), dtype="float32"):
    model = keras.Sequential([keras.Input(shape, dtype=dtype, name="x"), *parts], name="net")
    return places_of_inputs(record_model(model))


def test_statistics_of_columns():
    random = np.random.default_rng(3)
    x = np.column_stack([random.normal(5, 2, 400), random.integers(0, 2, 400), np.full(400, 7.0)])
    found = input_evidence(PLAIN, x, ["a", "b", "c"])
    assert (found.columns, found.rows, found.values, found.positions) == (("a", "b", "c"), 400, 400, 1)
    allowed = tolerance("float64", 400)
    assert_close(found.means, x.mean(0), allowed)
    assert_close(found.stds, [*x[:, :2].std(0), 0.0], allowed)
    assert (found.minima, found.maxima) == (tuple(x.min(0)), tuple(x.max(0)))
    for name, quantile in (
        ("lower_quartiles", 25),
        ("medians", 50),
        ("upper_quartiles", 75),
        ("tails", 99.9),
    ):
        assert_close(getattr(found, name), np.percentile(x, quantile, axis=0), allowed)
    assert found.distinct == (3, 2, 1)
    eigenvalues = np.linalg.eigvalsh(x[:, :2].T @ x[:, :2])
    assert_close(found.condition_number, eigenvalues[-1] / eigenvalues[0], tolerance("float64", 400, 1e3))
    standardized = np.linalg.eigvalsh(np.corrcoef(x[:, :2].T))
    assert_close(
        found.condition_number_scaled, standardized[-1] / standardized[0], tolerance("float64", 400, 1e3)
    )


def test_positions_of_images_count_as_values_of_a_channel():
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 2))
    last, first = (
        input_evidence(PLAIN, x),
        input_evidence(Place("x", "", "", True), np.moveaxis(x, -1, 1)),
    )
    assert last == first
    assert (last.rows, last.values, last.positions, last.columns) == (5, 60, 12, ("0", "1"))


def test_one_number_a_row():
    assert input_evidence(PLAIN, [1.0, 3.0, 8.0]).means == (4.0,)


def test_no_condition_number_of_fewer_rows_than_columns():
    found = input_evidence(PLAIN, np.eye(3))
    assert np.isnan([found.condition_number, found.condition_number_scaled]).all()


def test_it_is_looked_at_behind_what_scales_or_reshapes_it():
    (found,) = places(
        layers.Rescaling(0.5, name="half"), layers.Flatten(name="flat"), layers.Dense(2), shape=(3, 2)
    )
    assert (found.name, found.call.split("/")[-1], found.scaled_by.split("/")[-1]) == ("x", "flat", "half")
    (found,) = places(layers.BatchNormalization(name="norm"), layers.Dense(2))
    assert found.call == found.scaled_by == "norm"
    assert places(layers.Dense(2), layers.BatchNormalization()) == (PLAIN,)
    assert places(layers.ZeroPadding1D(), layers.Rescaling(0.5), shape=(3, 2)) == (PLAIN,)


def test_codes_are_no_columns():
    assert places(layers.Embedding(9, 2), shape=(3,), dtype="int32") == ()


@pytest.mark.parametrize("axis", ["channels_first", "channels_last"])
def test_the_axis_of_the_channels_is_that_of_the_layer(axis):
    (found,) = places(layers.GlobalAveragePooling2D(data_format=axis), shape=(3, 4, 5))
    assert found.channels_first == (axis == "channels_first")


def test_behind_operations_that_scale_by_constants():
    x = keras.Input((4,), name="x")
    seen = [
        places_of_inputs(record_model(keras.Model(x, layers.Dense(1)(scaled))))[0]
        for scaled in (x / 255.0, (x - np.arange(4.0)) * 0.5, 1.0 / x, x * x, x - keras.ops.mean(x))
    ]
    assert [bool(place.scaled_by) for place in seen] == [True, True, False, False, False]
    assert [place.call == place.scaled_by for place in seen] == [True] * 5


def test_an_input_that_two_layers_scale():
    x = keras.Input((3,), name="x")
    scaled = keras.layers.Rescaling(0.1, name="tenth")(x)
    parts = [scaled, keras.layers.Rescaling(0.01, name="hundredth")(x)]
    both = keras.Model(x, keras.layers.Dense(1)(keras.layers.Concatenate()(parts)), name="net")
    assert places_of_inputs(record_model(both)) == (Place("x", "tenth", "tenth", False),)
    raw_too = keras.Model(x, keras.layers.Dense(1)(keras.layers.Concatenate()([scaled, x])), name="net")
    assert places_of_inputs(record_model(raw_too)) == (PLAIN,)
