"""`why` on tables whose answer is known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from normwise.core.errors import TrainingError
from normwise.core.why_record import WhyRecord
from normwise.workflows import why_table as module
from normwise.workflows.why_options import WhyListener, WhyOptions
from normwise.workflows.why_table import why_table
from normwise.workflows.why_verdict import why_verdict

ROWS = 400


def table(folder: Path, stretch: float, regression: bool = False) -> Path:
    """Two equal columns decide; the first is stretched."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 2))
    y = x.sum(axis=1) if regression else np.where(x.sum(axis=1) > 0, "up", "down")
    pl.DataFrame({"wide": stretch * x[:, 0], "plain": x[:, 1], "y": y}).write_csv(folder / "t.csv")
    return folder / "t.csv"


@pytest.fixture(scope="module")
def stretched(tmp_path_factory: pytest.TempPathFactory) -> WhyRecord:
    """Of a table with a column of scale 1e5."""
    return why_table(table(tmp_path_factory.mktemp("stretched"), 1e5), WhyOptions("y", quick=True))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> WhyRecord:
    """Of a table that is well scaled, and a network of one hidden layer."""
    file = table(tmp_path_factory.mktemp("plain"), 1.0)
    return why_table(file, WhyOptions("y", quick=True, hidden_units=(16,)))


def test_a_column_of_another_scale_hurts_until_it_is_scaled(stretched: WhyRecord) -> None:
    found = {s.key: s for s in stretched.verdict}
    assert found["feature_spread"].words == {"largest": "wide", "smallest": "plain"}
    assert found["feature_spread"].numbers["spread"] == pytest.approx(1e5, rel=0.1)
    assert found["saturation"].numbers["before"] > 0.9
    assert found["saturation"].numbers["after"] < 0.1
    assert "scaling_metric_helps" in found
    assert "advice_scale" in found
    assert "little_is_gained" not in found


def test_where_all_is_well_scaled_the_verdict_says_that_little_is_gained(plain: WhyRecord) -> None:
    found = {s.key: s.effect for s in plain.verdict}
    assert found["feature_spread"] == "no_difference"
    assert "advice_scaling_gains_little" in found
    assert not [key for key, effect in found.items() if key.startswith("scaling_") and effect == "helps"]
    assert not {"advice_scale", "advice_normalize"} & set(found)


def test_the_record_is_whole(stretched: WhyRecord) -> None:
    assert WhyRecord.from_json(stretched.to_json()).to_json() == stretched.to_json()
    assert [v.name for v in stretched.variants] == ["raw", "scaled", "raw_bn", "scaled_bn"]
    assert [(v.scaled, v.normalized) for v in stretched.variants] == [
        (False, False),
        (True, False),
        (False, True),
        (True, True),
    ]
    assert (
        stretched.rows
        == ROWS
        == sum((stretched.training_rows, stretched.validation_rows, stretched.held_out_rows))
    )
    assert stretched.inputs == ("wide", "plain")
    assert [f.name for f in stretched.features] == ["wide", "plain"]
    assert stretched.verdict == why_verdict(stretched)
    assert stretched.command.startswith("normwise why ")
    for variant in stretched.variants:
        assert [p.learning_rate for p in variant.sweep] == pytest.approx(np.logspace(-4, 1, 11), rel=1e-3)
        assert {len(p.losses) for p in variant.sweep} == {3}
        assert [t.seed for t in variant.trainings] == [0, 1, 2]
        assert {len(t.history["val_loss"]) for t in variant.trainings} == {stretched.epochs}
        assert variant.learning_rate in [p.learning_rate for p in variant.sweep]
        assert {(s.name, s.place.rpartition("/")[2]) for s in variant.series} == {
            ("pre_activation", "tanh_1"),
            ("pre_activation", "tanh_2"),
            ("saturation", "tanh_1"),
            ("saturation", "tanh_2"),
            ("validation_loss", ""),
        }
    # 2·64+64 + 64·64+64 + 64·2+2; with normalization two numbers a unit in place of the bias.
    assert [v.parameters for v in stretched.variants] == [4482, 4482, 4482 + 128, 4482 + 128]


def test_the_networks_are_measured_inside(stretched: WhyRecord) -> None:
    """Of raw inputs `wide`, which is 1e5 times as wide, is all that the first layer hears."""
    found = {v.name: {(m.name, m.column): m.value for m in v.measurements} for v in stretched.variants}
    for variant in stretched.variants:
        names = {m.name for m in variant.measurements}
        assert {"saturation_share", "mean_derivative", "hessian_eigenvalue_largest"} <= names
        assert ("inference_gap" in names) == variant.normalized
        curves = {c.name: c for c in variant.curves}
        assert {"loss_range", "gradient_predictiveness", "effective_beta", "eta_beta"} <= set(curves)
        assert len(curves["activation_std"].y) == 2
        assert len(curves["gradient_rms"].y) == 3
        smooth = curves["loss_range"]
        steps = math.ceil(stretched.training_rows / stretched.batch_size) * stretched.epochs
        assert smooth.x[0] == 0
        assert steps * 0.8 < smooth.x[-1] < steps
        assert all(low <= y <= high for low, y, high in zip(smooth.low, smooth.y, smooth.high, strict=True))
        # Weights that begin small know nothing, and the first step along the gradient helps.
        assert smooth.y[0] < math.log(2)
    assert found["raw"]["units_saturated_by_column", "wide"] > 0.9
    assert found["raw"]["units_saturated_by_column", "plain"] == 0.0
    assert found["scaled"]["units_saturated_by_column", "wide"] == 0.0
    assert found["raw"]["share_of_first_gradient", "wide"] > 0.99
    assert 0.1 < found["scaled"]["share_of_first_gradient", "wide"] < 0.9
    for name in ("scaled", "scaled_bn"):
        shares = [v for (what, _), v in found[name].items() if what == "share_of_first_gradient"]
        assert sum(shares) == pytest.approx(1.0)


def test_the_loss_within_epochs_is_that_of_the_history_at_their_ends(stretched: WhyRecord) -> None:
    steps = math.ceil(stretched.training_rows / stretched.batch_size)
    checked = 0
    for variant in stretched.variants:
        (series,) = (s for s in variant.series if s.name == "validation_loss")
        ends = variant.trainings[0].history["val_loss"]
        for step, loss in zip(series.steps, series.flat, strict=True):
            if step and step % steps == 0:
                checked += 1
                assert loss == pytest.approx(ends[step // steps - 1], rel=1e-3, abs=1e-5)
    assert checked >= len(stretched.variants)


def test_steps_to_the_target_are_read_off_the_losses(stretched: WhyRecord) -> None:
    for variant in stretched.variants:
        (series,) = (s for s in variant.series if s.name == "validation_loss")
        there = [
            s for s, loss in zip(series.steps, series.flat, strict=True) if loss <= stretched.target_loss
        ]
        expected = float(there[0]) if there else math.nan
        assert variant.trainings[0].steps_to_target == pytest.approx(expected, nan_ok=True)


def test_the_same_again(plain: WhyRecord, tmp_path: Path) -> None:
    again = why_table(table(tmp_path, 1.0), WhyOptions("y", quick=True, hidden_units=(16,)))

    def timeless(record: WhyRecord) -> WhyRecord:
        variants = tuple(dataclasses.replace(v, seconds=0.0) for v in record.variants)
        return dataclasses.replace(record, variants=variants, seconds=0.0, command="")

    assert timeless(again).to_json() == timeless(plain).to_json()


def test_regression_and_what_the_listener_hears(tmp_path: Path) -> None:
    stages: list[str] = []
    told: list[tuple[int, int]] = []

    class Hears(WhyListener):
        def stage(self, what: str) -> None:
            stages.append(what)

        def progress(self, done: int, total: int) -> None:
            told.append((done, total))

    options = WhyOptions("y", quick=True, epochs=3, hidden_units=(8,))
    record = why_table(table(tmp_path, 1.0, regression=True), options, Hears())
    assert (record.task, record.metric) == ("regression", "r2")
    assert all(0 < t.metric <= 1 for t in record.variants[1].trainings)
    assert stages[:3] == [
        "reading the table",
        "measuring the features",
        "1 of 4, raw inputs: 11 learning rates",
    ]
    assert stages[-2] == "4 of 4, scaled inputs, batch normalization: 3 seeds"
    # An epoch for each sweep, three for each training.
    assert told == [(i, 16) for i in range(1, 17)]


def test_nothing_is_said_where_the_target_is_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normwise.workflows.why_options.QUICK_LEARNING_RATES", (0.01, 0.1))
    rng = np.random.default_rng(3)
    noise = np.array(["a", "b"])[rng.integers(0, 2, 120)]
    frame = pl.DataFrame({"wide": 1e5 * rng.normal(size=120), "plain": rng.normal(size=120), "y": noise})
    frame.write_csv(tmp_path / "t.csv")
    record = why_table(tmp_path / "t.csv", WhyOptions("y", quick=True, epochs=3, hidden_units=(8,)))
    assert [s.key for s in record.verdict][-2:] == ["nothing_learned", "scope"]
    assert not [s for s in record.verdict if s.key.startswith(("scaling_", "normalization_", "advice_"))]


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.keras.backend, "backend", lambda: "torch")
    with pytest.raises(TrainingError, match=r"Keras' backend is torch, .* variable KERAS_BACKEND to \"jax\""):
        why_table(None)
