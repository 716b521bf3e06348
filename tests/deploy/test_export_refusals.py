"""What export refuses before it exports, and what it says."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import normwise
from normwise.core.errors import ModelError, TableError
from normwise.deploy.onnx_trace import EXPORTERS

BACKEND = keras.backend.backend()


def network(*parts, shape=(2,), **named):
    return keras.Sequential([keras.Input(shape, name="row", **named), *parts], name="net")


@pytest.fixture(autouse=True)
def _every_package(monkeypatch):
    """What is refused here is refused before a package is used."""
    find = importlib.util.find_spec
    there = {"onnx", "onnxruntime", EXPORTERS[BACKEND]}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in there or find(name))


def refused(model, file, *arguments, kind=ModelError, **named):
    with pytest.raises(kind) as error:
        normwise.export(model, file, *arguments, **named)
    assert not file.exists()
    return str(error.value)


def test_packages_that_are_not_installed_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else True)
    message = refused(network(layers.Dense(1)), tmp_path / "m.onnx")
    assert message == (
        f'exporting ONNX from {BACKEND} needs "onnx", "onnxruntime", "{EXPORTERS[BACKEND]}", of which'
        " \"onnxruntime\" cannot be imported here. Install what is missing by: pip install 'normwise[onnx]'"
    )


def test_a_backend_without_an_exporter_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    message = refused(network(layers.Dense(1)), tmp_path / "m.onnx")
    assert (
        'Keras runs on "openvino", from which it exports no ONNX; expected one of "jax", "torch"' in message
    )


def test_another_name_is_refused(tmp_path):
    message = refused(network(layers.Dense(1)), tmp_path / "m.keras")
    assert message.endswith("m.keras is no name of an ONNX file; expected one that ends in .onnx")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    message = refused(network(layers.Dense(1)), tmp_path / "no" / "m.onnx", kind=TableError)
    assert f"there is no folder {tmp_path / 'no'}" in message


def test_no_model_and_a_subclassed_one_are_refused(tmp_path):
    class Own(keras.Model):
        def call(self, x):
            return x

    assert "Own" in refused(Own(), tmp_path / "m.onnx", kind=ValueError)
    assert "keras.Model(inputs, outputs)" in refused(Own(), tmp_path / "m.onnx", kind=ValueError)
    refused("model", tmp_path / "m.onnx", kind=TypeError)


def test_a_model_that_is_not_built_is_refused(tmp_path):
    model = keras.Sequential([layers.Dense(1)], name="net")
    assert 'the model "net" is not built; begin it with keras.Input' in refused(model, tmp_path / "m.onnx")


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_other_precisions_are_refused(tmp_path, policy):
    message = refused(network(layers.Dense(1, dtype=policy, name="head")), tmp_path / "m.onnx")
    dtype = policy.removeprefix("mixed_")
    assert message.startswith(f'the layer "head" computes in {dtype}; Keras exports float32 alone.')


def test_a_fixed_batch_is_refused(tmp_path):
    message = refused(network(layers.Dense(1), batch_size=4), tmp_path / "m.onnx")
    assert message.startswith('the input "row" has the fixed batch size 4; expected any.')


def test_sizes_that_are_not_known_ask_for_rows(tmp_path):
    message = refused(network(layers.Conv1D(2, 3), shape=(None, 3)), tmp_path / "m.onnx")
    assert message.startswith('the input "row" has the shape (None, None, 3), so that no rows can be drawn')


def test_rows_that_do_not_fit_are_refused(tmp_path):
    model, file = network(layers.Dense(1)), tmp_path / "m.onnx"
    message = refused(model, file, np.ones((4, 3)))
    assert message.startswith('x has an array of shape (4, 3) for the input "row"; expected (None, 2)')
    assert refused(model, file, [np.ones((4, 2))] * 2).startswith(
        "x holds 2 arrays; expected one for each of 1"
    )
    assert "have [0] rows; expected one number of them" in refused(model, file, np.ones((0, 2)))
    assert refused(model, file, {"rwo": 1}) == 'x lacks the inputs "row". Did you mean "rwo"?'


def test_rows_of_different_numbers_are_refused(tmp_path):
    a, b = keras.Input((1,), name="a"), keras.Input((1,), name="b")
    model = keras.Model([a, b], layers.Add()([a, b]))
    message = refused(model, tmp_path / "m.onnx", {"a": np.ones((2, 1)), "b": np.ones((3, 1))})
    assert message.startswith("the arrays of x have [2, 3] rows; expected one number of them")


def test_outputs_that_are_no_numbers_are_refused(tmp_path):
    message = refused(network(layers.Dense(1, name="price")), tmp_path / "m.onnx", np.full((3, 2), np.nan))
    assert message.startswith(
        'the output "price" of the model "net" has 3 of 3 values that are not finite on the 3 rows'
    )


def test_what_fold_refuses_is_refused(tmp_path):
    model = network(layers.BatchNormalization(name="norm"), layers.Dense(1))
    model.get_layer("norm").moving_mean.assign([1.0, np.inf])
    assert "norm" in refused(model, tmp_path / "m.onnx", np.ones((2, 2)))


def test_metadata_are_texts(tmp_path):
    message = refused(network(layers.Dense(1)), tmp_path / "m.onnx", metadata={"columns": 3})
    assert message == (
        "metadata has 3 under 'columns'; an ONNX file holds texts alone: expected a str under a str, such as"
        " json.dumps(value)"
    )
