"""The statistics of blocks against sums in exact arithmetic, whichever way a block takes."""

import math
from fractions import Fraction

import numpy as np
import pytest

from normwise.core import block_statistics as subject
from normwise.core import blocks
from normwise.core.block_statistics import merge_blocks
from normwise.core.column_statistics import ColumnStatistics


def block_statistics(x, **options):
    """As its callers do it: squares that overflow are told from what comes of them."""
    with np.errstate(over="ignore", invalid="ignore"):
        return subject.block_statistics(x, **options)


def exact(x, weights=None):
    """Per column: count, mean, m2, minimum and maximum of the finite values, in fractions."""
    w = np.ones(len(x)) if weights is None else weights
    found = []
    for column in np.asarray(x, np.float64).T:
        pairs = [
            (Fraction(v), Fraction(k))
            for v, k in zip(column.tolist(), w.tolist(), strict=True)
            if math.isfinite(v)
        ]
        count = sum(k for _, k in pairs)
        mean = sum(v * k for v, k in pairs) / count if count else Fraction(0)
        m2 = sum(k * (v - mean) ** 2 for v, k in pairs)
        values = [v for v, _ in pairs]
        ends = (float(min(values)), float(max(values))) if values else (math.nan, math.nan)
        found.append((float(count), float(mean), float(m2), *ends))
    return np.array(found).T


def assert_statistics(s, x, allowed=1e-12, merged=False):
    """Counts and range exactly, the mean to `allowed` of the deviation, m2 to `allowed` of itself."""
    count, mean, m2, low, high = exact(x)
    assert s.moments.count.tolist() == count.tolist()
    rows = np.asarray(x, np.float64)
    assert s.nans.tolist() == np.isnan(rows).sum(axis=0).tolist()
    assert s.positive_infinities.tolist() == np.isposinf(rows).sum(axis=0).tolist()
    assert s.negative_infinities.tolist() == np.isneginf(rows).sum(axis=0).tolist()
    assert np.array_equal(s.minima, low, equal_nan=True)
    assert np.array_equal(s.maxima, high, equal_nan=True)
    deviation = np.sqrt(m2 / np.maximum(count, 1))
    scale = np.where(np.abs(mean) > 0, np.abs(mean), 1.0)
    assert (np.abs(s.moments.mean - mean) <= allowed * deviation + 2**-52 * scale).all(), "mean"
    # Means of blocks are rounded, far from 0 by their spacing there, which the deviations from them hold.
    rounding = 2**-52 * scale * np.sqrt(count * m2) if merged else count * (2**-52 * scale) ** 2
    assert (np.abs(s.moments.m2 - m2) <= allowed * m2 + rounding).all(), "m2"


def rng():
    return np.random.default_rng(0)


def late(x, rows):
    """NaN in the first rows, but for one far value."""
    x = x.copy()
    x[:rows] = np.nan
    x[rows // 2] = 1e4
    return x


BLOCKS = {
    "plain": lambda: rng().normal(3.0, 2.0, (2048, 2)),
    "one column": lambda: rng().normal(3.0, 2.0, (4096, 1)),
    "far from 0": lambda: rng().normal(1e9, 1.0, (2048, 2)),
    "sorted": lambda: np.sort(rng().normal(size=(8192, 1)), axis=0),
    "rows that fill no lane": lambda: rng().normal(size=(1001, 3)),
    "one row": lambda: rng().normal(size=(1, 5)),
    "wide": lambda: rng().normal(size=(3, 5000)),
    "constant": lambda: np.full((2048, 2), 0.1),
    "float32": lambda: rng().normal(1e6, 1.0, (2048, 2)).astype(np.float32),
    "float16": lambda: rng().normal(size=(2048, 2)).astype(np.float16),
    "int8": lambda: rng().integers(-128, 127, (2048, 2)).astype(np.int8),
    "uint64": lambda: rng().integers(2**62, 2**62 + 2**40, (2048, 2)).astype(np.uint64),
    "bool": lambda: rng().random((2048, 2)) < 0.2,
    "fortran": lambda: np.asfortranarray(rng().normal(size=(2048, 3))),
    "strided": lambda: rng().normal(size=(4096, 6))[::2, ::2],
    "reversed": lambda: rng().normal(size=(2048, 3))[::-1],
    "NaN here and there": lambda: np.where(
        rng().random((2048, 2)) < 0.3, np.nan, rng().normal(5, 1, (2048, 2))
    ),
    "NaN first": lambda: late(rng().normal(size=(8192, 1)), 1024),
    "NaN at first and one far value": lambda: late(rng().normal(size=(40_000, 1)), 1024),
    "NaN alone": lambda: np.full((2048, 2), np.nan),
    "infinities": lambda: np.where(rng().random((2048, 2)) < 0.01, -np.inf, rng().normal(size=(2048, 2))),
    "everything": lambda: np.array(
        [[1.0, np.inf, np.nan], [np.nan, -np.inf, np.nan], [4.0, 2.0, np.nan]] * 7
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_equals_exact_arithmetic(name):
    x = BLOCKS[name]()
    assert_statistics(block_statistics(x), x)
    assert block_statistics(x).nulls.tolist() == [0] * x.shape[1]


def test_the_comparison_can_fail():
    x = BLOCKS["plain"]()
    s = block_statistics(x)
    m = s.moments
    for wrong in (
        s._replace(moments=m._replace(mean=m.mean + 1e-10)),
        s._replace(moments=m._replace(m2=m.m2 * (1 + 1e-10))),
        s._replace(minima=s.minima + 1),
        s._replace(nans=s.nans + 1),
    ):
        with pytest.raises(AssertionError):
            assert_statistics(wrong, x)


@pytest.mark.parametrize("name", [n for n in BLOCKS if n != "NaN alone"])
def test_the_quick_ways_and_the_careful_one_agree(name, monkeypatch):
    x = BLOCKS[name]()
    monkeypatch.setattr(subject, "_if_finite", lambda _: None)
    monkeypatch.setattr(subject, "_if_without_infinities", lambda _: None)
    assert_statistics(block_statistics(x), x)


def test_plain_numbers_take_the_quick_way(monkeypatch):
    def never(*_):
        raise AssertionError("the careful way was taken")

    monkeypatch.setattr(subject, "_of_anything", never)
    for name in ("plain", "far from 0", "float32", "sorted", "wide", "constant", "NaN here and there"):
        block_statistics(BLOCKS[name]())
    with pytest.raises(AssertionError, match="the careful way was taken"):
        block_statistics(BLOCKS["infinities"]())


def test_squares_that_overflow_are_said_to():
    s = block_statistics(np.array([[1e200], [-1e200]]))
    assert s.moments.m2.tolist() == [np.inf]
    assert (s.minima[0], s.maxima[0]) == (-1e200, 1e200)


@pytest.mark.parametrize("weights", ["whole", "fractions"])
def test_weights(weights):
    x = np.where(rng().random((300, 3)) < 0.2, np.nan, rng().normal(5.0, 2.0, (300, 3)))
    w = rng().integers(1, 5, 300).astype(np.float64) if weights == "whole" else rng().random(300) + 2**-10
    s = block_statistics(x, weights=w)
    count, mean, m2, low, high = exact(x, w)
    for found, expected in ((s.moments.count, count), (s.moments.mean, mean), (s.moments.m2, m2)):
        assert np.allclose(found, expected, rtol=1e-13, atol=0)
    assert s.minima.tolist() == low.tolist()
    assert s.maxima.tolist() == high.tolist()


def test_what_is_absent_is_not_read():
    x = np.array([[1.0, np.inf], [np.nan, 5.0], [1e300, 7.0]])
    absent = np.array([[False, True], [False, False], [True, False]])
    s = block_statistics(x, absent=absent)
    assert s.nulls.tolist() == [1, 1]
    assert s.nans.tolist() == [1, 0]
    assert s.positive_infinities.tolist() == [0, 0]
    assert (s.minima.tolist(), s.maxima.tolist()) == ([1.0, 5.0], [1.0, 7.0])


@pytest.mark.parametrize("name", ["plain", "far from 0", "NaN here and there", "infinities", "constant"])
def test_blocks_merge_to_the_whole(name):
    x = BLOCKS[name]()
    parts = [block_statistics(part) for part in np.array_split(x, 13)]
    assert_statistics(merge_blocks(parts), x, merged=True)
    assert_statistics(merge_blocks(parts[:1]), np.array_split(x, 13)[0])


def test_a_block_without_values_does_not_count():
    x = np.concatenate([np.full((5, 2), np.nan), [[1e9, 2.0], [1e9 + 2, 4.0]]])
    found = merge_blocks([block_statistics(x[:5]), block_statistics(x[5:])])
    assert_statistics(found, x)
    nothing = merge_blocks([block_statistics(x[:2]), block_statistics(x[2:5])])
    assert nothing.moments.mean.tolist() == [0.0, 0.0]
    assert np.isnan(nothing.minima).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_core_and_many_find_the_same_to_the_bit(dtype, monkeypatch):
    x = rng().normal(1e5, 1.0, (400_000, 2)).astype(dtype)
    x[::1000, 1] = np.nan
    found = []
    for cores in (1, 2, 9):
        monkeypatch.setattr(blocks, "cores", lambda cores=cores: cores)
        found.append(ColumnStatistics.of(x))
    assert found[0].to_json() == found[1].to_json() == found[2].to_json()


def test_threads_warn_of_nothing_that_is_meant():
    """Warnings are errors in these tests: values whose squares overflow raise nothing in any thread."""
    x = np.full((600_000, 1), 1e200)
    x[::2] = -1e200
    x[5] = np.inf
    s = ColumnStatistics.of(x)
    assert s.positive_infinities == (1,)
    assert not math.isfinite(s.m2s[0])
