"""The reference network against derivatives by hand."""

import numpy as np
from tests.reference.probes import OneTanhLayer
from tests.reference.two_layers import gradient, hessian, loss


def test_the_gradient_is_that_of_the_layer_derived_by_hand():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 3)), random.normal(size=(20, 1))
    parts = [random.normal(size=shape) for shape in ((3, 2), 2, (2, 1), 1)]
    theta = np.concatenate([part.ravel() for part in parts])
    layer = OneTanhLayer(parts, rate=1.0)
    assert np.isclose(layer.step(x, y)["loss"], loss(theta, x, y, 2), rtol=1e-12)
    after = np.concatenate([part.ravel() for part in layer.weights])
    np.testing.assert_allclose(gradient(theta, x, y, 2), theta - after, rtol=1e-12)


def test_the_hessian_of_the_output_bias_is_2_and_normalization_is_blind_to_scale():
    random = np.random.default_rng(0)
    x, y, theta = random.normal(size=(20, 3)), random.normal(size=(20, 1)), random.normal(size=11)
    assert np.isclose(hessian(theta, x, y, 2)[-1, -1], 2.0, rtol=1e-9)
    theta = random.normal(size=15)
    scaled = np.concatenate([7 * theta[:8], theta[8:]])
    assert np.isclose(loss(theta, x, y, 2, 0.0), loss(scaled, x, y, 2, 0.0), rtol=1e-12)
    # A direction in which nothing changes is an eigenvector of 0, where the gradient there is 0 too.
    np.testing.assert_allclose(gradient(theta, x, y, 2, 0.0)[:8] @ theta[:8], 0.0, atol=1e-12)
