"""A scaler's layer computes what the scaler computes, to the rounding of float32."""

import numpy as np
import pytest
from tests.reference.scaling import by_column, normalized, standardized
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.errors import ColumnError, NormwiseWarning
from normwise.scaling import MinMaxScaler, StandardScaler

CASES = [(StandardScaler, standardized), (MinMaxScaler, normalized)]


def output(layer, x):
    from keras import ops

    return ops.convert_to_numpy(layer(x))


@pytest.mark.parametrize(("make", "formula"), CASES)
@pytest.mark.parametrize(("offset", "rows"), [(0.0, 1000), (1e5, 100_000), (1e6, 1000), (-1e6, 1000)])
def test_equals_transform_at_any_offset(make, formula, offset, rows):
    x = np.random.default_rng(0).normal(offset, 1.0, (rows, 3)).astype(np.float32)
    scaler = make().fit(x)
    allowed = tolerance("float32")
    assert_close(output(scaler.to_layer(), x), scaler.transform(x.astype(np.float64)), allowed)
    assert_close(output(scaler.to_layer(), x), by_column(formula, x), allowed)


@pytest.mark.parametrize("make", [StandardScaler, MinMaxScaler])
def test_constants_missing_values_and_names(make):
    x = np.array([[5.0, 1.0, np.nan], [5.0, 3.0, np.nan]])
    with pytest.warns(NormwiseWarning, match=r'"x0" \(always 5.0\), "x2" \(no value at all\)'):
        scaler = make().fit(x)
    later = np.array([[6.0, np.nan, 1.0]])
    expected = np.nan_to_num(scaler.transform(later), nan=-9)
    assert_close(np.nan_to_num(output(scaler.to_layer(), later), nan=-9), expected, tolerance("float32"))


@pytest.mark.parametrize("make", [StandardScaler, MinMaxScaler])
def test_a_scale_that_float32_does_not_hold_is_named(make):
    scaler = make().fit(np.array([[1e-60, 1.0], [2e-60, 2.0]]))
    with pytest.raises(ColumnError, match=r'columns "x0" cannot be scaled in a model: .*e\+60, does not fit'):
        scaler.to_layer()


def test_the_layer_is_saved_with_the_model(tmp_path):
    import keras

    import normwise

    x = np.random.default_rng(1).normal(1e6, 2.0, (64, 2)).astype(np.float32)
    scaler = MinMaxScaler((-1, 1)).fit(x)
    model = keras.Sequential([keras.Input((2,)), scaler.to_layer()])
    model.save(tmp_path / "model.keras")
    loaded = normwise.load_model(tmp_path / "model.keras")
    assert_close(loaded.predict(x, verbose=0), scaler.transform(x.astype(np.float64)), tolerance("float32"))
