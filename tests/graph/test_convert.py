"""convert: the same weights, outputs and training steps, whatever the model is built of."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.graph.models import (
    MODELS,
    data,
    nested,
    outputs,
    own_name,
    randomized,
    renormalized,
    sequential,
    values,
)
from tests.layers.data import normal
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise


@pytest.fixture(params=MODELS)
def model(request):
    return randomized(MODELS[request.param]())


def allowed(model):
    half = any(layer.compute_dtype == "bfloat16" for layer in model._flatten_layers())
    # Each normalization rounds anew.
    conditioning = 1 + len(normalizations(model, layers.BatchNormalization))
    return tolerance("bfloat16" if half else "float32", n=16, conditioning=conditioning)


def normalizations(model, kind):
    return [layer for layer in model._flatten_layers() if isinstance(layer, kind)]


def assert_same_outputs(new, old, x, **call):
    pairs = list(zip(outputs(new, x, **call), outputs(old, x, **call), strict=True))
    assert pairs
    for actual, expected in pairs:
        assert_close(actual, expected, allowed(old))


def assert_same_variables(new, old, allowed):
    assert [own_name(v) for v in new.variables] == [own_name(v) for v in old.variables]
    for actual, expected in zip(new.variables, old.variables, strict=True):
        assert actual.trainable == expected.trainable
        assert_close(numpy(actual), numpy(expected), allowed)


def test_nothing_of_keras_is_left_and_all_is_kept(model):
    before = values(model)
    new = normwise.convert(model)
    mine = normalizations(new, normwise.BatchNormalization)
    theirs = normalizations(model, layers.BatchNormalization)
    assert normalizations(new, layers.BatchNormalization) == []
    assert sorted(layer.name for layer in mine) == sorted(layer.name for layer in theirs)
    assert values(new) == before == values(model)
    assert type(new) is type(model)
    assert new.name == model.name
    assert [layer.name for layer in new._flatten_layers()] == [
        layer.name for layer in model._flatten_layers()
    ]
    assert not {id(layer) for layer in new._flatten_layers()} & {
        id(layer) for layer in model._flatten_layers()
    }


def test_the_configuration_is_kept(model):
    new = normwise.convert(model)
    mine = {layer.name: layer for layer in normalizations(new, normwise.BatchNormalization)}
    for old in normalizations(model, layers.BatchNormalization):
        config = mine[old.name].get_config()
        assert {name: config[name] for name in old.get_config()} == old.get_config()
        assert (config["averaging"], config["unbiased"]) == ("exponential", False)


def test_outputs_at_inference_are_equal(model):
    assert_same_outputs(normwise.convert(model), model, data(model))


def test_a_training_pass_moves_the_statistics_as_before(model):
    new = normwise.convert(model)
    for seed in (1, 2):
        assert_same_outputs(new, model, data(model, seed=seed), training=True)
    assert_same_variables(new, model, allowed(model))


def test_a_compiled_step_of_fit_is_the_same():
    old = randomized(sequential())
    old.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    new = normwise.convert(old)
    x, y = normal((16, 5)), normal((16, 2), seed=1)
    histories = [
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (new, old)
    ]
    assert histories[0].keys() == histories[1].keys() == {"loss", "mae"}
    for name, losses in histories[1].items():
        assert_close(histories[0][name], losses, tolerance("float32", n=32))
    assert_same_variables(new, old, allowed(old))


def test_the_original_survives_the_training_of_the_copy():
    old = randomized(sequential())
    old.compile("sgd", "mse")
    before, x = values(old), normal((16, 5))
    normwise.convert(old).fit(x, normal((16, 2)), verbose=0)
    assert values(old) == before
    assert np.isfinite(outputs(old, x)[0]).all()


def test_shared_layers_stay_shared():
    new = normwise.convert(MODELS["shared"]())
    assert len(normalizations(new, normwise.BatchNormalization)) == 2
    assert len(new.variables) == len(MODELS["shared"]().variables)


def test_calls_with_arguments_are_kept():
    x = keras.Input((5,))
    dropped = layers.Dropout(0.5, seed=1)(x, training=True)
    old = randomized(keras.Model(x, layers.BatchNormalization()(dropped)))
    new = normwise.convert(old)
    drawn = [outputs(model, data(old))[0] for model in (new, old)]
    assert_close(drawn[0], drawn[1], tolerance("float32"))
    assert np.abs(drawn[1] - outputs(old, data(old))[0]).max() > 0


def test_masks_reach_the_statistics_as_before():
    x = keras.Input((None, 3))
    old = randomized(keras.Model(x, layers.BatchNormalization(momentum=0.5)(layers.Masking()(x))))
    padded = normal((4, 6, 3)) * (np.arange(6) < 4)[:, None]
    new = normwise.convert(old)
    assert_same_outputs(new, old, padded.astype("float32"), training=True)
    assert_same_variables(new, old, tolerance("float32", n=16))


def test_dropout_draws_the_same_numbers():
    old = keras.Sequential([keras.Input((50,)), layers.Dropout(0.5, seed=1), layers.BatchNormalization()])
    x = np.ones((8, 50), "float32")
    old(x, training=True)
    new = normwise.convert(old)
    first = outputs(new.layers[0], x, training=True)[0]
    assert_close(first, outputs(old.layers[0], x, training=True)[0], 0.0)
    assert 0 < (first == 0).mean() < 1


def frozen():
    """Frozen in part: a layer, a model inside with one layer of it trainable again, a single variable."""
    model = nested()
    model.get_layer("outer").trainable = False
    middle = model.get_layer("middle")
    middle.trainable = False
    middle.layers[1].trainable = True
    middle.layers[1].bias.trainable = False
    return randomized(model)


def test_frozen_layers_stay_frozen():
    old = frozen()
    new = normwise.convert(old)
    flags = [[layer.trainable for layer in model._flatten_layers()] for model in (new, old)]
    assert flags[0] == flags[1]
    assert {True, False} == set(flags[1])
    assert [v.path for v in new.trainable_variables] == [v.path for v in old.trainable_variables]
    before = values(new)
    new(data(new), training=True)
    assert values(new) == before


def test_converted_models_save_and_load(model, tmp_path):
    new = normwise.convert(model)
    new.save(tmp_path / "m.keras")
    again = normwise.load_model(tmp_path / "m.keras")
    for actual, expected in zip(outputs(again, data(model)), outputs(new, data(model)), strict=True):
        assert_close(actual, expected, 0.0)


class TestOverrides:
    x = normal((16, 5), seed=3)

    def test_of_the_statistics_and_the_groups(self):
        old = randomized(sequential())
        new = normwise.convert(old, statistics_trainable=False, virtual_batch_size=32)
        config = new.get_layer("normal").get_config()
        assert (config["statistics_trainable"], config["virtual_batch_size"]) == (False, 32)
        before = values(new)
        assert_same_outputs(new, old, self.x)
        new(self.x, training=True)
        assert values(new) == before

    def test_reach_wrapped_and_nested_layers(self):
        for make in (MODELS["wrapped"], nested):
            new = normwise.convert(make(), virtual_batch_size=4)
            found = normalizations(new, normwise.BatchNormalization)
            assert [layer.virtual_batch_size for layer in found] == [4] * 2

    def test_imported_statistics_count_in_full_when_debiased(self):
        old = randomized(sequential())
        new = normwise.convert(old, averaging="debiased")
        layer = new.get_layer("normal")
        assert_close(numpy(layer.moving_weight), np.ones(6), 0.0)
        assert_same_outputs(new, old, self.x)
        for model in (new, old):
            model(self.x, training=True)
        assert_close(
            numpy(layer.moving_mean), numpy(old.get_layer("normal").moving_mean), tolerance("float32", 16)
        )

    def test_a_renormalizing_layer_can_be_debiased(self):
        old = randomized(renormalized())
        assert_same_outputs(normwise.convert(old, averaging="debiased"), old, self.x)

    def test_another_epsilon_changes_the_outputs(self):
        old = randomized(sequential())
        with pytest.raises(AssertionError, match="relative error"):
            assert_same_outputs(normwise.convert(old, epsilon=0.1), old, self.x)


class TestWithoutKerasLayers:
    def test_an_equal_copy(self):
        old = keras.Sequential([keras.Input((5,)), layers.Dense(3, "tanh")])
        new = normwise.convert(old)
        assert new.layers[0] is not old.layers[0]
        assert values(new) == values(old)

    def test_converting_twice_keeps_what_the_first_did(self):
        once = normwise.convert(randomized(sequential()), averaging="debiased", momentum=0.25)
        twice = normwise.convert(once)
        assert twice.get_layer("normal").get_config() == once.get_layer("normal").get_config()
        assert values(twice) == values(once)

    def test_own_layers_are_not_overridden(self):
        own = normwise.BatchNormalization(momentum=0.25, name="own")
        old = keras.Sequential([keras.Input((5,)), own, layers.BatchNormalization(name="theirs")])
        new = normwise.convert(old, momentum=0.5)
        assert [layer.momentum for layer in new.layers] == [0.25, 0.5]
        assert [layer.averaging for layer in new.layers] == ["debiased", "exponential"]

    def test_an_unbuilt_model_is_built_later(self):
        new = normwise.convert(keras.Sequential([layers.Dense(3), layers.BatchNormalization()]))
        assert not new.built
        assert outputs(new, normal((4, 5)))[0].shape == (4, 3)
