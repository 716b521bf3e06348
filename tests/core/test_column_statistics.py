"""ColumnStatistics: what is counted, what is not read, and that shards merge to the whole."""

import json

import numpy as np
import pytest

from normwise.core.blocks import BLOCK_BYTES
from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import RecordError, TableError
from normwise.core.quantile_sketch import QuantileSketch

X = np.array([[1.0, np.nan, np.inf], [3.0, 5.0, -np.inf], [np.nan, np.nan, np.inf]])


def same(a, b):
    return str(a) == str(b)  # NaN equals NaN in print


def test_everything_is_counted_apart():
    s = ColumnStatistics.of(X, names=["a", "b", "c"])
    assert (s.rows, s.names) == (3, ("a", "b", "c"))
    assert s.nans == (1, 2, 0)
    assert (s.positive_infinities, s.negative_infinities, s.infinities) == ((0, 0, 2), (0, 0, 1), (0, 0, 3))
    assert (s.counts, s.means, s.m2s) == ((2.0, 1.0, 0.0), (2.0, 5.0, 0.0), (2.0, 0.0, 0.0))
    assert same(s.minima, (1.0, 5.0, np.nan))
    assert same(s.maxima, (3.0, 5.0, np.nan))
    assert s.moments.variance().tolist() == [1.0, 0.0, 0.0]


def test_nulls_are_not_read():
    nulls = np.array([[False, True, True], [True, False, True], [False, False, True]])
    s = ColumnStatistics.of(X, nulls=nulls)
    assert (s.nulls, s.nans, s.infinities, s.missing) == ((1, 1, 3), (1, 1, 0), (0, 0, 0), (2, 2, 3))
    assert (s.counts, s.means) == ((1.0, 1.0, 0.0), (1.0, 5.0, 0.0))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float32])
def test_other_types_widen(dtype):
    x = np.array([[0], [1], [1]]).astype(dtype)
    s = ColumnStatistics.of(x)
    assert (s.counts, s.maxima) == ((3.0,), (1.0,))
    assert s.means[0] == pytest.approx(2 / 3, rel=1e-15)


def test_blocks_change_nothing_but_rounding():
    rows = 3 * BLOCK_BYTES // 8 + 17
    x = np.random.default_rng(0).normal(1e5, 1.0, (rows, 1)).astype(np.float32)
    s = ColumnStatistics.of(x)
    wide = x.astype(np.float64)
    assert (s.rows, s.counts) == (rows, (float(rows),))
    assert s.means[0] == pytest.approx(1e5 + (wide - 1e5).mean(), rel=1e-15)
    assert s.moments.variance()[0] == pytest.approx((wide - 1e5).var(), rel=1e-12)


def test_merge_with_nothing_is_the_same():
    s = ColumnStatistics.of(X)
    none = ColumnStatistics.empty(s.names)
    assert same(s.merge(none), s)
    assert same(none.merge(s), s)
    assert same(ColumnStatistics.of(np.empty((0, 3))), none)


def test_merge_of_other_columns_is_refused():
    with pytest.raises(TableError, match=r"of \['a'\] and of \['b'\]\. Expected the same columns"):
        ColumnStatistics.of([[1.0]], ["a"]).merge(ColumnStatistics.of([[1.0]], ["b"]))


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [([1.0], None, r"got shape \(1,\)"), ([[1.0]], ["a", "b"], "2 names were given for 1 columns")],
)
def test_bad_arguments(values, names, message):
    with pytest.raises(TableError, match=message):
        ColumnStatistics.of(values, names)


def test_values_whose_squares_overflow_give_inf_and_no_noise():
    s = ColumnStatistics.of([[1e200], [-1e200]])
    assert s.maxima == (1e200,)
    assert not np.isfinite(s.m2s[0])


def test_json_round_trip():
    s = ColumnStatistics.of(X, names=["名", "<b>", 'q"'])
    assert same(ColumnStatistics.from_json(s.to_json()), s)


def test_lengths_that_disagree_are_refused():
    text = ColumnStatistics.of([[1.0, 2.0]]).to_json().replace('"means": [1.0, 2.0]', '"means": [1.0]')
    with pytest.raises(RecordError, match=r"statistics of 2 columns have {'means': 1} values"):
        ColumnStatistics.from_json(text)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"rows": 3', '"rows": -3', "have rows=-3; expected 0 or more"),
        ('"nulls": [0, 0]', '"nulls": [0, -2]', 'column "b" have nulls=-2; expected 0 or more'),
        ('"nans": [0, 0]', '"nans": [-1, 0]', 'column "a" have nans=-1; expected 0 or more'),
        ('"counts": [3.0, 3.0]', '"counts": [3.0, -1.0]', 'column "b" have counts=-1.0; expected 0 or more'),
        ('"m2s": [2.0, 2.0]', '"m2s": [-2.0, 2.0]', 'column "a" have m2s=-2.0; expected 0 or more'),
        ('"names": ["a", "b"]', '"names": ["b", "b"]', 'the columns "b" more than once'),
        ('"minima": [1.0', '"minima": [9.0', 'column "a" have the minimum 9.0 above the maximum 3.0'),
    ],
)
def test_values_that_no_table_has_are_refused(before, after, message):
    text = ColumnStatistics.of([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], names=["a", "b"]).to_json()
    assert before in text
    with pytest.raises(RecordError) as caught:
        ColumnStatistics.from_json(text.replace(before, after))
    assert message in str(caught.value)


def quantiles(statistics):
    return [sketch.quantile([0.0, 0.5, 1.0]).tolist() for sketch in statistics.sketches]


def test_sketches_are_of_the_finite_values_alone():
    nulls = np.zeros((3, 3), bool)
    nulls[0, 0] = True
    s = ColumnStatistics.of(X, nulls=nulls, sketch_size=16)
    assert [sketch.count for sketch in s.sketches] == [1, 1, 0]
    assert quantiles(s)[:2] == [[3.0, 3.0, 3.0], [5.0, 5.0, 5.0]]
    assert s.sketches[2] == QuantileSketch.empty(16)
    assert ColumnStatistics.of(X).sketches == ()


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float16, np.float32, object])
def test_sketches_of_other_types(dtype):
    s = ColumnStatistics.of(np.array([[0], [1], [1]]).astype(dtype), sketch_size=16)
    assert quantiles(s) == [[0.0, 1.0, 1.0]]


def test_sketches_of_blocks_and_shards():
    rows = BLOCK_BYTES // 16 + 9
    x = np.random.default_rng(1).normal(size=(rows, 2))
    whole = ColumnStatistics.of(x, sketch_size=512)
    shards = ColumnStatistics.of(x[:100], sketch_size=512).merge(
        ColumnStatistics.of(x[100:], sketch_size=512)
    )
    for statistics in (whole, shards):
        for i, sketch in enumerate(statistics.sketches):
            assert (sketch.count, sketch.minimum, sketch.maximum) == (rows, x[:, i].min(), x[:, i].max())
            off = np.searchsorted(np.sort(x[:, i]), sketch.quantile(0.3)) / rows - 0.3
            assert abs(off) <= sketch.rank_error < 0.01


def test_rows_with_and_without_sketches_do_not_merge():
    some, other = ColumnStatistics.of(X, sketch_size=16), ColumnStatistics.of(X)
    with pytest.raises(
        TableError, match="of 3 rows that have quantile sketches with those of 3 rows that have none"
    ):
        some.merge(other)
    with pytest.raises(TableError, match="of 3 rows that have none with those of 3 rows that have quantile"):
        other.merge(some)


@pytest.mark.parametrize("size", [None, 16])
@pytest.mark.parametrize("size_of_none", [None, 16])
def test_no_rows_are_neutral_with_and_without_sketches(size, size_of_none):
    s = ColumnStatistics.of(X, sketch_size=size)
    none = ColumnStatistics.empty(s.names, size_of_none)
    assert same(s.merge(none), s)
    assert same(none.merge(s), s)
    assert same(ColumnStatistics.of(X[:0], sketch_size=size_of_none), none)


def test_sketches_go_to_json_and_back():
    s = ColumnStatistics.of(X, sketch_size=16)
    assert same(ColumnStatistics.from_json(s.to_json()), s)


def test_records_of_version_1_had_no_sketches_and_are_read():
    s = ColumnStatistics.of(X)
    data = json.loads(s.to_json())
    del data["sketches"]
    assert same(ColumnStatistics.from_dict(data | {"version": 1}), s)


def test_sketches_that_disagree_are_refused():
    data = json.loads(ColumnStatistics.of([[1.0, 2.0], [3.0, 4.0]], sketch_size=16).to_json())
    with pytest.raises(RecordError, match=r'column "0" have counts=7.0, but its sketch is of 2 values'):
        ColumnStatistics.from_dict(data | {"counts": [7.0, 2.0]})
    with pytest.raises(RecordError, match=r"statistics of 2 columns have {'sketches': 1} values"):
        ColumnStatistics.from_dict(data | {"sketches": data["sketches"][:1]})
