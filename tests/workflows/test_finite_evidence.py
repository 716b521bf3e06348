"""What is NaN or infinite is never called clean."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.insight.networks import rows

import normwise
from normwise.core.errors import ModelError

MEASURED = {"NRM201", "NRM202", "NRM403", "NRM407", "NRM408"}


def network():
    hidden = [
        layers.Dense(8, name="hidden"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
    ]
    model = keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1, name="head")], name="net")
    model.compile("sgd", "mse")
    return model


def statuses(diagnosis):
    return {check.code: (check.status, check.reason) for check in diagnosis.checks}


def test_weights_that_diverged_are_told_by_name():
    model, x = network(), rows()
    kernel = model.get_layer("hidden").kernel
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))
    with pytest.raises(
        ModelError, match=r'1 of the 8 variables of the model "net" hold NaN .*"net/hidden/kern'
    ):
        normwise.diagnose(model, x, x[:, :1])
    assert [finding.code for finding in normwise.diagnose(model).findings] == ["NRM301"]


def test_moving_statistics_are_for_the_rules_to_judge():
    model, x = network(), rows()
    variance = model.get_layer("norm").moving_variance
    variance.assign(np.full(variance.shape, np.nan, "float32"))
    assert "NRM403" in {finding.code for finding in normwise.diagnose(model, x, x[:, :1]).findings}


def test_of_values_that_overflow_what_was_measured_behind_them_is_skipped():
    model, x = network(), rows()
    variance = model.get_layer("norm").moving_variance
    variance.assign(np.full(variance.shape, 1.5, "float32"))  # of an untouched network ε is not judged
    sound = statuses(normwise.diagnose(model, x, x[:, :1]))
    assert sound["NRM408"][0] == "clean"
    kernel = model.get_layer("hidden").kernel
    kernel.assign(np.full(kernel.shape, 3e38, "float32"))
    found = statuses(normwise.diagnose(model, x, x[:, :1]))
    reason = "what norm takes of these rows is NaN or infinite: values outgrow float32"
    assert {code: found[code] for code in MEASURED} == dict.fromkeys(MEASURED, ("skipped", reason))
    assert found["NRM101"][0] == "clean"
