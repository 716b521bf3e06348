"""insert: normalization before activations, biases dropped, dropout behind, the output left alone."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.graph.models import outputs, values
from tests.layers.data import normal
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.graph import Change

ACTIVATIONS = {
    "Activation": lambda: layers.Activation("tanh"),
    "ReLU": layers.ReLU,
    "LeakyReLU": layers.LeakyReLU,
    "PReLU": layers.PReLU,
    "ELU": layers.ELU,
    "Softmax": layers.Softmax,
}
CONVOLUTIONS = {
    2: (layers.Conv1D, layers.Conv1DTranspose, layers.DepthwiseConv1D, layers.SeparableConv1D),
    3: (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.SeparableConv2D),
    4: (layers.Conv3D, layers.Conv3DTranspose),
}


def chain(*inner, shape=(5,)):
    return keras.Sequential([keras.Input(shape), *inner])


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def done(result, name):
    return [change.what for change in result.changes if change.layer == name]


def test_a_fused_activation():
    old = chain(layers.Dense(4, "tanh", name="one"), layers.Dense(2, "softmax", name="two"))
    before = values(old)
    result = normwise.insert(old)
    new = result.model
    assert [layer.name for layer in new.layers] == ["one", "one_normalization", "one_activation", "two"]
    assert kinds(new) == ["Dense", "BatchNormalization", "Activation", "Dense"]
    assert new.layers[2].activation is keras.activations.tanh
    assert (new.layers[0].activation, new.layers[0].bias) == (keras.activations.linear, None)
    assert_close(numpy(new.layers[0].kernel), numpy(old.layers[0].kernel), 0.0)
    assert_close(numpy(new.layers[3].bias), numpy(old.layers[1].bias), 0.0)
    assert result.changes == [
        Change("one", "normalization behind it"),
        Change("one", 'activation "tanh" split off'),
        Change("one", "bias dropped"),
        Change("two", "left alone, an output layer"),
    ]
    assert str(result).splitlines()[2] == "one: bias dropped"
    assert type(new) is keras.Sequential
    assert new.name == old.name
    assert values(old) == before


def test_the_function_is_that_of_normalized_kernels():
    old = chain(layers.Dense(4, "tanh"), layers.Dense(2))
    old.layers[1].bias.assign([1.0, 2.0])
    new, x = normwise.insert(old).model, normal((16, 5))
    z = x.astype("float64") @ numpy(old.layers[0].kernel)
    hidden = np.tanh((z - z.mean(0)) / np.sqrt(z.var(0) + new.layers[1].epsilon))
    expected = hidden @ numpy(old.layers[1].kernel) + [1.0, 2.0]
    assert_close(outputs(new, x, training=True)[0], expected, tolerance("float32", n=16, conditioning=4))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_that_is_a_layer(name):
    result = normwise.insert(chain(layers.Dense(4), ACTIVATIONS[name](), layers.Dense(2)))
    assert kinds(result.model) == ["Dense", "BatchNormalization", name, "Dense"]
    assert not result.model.layers[0].use_bias


def test_dropout_goes_behind_the_activation():
    old = chain(
        layers.Dense(4),
        layers.Dropout(0.5, name="drop"),
        layers.GaussianDropout(0.1),
        layers.ReLU(),
        layers.Dense(2),
    )
    result = normwise.insert(old)
    assert kinds(result.model) == [
        "Dense",
        "BatchNormalization",
        "ReLU",
        "Dropout",
        "GaussianDropout",
        "Dense",
    ]
    assert done(result, "drop") == ["moved behind the activation"]


def test_dropout_behind_the_activation_stays():
    result = normwise.insert(
        chain(layers.Dense(4), layers.ReLU(), layers.Dropout(0.5), layers.Dense(2, "relu"))
    )
    assert kinds(result.model) == ["Dense", "BatchNormalization", "ReLU", "Dropout", "Dense"]
    fused = normwise.insert(chain(layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(2)))
    assert kinds(fused.model) == ["Dense", "BatchNormalization", "Activation", "Dropout", "Dense"]


def article():
    return chain(
        *(layers.Dense(64), layers.Activation("tanh"), layers.Dropout(0.5)),
        *(layers.Dense(64), layers.Activation("tanh"), layers.Dropout(0.5)),
        *(layers.Dense(2), layers.Activation("softmax")),
        shape=(14,),
    )


class TestOutput:
    block = ("Dense", "BatchNormalization", "Activation", "Dropout")

    def test_is_left_alone(self):
        assert kinds(normwise.insert(article()).model) == [*self.block, *self.block, "Dense", "Activation"]

    def test_can_be_normalized_as_in_the_article(self):
        new = normwise.insert(article(), output=True).model
        assert kinds(new) == [*self.block, *self.block, *self.block[:3]]
        assert [v.shape for v in new.trainable_variables] == [
            *((14, 64), (64,), (64,), (64, 64), (64,), (64,), (64, 2), (2,), (2,))
        ]

    def test_without_an_activation_can_be_normalized(self):
        assert kinds(normwise.insert(chain(layers.Dense(2)), output=True).model) == [
            "Dense",
            "BatchNormalization",
        ]

    def test_is_what_has_no_weights_behind_it(self):
        old = chain(layers.Dense(4, "relu"), layers.Dense(6), layers.Reshape((3, 2)), layers.Softmax())
        assert kinds(normwise.insert(old).model) == [
            *("Dense", "BatchNormalization", "Activation", "Dense", "Reshape", "Softmax")
        ]


@pytest.mark.parametrize("kind", [kind for kinds in CONVOLUTIONS.values() for kind in kinds])
@pytest.mark.parametrize(("data_format", "axis"), [("channels_last", -1), ("channels_first", 1)])
def test_convolutions_are_normalized_by_their_channels(kind, data_format, axis):
    rank = next(rank for rank, kinds in CONVOLUTIONS.items() if kind in kinds)
    shape = [6] * rank
    shape[0 if axis == 1 else -1] = 3
    arguments = {"kernel_size": 2} if "Depthwise" in kind.__name__ else {"filters": 4, "kernel_size": 2}
    x = keras.Input(shape)
    inner = kind(**arguments, activation="relu", data_format=data_format, name="inner")(x)
    old = keras.Model(x, layers.Dense(2)(layers.Flatten()(inner)))
    new = normwise.insert(old).model
    norm = new.get_layer("inner_normalization")
    assert norm.axis == axis
    assert norm.gamma.shape == (old.get_layer("inner").output.shape[axis],)
    kept = new.get_layer("inner").weights
    assert kept
    for actual, expected in zip(kept, old.get_layer("inner").weights, strict=False):
        assert_close(numpy(actual), numpy(expected), 0.0)


class TestFunctional:
    def test_several_inputs_and_outputs(self):
        one, two = keras.Input((5,), name="one"), keras.Input((5,), name="two")
        both = layers.Concatenate()(
            [layers.Dense(3, "relu", name="a")(one), layers.Dense(3, "relu", name="b")(two)]
        )
        hidden = layers.Dense(4, "tanh", name="c")(both)
        heads = [layers.Dense(1, name="d")(hidden), layers.Dense(2, "softmax", name="e")(hidden)]
        old = keras.Model({"one": one, "two": two}, heads)
        result = normwise.insert(old)
        left = [change.layer for change in result.changes if change.what.startswith("left alone")]
        assert sorted(left) == ["d", "e"]
        behind = [change.layer for change in result.changes if change.what.startswith("normalization")]
        assert sorted(behind) == ["a", "b", "c"]
        x = {"one": normal((8, 5)), "two": normal((8, 5), seed=1)}
        assert [y.shape for y in outputs(result.model, x)] == [(8, 1), (8, 2)]

    @pytest.mark.parametrize(
        "activate", [keras.ops.relu, keras.activations.relu, keras.ops.tanh, keras.ops.leaky_relu]
    )
    def test_activations_that_are_operations(self, activate):
        x = keras.Input((5,))
        old = keras.Model(x, layers.Dense(2)(activate(layers.Dense(4, name="hidden")(x))))
        new = normwise.insert(old).model
        assert new.get_layer("hidden_normalization").input.shape == (None, 4)
        assert not new.get_layer("hidden").use_bias

    def test_one_activation_and_one_dropout_layer_for_all(self):
        x = keras.Input((5,))
        relu, drop = layers.ReLU(), layers.Dropout(0.5)
        y = relu(drop(layers.Dense(4, name="one")(x)))
        y = relu(drop(layers.Dense(4, name="two")(y)))
        new = normwise.insert(keras.Model(x, layers.Dense(2)(y))).model
        names = {layer.name for layer in new.layers}
        assert {"one_normalization", "two_normalization"} <= names
        assert outputs(new, normal((8, 5)))[0].shape == (8, 2)

    def test_a_sum_before_the_activation_is_not_a_linear_layer(self):
        x = keras.Input((5,))
        y = layers.Dense(5, "tanh", name="hidden")(x)
        y = layers.ReLU()(layers.Add()([layers.Dense(5, name="summand")(y), x]))
        new = normwise.insert(keras.Model(x, layers.Dense(2)(y))).model
        assert new.get_layer("summand").use_bias
        assert "summand_normalization" not in {layer.name for layer in new.layers}

    def test_a_layer_with_two_activations_behind_it_is_named_with_the_reason(self):
        x = keras.Input((5,))
        two = layers.Dense(4, name="two")(layers.Dense(4, "relu")(x))
        y = layers.Concatenate()([keras.ops.tanh(two), keras.ops.sigmoid(two)])
        result = normwise.insert(keras.Model(x, layers.Dense(2)(y)))
        assert done(result, "two") == ["left alone, no activation follows it"]

    def test_a_shared_layer_shares_its_normalization(self):
        one, two, tower = keras.Input((5,)), keras.Input((5,)), layers.Dense(4, "tanh", name="tower")
        old = keras.Model([one, two], layers.Dense(1)(tower(one) - tower(two)))
        new = normwise.insert(old).model
        names = [layer.name for layer in new.layers]
        assert names.count("tower_normalization") == 1
        x = [normal((8, 5)), normal((8, 5))]
        assert_close(outputs(new, x)[0], np.zeros((8, 1)), 0.0)

    def test_a_shared_layer_with_an_activation_behind_some_calls(self):
        one, two, tower = keras.Input((5,)), keras.Input((5,)), layers.Dense(4, name="tower")
        y = layers.Dense(3, "relu")(layers.ReLU()(tower(one)) - tower(two))
        result = normwise.insert(keras.Model([one, two], layers.Dense(1)(y)))
        assert done(result, "tower") == ["left alone, no activation follows some of its calls"]
        assert result.model.get_layer("tower").use_bias

    def test_nested_models_are_entered_and_their_end_is_hidden(self):
        tower = chain(layers.Dense(4, "relu", name="in"), layers.Dense(4, "tanh", name="out"))
        x = keras.Input((5,))
        result = normwise.insert(keras.Model(x, layers.Dense(2, name="head")(tower(x))))
        assert [change.layer for change in result.changes if change.what == "bias dropped"] == ["in", "out"]
        assert kinds(result.model.layers[1]) == ["Dense", "BatchNormalization", "Activation"] * 2
        last = normwise.insert(keras.Model(x, tower(x)))
        assert done(last, "out") == ["left alone, an output layer"]


def test_what_is_kept():
    old = chain(
        layers.Dense(
            4, "relu", name="frozen", trainable=False, activity_regularizer="l2", kernel_regularizer="l1"
        ),
        layers.Dropout(0.5, seed=3, name="drop"),
        layers.Dense(2, dtype="mixed_bfloat16", activation="relu", name="half"),
        layers.Dense(2),
    )
    new = normwise.insert(old).model
    assert not new.get_layer("frozen").trainable
    assert new.get_layer("frozen_normalization").trainable
    assert new.get_layer("frozen").activity_regularizer is None
    assert new.get_layer("frozen_activation").activity_regularizer is not None
    assert new.get_layer("frozen").kernel_regularizer is not None
    assert new.get_layer("half_normalization").dtype_policy.name == "mixed_bfloat16"
    assert new.get_layer("half_activation").dtype_policy.name == "mixed_bfloat16"
    state = [numpy(m.get_layer("drop").seed_generator.state).tolist() for m in (new, old)]
    assert state[0] == state[1]


def test_recurrent_and_wrapped_layers_stay():
    old = chain(
        layers.LSTM(4, return_sequences=True),
        layers.TimeDistributed(layers.Dense(4, "relu"), name="steps"),
        layers.Dense(3, "relu"),
        layers.Dense(2),
        shape=(6, 5),
    )
    result = normwise.insert(old)
    assert kinds(result.model) == [
        "LSTM",
        "TimeDistributed",
        "Dense",
        "BatchNormalization",
        "Activation",
        "Dense",
    ]
    assert done(result, "steps") == ["left alone, a TimeDistributed is not entered"]
    for actual, expected in zip(result.model.layers[1].weights, old.layers[1].weights, strict=True):
        assert_close(numpy(actual), numpy(expected), 0.0)


def test_a_nameless_activation_has_no_bytecode_in_the_list():
    half = 0.5
    result = normwise.insert(chain(layers.Dense(4, lambda x: half * x, name="hidden"), layers.Dense(2)))
    assert done(result, "hidden")[1] == 'activation "<lambda>" split off'


def test_names_in_use_are_avoided():
    old = chain(layers.Dense(4, "relu", name="a"), layers.Dense(4, name="a_normalization"))
    assert normwise.insert(old).model.layers[1].name == "a_normalization_1"


def test_the_new_model_is_compiled_trains_and_saves(tmp_path):
    old = article()
    old.compile(keras.optimizers.SGD(0.25), "categorical_crossentropy", metrics=["accuracy"])
    new = normwise.insert(old).model
    assert float(new.optimizer.learning_rate) == 0.25
    x, y = normal((32, 14)), np.eye(2, dtype="float32")[np.arange(32) % 2]
    history = new.fit(x, y, epochs=2, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert np.isfinite(history["loss"]).all()
    new.save(tmp_path / "m.keras")
    assert_close(outputs(normwise.load_model(tmp_path / "m.keras"), x)[0], outputs(new, x)[0], 0.0)


class Subclassed(keras.Model):
    def call(self, x):
        return x


def twice():
    dense = layers.Dense(5, "relu", name="twice")
    x = keras.Input((5,))
    return keras.Model(x, chain(dense)(dense(x)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Subclassed, r"class Subclassed is subclassed, so that its calls .* normwise\.insert cannot read"),
        (
            lambda: chain(Subclassed(), layers.Dense(2)),
            "there is nothing to normalize .*left alone, an output layer",
        ),
        (lambda: chain(layers.Dense(2), layers.BatchNormalization(name="n")), '"n" is a BatchNormalization'),
        (lambda: chain(chain(layers.LayerNormalization(name="n"))), '"n" is a LayerNormalization'),
        (
            lambda: chain(layers.Dense(2, "relu", name="d")),
            r'nothing to normalize .*"d: left alone, an output layer"',
        ),
        (lambda: chain(layers.Flatten()), "there is no Dense or convolution; expected"),
        (lambda: keras.Sequential([layers.Dense(2)], name="s"), r'"s" is not built.*keras\.Input\(shape\)'),
        (twice, r'the layer "twice" is in the model "functional\w*" as well as in "sequential'),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        normwise.insert(make())


def test_what_is_no_model():
    with pytest.raises(TypeError, match=r"normwise\.insert takes a keras\.Model.*got 3"):
        normwise.insert(3)
