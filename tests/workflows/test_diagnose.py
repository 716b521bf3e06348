"""diagnose, and the data that it alone reads."""

import sys

import keras
import numpy as np
import pytest
from keras import layers
from tests.insight.networks import rows

import normwise
from normwise.core.errors import NormwiseError, TableError
from normwise.workflows.diagnose_data import read_data


def network():
    hidden = [layers.Dense(8, name="hidden"), layers.BatchNormalization(name="norm"), layers.ReLU()]
    model = keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    return model


def test_a_bias_without_effect_is_found_and_ignored():
    model, x = network(), rows()
    found = normwise.diagnose(model, x, x[:, :1])
    assert ("NRM301", "hidden") in [(f.code, f.layer) for f in found.findings]
    assert (found.model, found.rows) == ("net", 64)
    assert not [check for check in found.checks if check.status == "failed"]
    found = normwise.diagnose(model, select=["NRM301"], ignored_layers={"hid*": ("NRM3",)})
    assert [(check.code, check.status, check.ignored) for check in found.checks] == [("NRM301", "clean", 1)]
    assert normwise.diagnose(model, select=["NRM3"], ignore=["NRM301"]).findings == ()


def test_a_word_that_is_no_rule_is_told_before_anything_is_measured():
    with pytest.raises(NormwiseError, match='"NRM999" is the code, or the beginning of the code, of no rule'):
        normwise.diagnose(None, select=["NRM999"])


@pytest.fixture
def pictures(tmp_path):
    """Two classes of images, 3 and 2 of them, each of one grey."""
    image = pytest.importorskip("PIL.Image", reason="images need Pillow")
    for name, greys in (("cat", (10, 20, 30)), ("dog", (200, 210))):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for grey in greys:
            made = image.new("RGB", (6, 5), (grey, grey, grey))
            made.save(tmp_path / "pictures" / name / f"{grey}.png")
    return tmp_path / "pictures"


def picture_network(channels=3, loss="sparse_categorical_crossentropy"):
    parts = [layers.GlobalAveragePooling2D(), layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((4, 8, channels)), *parts])
    model.compile("sgd", loss)
    return model


def test_a_folder_of_images(pictures):
    x, y = read_data(str(pictures), None, picture_network(), 10)
    assert x.shape == (5, 4, 8, 3)
    np.testing.assert_array_equal(x[:, 0, 0, 0], [10, 20, 30, 200, 210])
    np.testing.assert_array_equal(y, [0, 0, 0, 1, 1])
    x, y = read_data(pictures, None, picture_network(1, "categorical_crossentropy"), 3)
    assert (x.shape, y.shape) == ((3, 4, 8, 1), (3, 2))
    assert normwise.diagnose(picture_network(), pictures).rows == 5


def test_a_folder_of_images_for_another_model(pictures):
    with pytest.raises(TableError, match=r'holds images, and the model "net" takes \(None, 3\)'):
        read_data(pictures, None, network(), 10)
    with pytest.raises(TableError, match="the model takes 2 channels; expected 1, 3 or 4"):
        read_data(pictures, None, picture_network(2), 10)
    (pictures / "cat" / "0.png").write_text("no image")
    with pytest.raises(TableError, match=r"0\.png cannot be read as an image"):
        read_data(pictures, None, picture_network(), 10)


def test_a_function_of_a_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_rows.py").write_text(
        "def both():\n    return [[1.0]], [2.0]\n\n\ndef alone():\n    return [[3.0]]\n"
    )
    before = list(sys.path)
    assert read_data("own_rows:both", None, None, 9) == ([[1.0]], [2.0])
    assert read_data("own_rows:both", [5.0], None, 9) == ([[1.0]], [5.0])
    assert read_data("own_rows:alone", None, None, 9) == ([[3.0]], None)
    assert sys.path == before
    with pytest.raises(TableError, match=r'"own_rows" has no function "bth". Did you mean "both"'):
        read_data("own_rows:bth", None, None, 9)
    with pytest.raises(TableError, match='"no_such_rows" cannot be imported: No module named'):
        read_data("no_such_rows:both", None, None, 9)


def test_all_else_is_handed_on():
    for given in ([[1.0]], "table.csv", "folder/*.parquet"):
        assert read_data(given, "target", None, 9) == (given, "target")
