"""The native kernels of columns: beside a reference, at the edges, and what they leave to NumPy."""

import numpy as np
import pytest
from tests.kernels.native_arrays import extension
from tests.reference.tolerance import assert_close

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.native_columns import affine_by_kernels, statistics_by_kernels

NATIVE = extension()
DIGITS = 1e-12
"""Both sides compute in float64; sums of 10⁵ values in another order differ by less."""
SHAPES = [(1, 1), (1, 5), (2, 1), (72, 14), (73, 14), (20_001, 14), (300, 1500), (70_000, 1), (5, 3000)]


@pytest.fixture(autouse=True)
def threads_as_they_were(monkeypatch):
    monkeypatch.delenv("NORMWISE_KERNELS", raising=False)
    yield
    NATIVE.set_threads(0)


def values(shape, dtype="float64", order="C", mean=3.0, spread=2.0):
    x = np.random.default_rng(0).normal(mean, spread, shape)
    return np.asarray(x, dtype, order=order)


def assert_statistics(x):
    count, mean, m2, low, high = statistics_by_kernels(x)
    exact = x.astype(np.longdouble)
    some = ~np.isnan(x)
    expected = np.array([some.sum(axis=0)])
    assert count.tolist() == expected[0].tolist()
    centre = np.array([exact[some[:, i], i].mean() if some[:, i].any() else 0 for i in range(x.shape[1])])
    squares = np.nansum((exact - centre) ** 2, axis=0)
    assert_close(mean, centre, DIGITS)
    assert_close(m2, squares, DIGITS)
    empty = ~some.any(axis=0)
    assert np.isnan(low[empty]).all()
    assert np.isnan(high[empty]).all()
    assert low[~empty].tolist() == np.nanmin(x[:, ~empty], axis=0).tolist()
    assert high[~empty].tolist() == np.nanmax(x[:, ~empty], axis=0).tolist()


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_statistics(shape, dtype, order):
    assert_statistics(values(shape, dtype, order))


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_is_left_out(dtype, order):
    x = values((5000, 7), dtype, order)
    x[np.random.default_rng(1).uniform(size=x.shape) < 0.3] = np.nan
    x[:, 2] = np.nan
    x[:-1, 4] = np.nan
    assert_statistics(x)


@pytest.mark.parametrize("order", "CF")
def test_a_mean_large_beside_the_spread(order):
    x = values((30_000, 5), mean=1e9, spread=1.0, order=order)
    _, mean, m2, *_ = statistics_by_kernels(x)
    exact = x.astype(np.longdouble)
    centre = exact.mean(axis=0)
    # A double holds 1e9 to 1e-7, and so do the values: their differences from the mean are what counts.
    assert np.abs(mean - centre).max() <= 1e9 * 2.0**-52
    assert_close(m2, ((exact - centre) ** 2).sum(axis=0), 1e-9)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e200])
def test_infinities_and_squares_beyond_float64_are_left_to_numpy(bad):
    x = values((3000, 4))
    x[1234, 1] = bad
    assert statistics_by_kernels(x) is None
    statistics = ColumnStatistics.of(x)
    assert statistics.infinities == ((0, 1, 0, 0) if np.isinf(bad) else (0, 0, 0, 0))


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((4, 3), np.int64),
        np.zeros((4, 6))[:, ::2],
        np.zeros((4, 3), ">f8"),
        np.zeros((0, 3)),
        np.frombuffer(bytes(1 + 8 * 12), np.uint8)[1:].view(np.float64).reshape(4, 3),
    ],
    ids=["integers", "every other column", "other byte order", "no rows", "not aligned"],
)
def test_what_the_kernels_do_not_take(x):
    assert statistics_by_kernels(x) is None


def test_the_switch(monkeypatch):
    x = values((1000, 3))
    by_kernels = ColumnStatistics.of(x)
    monkeypatch.setenv("NORMWISE_KERNELS", "off")
    assert statistics_by_kernels(x) is None
    by_numpy = ColumnStatistics.of(x)
    assert by_kernels.minima == by_numpy.minima
    assert_close(by_kernels.m2s, by_numpy.m2s, DIGITS)


@pytest.mark.parametrize("order", "CF")
def test_the_number_of_threads_changes_no_bit(order):
    x = values((90_000, 9), "float32", order)
    runs = []
    for count in (1, 2, 5):
        NATIVE.set_threads(count)
        runs.append(b"".join(a.tobytes() for a in statistics_by_kernels(x)))
    assert len(set(runs)) == 1


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_affine_equals_numpy_to_the_bit(shape, dtype, order):
    x, y = values(shape, dtype, order), np.empty(shape, dtype, order=order)
    random = np.random.default_rng(2)
    constants = tuple(random.normal(size=shape[1]).astype(dtype) for _ in range(3))
    assert affine_by_kernels(x, constants, (-2.0, 2.5), y) is False
    origin, factor, offset = constants
    expected = np.clip((x - origin) * factor + offset, -2.0, 2.5)
    assert y.tobytes() == expected.tobytes()


def test_affine_says_that_a_value_is_not_finite():
    x = values((3000, 5))
    constants = (np.zeros(5), np.ones(5), np.zeros(5))
    for bad in (np.nan, np.inf, -np.inf):
        x[2999, 4] = bad
        y = np.empty_like(x)
        assert affine_by_kernels(x, constants, (-np.inf, np.inf), y) is True
        assert y.tobytes() == x.tobytes()


@pytest.mark.slow
def test_more_values_than_31_bits_count():
    """Memory that nobody has written to is one page of zeros, however large: it costs none."""
    rows = 2**31 // 8 + 5
    x = np.zeros((rows, 8), np.float32)
    x[-1] = np.arange(8)
    count, mean, m2, low, high = statistics_by_kernels(x)
    assert count.tolist() == [rows] * 8
    assert_close(mean, np.arange(8) / rows, DIGITS)
    assert_close(m2, np.arange(8) ** 2 * (1 - 1 / rows), DIGITS)
    assert low.tolist() == [0.0] * 8
    assert high.tolist() == list(range(8))
