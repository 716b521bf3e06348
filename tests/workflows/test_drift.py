"""Drift: what is named, what is not, and at the threshold; from a run folder too."""

import json

import numpy as np
import polars as pl
import pytest
from scipy.special import kolmogorov
from scipy.stats import norm

from normwise.core.column_statistics import ColumnStatistics
from normwise.workflows.drift import (
    FEWEST,
    KS,
    KS_NOISE,
    NEW_MISSING,
    SHIFT,
    SPREAD,
    STANDARD_ERRORS,
    drift_notes,
)
from normwise.workflows.fit_table import FitOptions, fit_table
from normwise.workflows.predict_table import predict_table

BASE = np.array([-1.0, 1.0] * 500)


def notes(before, after, origins=None, indicators=None, sketch_size=None):
    old, new = (
        ColumnStatistics.of(np.reshape(np.asarray(v, float), (-1, 1)), names=["age"], sketch_size=sketch_size)
        for v in (before, after)
    )
    return drift_notes(old, new, origins, indicators)


def test_the_same_rows_are_silent():
    assert notes(BASE, BASE) == ()
    assert notes(BASE, BASE[:200]) == ()


def test_a_sample_of_the_same_is_silent():
    rng = np.random.default_rng(0)
    old = rng.normal(3, 2, 5000)
    assert all(notes(old, rng.normal(3, 2, n)) == () for n in (1, 2, 10, 100, 1000) for _ in range(20))


def test_a_moved_mean_is_named_with_both_and_the_distance():
    (note,) = notes(BASE, BASE + 3)
    assert note == '"age" drifted: its mean is 3, in training it was 0 (3.0 standard deviations away)'


@pytest.mark.parametrize(
    ("shift", "fires"), [(SHIFT - 0.01, False), (SHIFT + 0.01, True), (-SHIFT - 0.01, True)]
)
def test_the_threshold_of_the_mean(shift, fires):
    assert bool(notes(BASE, BASE + shift)) == fires


@pytest.mark.parametrize(
    ("standard_errors", "fires"), [(STANDARD_ERRORS - 0.1, False), (STANDARD_ERRORS + 0.1, True)]
)
def test_few_rows_must_be_further_away(standard_errors, fires):
    four = np.array([-1.0, 1.0, -1.0, 1.0])
    assert bool(notes(BASE, four + standard_errors / 2)) == fires


def test_one_row_far_away():
    assert notes(BASE, [3.9]) == ()
    assert len(notes(BASE, [4.1])) == 1


@pytest.mark.parametrize(("factor", "fires"), [(SPREAD * 0.99, False), (SPREAD * 1.01, True)])
@pytest.mark.parametrize("grows", [True, False])
def test_the_threshold_of_the_spread(factor, fires, grows):
    after = BASE * np.sqrt(factor if grows else 1 / factor)
    found = notes(BASE, after)
    assert bool(found) == fires
    if fires:
        assert "its standard deviation is" in found[0]
        assert "in training it was 1" in found[0]


@pytest.mark.parametrize("size", [None, 128, 4096])
def test_sketches_change_nothing_where_nothing_moved(size):
    rng = np.random.default_rng(1)
    old = rng.normal(3, 2, 5000)
    for n in (30, 50, 100, 1000):
        assert all(notes(old, rng.normal(3, 2, n), sketch_size=size) == () for _ in range(20))


def test_the_noise_of_ks_is_as_rare_as_that_of_the_mean():
    assert kolmogorov(KS_NOISE) == pytest.approx(2 * norm.sf(STANDARD_ERRORS), rel=0.05)


def rare(share, rows=10_000):
    """A share of values far out on both sides, less far where there are more: mean 0, variance 1 always."""
    far = np.tile([1.0, -1.0], int(rows * share / 2)) / np.sqrt(share)
    return np.concatenate([far, np.zeros(rows - len(far))])


@pytest.mark.parametrize(("ks", "fires"), [(KS - 0.01, False), (KS + 0.01, True)])
def test_the_threshold_of_the_distribution(ks, fires):
    # At 0 from below, the distribution functions are half the shares: they differ by half the difference.
    found = notes(rare(0.2), rare(0.2 + 2 * ks), sketch_size=16_384)
    assert bool(found) == fires
    if fires:
        assert found == (
            '"age" drifted: the distribution\'s largest difference to training is 0.21 (KS), while mean and '
            "spread stayed within their limits",
        )


def test_no_distribution_without_sketches():
    assert notes(rare(0.2), rare(0.8)) == ()
    assert len(notes(rare(0.2), rare(0.8), sketch_size=4096)) == 1


@pytest.mark.parametrize(("size", "fires"), [(4096, True), (16, False)])
def test_a_difference_within_the_sketches_error_is_not_named(size, fires):
    assert bool(notes(rare(0.2), rare(0.2 + 2 * (KS + 0.05)), sketch_size=size)) == fires


@pytest.mark.parametrize(("rows", "fires"), [(40, False), (400, True)])
def test_few_rows_must_differ_more(rows, fires):
    # 2.28·√(1/40 + 1/10,000) is 0.36, at 400 rows 0.11.
    assert bool(notes(rare(0.2), rare(0.7, rows), sketch_size=4096)) == fires


@pytest.mark.parametrize(("rows", "fires"), [(FEWEST - 2, False), (FEWEST, True)])
def test_neither_spread_nor_distribution_is_told_of_a_handful(rows, fires):
    assert bool(notes(BASE, np.zeros(rows), sketch_size=4096)) == fires


def test_a_constant_that_spread_about_itself():
    (note,) = notes(np.full(100, 2.0), np.tile([1.0, 3.0], 50), sketch_size=128)
    assert note == '"age" drifted: its standard deviation is 1, in training it was 0'


def missing(share, rows=1000):
    return np.arange(rows) < round(share * rows)


@pytest.mark.parametrize(
    ("before", "after", "fires"),
    [
        (0.3, 0.3 + NEW_MISSING - 0.01, False),
        (0.3, 0.3 + NEW_MISSING + 0.01, True),
        (0.3 + NEW_MISSING + 0.01, 0.3, False),
        (0.03, 0.114, False),  # 0.49 standard deviations
        (0.03, 0.117, True),  # 0.51
        (0.01, 0.04, False),  # a variance of 3.9 times
        (0.01, 0.043, True),  # of 4.2
        (0.6, 0.3, True),
    ],
)
def test_the_share_of_missing_values(before, after, fires):
    found = notes(missing(before), missing(after), indicators={"age": "years"})
    told = f'"years" drifted: {after:.1%} of its values are missing, in training {before:.1%} were'
    assert found == ((told,) if fires else ())


def test_few_rows_may_miss_more_by_chance():
    assert notes(missing(0.3), missing(0.5, rows=10), indicators={"age": "years"}) == ()


@pytest.mark.parametrize(("rows", "fires"), [(FEWEST - 2, False), (FEWEST, True)])
def test_a_spread_needs_rows(rows, fires):
    assert bool(notes(BASE, BASE[:rows] * 5)) == fires


def test_a_column_that_became_constant():
    assert "its standard deviation is 0" in notes(BASE, np.zeros(50))[0]


def test_a_constant_that_changed():
    (note,) = notes(np.full(100, 2.0), np.full(5, 3.0))
    assert note == ('"age" drifted: its mean is 3, in training it was 2 (it was always 2 in training)')
    assert notes(np.full(100, 2.0), np.full(5, 2.0)) == ()


@pytest.mark.parametrize(("before", "after"), [(BASE, [np.nan] * 9), ([np.nan] * 9, BASE), (BASE, [])])
def test_no_values_no_drift(before, after):
    assert notes(before, after) == ()


def test_only_the_features_that_moved_are_named():
    old = ColumnStatistics.of(np.stack([BASE, BASE], 1), names=["a", "b"])
    new = ColumnStatistics.of(np.stack([BASE, BASE + 9], 1), names=["a", "b"])
    (note,) = drift_notes(old, new)
    assert note.startswith('"b" drifted')


def test_means_are_told_in_the_units_of_the_table():
    (note,) = notes(BASE, BASE + 3, origins=np.array([1e9]))
    assert "its mean is 1000000003, in training it was 1000000000 (3.0" in note


@pytest.mark.parametrize(("shift", "shown"), [(999.0, "999.0"), (1000.0, "1e+03"), (1.23456e38, "1.23e+38")])
def test_a_huge_distance_is_short(shift, shown):
    assert notes(BASE, BASE + shift)[0].endswith(f"({shown} standard deviations away)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on 400 rows: "two" is −1 or 1, "half" misses every tenth value, "since" too."""
    rng = np.random.default_rng(0)
    table, folder = two_humps(rng, 400), tmp_path_factory.mktemp("drift")
    table = table.with_columns(label=pl.Series(np.where(rng.random(400) < 0.5, "a", "b")))
    table.write_parquet(folder / "t.parquet")
    fit_table(
        folder / "t.parquet",
        folder / "run",
        FitOptions("label", settings={"hidden_units": (2,), "epochs": 1}),
    )
    return folder


def two_humps(rng, rows, share=0.1):
    return pl.DataFrame(
        {
            "two": rng.choice([-1.0, 1.0], rows) + rng.normal(0, 0.01, rows),
            "half": np.where(np.arange(rows) < share * rows, np.nan, rng.normal(size=rows)),
        }
    ).with_columns(since=pl.when(pl.col("half").is_nan()).then(None).otherwise(pl.date(2020, 1, 31)))


def told(folder, table):
    table.write_parquet(folder / "new.parquet")
    messages = []
    predict_table(folder / "run", folder / "new.parquet", None, warn=messages.append)
    return messages


def test_predict_names_a_distribution_that_drifted(folder):
    rng = np.random.default_rng(1)
    assert told(folder, two_humps(rng, 400)) == []
    (note,) = told(folder, two_humps(rng, 400).with_columns(two=pl.Series(rng.normal(size=400))))
    assert note.startswith('"two" drifted: the distribution\'s largest difference to training is 0.41 (KS)')


def test_predict_names_missing_values_once_a_column(folder):
    messages = told(folder, two_humps(np.random.default_rng(2), 400, share=0.5))
    assert [m.split(" of its values")[0] for m in messages] == [
        '"half" drifted: 50.0%',
        '"since" drifted: 50.0%',
    ]


def test_run_folders_without_sketches_still_predict(folder, tmp_path):
    old = tmp_path / "run"
    old.mkdir()
    (old / "model.keras").write_bytes((folder / "run" / "model.keras").read_bytes())
    schema = json.loads((folder / "run" / "schema.json").read_text(encoding="utf-8"))
    assert len(schema["statistics"].pop("sketches")) == len(schema["statistics"]["names"])
    schema["statistics"]["version"] = 1
    (old / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    rng = np.random.default_rng(1)
    assert told(tmp_path, two_humps(rng, 400).with_columns(two=pl.Series(rng.normal(size=400)))) == []
    (note,) = told(tmp_path, two_humps(rng, 400).with_columns(pl.col("two") + 3))
    assert note.startswith('"two" drifted: its mean is')
