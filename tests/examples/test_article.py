"""examples/article.py: the listing as the article has it, its data, its command line."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import sklearn.datasets
from tests.reference.tolerance import assert_close, tolerance

import normwise

FILE = Path(__file__).parents[2] / "examples" / "article.py"


@pytest.fixture(scope="module")
def article():
    spec = importlib.util.spec_from_file_location("article", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(n, stop, seed):
    rng = np.random.default_rng(seed)
    for age in rng.integers(17, 90, n):
        texts = rng.choice(["?", "Divorced", "Married"], 8)
        number = rng.integers(0, 900_000, 5)
        cells = [age, texts[0], number[0], texts[1], number[1], *texts[2:7], *number[2:], texts[7]]
        yield ", ".join(map(str, cells)) + (", >50K" if age > 50 else ", <=50K") + stop + "\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    adult = tmp_path / "adult"
    adult.mkdir()
    (adult / "adult.data").write_text("".join(rows(200, "", 0)) + "\n")
    (adult / "adult.test").write_text("|1x3 Cross validator\n" + "".join(rows(50, ".", 1)) + "\n")
    monkeypatch.setenv("NORMWISE_DATA", str(tmp_path))
    return tmp_path


def test_the_network_is_the_listings(article):
    model = article.network()
    kinds = [type(layer).__name__ for layer in model.layers]
    block = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert kinds == [*block, *block, "Dense", "BatchNormalization", "Activation"]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in dense] == [64, 64, 2]
    initial = dense[0].kernel_initializer
    assert (type(initial).__name__, initial.minval, initial.maxval) == ("RandomUniform", -0.05, 0.05)
    normalizations = [layer for layer in model.layers if isinstance(layer, normwise.BatchNormalization)]
    assert len(normalizations) == 3
    activations = [x.activation.__name__ for x in model.layers if isinstance(x, keras.layers.Activation)]
    assert activations == ["tanh", "tanh", "softmax"]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.5, 0.5]
    assert model.input_shape == (None, 14)
    assert (model.optimizer.momentum, model.optimizer.nesterov) == (0.9, True)
    assert model.loss == "categorical_crossentropy"


@pytest.mark.parametrize("update", [0, 1, 1628, 32_560])
def test_the_rate_of_each_update_is_that_of_keras_1(article, update):
    rate = article.network().optimizer._learning_rate(update)
    assert_close(keras.ops.convert_to_numpy(rate), 0.1 * (1 / (1 + 1e-6 * update)), tolerance("float32"))


@pytest.mark.usefixtures("folder")
def test_both_runs_end_in_two_lines(article, capsys):
    article.main(["--epochs", "2", "--rows", "150"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("raw     adult.test: loss ")
    assert lines[-1].startswith("scaled  adult.test: loss ")
    assert sum("val_accuracy" in line for line in lines) == 4
    assert sum(line.startswith("8/8 - ") for line in lines) == 4


@pytest.mark.parametrize(("flag", "absent"), [("--raw", "scaled"), ("--scaled", "raw")])
@pytest.mark.usefixtures("folder")
def test_one_run_alone(article, capsys, flag, absent):
    article.main(["--epochs", "1", "--rows", "64", flag])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(flag.removeprefix("--"))
    assert absent not in last


@pytest.mark.usefixtures("folder")
def test_text_is_coded_by_integers_and_the_classes_of_both_files_agree(article):
    table = article.read_folder()
    assert (table.x.shape, table.x_test.shape) == ((200, 14), (50, 14))
    assert np.isfinite(table.x).all()
    assert set(table.x[:, 5]) == {0.0, 1.0, 2.0}
    np.testing.assert_array_equal(table.y, table.x[:, 0] > 50)
    np.testing.assert_array_equal(table.y_test, table.x_test[:, 0] > 50)


@pytest.mark.usefixtures("folder")
def test_features_are_scaled_by_the_rows_that_are_trained_on(article):
    table = article.read_folder()
    x = article.scaled(table).x
    assert_close(x[:160].min(0), np.zeros(14), tolerance("float64"))
    assert_close(x[:160].max(0), np.ones(14), tolerance("float64"))


def test_openml_is_asked_only_by_the_flag(article, monkeypatch, capsys):
    asked = []

    def fetch(name, **arguments):
        asked.append((name, arguments["version"]))
        rng = np.random.default_rng(0)
        x = rng.integers(0, 9, (article.TEST_ROWS + 64, 14)).astype(float)
        x[0, 1] = np.nan
        return sklearn.utils.Bunch(data=x, target=np.where(x[:, 0] > 6, ">50K", "<=50K"))

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    article.main(["--openml", "--raw", "--epochs", "1", "--rows", "64"])
    assert asked == [("adult", 2)]
    assert "raw     adult.test: loss " in capsys.readouterr().out
    table = article.read_openml()
    assert (table.x[0, 1], len(table.x), len(table.x_test)) == (-1.0, 64, 16_281)


def test_absent_data_are_a_sentence(article, tmp_path, monkeypatch):
    monkeypatch.delenv("NORMWISE_DATA", raising=False)
    with pytest.raises(
        SystemExit, match=r"not found: NORMWISE_DATA is not set\. Set NORMWISE_DATA .*--openml"
    ):
        article.main([])
    monkeypatch.setenv("NORMWISE_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"adult/adult\.data or .*adult\.test is absent.*--openml"):
        article.main([])


def test_a_file_of_another_width_is_a_sentence(article, folder):
    (folder / "adult" / "adult.data").write_text("1, 2, 3\n")
    with pytest.raises(SystemExit, match=r"adult\.data has 3 columns; Adult has 15"):
        article.main([])


@pytest.mark.usefixtures("data")
def test_the_real_data(article, capsys):
    article.main(["--epochs", "1", "--rows", "1600", "--scaled"])
    assert "adult.test: loss 0." in capsys.readouterr().out.splitlines()[-1]
