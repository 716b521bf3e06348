"""infinite="null": the layers of scalers take ±inf for a missing value, on every backend and compiled."""

import keras
import numpy as np
import pytest
from keras import ops

import normwise
from normwise.layers.power_scaling import PowerScaling
from normwise.layers.quantile_scaling import QuantileScaling

LAYERS = {
    "affine": lambda **options: normwise.FeatureScaling([1.0], [2.0], **options),
    "power": lambda **options: PowerScaling("yeo-johnson", lambdas=[0.5], **options),
    "quantile": lambda **options: QuantileScaling([[0.0, 4.0]], [[0.0, 1.0]], [[0.0, 1.0]], **options),
}
X = np.array([[np.inf], [-np.inf], [np.nan], [3.0]], np.float32)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("missing", ["keep", "zero"])
@pytest.mark.parametrize("name", LAYERS)
def test_infinities_are_missing(name, missing, compiled):
    layer = LAYERS[name](missing=missing, infinite="null")
    if compiled:
        model = keras.Sequential([keras.Input((1,)), layer])
        y = model.predict(X, verbose=0)
    else:
        y = ops.convert_to_numpy(layer(X))
    instead = np.nan if missing == "keep" else 0.0
    np.testing.assert_array_equal(y[:3, 0], [instead] * 3)
    assert y[3, 0] == ops.convert_to_numpy(LAYERS[name]()(X[3:]))[0, 0]


@pytest.mark.parametrize("name", LAYERS)
def test_infinities_are_kept_by_default_and_the_choice_is_saved(name):
    assert not np.isnan(ops.convert_to_numpy(LAYERS[name]()(X[:2]))).any()
    layer = LAYERS[name](infinite="null")
    assert type(layer).from_config(layer.get_config()).infinite == "null"
    with pytest.raises(ValueError, match=r"""infinite must be "keep" or "null", got 'raise'"""):
        LAYERS[name](infinite="raise")
