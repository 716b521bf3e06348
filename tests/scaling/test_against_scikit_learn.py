"""scikit-learn's results on float64, to 1e-12, and the places where normwise differs from them by design."""

import warnings

import numpy as np
import pytest
import sklearn.preprocessing as theirs
from tests.reference.tolerance import assert_close

from normwise.core.errors import NormwiseWarning
from normwise.scaling import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)

PAIRS = {
    "standard": (StandardScaler(), theirs.StandardScaler()),
    "standard, no mean": (StandardScaler(with_mean=False), theirs.StandardScaler(with_mean=False)),
    "standard, no std": (StandardScaler(with_std=False), theirs.StandardScaler(with_std=False)),
    "min-max": (MinMaxScaler(), theirs.MinMaxScaler()),
    "min-max(-1, 2)": (MinMaxScaler((-1, 2)), theirs.MinMaxScaler((-1, 2))),
    "min-max, clipped": (MinMaxScaler(clip=True), theirs.MinMaxScaler(clip=True)),
    "max-abs": (MaxAbsScaler(), theirs.MaxAbsScaler()),
    "max-abs, clipped": (MaxAbsScaler(clip=True), theirs.MaxAbsScaler(clip=True)),
    "robust": (RobustScaler(), theirs.RobustScaler()),
    "robust(5, 90)": (
        RobustScaler((5, 90), unit_variance=True),
        theirs.RobustScaler(quantile_range=(5, 90), unit_variance=True),
    ),
    "uniform": (QuantileScaler(100), theirs.QuantileTransformer(n_quantiles=100, subsample=None)),
    "uniform, all": (QuantileScaler(5000), theirs.QuantileTransformer(n_quantiles=1000, subsample=None)),
}
LATER = np.array([[-20.0, 1.0], [0.0, np.nan], [3.25, -700.0], [99.0, 1e4]])


def data(missing=True, rows=1000):
    x = np.random.default_rng(0).normal([0.0, -3.0], [1.0, 50.0], (rows, 2))
    if missing:
        x[::9, 0] = np.nan
    return x


def assert_same(ours, others, allowed):
    assert np.array_equal(np.isnan(ours), np.isnan(others)), "NaN is elsewhere"
    assert_close(np.nan_to_num(ours), np.nan_to_num(others), allowed)


def test_the_comparison_can_fail():
    with pytest.raises(AssertionError, match="NaN is elsewhere"):
        assert_same(np.array([np.nan]), np.array([0.0]), 1.0)
    with pytest.raises(AssertionError, match="relative error"):
        assert_same(np.array([1.0]), np.array([1.0 + 1e-11]), 1e-12)


@pytest.mark.parametrize("kernels", ["on", "off"])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_the_same_to_1e_12(name, missing, kernels, monkeypatch):
    monkeypatch.setenv("NORMWISE_KERNELS", kernels)
    ours, others = PAIRS[name]
    x = data(missing)
    assert_same(ours.fit(x).transform(x), others.fit(x).transform(x), 1e-12)
    assert_same(ours.transform(LATER), others.transform(LATER), 1e-12)
    back = ours.transform(x)
    assert_same(ours.inverse_transform(back), others.inverse_transform(back), 1e-12)


@pytest.mark.parametrize("kind", ["whole", "fractions"])
def test_sample_weights(kind):
    x, rng = data(), np.random.default_rng(1)
    weights = rng.integers(0, 4, len(x)) if kind == "whole" else rng.random(len(x))
    ours = StandardScaler().fit(x, sample_weight=weights)
    others = theirs.StandardScaler().fit(x, sample_weight=weights)
    assert_same(ours.transform(x), others.transform(x), 1e-12)
    assert_close(ours.mean_, others.mean_, 1e-12)
    assert_close(ours.variance_, others.var_, 1e-12)


def test_whole_weights_are_repeated_rows():
    x, weights = data(), np.random.default_rng(1).integers(0, 4, 1000)
    for make in (StandardScaler, MinMaxScaler, MaxAbsScaler):
        a = make().fit(x, sample_weight=weights).transform(x)
        assert_same(a, make().fit(np.repeat(x, weights, axis=0)).transform(x), 1e-12)


def test_partial_fit_is_theirs():
    x = data()
    ours, others = StandardScaler(), theirs.StandardScaler()
    for batch in np.array_split(x, 7):
        ours.partial_fit(batch)
        others.partial_fit(batch)
    assert_same(ours.transform(x), others.transform(x), 1e-12)


def test_normal_quantiles_differ_beyond_the_ends_alone():
    """Theirs are cut at the quantile of 1e-7 − 2⁻⁵², ours at that of 1e-7: 2e-9 apart."""
    x = data()
    ours = QuantileScaler(100, output="normal").fit(x)
    others = theirs.QuantileTransformer(n_quantiles=100, subsample=None, output_distribution="normal").fit(x)
    a, b = ours.transform(x), others.transform(x)
    inner = np.abs(a) < 5
    assert_same(a[inner], b[inner], 1e-12)
    assert_same(a, b, 1e-8)
    assert np.nanmax(np.abs(a - b)) > 1e-10


def test_quantiles_of_tied_ends_differ():
    """Theirs makes the smallest and the largest value 0 and 1 even where many rows share them."""
    x = np.array([[0.0], [0.0], [0.0], [1.0], [2.0], [2.0]])
    ours = QuantileScaler(6).fit_transform(x).ravel()
    others = theirs.QuantileTransformer(n_quantiles=6, subsample=None).fit_transform(x).ravel()
    assert others.tolist() == [0.0, 0.0, 0.0, 0.6, 1.0, 1.0]
    assert_close(ours, [0.2, 0.2, 0.2, 0.6, 0.9, 0.9], 1e-15)
    inner = np.array([[-1.0], [0.0], [0.0], [0.0], [0.0], [5.0]])
    a = QuantileScaler(6).fit_transform(inner)
    assert_same(a, theirs.QuantileTransformer(n_quantiles=6, subsample=None).fit_transform(inner), 1e-15)


@pytest.mark.filterwarnings("ignore:n_quantiles")
def test_theirs_samples_and_ours_does_not():
    x = np.random.default_rng(0).normal(size=(30_000, 1))
    whole = theirs.QuantileTransformer(n_quantiles=200, subsample=None).fit(x)
    sampled = theirs.QuantileTransformer(n_quantiles=200, subsample=10_000, random_state=0).fit(x)
    ours = QuantileScaler(200).fit(x)
    assert_close(ours.quantiles_[0], whole.quantiles_[:, 0], 1e-12)
    assert np.abs(ours.transform(x) - sampled.transform(x)).max() > 1e-3


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("spread", [0.5, 5.0])
def test_powers_agree_as_far_as_lambda_is_searched(spread, standardize):
    """Both stop searching at about 1e-8 of λ, where the likelihood is flat to the last digits."""
    x = np.random.default_rng(0).lognormal(0.0, 1.0, (500, 2)) * spread - [0.0, spread]
    x[::7, 0] = np.nan
    ours, others = PowerScaler(standardize=standardize), theirs.PowerTransformer(standardize=standardize)
    a, b = ours.fit_transform(x), others.fit_transform(x)
    assert_close(ours.lambdas_, others.lambdas_, 1e-6)
    assert_same(a, b, 1e-6)
    # With their λ, the same formula to the last digits.
    ours.lambdas_ = others.lambdas_
    raw = theirs.PowerTransformer(standardize=False).fit(x).transform(x)
    if not standardize:
        assert_same(ours.transform(x), raw, 1e-12)


def test_a_power_that_bends_nothing_is_left_out():
    """Their λ of a column far from 0 follows rounding errors; ours stays 1, which standardizes."""
    x = 1e9 + np.random.default_rng(0).normal(size=(500, 1))
    assert PowerScaler().fit(x).lambdas_.tolist() == [1.0]
    assert_close(PowerScaler().fit_transform(x), StandardScaler().fit_transform(x), 1e-9)


@pytest.mark.parametrize("name", ["standard", "min-max", "max-abs", "robust"])
def test_far_from_0_theirs_loses_digits(name):
    """MinMaxScaler's x·scale + min cancels; the others divide by a spread that both know to 1e-12 of x."""
    ours, others = PAIRS[name]
    x = np.random.default_rng(0).normal(1e6, 1.0, (1000, 1))
    assert_same(ours.fit_transform(x), others.fit_transform(x), 1e-9)


@pytest.mark.filterwarnings("ignore::normwise.core.errors.NormwiseWarning")
@pytest.mark.parametrize(
    ("name", "their_result"), [("standard", 3.0), ("min-max", 3.0), ("max-abs", 1.6), ("robust", 3.0)]
)
def test_a_constant_has_no_scale_here_and_the_scale_1_there(name, their_result):
    ours, others = PAIRS[name]
    x, later = np.full((3, 1), 5.0), np.array([[8.0]])
    assert ours.fit(x).transform(later).item() == 0.0
    assert others.fit(x).transform(later).item() == their_result


def test_a_quantile_range_of_0():
    """Theirs leaves such a column in its own unit; ours divides by its range."""
    x = np.array([[0.0], [0.0], [0.0], [0.0], [5000.0]])
    assert theirs.RobustScaler().fit_transform(x).max() == 5000.0
    assert RobustScaler().fit_transform(x).max() == 1.0


def test_a_spread_that_theirs_takes_for_rounding():
    x = 1.0 + np.array([[0.0], [1.0], [0.0], [1.0]]) * 2.0**-49
    assert theirs.StandardScaler().fit_transform(x).max() < 1e-10
    with warnings.catch_warnings():
        warnings.simplefilter("error", NormwiseWarning)
        assert_close(StandardScaler().fit_transform(x).ravel(), [-1.0, 1.0, -1.0, 1.0], 1e-12)
