"""What fold does not take, and what it says then: the layer, the values, what to do."""

import re

import keras
import numpy as np
import pytest
from keras import layers
from tests.deploy.folding import float64, folded_whole, left, randomized

import normwise
from normwise.core.errors import ModelError, NormwiseWarning


def chain(*inner, shape=(4,), **options):
    return keras.Sequential([keras.Input(shape), *inner], **options)


def test_what_is_no_model():
    with pytest.raises(
        TypeError, match=re.escape("normwise.fold takes a keras.Model, Sequential or Functional, got 3")
    ):
        normwise.fold(3)


def test_subclassed_models_and_constructors_of_ones_own():
    class Own(keras.Model):
        pass

    class Made(keras.Model):
        def __init__(self, width):
            x = keras.Input((width,))
            super().__init__(x, layers.Dense(2)(x), name="made")

    with pytest.raises(
        ValueError,
        match=r'"own" of class Own is subclassed, .*Build it by keras\.Model\(inputs, outputs\)\.$',
    ):
        normwise.fold(Own(name="own"))
    with pytest.raises(ValueError, match=r'"made" of class Made has a constructor of its own'):
        normwise.fold(Made(3))


def test_a_model_that_is_not_built():
    with pytest.raises(ValueError, match=r'the Sequential model "raw" is not built'):
        normwise.fold(keras.Sequential([layers.Dense(3), layers.BatchNormalization()], name="raw"))


@pytest.mark.parametrize("kind", [layers.BatchNormalization, normwise.BatchNormalization])
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("moving_variance", -0.25, "no negative ones"),
        ("moving_variance", float("nan"), "finite numbers"),
        ("moving_mean", float("inf"), "finite numbers"),
        ("gamma", float("nan"), "finite numbers"),
        ("beta", float("-inf"), "finite numbers"),
    ],
)
def test_numbers_that_are_none(kind, name, value, expected):
    inner = chain(layers.Dense(4), kind(name="norm"), name="inner")
    model = randomized(chain(inner, layers.Dense(2)))
    variable = getattr(inner.layers[1], name)
    variable.assign(np.array([1.0, value, 1.0, value]))
    message = (
        f'the layer "inner/norm" has 2 of 4 values in {name} that cannot be folded, the first of them '
        f"{value}; expected {expected}. Set them right, by normwise.recalibrate for statistics, or train "
        "again."
    )
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        normwise.fold(model)


def test_a_variance_of_0_without_epsilon():
    model = chain(layers.Dense(4), layers.BatchNormalization(epsilon=0.0, name="norm"))
    model.layers[1].moving_variance.assign(np.array([1.0, 0.0, 1.0, 1.0]))
    message = r"1 of 4 values in moving_variance .* more than 0 with layer.epsilon=0.0"
    with pytest.raises(ModelError, match=message):
        normwise.fold(model)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_quantized_weights():
    model = randomized(chain(layers.Dense(4, name="first"), layers.BatchNormalization(), layers.Dense(2)))
    model.quantize("int8")
    message = (
        'the layer "first" of class Dense is quantized ("int8"), so that its weights cannot be rescaled; '
        "expected floats. Fold first, then quantize the folded model."
    )
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        normwise.fold(model)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_a_folded_model_can_be_quantized():
    model = chain(layers.Dense(4), layers.BatchNormalization(), layers.Dense(2))
    folded = folded_whole(model).model
    folded.quantize("int8")
    assert folded.layers[0].quantization_mode == "int8"


def test_statistics_that_no_batch_has_reached():
    model = chain(
        layers.Dense(4),
        layers.BatchNormalization(name="keras"),
        normwise.BatchNormalization(name="debiased"),
        normwise.BatchNormalization(averaging="cumulative", name="cumulative"),
        normwise.BatchNormalization(name="seen"),
        name="fresh",
    )
    model.get_layer("seen")(np.random.default_rng(0).normal(size=(8, 4)), training=True)
    message = (
        'no batch has ever reached the moving statistics of 3 of the layers of "fresh": "keras", "debiased", '
        '"cumulative". Folded is what they compute now; train the model, or put the statistics right by '
        "normwise.recalibrate, and fold then."
    )
    with pytest.warns(NormwiseWarning, match=f"^{re.escape(message)}$") as caught:
        normwise.fold(model)
    assert [w.filename for w in caught if w.category is NormwiseWarning] == [__file__]
    # Statistics from elsewhere have no count, and are none the less somebody's.
    model = randomized(chain(normwise.BatchNormalization(averaging="cumulative"), layers.Dense(3)))
    normwise.fold(model)


def test_training_in_the_graph_is_kept():
    x = keras.Input((4,))
    always = layers.BatchNormalization(name="always")(layers.Dense(4)(x), training=True)
    inner = chain(layers.Dense(4), layers.BatchNormalization(name="deep"), name="inner")
    y = layers.Add()([always, inner(x, training=True)])
    frozen = layers.BatchNormalization(name="frozen", trainable=False)
    fixed = normwise.BatchNormalization(name="fixed", statistics_trainable=False)
    y = fixed(frozen(layers.Dense(4, name="last")(y), training=True), training=True)
    result = normwise.fold(randomized(keras.Model(x, y)))
    reason = "it is called with training=True, and so takes the batch's statistics"
    assert {record.layer: record.reason for record in result.kept} == dict.fromkeys(
        ["always", "inner/deep"], reason
    )
    assert [record.layer for record in result.folded] == ["frozen", "fixed"]
    assert len(left(result.model)) == 2


def test_dropout_that_always_drops_is_not_passed():
    x = keras.Input((4,))
    y = layers.Dropout(0.5, name="always")(layers.Dense(4)(x), training=True)
    model = randomized(keras.Model(x, layers.BatchNormalization(name="norm")(y)))
    assert '"always" is called with training=True' in normwise.fold(model).folded[0].reason


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"clip": (-1.0, 1.0)}, "it clips to (-1.0, 1.0), which is no affine map"),
        (
            {"missing": "zero"},
            'with missing="zero" and infinite="keep" it puts a number in the place of what',
        ),
        (
            {"infinite": "null"},
            'with missing="keep" and infinite="null" it puts a number in the place of what',
        ),
    ],
)
def test_scaling_that_is_no_affine_map(options, reason):
    model = chain(normwise.FeatureScaling(1.0, 2.0, name="scaling", **options), layers.Dense(2))
    (kept,) = normwise.fold(model).kept
    assert (kept.layer, kept.kind) == ("scaling", "FeatureScaling")
    assert kept.reason.startswith(reason)


def test_other_normalizations_are_kept_and_are_no_fault():
    class Mine(layers.BatchNormalization):
        pass

    kinds = [layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization, Mine]
    model = chain(*(kind(name=kind.__name__) for kind in kinds), normwise.PowerScaling("log1p", name="power"))
    result = normwise.fold(randomized(model))
    assert [record.layer for record in result.kept] == [*(kind.__name__ for kind in kinds), "power"]
    assert "Mine is a subclass of BatchNormalization, which may compute anything" in result.kept[3].reason
    assert result.kept[4].reason == "PowerScaling is no affine map"


FAR = {"center": [1e5, 0.0, 0.0, 0.0], "scale": [1.0, 1.0, 1.0, 1.0]}


def test_a_centre_that_float32_would_not_take_off_again():
    model = chain(normwise.FeatureScaling(**FAR, name="scaling"), layers.Dense(2))
    (kept,) = normwise.fold(model).kept
    far = "it takes off a centre of up to 1e+05 times the spread, which in float32 would leave an error of"
    assert kept.reason.startswith(f"before it: it takes an input of the model; after it: {far}")
    with float64():
        model = chain(normwise.FeatureScaling(**FAR, name="scaling"), layers.Dense(2))
        assert [record.how for record in normwise.fold(model).folded] == ["after"]


def test_behind_a_dense_a_centre_of_any_size_is_taken_off():
    norm = normwise.BatchNormalization(name="norm")
    model = randomized(chain(layers.Dense(4, name="d"), norm))
    norm.moving_mean.assign(np.full(4, 1e6))
    assert [record.into for record in normwise.fold(model).folded] == [("d",)]


def test_whole_numbers_are_scaled_by_the_layer_itself():
    x = keras.Input((4,), dtype="int32")
    model = keras.Model(x, layers.Dense(2)(normwise.FeatureScaling(1.0, 2.0, name="scaling")(x)))
    (kept,) = normwise.fold(model).kept
    assert kept.reason == "it takes int32, and a layer with weights wants floats"


def test_a_model_without_normalization_gives_an_equal_copy():
    model = chain(layers.Dense(3), layers.ReLU())
    result = normwise.fold(model)
    assert (result.folded, result.kept, result.difference) == ([], [], None)
    assert [layer.name for layer in result.model.layers] == [layer.name for layer in model.layers]
    assert str(result) == ""
