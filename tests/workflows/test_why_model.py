"""A model as the two networks of `why`: what they share, what is said of it, what is refused."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, optimizers

import normwise
from normwise.core.errors import ModelError
from normwise.workflows.training_target import Target
from normwise.workflows.why_model import model_networks
from normwise.workflows.why_model_file import read_why_model
from normwise.workflows.why_networks import Networks, hidden_activations

TARGET = Target("bought", "classification", np.array([0, 1]), ("no", "yes"), "String")


def chain(*inner: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((3,)), *inner], name="m")


def made(model: keras.Model) -> tuple[Networks, list[str]]:
    notes: list[str] = []
    return model_networks(read_why_model(model), "m.keras", TARGET, notes.append), notes


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def test_of_a_model_with_batch_normalization() -> None:
    scaling = layers.Normalization(mean=[1.0, 2, 3], variance=[1.0, 4, 9], name="adapted")
    frozen = layers.Dense(4, "gelu", name="frozen", trainable=False)
    model = chain(
        *(scaling, layers.Dense(8, use_bias=False), layers.BatchNormalization(name="bn"), layers.ReLU()),
        *(layers.Dropout(0.5), frozen, layers.LayerNormalization(name="ln"), layers.Dense(2, "softmax")),
    )
    schedule = optimizers.schedules.CosineDecay(0.1, 100)
    model.compile(optimizers.Adam(schedule, beta_1=0.7), "categorical_crossentropy", metrics=["accuracy"])
    networks, notes = made(model)
    rest = ["ReLU", "Dropout", "Dense", "LayerNormalization", "Dense"]
    assert kinds(networks.plain) == ["Dense", *rest]
    assert kinds(networks.normalized) == ["Dense", "BatchNormalization", *rest]
    assert type(networks.normalized.layers[1]) is layers.BatchNormalization
    assert [networks[way].layers[0].use_bias for way in (False, True)] == [True, False]
    assert (networks.hidden_units, networks.activation) == ((8, 4), "relu, gelu")
    assert (networks.outputs, networks.name, networks.compared) == (
        "probabilities",
        "m.keras",
        "compared_loss",
    )
    for network in (networks.plain, networks.normalized):
        assert network.optimizer is not model.optimizer
        assert network.optimizer.beta_1 == 0.7
        network.optimizer.learning_rate = 0.3
        assert all(layer.trainable for layer in network.layers)
    assert notes == [
        'the model begins with "adapted" (Normalization): left out, so that raw inputs stay raw',
        '"ln" (LayerNormalization) is no batch normalization: it stays in all four variants',
        'the variants without batch normalization are the model without "bn" (BatchNormalization)',
        '"frozen" (Dense) is frozen: trained here like all others, for all weights begin anew',
        "the schedule of the model's learning rate is left out: each training has one rate of the sweep",
    ]
    assert kinds(model)[:3] == ["Normalization", "Dense", "BatchNormalization"]
    assert not frozen.trainable


def test_of_a_model_without() -> None:
    networks, notes = made(chain(layers.Dense(8, "relu", name="a"), layers.Dense(1)))
    assert kinds(networks.plain) == ["Dense", "Dense"]
    assert kinds(networks.normalized) == ["Dense", "BatchNormalization", "Activation", "Dense"]
    assert isinstance(networks.normalized.layers[1], normwise.BatchNormalization)
    assert networks.outputs == "logit"
    assert isinstance(networks.plain.optimizer, optimizers.SGD)
    assert notes == [
        'the model has no batch normalization: normwise.insert put it behind "a" in two variants',
        "the model is not compiled: it learns by binary_crossentropy, and SGD with Nesterov momentum 0.9",
    ]


def test_a_loss_that_is_not_the_compared_one_is_named() -> None:
    model = chain(layers.Dense(8, "relu"), layers.Dense(1))
    model.compile("sgd", "mae")
    notes: list[str] = []
    price = Target("price", "regression", np.array([0.5, 1.5]), (), "Float64")
    model_networks(model, "m.keras", price, notes.append)
    assert notes[-1] == "the model learns by its mean_absolute_error; what is compared is the squared error"


def test_activations_of_the_hidden_layers_alone() -> None:
    model = chain(layers.Dense(4, "relu", name="a"), layers.Dense(2), layers.Softmax())
    assert [(path.rpartition("/")[2], name) for path, name in hidden_activations(model)] == [("a", "relu")]
    x = keras.Input((3,))
    bare = keras.Model(x, layers.Dense(1)(keras.ops.relu(layers.Dense(4)(x))))
    assert hidden_activations(bare) == []
    assert made(bare)[0].hidden_units == (4,)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (chain(layers.Dense(2)), "m.keras has no hidden layer"),
        (
            chain(layers.Dense(4), layers.LayerNormalization(name="ln"), layers.ReLU(), layers.Dense(2)),
            '"ln" (LayerNormalization) normalizes the model already, otherwise than by batches',
        ),
        (
            chain(layers.Dense(4, "relu"), layers.Normalization(name="late"), layers.Dense(2)),
            'the layer "late" is a keras.layers.Normalization behind other layers',
        ),
        (
            chain(layers.Reshape((3, 1)), layers.TimeDistributed(layers.BatchNormalization(name="deep")))
            and chain(
                layers.Reshape((3, 1)),
                layers.TimeDistributed(layers.BatchNormalization(name="deep")),
                layers.Flatten(),
                layers.Dense(2),
            ),
            'the BatchNormalization "deep" is inside of a layer of the model "m"',
        ),
    ],
)
def test_what_cannot_be_taken_apart(model: keras.Model, message: str) -> None:
    with pytest.raises(ModelError) as error:
        made(model)
    assert message in str(error.value)


def two_inputs() -> keras.Model:
    a, b = keras.Input((3,)), keras.Input((2,))
    return keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([a, b])), name="m")


def two_outputs() -> keras.Model:
    x = keras.Input((3,))
    return keras.Model(x, [layers.Dense(2)(x), layers.Dense(1)(x)], name="m")


def images() -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)], name="m")


def codes() -> keras.Model:
    x = keras.Input((3,), dtype="int32")
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Embedding(5, 2)(x))), name="m")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (two_inputs(), 'the model "m" has 2 inputs of shape (3,), (2,) a row; expected one input, of shape'),
        (images(), 'the model "m" has 1 input of shape (8, 8, 3) a row; expected one input'),
        (two_outputs(), "has 2 outputs of shape (2,), (1,) a row; expected one output, of shape (units,)"),
        (codes(), 'the model "m" takes int32, and scaled numbers are fractions'),
        (keras.Sequential([layers.Dense(2)], name="m"), 'the Sequential model "m" is not built'),
    ],
)
def test_what_is_no_network_for_a_table(model: keras.Model, message: str) -> None:
    with pytest.raises(ModelError) as error:
        read_why_model(model)
    assert message in str(error.value)


class Doubled(layers.Layer):  # type: ignore[misc]
    """A layer that Keras does not know when it loads."""

    def call(self, x: object) -> object:
        return x


def saved(model: keras.Model, file: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says what it cannot load again.
        model.save(file)
    return file


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    def refused(name: str) -> str:
        with pytest.raises(ModelError) as error:
            read_why_model(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name} cannot be loaded: ")
        return str(error.value)

    (tmp_path / "junk.keras").write_text("no model")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("a", "b")
    saved(chain(layers.Lambda(lambda x: x), layers.Dense(1)), tmp_path / "lambda.keras")
    saved(chain(Doubled(), layers.Dense(1)), tmp_path / "own.keras")
    assert "no model file" in refused("absent.keras")
    assert 'a ".keras" file is a zip archive, and this is none' in refused("junk.keras")
    assert "no item named 'config.json' in the archive" in refused("other.keras")
    assert "is an HDF5 file" in refused("old.h5")
    assert "`Lambda` layer whose `function` is a Python lambda" in refused("lambda.keras")
    said = refused("own.keras")
    assert "Could not locate class 'Doubled'" in said
    assert said.endswith("can be given itself: why_table(…, model=model).")
    assert len(said) < 600


def test_a_file_is_the_model_that_was_saved(tmp_path: Path) -> None:
    model = chain(layers.Dense(4, "relu"), layers.Dense(2, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy")
    found = read_why_model(saved(model, tmp_path / "m.keras"))
    assert kinds(found) == kinds(model)
    assert isinstance(found.optimizer, optimizers.Adam)


def test_a_file_is_named_by_its_name(tmp_path: Path) -> None:
    file = saved(images(), tmp_path / "photos.keras")
    with pytest.raises(ModelError) as error:
        read_why_model(file)
    assert str(error.value).startswith(f"{file} has 1 input of shape (8, 8, 3) a row; expected one input, of")
