"""The network: its inputs, its structure, its scaling, and that a seed makes it."""

import dataclasses

import keras
import numpy as np
import polars as pl
import pytest

import normwise
from normwise.workflows.encode_table import encode_table, feature_names
from normwise.workflows.infer_columns import infer_columns
from normwise.workflows.network import embedding_units, tabular_network
from normwise.workflows.predict_table import network_outputs
from normwise.workflows.presets import PRESETS

FEATURES = ("age", "city", "active", "since")


@pytest.fixture(scope="module")
def table(people):
    frame = people.select(FEATURES)
    columns = infer_columns(frame)
    return columns, encode_table(frame, columns)


def network(table, preset="default", outputs=2, seed=0):
    return tabular_network(*table, outputs, PRESETS[preset], seed)


def one_column(values, kind=None):
    frame = pl.DataFrame({"a": values})
    columns = infer_columns(frame, {"a": kind} if kind else None)
    return columns, encode_table(frame, columns)


def hidden(model):
    """Class names of the layers behind the features."""
    names = [type(layer).__name__ for layer in model.layers]
    return names[names.index("Dense") :]


@pytest.mark.parametrize(
    ("values", "kind", "inputs"),
    [
        ([1.0, 2.0, 3.0], None, ["numeric"]),
        (["a", "b"] * 3, None, ["one_hot_codes"]),
        ([f"n{i % 65}" for i in range(650)], None, ["embedding_codes"]),
    ],
)
@pytest.mark.parametrize("outputs", [1, 3])
def test_inputs_without_columns_are_left_out(values, kind, inputs, outputs):
    table = one_column(values, kind)
    model = network(table, outputs=outputs)
    assert list(model.input) == inputs
    assert network_outputs(model, table[1]).shape == (len(values), outputs)


def test_the_default_preset(table):
    block = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert hidden(network(table)) == [*block, *block, "Dense", "Activation"]
    assert not any(layer.use_bias for layer in network(table).layers if layer.name.startswith("dense"))
    assert network(table).get_layer("output").use_bias


def test_the_article_preset_is_the_article(table):
    model = network(table, "article", outputs=3)
    block = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert hidden(model) == [*block, *block, "Dense", "BatchNormalization", "Activation"]
    for i in (1, 2):
        dense = model.get_layer(f"dense_{i}")
        assert (dense.units, dense.use_bias, type(dense.kernel_initializer).__name__) == (
            64,
            True,
            "RandomUniform",
        )
        assert model.get_layer(f"tanh_{i}").activation is keras.activations.tanh
        assert model.get_layer(f"dropout_{i}").rate == 0.5
    assert model.get_layer("output").units == 3
    assert model.get_layer("probabilities").activation is keras.activations.softmax
    assert "piecewise_linear_encoding" not in [layer.name for layer in model.layers]
    preset = PRESETS["article"]
    assert (preset.batch_size, preset.epochs, preset.patience, preset.learning_rate) == (16, 20, None, 0.1)


def test_regression_ends_in_one_plain_number(table):
    for preset in PRESETS:
        assert hidden(network(table, preset, outputs=1))[-1] == "Dense"


def test_probabilities_add_up(table):
    outputs = network_outputs(network(table, outputs=3), table[1])
    assert np.allclose(outputs.sum(1), 1, atol=1e-6)


def test_the_scaling_is_inside(table):
    columns, encoded = table
    layer = network(table).get_layer("feature_scaling")
    age = encoded.numeric[:, feature_names(columns).index("age")]
    scaled = keras.ops.convert_to_numpy(layer(encoded.numeric))[:, feature_names(columns).index("age")]
    known = ~np.isnan(age)
    assert abs(scaled[known].mean()) < 1e-6
    assert scaled[known].std() == pytest.approx(1, abs=1e-6)
    assert (scaled[~known] == 0).all()


def test_numbers_may_be_missing_constant_and_far_away():
    frame = pl.DataFrame(
        {"a": [1e9, 1e9 + 1, None, 1e9 + 2], "b": [5.0, None, 5.0, 5.0], "c": [1e-30, 2e-30, 0, 1e30]}
    )
    columns = infer_columns(frame)
    encoded = encode_table(frame, columns)
    assert np.isfinite(network_outputs(network((columns, encoded)), encoded)).all()
    nothing = encode_table(pl.DataFrame({name: [None] for name in "abc"}), columns)
    assert np.isfinite(network_outputs(network((columns, encoded)), nothing)).all()


@pytest.mark.parametrize(("rows", "bins"), [(399, 0), (400, 4), (1700, 16)])
def test_quantile_bins_need_rows(rows, bins):
    table = one_column(np.random.default_rng(0).normal(size=rows))
    layers = {layer.name: layer for layer in network(table).layers}
    found = len(layers["piecewise_linear_encoding"].edges[0]) - 1 if bins else 0
    assert found == bins
    assert ("piecewise_linear_encoding" in layers) == bool(bins)


def test_saved_and_loaded_it_says_the_same(table, tmp_path):
    values = np.random.default_rng(0).normal(size=650)
    frame = pl.DataFrame({"x": values, "e": [f"n{i % 65}" for i in range(650)], "c": ["a", "b"] * 325})
    columns = infer_columns(frame)
    for i, (schema, encoded) in enumerate([table, (columns, encode_table(frame, columns))]):
        model = network((schema, encoded))
        model.save(tmp_path / f"{i}.keras")
        again = normwise.load_model(tmp_path / f"{i}.keras")
        difference = network_outputs(again, encoded) - network_outputs(model, encoded)
        assert np.abs(difference).max() <= 1e-6


def test_a_seed_makes_the_weights(table):
    def weights(seed):
        return np.concatenate([w.ravel() for w in network(table, seed=seed).get_weights()])

    assert np.array_equal(weights(3), weights(3))
    assert not np.array_equal(weights(3), weights(4))


def test_more_layers_and_columns_than_seeds_drawn_at_once():
    frame = pl.DataFrame({f"c{i}": [f"n{j % 65}" for j in range(650)] for i in range(2)})
    columns = infer_columns(frame)
    model = network((columns, encode_table(frame, columns)))
    first, second = (model.get_layer(f"embedding_{i}").get_weights()[0] for i in (1, 2))
    assert first.shape == (67, embedding_units(67)) == (67, 17)
    assert not np.array_equal(first, second)


def test_no_hidden_layer_is_a_linear_model(table):
    model = tabular_network(*table, 2, dataclasses.replace(PRESETS["default"], hidden_units=()), 0)
    assert hidden(model) == ["Dense", "Activation"]
