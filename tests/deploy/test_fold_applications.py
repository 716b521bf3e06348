"""fold on architectures of keras.applications at tiny inputs; `benchmarks/fold.py` has all of them.

Statistics and inputs as in the tests of convert: those of random images behind random weights.
"""

import keras
import numpy as np
import pytest
from tests.graph.test_applications import architectures, compiled, made, state
from tests.reference.tolerance import assert_close

import normwise
from normwise.deploy.normalization_maps import normalizes

ALLOWED = 1e-4
"""Of the largest output, in float32."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "jax", reason="minutes on one backend are enough"),
]


@pytest.fixture(autouse=True)
def _quickly_compiled():
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    keras.backend.clear_session()


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("MobileNetV2", {"before"}),
        ("ResNet50V2", {"before", "alone", "after"}),
        ("EfficientNetB0", {"before", "after"}),
    ],
)
def test_the_features_stay(name, ways):
    model, x = made(architectures()[name])
    result = normwise.fold(model)
    assert result.kept == []
    assert not any(map(normalizes, result.model._flatten_layers()))
    assert {record.how for record in result.folded} <= ways
    given, expected = (np.asarray(compiled(m)(state(m), x)[0]) for m in (result.model, model))
    assert_close(given, expected, ALLOWED)
    # The comparison can fail: had the last layer that took a normalization lost its bias.
    last = result.model.get_layer(result.folded[-1].into[0])
    last.bias.assign(0.0 * last.bias)
    with pytest.raises(AssertionError, match="relative error"):
        assert_close(np.asarray(compiled(result.model)(state(result.model), x)[0]), expected, ALLOWED)
