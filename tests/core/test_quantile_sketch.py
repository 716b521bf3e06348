"""QuantileSketch: true ranks against the bound it states, any data, any shards, any order."""

import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.reference.tolerance import assert_close, tolerance

from normwise.core.errors import RecordError
from normwise.core.quantile_sketch import CHUNK, QuantileSketch

PROBABILITIES = np.linspace(0.0, 1.0, 41)
SHARDS = st.lists(
    st.one_of(
        st.lists(st.integers(-3, 3).map(float), max_size=60),
        st.lists(st.floats(-1e300, 1e300), max_size=30),
        st.tuples(st.integers(0, 200), st.sampled_from([1.0, -1.0])).map(
            lambda run: (np.arange(run[0]) * run[1]).tolist()
        ),
    ),
    max_size=8,
)


def ranks_at(values, x):
    """How many values are ≤ x, by the definition."""
    return np.array([(values <= v).sum() for v in x])


def at_rank(ordered, rank):
    """The value at a rank from 0, between two in a line; the definition of numpy's linear quantile."""
    return np.interp(rank, np.arange(len(ordered)), ordered)


def assert_within_bound(sketch, values):
    """Fail unless every rank that the sketch tells is within its own bound of the true one."""
    values = np.sort(np.asarray(values, np.float64))
    n = len(values)
    assert sketch.count == n
    if not n:
        assert np.isnan(sketch.quantile(PROBABILITIES)).all()
        return
    x = np.unique(values)
    off = np.abs(sketch.cdf(x) * n - ranks_at(values, x)).max()
    assert off <= sketch.error + 1e-6, f"a rank is off by {off}, the bound is {sketch.error}"
    slack, rank = sketch.rank_error * n + 1e-6, PROBABILITIES * (n - 1)
    found = sketch.quantile(PROBABILITIES)
    # Between the smallest floats there is nothing: either interpolation comes out at one of two neighbours.
    rounding = 1e-12 * np.abs(values).max() + np.finfo(np.float64).smallest_subnormal
    assert (at_rank(values, rank - slack) - rounding <= found).all()
    assert (found <= at_rank(values, rank + slack) + rounding).all()
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (values[0], values[-1])


def merged(sketches, order):
    """Merged two by two until one is left, whichever two `order` draws."""
    left = list(sketches)
    while len(left) > 1:
        first = left.pop(order.randrange(len(left)))
        second = left.pop(order.randrange(len(left)))
        left.append(first.merge(second))
    return left[0]


def kept(sketch):
    return sum(len(level) for level in sketch.levels) // 8


def known_bound(size, count):
    """What the rank error is at most before any value is seen."""
    return (2.5 + max(0.0, math.log(count / size, 3))) / (size - 1) + 1 / count


@pytest.mark.parametrize("change", [lambda v: v + 5, lambda v: v[:-1], lambda v: np.append(v[1:], 1e9)])
def test_the_comparison_can_fail(change):
    values = np.arange(40.0)
    assert_within_bound(QuantileSketch.of(values, 10), values)
    with pytest.raises(AssertionError):
        assert_within_bound(QuantileSketch.of(values, 10), change(values))


@settings(deadline=None, max_examples=200)
@given(
    shards=SHARDS,
    sizes=st.lists(st.integers(3, 20), min_size=8, max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_the_bound_holds_for_any_data_shards_sizes_and_order(shards, sizes, order):
    sketches = [QuantileSketch.of(v, size) for v, size in zip(shards, sizes, strict=False)]
    whole = merged([*sketches, QuantileSketch.empty(20)], order)
    assert_within_bound(whole, np.concatenate([[], *shards]))


@settings(deadline=None, max_examples=50)
@given(values=st.lists(st.floats(-100, 100), max_size=300), cuts=st.lists(st.integers(0, 300), max_size=9))
@example(values=[0.0, 5e-324], cuts=[])
@example(values=[0.0, -5e-324], cuts=[])
def test_the_bound_holds_for_a_stream(values, cuts):
    sketch = QuantileSketch.empty(8)
    for part in np.split(np.array(values), sorted(cuts)):
        sketch = sketch.update(part)
    assert_within_bound(sketch, values)


@settings(deadline=None)
@given(a=SHARDS, b=SHARDS)
def test_merge_is_commutative_and_nothing_is_neutral(a, b):
    first, second = (QuantileSketch.of(np.concatenate([[], *v]), 5) for v in (a, b))
    assert first.merge(second) == second.merge(first)
    assert first.merge(QuantileSketch.empty(5)) == first == QuantileSketch.empty(5).merge(first)


@pytest.mark.parametrize("order", ["rising", "falling", "random", "zigzag", "equal"])
@pytest.mark.parametrize("lengths", ["one", "singles", "uneven"])
def test_adversarial_orders(order, lengths):
    n, size = 3000, 16
    values = np.arange(float(n))
    values = {
        "rising": values,
        "falling": values[::-1],
        "random": np.random.default_rng(0).permutation(values),
        "zigzag": np.where(np.arange(n) % 2, values, -values),
        "equal": np.full(n, 7.0),
    }[order]
    cuts = {"one": [], "singles": range(1, n), "uneven": [1, 2, 3, 500, 501, 2000, 2017]}[lengths]
    sketch = QuantileSketch.empty(size)
    for part in np.split(values, list(cuts)):
        sketch = sketch.merge(QuantileSketch.of(part, size))
    assert_within_bound(sketch, values)
    assert 0 < sketch.rank_error <= known_bound(size, n)
    assert kept(sketch) <= size * (2 + math.log(n / size, 3))


def test_a_thousand_shards_in_any_order():
    rng = np.random.default_rng(1)
    values = rng.lognormal(size=60_000)
    cuts = np.sort(rng.integers(0, len(values), 999))
    sketches = [QuantileSketch.of(part, 256) for part in np.split(values, cuts)]
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(sketches))
        whole = QuantileSketch.empty(256)
        for i in order:
            whole = whole.merge(sketches[i])
        assert whole.rank_error <= known_bound(256, len(values))
        off = np.abs(whole.cdf(values) - np.searchsorted(np.sort(values), values, "right") / len(values))
        assert off.max() <= whole.rank_error


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 256), (np.float64, 4096)])
def test_five_million_values(dtype, size):
    values = np.random.default_rng(2).normal(1e3, 5.0, 5_000_000).astype(dtype)
    sketch = QuantileSketch.of(values, size)
    p = np.linspace(0, 1, 2001)
    ordered = np.sort(values).astype(np.float64)
    met = np.abs(np.searchsorted(ordered, sketch.quantile(p), "right") / len(values) - p).max()
    assert met <= sketch.rank_error + 1 / len(values)
    # Random errors cancel: what is met is a fraction of what is certain.
    assert met <= sketch.rank_error / 2
    assert 0 < sketch.rank_error <= known_bound(size, len(values))
    assert len(sketch.to_json()) <= 11 * kept(sketch) + 500


@pytest.mark.parametrize("n", [1, 2, 3, 50, 100])
def test_exact_while_nothing_was_collapsed(n):
    values = np.random.default_rng(n).normal(1e6, 1.0, n)
    sketch = QuantileSketch.of(values[: n // 2], 100).merge(QuantileSketch.of(values[n // 2 :], 100))
    assert (sketch.rank_error, sketch.error, kept(sketch)) == (0.0, 0, n)
    assert_close(sketch.quantile(PROBABILITIES), np.quantile(values, PROBABILITIES), tolerance("float64"))
    assert_close(sketch.cdf(values), ranks_at(values, values) / n, tolerance("float64"))


def test_a_kept_value_stands_in_the_middle_of_its_ranks():
    values = np.arange(3.0**7)
    sketch = QuantileSketch.of(values, 81)
    assert kept(sketch) == 81
    assert_close(sketch.quantile(PROBABILITIES), np.quantile(values, PROBABILITIES), tolerance("float64"))


def test_one_more_value_is_collapsed_and_says_so():
    assert QuantileSketch.of(np.arange(100.0), 100).rank_error == 0.0
    assert QuantileSketch.of(np.arange(101.0), 100).rank_error == (1 + 2) / 101


def test_the_same_values_give_the_same_sketch():
    values = np.random.default_rng(3).normal(size=3 * CHUNK + 5)
    assert QuantileSketch.of(values, 64) == QuantileSketch.of(values.copy(), 64)


def test_chunks_are_only_how_it_is_done():
    values = np.random.default_rng(4).normal(size=2 * CHUNK + 5)
    parts = QuantileSketch.empty(64)
    for start in range(0, len(values), CHUNK):
        parts = parts.update(values[start : start + CHUNK])
    assert parts == QuantileSketch.of(values, 64)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float32])
def test_other_types_widen(dtype):
    values = np.array([0, 1, 1, 0, 1], dtype)
    assert QuantileSketch.of(values).quantile([0.0, 0.5, 1.0]).tolist() == [0.0, 1.0, 1.0]


def test_two_sizes_merge_to_the_smaller():
    large, small = QuantileSketch.of(np.arange(90.0), 100), QuantileSketch.of(np.arange(90.0, 95.0), 10)
    for whole in (large.merge(small), small.merge(large), QuantileSketch.empty(10).merge(large)):
        assert whole.size == 10
        assert max(len(level) for level in whole.levels) <= 8 * 10
        assert_within_bound(whole, np.arange(float(whole.count)))
    assert QuantileSketch.empty(100).merge(QuantileSketch.empty(10)) == QuantileSketch.empty(10)


def test_no_values():
    none = QuantileSketch.of([])
    assert (none.count, none.rank_error) == (0, 0.0)
    assert (none.minimum, none.maximum) == (np.inf, -np.inf)
    assert np.isnan([none.quantile(0.5), none.cdf(0.0)]).all()
    assert none == QuantileSketch.empty() == none.merge(none)


def test_minus_zero_is_zero():
    assert QuantileSketch.of([-0.0, 0.0]) == QuantileSketch.of([0.0, -0.0])


def test_shapes_and_nan():
    sketch = QuantileSketch.of([[1.0, 2.0], [3.0, 4.0]])
    assert sketch.quantile([[0.0], [1.0]]).tolist() == [[1.0], [4.0]]
    assert sketch.quantile(0.5).shape == ()
    assert str(sketch.cdf([np.nan, -np.inf, 2.5, np.inf])) == "[nan 0.  0.5 1. ]"


@pytest.mark.parametrize("values", [[1.7e308, -1.7e308], [5e-324, 0.0], [0.1, 0.1, 0.1]])
def test_the_ends_of_float64(values):
    found = QuantileSketch.of(values).quantile(PROBABILITIES)
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (min(values), max(values))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_without_a_rank_are_refused(bad):
    with pytest.raises(ValueError, match=f"takes finite values, got {bad}; leave NaN and infinities out"):
        QuantileSketch.of([1.0, bad, 2.0])


@pytest.mark.parametrize("bad", [-0.1, 1.5, np.nan])
def test_probabilities_out_of_range(bad):
    with pytest.raises(ValueError, match=f"probabilities go from 0 to 1, got {bad}"):
        QuantileSketch.of([1.0]).quantile([0.5, bad])


def test_a_size_too_small():
    with pytest.raises(ValueError, match="has size=2; expected 3 or more"):
        QuantileSketch.empty(2)


@pytest.mark.parametrize("n", [0, 1, 5000])
def test_json_round_trip(n):
    sketch = QuantileSketch.of(np.random.default_rng(5).normal(size=n), 64)
    assert QuantileSketch.from_json(sketch.to_json()) == sketch


def broken(**fields):
    sketch = QuantileSketch.of([3.0, 1.0, 2.0, 5.0, 4.0, 6.0], 5)
    return json.dumps(json.loads(sketch.to_json()) | fields)


def test_the_unbroken_one_is_read():
    assert QuantileSketch.from_json(broken()).count == 6


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 1}, "has size=1; expected 3 or more"),
        ({"count": 7}, "has count=7, but its values stand for 6"),
        ({"error": 0}, "has error=0; expected 1 or more"),
        ({"levels": [], "count": 0}, "has error=1; expected 0, because nothing was collapsed"),
        ({"minimum": 4.0}, "goes from 4.0 to 6.0, but holds 2.0 and 5.0"),
        ({"maximum": "NaN"}, "goes from 1.0 to nan, but holds 2.0 and 5.0"),
        ({"levels": ["AAAA"]}, r"has levels of \[3\] bytes; expected 8 bytes a value"),
        ({"levels": ["=A?"]}, "QuantileSketch.levels should be base64 text, found '=A"),
        ({"levels": ["é"]}, "QuantileSketch.levels should be base64 text, found 'é'"),
        ({"levels": [[1.0]]}, r"QuantileSketch.levels should be base64 text, found \[1.0\]"),
        ({"levels": [""] * 41}, "expected 8 bytes a value"),
        ({"levels": ["AAAAAAAA8D8AAAAAAAAAAA=="], "count": 2}, "level 0 of a quantile sketch is not sorted"),
        (
            {"levels": ["AAAAAAAA8H8="], "count": 1},
            "level 0 of a quantile sketch is not sorted, or not finite",
        ),
    ],
)
def test_json_that_no_sketch_has(fields, message):
    with pytest.raises(RecordError, match=message):
        QuantileSketch.from_json(broken(**fields))
