"""A scaler's layer computes what the scaler computes, to the rounding of float32."""

import numpy as np
import pytest
from tests.reference.scaling import by_column, normalized, robust, standardized
from tests.reference.tolerance import assert_close, tolerance
from tests.scaling.every_scaler import AFFINE, ALL

from normwise.core.errors import ColumnError, NormwiseWarning
from normwise.scaling import (
    ColumnScaler,
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)

CLIPPED = {
    "standard": StandardScaler(clip=1.5),
    "min-max": MinMaxScaler((-1, 2), clip=True),
    "max-abs": MaxAbsScaler(clip=True),
    "robust": RobustScaler(clip=2.0),
}
# A normal quantile magnifies the rounding of a probability by its slope; a power takes a logarithm and back.
SLACK = {"normal": 30.0, "uniform": 4.0, "yeo-johnson": 10.0, "log1p": 10.0, "columns-of-all": 10.0}


@pytest.fixture(params=ALL)
def name(request):
    return request.param


def output(layer, x):
    from keras import ops

    return ops.convert_to_numpy(layer(x))


def allowed(name):
    return tolerance("float32", conditioning=SLACK.get(name, 1.0))


def data(rows=500, offset=0.0):
    x = np.random.default_rng(0).gamma(2.0, 2.0, (rows, 3)) + offset
    return x.astype(np.float32)


def assert_same(layer, scaler, x, limit):
    """NaN in the same places, and else equal, both being given the same float32 values."""
    expected, found = scaler.transform(x.astype(np.float64)), output(layer, x)
    assert found.dtype == np.float32
    assert np.array_equal(np.isnan(found), np.isnan(expected)), "NaN is elsewhere"
    assert_close(np.nan_to_num(found), np.nan_to_num(expected), limit)


def test_the_comparison_can_fail():
    x = data()
    layer = StandardScaler().fit(x).to_layer()
    with pytest.raises(AssertionError, match="relative error"):
        assert_same(layer, StandardScaler().fit(x[:-1]), x, 1e-6)
    with pytest.raises(AssertionError, match="NaN is elsewhere"):
        assert_same(lambda _: np.full((1, 3), np.nan, np.float32), StandardScaler().fit(x), x[:1], 1e-6)


def test_equals_transform(name):
    x = data()
    scaler = ALL[name]().fit(x)
    assert_same(scaler.to_layer(), scaler, x, allowed(name))


def test_values_beyond_the_training_range(name):
    x = data()
    scaler = ALL[name]().fit(x)
    beyond = np.array(
        [[0.0, 0.0, 0.0], [50.0, 60.0, 70.0], [-0.5, -0.5, -0.5], [500.0, 400.0, 1.0]], np.float32
    )
    assert_same(scaler.to_layer(), scaler, beyond, allowed(name))


@pytest.mark.parametrize("offset", [1e6, -1e6, 1e5])
def test_keeps_the_digits_of_a_column_far_from_0(name, offset):
    if name == "log1p":
        return  # a logarithm of such values has no digits to keep; its negative has none at all
    x = data(500, offset)
    scaler = ALL[name]().fit(x.astype(np.float64))
    assert_same(scaler.to_layer(), scaler, x, allowed(name))


@pytest.mark.parametrize(
    ("make", "formula"), [(StandardScaler, standardized), (MinMaxScaler, normalized), (RobustScaler, robust)]
)
@pytest.mark.parametrize(("offset", "rows"), [(0.0, 1000), (1e5, 100_000), (1e6, 1000)])
def test_equals_the_reference(make, formula, offset, rows):
    x = np.random.default_rng(0).normal(offset, 1.0, (rows, 3)).astype(np.float32)
    assert_close(output(make().fit(x).to_layer(), x), by_column(formula, x), tolerance("float32"))


def test_constants_and_missing_values(name):
    x = data()[:, :3].copy()
    x[:, 1] = 5.0
    x[::7, 0] = np.nan
    x[:, 2] = np.nan
    with pytest.warns(NormwiseWarning):
        scaler = ALL[name]().fit(x)
    later = np.array([[3.0, 6.0, 1.0], [np.nan, np.nan, np.nan], [4.0, 5.0, np.nan]], np.float32)
    assert_same(scaler.to_layer(), scaler, later, allowed(name))


@pytest.mark.parametrize("kind", CLIPPED)
def test_clip(kind):
    x = data()
    scaler = CLIPPED[kind].fit(x)
    later = np.concatenate([x * 3, x - 5, np.full((1, 3), np.nan, np.float32)])
    assert_same(scaler.to_layer(), scaler, later, tolerance("float32"))
    limit = np.nanmax(scaler.transform(later))
    assert np.nanmax(output(scaler.to_layer(), later)) == np.float32(limit)


def test_options_of_the_scalers():
    x = data()
    for scaler in (
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False, unbiased=True),
        RobustScaler((5, 95), unit_variance=True),
        PowerScaler(standardize=False),
        QuantileScaler(3),
        ColumnScaler({1: None}, {"integer": StandardScaler()}, MinMaxScaler()),
        ColumnScaler(),
    ):
        assert_same(scaler.fit(x).to_layer(), scaler, x, tolerance("float32", conditioning=10))


def test_inside_a_saved_model_and_a_compiled_program(name, tmp_path):
    import keras

    import normwise

    x = data(64, 0.0 if name == "log1p" else 1e6)
    x[::5, 0] = np.nan
    scaler = ALL[name]().fit(x.astype(np.float64))
    model = keras.Sequential([keras.Input((3,)), scaler.to_layer()])
    model.save(tmp_path / "model.keras")
    loaded = normwise.load_model(tmp_path / "model.keras")
    for one in (model, loaded):
        # predict compiles: the layer's numbers are constants of that program.
        assert_same(lambda t, one=one: one.predict(t, verbose=0), scaler, x, allowed(name))


@pytest.mark.parametrize("scaler", [QuantileScaler(), MinMaxScaler(), RobustScaler(), StandardScaler()])
def test_values_that_float32_does_not_hold_are_named(scaler):
    with pytest.raises(
        ColumnError, match=r'columns "x0" cannot be scaled in a model: .*e\+\d+, does not fit'
    ):
        scaler.fit(np.array([[1e60, 1.0], [2e60, 2.0], [5e60, 3.0]])).to_layer()


@pytest.mark.parametrize("kind", AFFINE)
def test_a_scale_that_float32_does_not_hold_is_named(kind):
    scaler = AFFINE[kind]().fit(np.array([[1e-60, 1.0], [2e-60, 2.0], [5e-60, 3.0]]))
    with pytest.raises(
        ColumnError, match=r'columns "x0" cannot be scaled in a model: the scale .*e\+\d+, does not fit'
    ):
        scaler.to_layer()


def test_powers_that_float32_does_not_hold_are_named():
    scaler = PowerScaler().fit(np.array([[1e50, 1.0], [2e50, 2.0], [5e55, 3.0]]))
    with pytest.raises(ColumnError, match=r'columns "x0" cannot be scaled in a model: the largest value'):
        scaler.to_layer()


def test_the_layer_of_a_logarithm_has_nan_where_transform_raises():
    scaler = PowerScaler("log1p").fit(data())
    later = np.array([[-1.0, -5.0, 0.0]], np.float32)
    assert np.isnan(output(scaler.to_layer(), later)).tolist() == [[True, True, False]]
    with pytest.raises(ColumnError, match=r'column "x0" holds -1\.0, which has no log'):
        scaler.transform(later)
