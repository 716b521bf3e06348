"""ensemble=k: members that differ, their mean as one model that is saved and loaded, how training ends."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris

import normwise
from normwise import TabularClassifier, TabularRegressor
from normwise.workflows.training_progress import TrainingProgress


def members_of(model):
    return [layer for layer in model.layers if isinstance(layer, keras.Model)]


SETTINGS = {"random_state": 0, "validation_fraction": 0.2, "batch_size": 8}
"""Of iris 120 rows are trained on, whole batches: a smaller last one is a program more."""


@pytest.fixture(scope="module")
def fitted():
    x, y = load_iris(return_X_y=True, as_frame=True)
    return TabularClassifier(ensemble=3, epochs=6, **SETTINGS).fit(x, y), x, y


def test_the_answer_is_the_mean_of_members_that_differ(fitted):
    estimator, x, _ = fitted
    members = members_of(estimator.model_)
    assert [member.name for member in members] == ["member_1", "member_2", "member_3"]
    inputs = {"numeric": x.to_numpy("float32")}
    each = np.stack([np.asarray(member(inputs)) for member in members])
    assert np.abs(each[0] - each[1]).max() > 1e-3
    assert np.abs(each[1] - each[2]).max() > 1e-3
    np.testing.assert_allclose(estimator.predict_proba(x), each.mean(0), rtol=0, atol=1e-6)


def test_how_it_went_is_told(fitted):
    estimator, _, _ = fitted
    assert estimator.ending_.startswith(
        "3 networks side by side, 6 epochs; of each the weights with the lowest"
    )
    assert set(estimator.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == 6 for values in estimator.history_.values())
    assert 1 <= estimator.best_epoch_ <= 6


def test_the_same_seed_gives_the_same_ensemble_and_leaves_the_global_state(fitted):
    estimator, x, y = fitted
    before = np.random.get_state()[1].copy()
    again = TabularClassifier(ensemble=3, epochs=6, **SETTINGS).fit(x, y)
    assert (np.random.get_state()[1] == before).all()
    np.testing.assert_array_equal(again.predict_proba(x), estimator.predict_proba(x))


def test_saved_and_loaded(fitted, tmp_path):
    estimator, x, _ = fitted
    estimator.model_.save(tmp_path / "model.keras")
    loaded = normwise.load_model(tmp_path / "model.keras")
    inputs = {"numeric": x.to_numpy("float32")}
    np.testing.assert_array_equal(np.asarray(loaded(inputs)), np.asarray(estimator.model_(inputs)))


def test_a_regressor_with_quantile_bins_and_categories():
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    x = pd.concat([x, x]).reset_index(drop=True).assign(group=["a", "b"] * len(x))[:847]
    y = pd.concat([y, y]).reset_index(drop=True)[:847]  # of which 720, whole batches, are trained on
    estimator = TabularRegressor(ensemble=2, epochs=2, random_state=0).fit(x, y)
    assert estimator.predict(x).shape == (len(x),)
    assert any("quantile bins" in column.reason for column in estimator.schema_.columns)


def test_ctrl_c_ends_it_with_the_best_weights_so_far(fitted):
    _, x, y = fitted
    said = []
    progress = TrainingProgress(lambda _: setattr(progress, "interrupted", True), lambda: said.append(1), 100)
    estimator = TabularClassifier(ensemble=2, epochs=9, **SETTINGS).fit(x, y, callbacks=[progress])
    assert said == [1]
    assert len(estimator.history_["loss"]) == 1
    assert estimator.best_epoch_ == 1


def test_none_is_an_ensemble_of_nobody(fitted):
    _, x, y = fitted
    with pytest.raises(ValueError, match="ensemble=0 is out of its range; expected at least 1"):
        TabularClassifier(ensemble=0).fit(x, y)
