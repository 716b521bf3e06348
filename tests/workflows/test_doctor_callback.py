"""DoctorCallback: it speaks once, keeps the last diagnosis, and the training is as without it."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest
from tests.doctor.records import CLEAN

import normwise
from normwise.core.errors import NormwiseError, NormwiseWarning
from normwise.doctor.registry import RULES
from normwise.workflows import doctor_callback


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 4)).astype("float32")
    return x, x.sum(axis=1)


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(8, name="hidden"), keras.layers.BatchNormalization(name="norm")]
    layers = [*hidden, keras.layers.Dropout(0.1, seed=1), keras.layers.Dense(1, name="head")]
    model = keras.Sequential([keras.Input((4,)), *layers], name="net")
    model.compile("sgd", "mse")
    return model


def trained(fit: Any, data: tuple[Any, Any], callback: Any = None) -> tuple[Any, list[str]]:
    """The weights after four epochs, and what was warned of."""
    model = network()
    callbacks = [callback] if callback is not None else []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", NormwiseWarning)
        fit(model, *data, epochs=4, batch_size=32, verbose=0, shuffle=False, callbacks=callbacks)
    said = [str(w.message) for w in told if issubclass(w.category, NormwiseWarning)]
    return [v.numpy() if hasattr(v, "numpy") else np.asarray(v) for v in model.get_weights()], said


@pytest.mark.parametrize("fit", [normwise.fit, keras.Model.fit], ids=["normwise", "keras"])
def test_it_speaks_once_and_changes_nothing(fit: Any, data: tuple[Any, Any]) -> None:
    callback = normwise.DoctorCallback(*data, every=2, select=["NRM301"])
    weights, said = trained(fit, data, callback)
    plain, silent = trained(fit, data)
    assert silent == []
    (line,) = said
    assert line.startswith("epoch 2, NRM301 bias-before-normalization, ")
    assert "has 8 biases" in line
    assert list(callback.epochs.values()) == [2]
    assert [finding.code for finding in callback.diagnosis.findings] == ["NRM301"]
    for one, other in zip(weights, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_cheap_rules_are_run_on_a_few_rows(
    data: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def noted(*_: Any, **how: Any) -> Any:
        asked.append(how)
        return CLEAN

    monkeypatch.setattr(doctor_callback, "diagnose", noted)
    x, y = data
    callback = normwise.DoctorCallback(x, y, every=3, batch_size=32, ignored_layers={"a": ("NRM3",)})
    callback.set_model(network())
    for epoch in range(7):
        callback.on_epoch_end(epoch)
    assert len(asked) == 2
    cheap = tuple(rule.code for rule in RULES if rule.cheap and not rule.preview)
    assert asked[0] == {
        "batch_size": 32,
        "rows": doctor_callback.ROWS,
        "select": cheap,
        "ignored_layers": {"a": ("NRM3",)},
    }


def test_without_a_cheap_rule_it_would_never_look() -> None:
    dear = next(rule for rule in RULES if not rule.cheap)
    with pytest.raises(NormwiseError, match=f"{dear.code} would not be looked at while training"):
        normwise.DoctorCallback(None, select=[dear.code])


def test_what_cannot_be_examined_is_told_once_and_costs_no_training(data: tuple[Any, Any]) -> None:
    x, y = data
    callback = normwise.DoctorCallback(x[:, :3], y)
    weights, said = trained(normwise.fit, data, callback)
    (line,) = said
    assert line.startswith("epoch 1: the network could not be examined: x has the shape (64, 3), and the mod")
    assert callback.diagnosis is None
    assert len(weights) == len(network().get_weights())


def test_wrong_arguments_are_refused_before_the_training() -> None:
    with pytest.raises(ValueError, match="every=0 is out of its range; expected a whole number from 1"):
        normwise.DoctorCallback(every=0)
    with pytest.raises(NormwiseError, match='"NRM999" is the code'):
        normwise.DoctorCallback(select=["NRM999"])
