"""The encoding against the paper's equation in float64, and the bins it is given."""

import keras
import numpy as np
import pytest
from keras import ops
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.layers.piecewise_linear_encoding import PiecewiseLinearEncoding, quantile_edges

EDGES = ((0.0, 10.0, 100.0), (-5.0,), (-3.0, -1.0, 0.5, 0.75), ())


def reference(x, edges):
    """Gorishniy et al. 2022, eq. 1, with the first bin clipped below and the last one above; NaN is zeros."""
    columns = []
    for values, b in zip(np.asarray(x, np.float64).T, edges, strict=True):
        for t in range(1, len(b)):
            e = (values - b[t - 1]) / (b[t] - b[t - 1])
            e[values < b[t - 1]] = 0.0
            e[values >= b[t]] = 1.0
            e[np.isnan(values)] = 0.0
            columns.append(e)
    return np.stack(columns, 1)


def numbers(rows=200, seed=0):
    return np.random.default_rng(seed).normal(0, 20, (rows, len(EDGES))).astype("float32")


def encoded(x, edges=EDGES, **kwargs):
    return ops.convert_to_numpy(PiecewiseLinearEncoding(edges, **kwargs)(x))


def test_it_is_the_papers_equation():
    x = numbers()
    assert_close(encoded(x), reference(x, EDGES), tolerance("float32"))


def test_at_the_edges_and_far_beyond_them():
    edges = [EDGES[2]]
    x = np.array([[-3.0], [-1.0], [0.5], [0.75], [-1e30], [1e30], [np.inf], [-np.inf]], "float32")
    assert_close(encoded(x, edges), reference(x, edges), 0.0)


def test_at_a_large_offset():
    edges = [(1e6, 1e6 + 1, 1e6 + 3)]
    x = (1e6 + np.arange(-4, 20)[:, None] / 4).astype("float32")
    assert_close(encoded(x, edges), reference(x, edges), tolerance("float32"))


def test_nan_is_zeros():
    x = numbers(4)
    x[1, 0] = np.nan
    assert_close(encoded(x), reference(x, EDGES), tolerance("float32"))
    assert encoded(x)[1, :2].tolist() == [0, 0]


@pytest.mark.parametrize("value", [np.nan, 5.0, 10.0, -1e30, 1e30])
def test_gradients_are_finite(value):
    layer = PiecewiseLinearEncoding([(0.0, 10.0, 100.0)])
    dense = keras.layers.Dense(1, kernel_initializer="ones")
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones"), layer, dense]
    )
    model.compile("sgd", "mse")
    model.train_on_batch(np.array([[value]], "float32"), np.array([[1.0]], "float32"))
    assert np.isfinite(dense.get_weights()[0]).all()
    if np.isfinite(value):
        assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.mark.parametrize("width", [1e-40, 1e-45])
def test_a_bin_too_narrow_for_float32_is_a_step(width):
    out = encoded(np.array([[0.0], [-1.0], [1.0]], "float32"), [(0.0, width)])
    assert out.tolist() == [[0], [0], [1]]


def test_no_bins_at_all():
    assert encoded(numbers(3)[:, :2], [(), (1.0,)]).shape == (3, 0)


@pytest.mark.parametrize("dtype", ["int32", "float16"])
def test_other_inputs(dtype):
    x = np.array([[1], [50], [99]], dtype)
    assert_close(encoded(x, EDGES[:1]), reference(x, EDGES[:1]), tolerance("float32"))


def test_mixed_precision_computes_in_float32_and_gives_half():
    out = PiecewiseLinearEncoding([(1e4, 1e4 + 1)], dtype="mixed_float16")(np.array([[1e4 + 0.5]], "float32"))
    assert keras.backend.standardize_dtype(out.dtype) == "float16"
    assert float(ops.convert_to_numpy(out)[0, 0]) == 0.5


def test_configuration_round_trip():
    layer = PiecewiseLinearEncoding(EDGES, name="bins")
    again = PiecewiseLinearEncoding.from_config(layer.get_config())
    assert (again.edges, again.name) == (EDGES, "bins")


def test_save_and_load(tmp_path):
    model = keras.Sequential([keras.Input((len(EDGES),)), PiecewiseLinearEncoding(EDGES)])
    model.save(tmp_path / "m.keras")
    again = normwise.load_model(tmp_path / "m.keras")
    x = numbers(5)
    assert np.array_equal(ops.convert_to_numpy(model(x)), ops.convert_to_numpy(again(x)))
    assert model.output_shape == (None, 5)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([(0.0, 1.0), (2.0, 1.0)], r"column 1 must rise strictly, got \[2.0, 1.0\]"),
        ([(1.0, 1.0)], "column 0 must rise strictly"),
        ([(0.0, float("nan"))], r"column 0 must be finite, got \[0.0, nan\]"),
        ([(float("-inf"), 0.0)], r"column 0 must be finite, got \[-inf, 0.0\]"),
    ],
)
def test_edges_that_are_none(edges, message):
    with pytest.raises(ValueError, match=message):
        PiecewiseLinearEncoding(edges)


def test_another_number_of_columns():
    with pytest.raises(ValueError, match="edges for 4 columns were given, but the input has 3"):
        PiecewiseLinearEncoding(EDGES)(np.zeros((2, 3), "float32"))


class TestQuantileEdges:
    def edges(self, values, bins):
        return quantile_edges(np.reshape(np.array(values, "float32"), (-1, 1)), bins)[0]

    def test_bins_hold_about_as_many_rows(self):
        values = np.random.default_rng(0).lognormal(0, 2, 4000)
        edges = self.edges(values, 8)
        counts = np.histogram(values.astype("float32"), edges)[0]
        assert len(edges) == 9
        assert counts.min() > 490
        assert counts.max() < 510

    @pytest.mark.parametrize("seed", range(20))
    @pytest.mark.parametrize("bins", [4, 5, 16])
    def test_never_more_bins_than_asked_for(self, seed, bins):
        rng = np.random.default_rng(seed)
        kinds = (
            rng.normal(size=300),
            np.round(rng.normal(size=300), 1),
            np.maximum(rng.normal(size=300), 0.1),
        )
        for values in kinds:
            edges = self.edges(values, bins)
            assert len(edges) - 1 <= bins
            assert (np.diff(edges) > 0).all()
            assert (edges[0], edges[-1]) == (np.float32(values.min()), np.float32(values.max()))

    def test_a_crowded_value_is_one_edge_and_the_rest_keeps_its_detail(self):
        values = np.append(np.zeros(900), np.arange(1, 101))
        edges = self.edges(values, 5)
        assert edges[0] == 0
        assert len(edges) == 6
        assert np.diff(edges[1:]).max() < 30

    @pytest.mark.parametrize(("share", "edge"), [(0.5, False), (0.52, True)])
    def test_crowded_is_more_than_half(self, share, edge):
        crowd = int(200 * share)
        values = np.append(np.full(crowd, -7.0), np.linspace(1, 2, 200 - crowd))
        inner = [e for e in self.edges(values, 4) if e >= 1]
        assert (len(inner) == 4) == edge

    def test_few_distinct_values_are_the_edges(self):
        assert self.edges([3, 1, 2, 3, 3, 1], 4) == (1.0, 2.0, 3.0)
        assert self.edges([1, 2, 3, 4, 5] * 3, 4) == (1.0, 2.0, 3.0, 4.0, 5.0)

    @pytest.mark.parametrize("values", [[7] * 5, [0, 1, 0, 1], [np.nan] * 4, [1, np.nan], []])
    def test_one_scale_says_it_all(self, values):
        assert self.edges(values, 4) == ()

    def test_nan_is_ignored(self):
        assert self.edges([np.nan, 1, 2, 3, np.nan], 4) == (1.0, 2.0, 3.0)

    def test_a_tuple_a_column(self):
        edges = quantile_edges(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]), 4)
        assert edges == ((1.0, 2.0, 3.0), ())
