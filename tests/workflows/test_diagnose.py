"""diagnose, and the data that it alone reads."""

import sys

import keras
import numpy as np
import pytest
from keras import layers
from tests.insight.networks import rows

import normwise
from normwise.core.errors import NormwiseError, TableError, TrainingError
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
    with pytest.raises(TableError, match='"no_such_rows" cannot be imported: ModuleNotFoundError: No'):
        read_data("no_such_rows:both", None, None, 9)


def test_all_else_is_handed_on():
    for given in ([[1.0]], "table.csv", "folder/*.parquet"):
        assert read_data(given, "target", None, 9) == (given, "target")


def test_choices_that_check_nothing_are_refused():
    model = network()
    told = {
        "select is 'NRM3'; expected a list of codes": {"select": "NRM3"},
        "ignore is \\[301\\]; expected a list of codes": {"ignore": [301]},
        r"select=\[\] and ignore=\['NRM'\] leave no rule to run": {"ignore": ["NRM"]},
        r"ignored_layers is \['net'\]; expected a table": {"ignored_layers": ["net"]},
        'ignored_layers, "net": "NRM9" is the code': {"ignored_layers": {"net": ["NRM9"]}},
        "batch_size=0 is not a whole number from 1": {"batch_size": 0},
        "new_x has nothing to be compared with": {"new_x": rows()},
    }
    for text, arguments in told.items():
        with pytest.raises(NormwiseError, match=text):
            normwise.diagnose(model, **arguments)
    for codes in (["NRM301"], ("bias-before-normalization",)):
        assert normwise.diagnose(model, ignored_layers={"hid*": codes}).findings == ()


class Broken(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, place):
        raise KeyError("no such file")


def raising():
    yield rows(), rows()[:, :1]
    raise RuntimeError("the disk is gone")


def test_data_that_hold_no_rows_are_told_in_a_sentence(tmp_path, monkeypatch):
    model, x = network(), rows()
    told = [
        ("x is a list, which holds no array of rows; expected arrays", (x.tolist(), x[:, 0])),
        ("x is the single value 5, which holds no array", (5, None)),
        ("y is the single value 3.0, which holds no array", (x, 3.0)),
        ("y holds values of type <U1 and not numbers; expected class numbers", (x, np.array(["a"] * len(x)))),
        ("the data cannot be used: RuntimeError: the disk is gone", (raising(), None)),
        ("reading the data raised KeyError: 'no such file'", (Broken(), None)),
    ]
    for text, data in told:
        with pytest.raises(TrainingError, match=text):
            normwise.diagnose(model, *data)
    with pytest.raises(TrainingError, match=r"of the new data, x has the shape \(64, 6\)"):
        normwise.diagnose(model, x, new_x=np.c_[x, x])
    np.savez(tmp_path / "objects.npz", x=x.astype(object))
    (tmp_path / "text.npy").write_text("hello", encoding="utf-8")
    for name in ("objects.npz", "text.npy"):
        with pytest.raises(TableError, match=f"{name} holds Python objects, or is no file of NumPy's"):
            normwise.diagnose(model, tmp_path / name)
    code = "def nothing(): return None\ndef boom(): raise RuntimeError('gone')\n"
    (tmp_path / "odd_rows.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_rows", raising=False)
    with pytest.raises(TableError, match="odd_rows:nothing returned None; expected x"):
        normwise.diagnose(model, "odd_rows:nothing")
    with pytest.raises(TableError, match="odd_rows:boom raised RuntimeError: gone"):
        normwise.diagnose(model, "odd_rows:boom")
