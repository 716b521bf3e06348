"""The structure of a model, on whichever backend the process has."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.graph import models

from normwise.core.errors import ModelError
from normwise.core.model_record import UNSEEN, ModelRecord
from normwise.graph.record_model import record_model


class Block(layers.Layer):
    """A dense layer, a normalization, an operation of Keras or a function of the backend, and a shortcut."""

    def __init__(self, bare=False, **kwargs):
        super().__init__(**kwargs)
        self.dense, self.norm = layers.Dense(4, name="dense"), layers.BatchNormalization(name="norm")
        self.bare = bare

    def build(self, shape):
        self.dense.build(shape)
        self.norm.build((None, 4))
        self.built = True

    def call(self, x, training=None):
        y = self.norm(self.dense(x), training=training)
        return bare_tanh(y) if self.bare else keras.ops.relu(y) + x


def bare_tanh(y):
    """Of the backend: Keras does not see it, and it takes no symbols."""
    if keras.backend.backend() == "jax":
        import jax.numpy as jnp

        return jnp.tanh(y)
    if keras.backend.backend() == "torch":
        import torch

        return torch.tanh(y)
    import tensorflow as tf

    return tf.tanh(y)


class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.block, self.last = Block(name="block"), layers.Dense(1, name="last")

    def call(self, x, training=None):
        return self.last(self.block(x, training=training))


class Extractor(keras.Model):
    """Fine-tuning: the base at inference, as given or by what holds it, its own head in training."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.base = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(name="norm")], name="base")
        self.block = Block(name="block")
        self.loud = layers.Dropout(0.5, name="loud")
        self.quiet = layers.Dropout(0.5, name="quiet")
        self.heir = layers.Dropout(0.5, name="heir")

    def call(self, x, training=None):
        y = self.loud(self.base(x, training=False), training=training)
        y = self.quiet(self.block(y, training=0) + self.block(y, training=training), training=False)
        return self.heir(y)  # Keras hands on what the call before it was given


def takes(record):
    return {call.name: call.takes for call in record.calls}


def short(path):
    return path.split("/")[-1]


def test_a_sequential_model():
    model = models.sequential()
    record = record_model(model)
    assert [(short(c.name), c.kind, c.function, c.shape, c.output) for c in record.calls] == [
        ("first", "linear", "", (6,), False),
        ("normal", "batch normalization", "", (6,), False),
        ("relu", "activation", "relu", (6,), False),
        ("last", "linear", "", (2,), True),
    ]
    assert [short(name) for call in record.calls for name in call.takes] == [
        "input:columns", "first", "normal", "relu",
    ]  # fmt: skip
    first = record.layers[0]
    assert (first.class_name, first.config["units"], first.config["dtype"]) == ("Dense", 6, "float32")
    assert [(v.name, v.shape, v.trainable) for v in record.layers[1].variables] == [
        ("gamma", (6,), True), ("beta", (6,), True),
        ("moving_mean", (6,), False), ("moving_variance", (6,), False),
    ]  # fmt: skip
    assert (record.optimizer, record.iterations, record.loss, record.unseen) == ("", 0, "", ())
    assert ModelRecord.from_json(record.to_json()) == record


def test_branches_operations_and_several_inputs():
    record = record_model(models.functional())
    taken = takes(record)
    assert {"input:one", "input:two"} <= {name for names in taken.values() for name in names}
    kinds = {call.name: (call.kind, call.function, call.layer) for call in record.calls}
    assert ("activation", "tanh", "") in kinds.values()
    assert [name for name in kinds if kinds[name][0] == "merge"]
    assert sum(call.output for call in record.calls) == 2
    assert all(UNSEEN not in names for names in taken.values())


def test_a_shared_layer_has_a_call_for_each_place():
    model = models.shared()
    record = record_model(model)
    norm = next(layer.path for layer in record.layers if layer.kind == "batch normalization")
    own = [call.name for call in record.calls if call.layer == norm]
    assert own == [norm, f"{norm}#2"]
    assert {takes(record)[name] for name in own} == {
        (f"input:{tensor.name}",) for tensor in keras.tree.flatten(model.inputs)
    }


def test_a_layer_of_the_users_is_followed_inside_and_a_bare_function_is_unseen():
    x = keras.Input((4,), name="x")
    y = Block(bare=True, name="second")(Block(name="first")(x))
    record = record_model(keras.Model(x, layers.Dense(1, name="last")(y)))
    assert takes(record) == {
        "first/dense": ("input:x",),
        "first/norm": ("first/dense",),
        "first/relu": ("first/norm",),
        "first/add": ("first/relu", "input:x"),
        "second/dense": ("first/add",),
        "second/norm": ("second/dense",),
        "last": (UNSEEN,),
    }
    (sentence,) = record.unseen
    assert 'the Block "second" cannot be followed on symbols' in sentence
    assert {(layer.path, layer.kind, layer.holder) for layer in record.layers if "/" not in layer.path} == {
        ("first", "model", ""), ("second", "model", ""), ("last", "linear", ""),
    }  # fmt: skip
    assert record.layer("first/norm").holder == "first"


def test_a_subclassed_model_needs_rows_for_its_shapes():
    model, x = Subclassed(name="own"), np.zeros((3, 4), "float32")
    model(x)
    record = record_model(model)
    assert record.calls == ()
    assert record.unseen == (
        'the model "own" could not be called on symbols, since the shapes of its inputs are not known: give'
        " some rows as x",
    )
    record = record_model(model, x)
    assert takes(record) == {
        "block/dense": ("input:x",),
        "block/norm": ("block/dense",),
        "block/relu": ("block/norm",),
        "block/add": ("block/relu", "input:x"),
        "last": ("block/add",),
    }
    assert record.unseen == ()


def test_a_call_at_inference_whatever_the_model_is_told():
    model, x = Extractor(name="own"), np.zeros((3, 4), "float32")
    model(x)
    calls = {call.name: call.inference for call in record_model(model, x).calls if call.layer}
    assert calls == {
        "base/norm": True, "loud": False, "quiet": True, "heir": True,
        "block/dense": True, "block/norm": True,
        "block/dense#2": False, "block/norm#2": False,
    }  # fmt: skip


def test_training_overrules_what_was_given_as_a_functional_model_was_made():
    """Keras hands each operation of the graph the model's own `training`, as `fit` shows."""
    x, norm = keras.Input((4,)), layers.BatchNormalization(name="norm")
    model = keras.Model(x, norm(x, training=False))
    assert [call.inference for call in record_model(model).calls] == [False]
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4), "float32"), np.zeros((8, 4)), verbose=0)
    assert np.all(keras.ops.convert_to_numpy(norm.moving_mean) > 0)


def test_one_call_of_what_hides_its_layers():
    x = keras.Input((6, 4), name="x")
    y = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    y = layers.TimeDistributed(layers.Dense(4), name="each")(y)
    y = layers.Bidirectional(layers.LSTM(3), name="both")(y)
    y = layers.Dense(2, activation=layers.LeakyReLU(), name="leaky")(y)
    record = record_model(keras.Model(x, y))
    assert [(c.name, c.kind, c.function) for c in record.calls] == [
        ("attention", "attention", ""),
        ("each", "other", ""),
        ("both", "recurrent", ""),
        ("leaky", "linear", "leaky_relu"),
    ]
    assert takes(record)["attention"] == ("input:x", "input:x")


def test_a_mask_is_no_call_and_sizes_that_are_open_are_unknown():
    x = keras.Input((None,), dtype="int32", name="words")
    y = layers.Embedding(9, 3, mask_zero=True, name="embedding")(x)
    y = layers.GlobalAveragePooling1D(name="mean")(y)
    model = keras.Model(x, y)
    record = record_model(model)
    assert [(c.name, c.kind, c.shape) for c in record.calls] == [
        ("embedding", "embedding", (-1, 3)), ("mean", "pooling", (3,)),
    ]  # fmt: skip
    assert record_model(model, np.ones((2, 7), "int32")).calls[0].shape == (7, 3)


def test_weight_decay_of_the_optimizer_and_of_penalties():
    first = layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.25), name="first")
    model = keras.Sequential([keras.Input((3,)), first, layers.BatchNormalization(name="norm")])
    optimizer = keras.optimizers.AdamW(weight_decay=0.125)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta"])
    model.compile(optimizer, keras.losses.MeanSquaredError())
    record = record_model(model)
    decays = {v.name: v.decay for layer in record.layers for v in layer.variables}
    assert decays == {
        "kernel": 0.375, "bias": 0.0, "gamma": 0.125, "beta": 0.0,
        "moving_mean": 0.0, "moving_variance": 0.0,
    }  # fmt: skip
    assert (record.optimizer, record.loss) == ("AdamW", "mean_squared_error")


def test_a_frozen_layer():
    model = models.sequential()
    model.layers[1].trainable = False
    record = record_model(model)
    assert [layer.trainable for layer in record.layers] == [True, False, True, True]
    assert not any(v.trainable for v in record.layers[1].variables)


@pytest.mark.parametrize("name", models.MODELS)
def test_the_model_stays_as_it_is_and_the_record_is_the_same_again(name):
    model = models.MODELS[name]()
    operations = [*model._flatten_layers(), *getattr(model, "_operations", [])]

    def nodes():
        return [(len(o._inbound_nodes), len(o._outbound_nodes)) for o in operations]

    before, values = nodes(), models.values(model)
    record = record_model(model)
    assert (nodes(), models.values(model)) == (before, values)
    assert record_model(model) == record
    assert record.calls
    assert not record.unseen


def test_which_layers_draw_noise():
    """Not dropout at the rate 0, what augments, or what draws at inference too."""

    class Sampled(layers.Layer):
        def __init__(self):
            super().__init__(name="sampled")
            self.seed = keras.random.SeedGenerator(1)

        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x), seed=self.seed)

    parts = [
        layers.GaussianNoise(0.1, name="noise"), layers.GaussianDropout(0.1, name="gaussian"),
        layers.AlphaDropout(0.1, name="alpha"), layers.Dropout(0.0, name="never"), Sampled(),
        layers.RandomFlip(name="flip"), layers.Dense(2, name="last"),
    ]  # fmt: skip
    record = record_model(keras.Sequential([keras.Input((4, 4, 3)), *parts]))
    assert [layer.path for layer in record.layers if layer.draws] == ["noise", "gaussian", "alpha"]


def test_layers_of_one_path_are_told():
    class Pair(layers.Layer):
        def __init__(self):
            super().__init__(name="pair")
            self.first, self.second = layers.Dense(3, name="same"), layers.Dense(3, name="same")

        def call(self, x):
            return self.second(self.first(x))

    record = record_model(keras.Sequential([keras.Input((3,)), Pair()]))
    assert record.unseen[0].startswith('more than one layer has the path "pair/same"')


def test_what_is_no_built_model():
    with pytest.raises(ModelError, match="expected a Keras model, got a list"):
        record_model([])
    with pytest.raises(ModelError, match=r'the model "raw" is not built: .* Give it a keras.Input'):
        record_model(keras.Sequential([layers.Dense(1)], name="raw"))


def test_a_model_and_its_loaded_file_have_equal_records(tmp_path):
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    hidden = [layers.Dense(4, name="hidden"), layers.BatchNormalization(name="norm"), inner]
    model = keras.Sequential([keras.Input((3,), name="x"), *hidden], name="net")
    model.compile("sgd", "mse")
    model.save(tmp_path / "net.keras")
    record = record_model(model)
    assert record_model(keras.models.load_model(tmp_path / "net.keras")) == record
    assert [layer.path for layer in record.layers] == ["hidden", "norm", "inner", "inner/deep"]
    assert [call.name for call in record.calls] == ["hidden", "norm", "inner/deep"]
    assert record.layer("inner/deep").variables[0].path == "inner/deep/kernel"
