"""Keras' own tests of its BatchNormalization, which ship in its wheel, with ours in the layer's place."""

import ast
import importlib
import inspect
import types

import keras
import pytest

import normwise


@keras.saving.register_keras_serializable(package="tests")
class AsKeras(normwise.BatchNormalization):
    """`BatchNormalization.keras` as a class, since Keras' tests make layers by calling one."""

    def __init__(self, *args, averaging="exponential", unbiased=False, **kwargs):
        super().__init__(*args, averaging=averaging, unbiased=unbiased, **kwargs)


_theirs = importlib.import_module("keras.src.layers.normalization.batch_normalization_test")
_theirs.layers = types.SimpleNamespace(**{**vars(_theirs.layers), "BatchNormalization": AsKeras})


@pytest.mark.filterwarnings("default")
class BatchNormalizationTest(_theirs.BatchNormalizationTest):
    """All of Keras' tests, inherited."""


def test_the_class_has_the_defaults_of_the_constructor():
    ours, made = AsKeras().get_config(), normwise.BatchNormalization.keras().get_config()
    assert {**ours, "name": ""} == {**made, "name": ""}


def test_no_test_of_keras_is_missing_and_all_use_our_layer():
    source = ast.parse(inspect.getsource(_theirs))
    written = {f.name for f in ast.walk(source) if isinstance(f, ast.FunctionDef) and f.name[:5] == "test_"}
    assert len(written) >= 13
    # Parameterized tests have the number of their case behind the name.
    here = {name.rstrip("0123456789") for name in dir(BatchNormalizationTest) if name.startswith("test_")}
    assert {name for name in written if name not in here} == set()
    assert _theirs.layers.BatchNormalization is AsKeras
