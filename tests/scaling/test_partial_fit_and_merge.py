"""Rows learned in parts, in whatever order and by whatever scalers, are the rows learned at once."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from tests.contracts.table_kinds import KINDS, as_array
from tests.reference.tolerance import assert_close, tolerance
from tests.scaling.every_scaler import AFFINE, ALL, MERGEABLE, SKETCHED

from normwise.core.errors import ColumnError, NormwiseWarning, TableError
from normwise.scaling import (
    ColumnScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)
from normwise.scaling.sketched_scaler import SKETCH_SIZE


def table(rows, seed=0, offset=1e3):
    x = np.random.default_rng(seed).normal([0.0, offset, -5.0], [1.0, 2.0, 100.0], (rows, 3))
    x[::11, 0] = np.nan
    return x


def merged(scalers):
    """By pairs, and pairs of pairs, as a cluster would."""
    with warnings.catch_warnings():
        # Shards of one row are constants, each for itself.
        warnings.simplefilter("ignore", NormwiseWarning)
        while len(scalers) > 1:
            rest = scalers[-1:] if len(scalers) % 2 else []
            scalers = [a.merge(b) for a, b in zip(scalers[::2], scalers[1::2], strict=False)] + rest
    return scalers[0]


def same_statistics(found, whole, x):
    """The counts and ranges are the same, the moments to rounding."""
    a, b = found.statistics_, whole.statistics_
    for name in ("names", "rows", "nulls", "nans", "counts", "minima", "maxima"):
        assert getattr(a, name) == getattr(b, name), name
    size, allowed = np.nanmax(np.abs(x), axis=0), tolerance("float64", n=len(x))
    assert (np.abs(np.subtract(a.means, b.means)) <= allowed * size).all(), "means"
    # A mean that is off by δ puts √(n·m2)·δ into a sum of squares.
    spread = np.array(b.m2s) + np.sqrt(len(x) * np.array(b.m2s)) * size
    assert (np.abs(np.subtract(a.m2s, b.m2s)) <= allowed * spread).all(), "m2s"


@pytest.mark.parametrize("name", ["standard", "columns"])
def test_a_thousand_random_shards_are_the_whole(name):
    x, rng = table(3000), np.random.default_rng(1)
    whole = MERGEABLE[name]().fit(x)
    cuts = np.sort(rng.choice(np.arange(1, 3000), 999, replace=False))
    shards = np.split(x, cuts)
    assert len(shards) == 1000
    fitted = [MERGEABLE[name]().partial_fit(shard) for shard in shards]
    found = merged([fitted[i] for i in rng.permutation(1000)])
    same_statistics(found, whole, x)
    assert_close(np.nan_to_num(found.transform(x)), np.nan_to_num(whole.transform(x)), 1e-12)
    one_by_one = MERGEABLE[name]()
    for i in rng.permutation(1000):
        one_by_one.partial_fit(shards[i])
    same_statistics(one_by_one, whole, x)


@pytest.mark.parametrize("name", MERGEABLE)
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(2, 12), offset=st.sampled_from([0.0, 1e3, 1e9]))
def test_any_split_in_any_order(name, seed, parts, offset):
    rng = np.random.default_rng(seed)
    x = table(60, seed, offset)
    whole = MERGEABLE[name]().fit(x)
    shards = [s for s in np.array_split(rng.permutation(x), parts) if len(s)]
    found = merged([MERGEABLE[name]().partial_fit(s) for s in shards])
    same_statistics(found, whole, x)
    again = MERGEABLE[name]()
    for i in rng.permutation(len(shards)):
        again.partial_fit(shards[i])
    same_statistics(again, whole, x)


def test_the_comparison_can_fail():
    x = table(50)
    whole = StandardScaler().fit(x)
    with pytest.raises(AssertionError, match="rows"):
        same_statistics(StandardScaler().fit(x[:-1]), whole, x)
    moved = np.where(np.arange(150).reshape(50, 3) == 7, x + 1e-6, x)
    with pytest.raises(AssertionError, match="means"):
        same_statistics(StandardScaler().fit(moved), whole, x)
    middle = np.abs(x[:, 2] - np.median(x[:, 2])).argsort()[:2]
    closer = x.copy()
    closer[middle, 2] = x[middle, 2].mean()
    with pytest.raises(AssertionError, match="m2s"):
        same_statistics(StandardScaler().fit(closer), whole, x)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "spark"])
def test_partial_fit_takes_every_kind_of_table(kind):
    x = table(240)[:, 1:]
    for name in ("standard", "robust"):
        found = AFFINE[name]().partial_fit(KINDS[kind](x[:120])).partial_fit(KINDS[kind](x[120:]))
        whole = AFFINE[name]().fit(KINDS[kind](x))
        assert_close(found.center_, whole.center_, 1e-12)
        assert_close(found.scale_, whole.scale_, 1e-12)


def test_weights_are_learned_in_parts_too():
    x, weights = table(100), np.random.default_rng(0).integers(0, 3, 100)
    whole = StandardScaler().fit(x, sample_weight=weights)
    parts = StandardScaler()
    for rows in np.array_split(np.arange(100), 4):
        parts.partial_fit(x[rows], sample_weight=weights[rows])
    same_statistics(parts, whole, x)
    frame = pl.DataFrame(x, schema=["a", "b", "c"]).with_columns(w=pl.Series(weights))
    for one in (frame, frame.lazy(), frame.to_pandas()):
        by_name = StandardScaler().fit(one, sample_weight="w")
        assert by_name.statistics_.names == ("a", "b", "c")
        assert_close(by_name.mean_, whole.mean_, 1e-13)
        assert_close(by_name.variance_, whole.variance_, 1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"the shape \(1,\); expected one a row, \(3,\)"),
        ([1.0, -2.0, 1.0], "the sample weight of row 1 is -2"),
        ([1.0, 1.0, np.nan], "the sample weight of row 2 is nan"),
        ([0.0, 0.0, 0.0], "the sample weights of all rows are zero"),
        ("w", r'sample_weight="w" names a column, but an array has no names'),
    ],
)
@pytest.mark.parametrize("framed", [False, True])
def test_weights_that_are_none(weights, message, framed):
    x = np.array([[1.0], [2.0], [4.0]])
    table = pl.DataFrame(x, schema=["a"]) if framed and weights != "w" else x
    scaler = StandardScaler().fit(table)
    before = dict(vars(scaler))
    for call in (scaler.fit, scaler.partial_fit):
        with pytest.raises(TableError, match=message):
            call(table, sample_weight=weights)
    assert all(vars(scaler)[name] is value for name, value in before.items())


def test_weights_beside_rows_that_come_in_batches():
    batches = iter([pl.DataFrame({"a": [1.0, 2.0]})])
    for table in (batches, "part-*.parquet"):
        with pytest.raises(TableError, match=r"files or in batches\. Give the name of the column"):
            StandardScaler().fit(table, sample_weight=[1.0, 2.0])
    assert len(list(batches)) == 1  # none was read


def test_weights_of_a_column_that_is_absent():
    with pytest.raises(ColumnError, match=r'no column "wieght" of sample weights\. Did you mean "weight"\?'):
        StandardScaler().fit(pl.DataFrame({"a": [1.0], "weight": [1.0]}), sample_weight="wieght")


# Sketches


def rank_errors(x, quantiles, probabilities):
    """By how much the rank of each quantile is off, as a share of the values."""
    known = np.sort(x[~np.isnan(x)])
    low = np.searchsorted(known, quantiles, "left")
    high = np.searchsorted(known, quantiles, "right")
    wanted = probabilities * (len(known) - 1)
    return np.maximum(np.maximum(low - 1 - wanted, wanted - high), 0.0) / len(known)


def found_quantiles(scaler):
    """(columns, probabilities) and the probabilities of a scaler of quantiles."""
    if isinstance(scaler, RobustScaler):
        return np.stack([scaler.quantile_low_, scaler.median_, scaler.quantile_high_], 1), np.array(
            [0.25, 0.5, 0.75]
        )
    return scaler.quantiles_, scaler.probabilities_


def within_the_stated_error(scaler, x):
    quantiles, p = found_quantiles(scaler)
    for i, values in enumerate(quantiles):
        error = rank_errors(x[:, i], values, p).max()
        assert error <= scaler.rank_error_[i], f"rank error {error:.3g}, stated {scaler.rank_error_[i]:.3g}"


def test_a_rank_error_can_be_seen():
    x = np.arange(1000.0).reshape(-1, 1)
    scaler = RobustScaler().fit(x)
    within_the_stated_error(scaler, x)
    scaler.median_ = scaler.median_ + 5.0
    with pytest.raises(AssertionError, match=r"rank error 0\.00\d*, stated 0"):
        within_the_stated_error(scaler, x)


@pytest.mark.parametrize("order", ["random", "ascending", "zigzag"])
@pytest.mark.parametrize("name", ["robust", "uniform"])
def test_batches_and_shards_stay_within_the_stated_rank_error(name, order):
    x = np.exp(table(120_000)[:, [0, 2]] / 50)
    x[: 120_000 // 5, 1] = 1.0  # ties
    if order != "random":
        x = np.sort(x, axis=0)
    if order == "zigzag":
        x = np.concatenate([x[::2], x[1::2][::-1]])
    batches = np.array_split(x, 17)
    by_batch = SKETCHED[name]()
    for batch in batches:
        by_batch.partial_fit(batch)
    shards = merged([SKETCHED[name]().partial_fit(batch) for batch in batches])
    for scaler in (by_batch, shards):
        assert (scaler.rank_error_ > 0).all()
        assert (scaler.rank_error_ < 3e-3).all()
        within_the_stated_error(scaler, x)
        assert scaler.statistics_.rows == 120_000


@pytest.mark.parametrize("name", SKETCHED)
def test_few_rows_in_parts_are_exact(name):
    x = table(3000)
    whole = SKETCHED[name]().fit(x)
    parts = SKETCHED[name]()
    for batch in np.array_split(x, 7):
        parts.partial_fit(batch)
    assert_close(np.nan_to_num(parts.transform(x)), np.nan_to_num(whole.transform(x)), 1e-12)
    half = [SKETCHED[name]().fit(part) for part in np.array_split(x, 2)]
    both = half[0].merge(half[1])
    assert_close(np.nan_to_num(both.transform(x)), np.nan_to_num(whole.transform(x)), 1e-12)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "spark"])
def test_a_fit_on_few_rows_of_any_table_goes_on(kind):
    x = table(200)[:, 1:]
    scaler = RobustScaler().fit(KINDS[kind](x[:100])).partial_fit(KINDS[kind](x[100:]))
    assert_close(scaler.median_, np.median(x, axis=0), 1e-6 if "float32" in kind else 1e-13)


@pytest.mark.parametrize("name", SKETCHED)
def test_a_fit_on_many_rows_says_that_it_cannot_go_on(name):
    x = table(SKETCH_SIZE + 1)
    scaler = SKETCHED[name]().fit(x)
    before = dict(vars(scaler))
    for call in (scaler.partial_fit, lambda x: scaler.merge(SKETCHED[name]().partial_fit(x))):
        with pytest.raises(TableError) as caught:
            call(x)
        assert f"was fitted by fit on {SKETCH_SIZE + 1} rows" in str(caught.value)
        assert f"no sketch (above {SKETCH_SIZE} rows)" in str(caught.value)
        assert "partial_fit from its first rows on" in str(caught.value)
    assert all(vars(scaler)[key] is value for key, value in before.items())
    assert SKETCHED[name]().fit(x[:-1]).partial_fit(x).statistics_.rows == 2 * SKETCH_SIZE + 1


# What cannot be learned


def partly(name):
    return (MERGEABLE | SKETCHED)[name]()


@pytest.mark.parametrize("name", [*MERGEABLE, *SKETCHED])
@pytest.mark.parametrize("batch", ["infinite", "other columns", "too few", "words", "no rows"])
def test_a_batch_that_cannot_be_learned_changes_nothing(name, batch):
    x = np.random.default_rng(0).random((20, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    bad = {
        "infinite": frame.assign(c=np.inf),
        "other columns": frame.rename(columns={"c": "d"}),
        "too few": frame[["a", "b"]],
        "words": frame.assign(c="x"),
        "no rows": frame[:0],
    }[batch]
    scaler = partly(name).partial_fit(frame)
    before = dict(vars(scaler))
    with pytest.raises(ValueError, match=r"infinite values|feature names|are not: \"c\"|Found array with 0"):
        scaler.partial_fit(bad)
    assert all(vars(scaler)[key] is value for key, value in before.items())
    scaler.partial_fit(frame)
    assert scaler.statistics_.rows == 40
    fresh = partly(name)
    # To a first batch, a column of words is one that has no scaler, unless it was named.
    if batch in ("infinite", "no rows") or (batch == "words" and name != "columns-of-quantiles"):
        with pytest.raises(ValueError, match=r"infinite values|are not: \"c\"|Found array with 0"):
            fresh.partial_fit(bad)
        assert not hasattr(fresh, "n_features_in_")


def test_a_batch_whose_spread_overflows_changes_nothing():
    scaler = StandardScaler().partial_fit([[1.0], [2.0]])
    before = dict(vars(scaler))
    with pytest.raises(ColumnError, match="the square of their spread does not fit"):
        scaler.partial_fit([[1e300], [-1e300]])
    assert all(vars(scaler)[key] is value for key, value in before.items())


def test_constants_so_far_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaler = StandardScaler().partial_fit([[5.0]])
        assert scaler.transform([[7.0]]).item() == 0.0
        scaler.partial_fit([[7.0]])
    assert scaler.transform([[7.0]]).item() == 1.0


@pytest.mark.parametrize("name", [*MERGEABLE, *SKETCHED])
def test_merge_makes_a_new_scaler(name):
    x = table(40)
    a, b = partly(name).partial_fit(x[:20]), partly(name).partial_fit(x[20:])
    before = [dict(vars(s)) for s in (a, b)]
    both = a.merge(b)
    assert both is not a
    assert repr(both) == repr(a)
    assert [all(vars(s)[k] is v for k, v in old.items()) for s, old in zip((a, b), before, strict=True)] == [
        True
    ] * 2
    assert both.partial_fit(x).statistics_.rows == 80
    assert a.statistics_.rows == 20


def test_what_cannot_be_merged():
    x = table(20)
    standard = StandardScaler().fit(x)
    with pytest.raises(TableError, match="cannot merge a StandardScaler with a MinMaxScaler"):
        standard.merge(MinMaxScaler().fit(x))
    with pytest.raises(TableError, match="cannot merge a StandardScaler with a int"):
        standard.merge(3)
    with pytest.raises(
        TableError, match=r"different arguments: clip 2.0 and None, unbiased True and False\."
    ):
        StandardScaler(clip=2.0, unbiased=True).fit(x).merge(standard)
    with pytest.raises(TableError, match=r"of \['x0', 'x1', 'x2'\] and of \['x0', 'x1'\]"):
        standard.merge(StandardScaler().fit(x[:, :2]))
    for a, b in ((standard, StandardScaler()), (StandardScaler(), standard)):
        with pytest.raises(NotFittedError):
            a.merge(b)
    with pytest.raises(
        TableError, match=r"cannot merge scalers of different arguments: n_quantiles 20 and 30\."
    ):
        QuantileScaler(20).partial_fit(x).merge(QuantileScaler(30).partial_fit(x))


def test_column_scalers_that_chose_by_other_kinds():
    kinds = {"integer": MinMaxScaler(), "float": StandardScaler()}
    whole = ColumnScaler(kinds=kinds).fit(pl.DataFrame({"a": [1, 2]}))
    fractions = ColumnScaler(kinds=kinds).fit(pl.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(TableError, match=r'column "a" is scaled by .*MinMaxScaler.* by .*StandardScaler'):
        whole.merge(fractions)
    assert (
        whole.partial_fit(pl.DataFrame({"a": [2.5, 5.0]})).transform(pl.DataFrame({"a": [3.0]})).item() == 0.5
    )


def test_a_power_is_not_learned_in_parts():
    x = np.abs(table(20))
    assert not hasattr(PowerScaler(), "partial_fit")
    assert not hasattr(PowerScaler(), "merge")
    scaler = ColumnScaler({1: PowerScaler()})
    with pytest.raises(TableError, match="can neither learn row by row nor be merged"):
        scaler.partial_fit(x)
    with pytest.raises(TableError, match="can neither learn row by row nor be merged"):
        clone(scaler).fit(x).merge(clone(scaler).fit(x))


@pytest.mark.parametrize("name", [name for name in ALL if name in MERGEABLE or name in SKETCHED])
def test_names_are_learned_with_the_first_rows(name):
    frame = pl.DataFrame(np.random.default_rng(0).random((9, 3)), schema=["a", "b", "c"])
    scaler = partly(name).partial_fit(frame[:4]).partial_fit(frame[4:])
    assert list(scaler.feature_names_in_) == ["a", "b", "c"]
    assert list(scaler.merge(scaler).feature_names_in_) == ["a", "b", "c"]
    assert as_array(scaler.transform(frame)).shape == (9, 3)
