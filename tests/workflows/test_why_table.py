"""`why` on tables whose answer is known."""

from __future__ import annotations

import dataclasses
import math
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest

import normwise
from normwise.core.errors import TrainingError
from normwise.core.why_record import Variant, WhyRecord
from normwise.workflows import why_options
from normwise.workflows import why_table as module
from normwise.workflows.why_options import WhyListener, WhyOptions
from normwise.workflows.why_table import why_table
from normwise.workflows.why_verdict import why_verdict

ROWS = 400
RATES = (0.01, 0.1, 1.0)
QUICK_RATES = why_options.QUICK_LEARNING_RATES


@pytest.fixture(scope="module", autouse=True)
def _few_rates() -> Iterator[None]:
    """A network is built for each rate and seed, which takes longer than its training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(why_options, "QUICK_LEARNING_RATES", RATES)
        yield


def table(folder: Path, stretch: float) -> Path:
    """Two equal columns decide; the first is stretched."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 2))
    y = np.where(x.sum(axis=1) > 0, "up", "down")
    pl.DataFrame({"wide": stretch * x[:, 0], "plain": x[:, 1], "y": y}).write_csv(folder / "t.csv")
    return folder / "t.csv"


class Heard(WhyListener):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.told: list[tuple[int, int]] = []
        self.warned: list[str] = []

    def stage(self, what: str) -> None:
        self.stages.append(what)

    def progress(self, done: int, total: int) -> None:
        self.told.append((done, total))

    def warning(self, message: str) -> None:
        self.warned.append(message)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[WhyRecord, Heard]:
    """Of a table with a column of scale 1e5, and what was heard meanwhile."""
    heard = Heard()
    file = table(tmp_path_factory.mktemp("stretched"), 1e5)
    return why_table(file, WhyOptions("y", quick=True), heard), heard


@pytest.fixture(scope="module")
def stretched(followed: tuple[WhyRecord, Heard]) -> WhyRecord:
    return followed[0]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> WhyRecord:
    """Of a table that is well scaled, and a network of one hidden layer."""
    file = table(tmp_path_factory.mktemp("plain"), 1.0)
    return why_table(file, WhyOptions("y", quick=True, hidden_units=(16,)))


def own_model() -> keras.Model:
    """One with all that a model may have: its scaling, batch normalization, dropout, penalties, softmax."""
    layers = keras.layers
    scaling = layers.Normalization(mean=[0.0, 0.0], variance=[1.0, 1.0], name="adapted")
    dense = layers.Dense(8, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.1))
    hidden = [dense, layers.BatchNormalization(momentum=0.9, name="bn"), layers.ReLU(), normwise.Dropout(0.3)]
    model = keras.Sequential([keras.Input((2,)), scaling, *hidden, layers.Dense(2, "softmax")], name="mine")
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def of_a_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[WhyRecord, Heard]:
    """Of a model's file, and what was heard meanwhile."""
    heard, folder = Heard(), tmp_path_factory.mktemp("model")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__", category=DeprecationWarning)  # Keras saves so.
        own_model().save(folder / "own.keras")
    options = WhyOptions("y", quick=True, epochs=5)
    return why_table(table(folder, 1e5), options, heard, folder / "own.keras"), heard


def test_a_column_of_another_scale_hurts_until_it_is_scaled(stretched: WhyRecord) -> None:
    found = {s.key: s for s in stretched.verdict}
    assert found["feature_spread"].words == {"largest": "wide", "smallest": "plain"}
    assert found["feature_spread"].numbers["spread"] == pytest.approx(1e5, rel=0.1)
    assert found["saturation"].numbers["before"] > 0.9
    assert found["saturation"].numbers["after"] < 0.1
    assert "scaling_metric_helps" in found
    assert "advice_scale" in found
    assert "little_is_gained" not in found


@pytest.mark.slow
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
    assert stretched.diagnosis is not None
    assert stretched.diagnosis.rows == stretched.training_rows
    assert {check.status for check in stretched.diagnosis.checks} <= {
        "clean",
        "found",
        "skipped",
        "not applicable",
    }
    for variant in stretched.variants:
        assert tuple(p.learning_rate for p in variant.sweep) == RATES
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
        assert ("scale_invariance_output" in names) == variant.normalized
        shifts = [m.layer.rpartition("/")[2] for m in variant.measurements if m.name == "covariate_shift"]
        # The first layer has none before it.
        assert shifts[0] != "hidden_1"
        assert shifts[-1] == "output"
        (surface,) = variant.surfaces
        ends = [m.value for m in variant.measurements if m.name.startswith("hessian_eigenvalue_")]
        assert surface.curvatures == pytest.approx(ends, rel=1e-3)
        assert surface.variant == variant.name
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


def test_the_loss_within_epochs_is_that_of_the_history_at_their_ends(
    stretched: WhyRecord, of_a_model: tuple[WhyRecord, Heard]
) -> None:
    """Also where a model has penalties: it learns by them, and neither of the two has them."""
    for record in (stretched, of_a_model[0]):
        checked = sum(_checked_ends(record, variant) for variant in record.variants)
        assert checked >= len(record.variants)


def _checked_ends(record: WhyRecord, variant: Variant) -> int:
    steps = math.ceil(record.training_rows / record.batch_size)
    checked = 0
    (series,) = (s for s in variant.series if s.name == "validation_loss")
    ends = variant.trainings[0].history["val_loss"]
    for step, loss in zip(series.steps, series.flat, strict=True):
        if step and step % steps == 0:
            checked += 1
            assert loss == pytest.approx(ends[step // steps - 1], rel=1e-3, abs=1e-5)
    return checked


def test_steps_to_the_target_are_read_off_the_losses(stretched: WhyRecord) -> None:
    for variant in stretched.variants:
        (series,) = (s for s in variant.series if s.name == "validation_loss")
        there = [
            s for s, loss in zip(series.steps, series.flat, strict=True) if loss <= stretched.target_loss
        ]
        expected = float(there[0]) if there else math.nan
        assert variant.trainings[0].steps_to_target == pytest.approx(expected, nan_ok=True)


def test_what_the_listener_hears(followed: tuple[WhyRecord, Heard]) -> None:
    heard = followed[1]
    assert heard.stages[:3] == [
        "reading the table",
        "measuring the features",
        "1 of 4, raw inputs: 3 learning rates",
    ]
    assert heard.stages[-2] == "4 of 4, scaled inputs, batch normalization: 3 seeds"
    # Two epochs for each sweep, ten for each training.
    assert heard.told == [(i, 48) for i in range(1, 49)]
    assert heard.warned == []


def test_a_model_is_trained_four_ways_as_the_network_of_a_table_is(
    of_a_model: tuple[WhyRecord, Heard],
) -> None:
    record, heard = of_a_model
    assert (record.model, record.hidden_units, record.activation) == ("own.keras", (8,), "relu")
    assert re.fullmatch(r"normwise why \S+/own.keras \S+/t.csv --target y --epochs 5 --quick", record.command)
    assert heard.stages[:2] == ["reading the model", "reading the table"]
    assert record.warnings == tuple(heard.warned)
    assert [warning.partition(":")[0] for warning in heard.warned] == [
        'the model begins with "adapted" (Normalization)',
        'the variants without batch normalization are the model without "bn" (BatchNormalization)',
    ]
    # 2·8 + 8 + 8·2 + 2; with normalization γ and β of 8 units in place of 8 biases.
    assert [v.parameters for v in record.variants] == [42, 42, 50, 50]
    raw, scaled = record.variants[:2]
    assert max(t.metric for t in raw.trainings) < min(t.metric for t in scaled.trainings)
    assert record.verdict[-1].key == "scope_model"
    assert record.verdict[-1].words == {"model": "own.keras"}
    assert WhyRecord.from_json(record.to_json()).to_json() == record.to_json()
    for variant in record.variants:
        assert variant.trainings[0].history.keys() == {"loss", "val_loss"}
        # Not the softmax: it is the output's.
        places = {(s.name, s.place.rpartition("/")[2]) for s in variant.series}
        assert {name for name, _ in places} == {"pre_activation", "saturation", "validation_loss"}
        assert {place for _, place in places} == {"", own_activation(variant)}


def own_activation(variant: Variant) -> str:
    (place,) = (s.place for s in variant.series if s.name == "saturation")
    assert place.startswith("re_lu")
    return place


def of_noise(folder: Path) -> WhyRecord:
    """Of a target that the columns say nothing of."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 2)) * [1e5, 1]
    pl.DataFrame({"wide": x[:, 0], "plain": x[:, 1], "y": rng.normal(size=100)}).write_csv(folder / "t.csv")
    return why_table(folder / "t.csv", WhyOptions("y", quick=True, epochs=3, hidden_units=(8,)))


def test_nothing_is_said_where_the_target_is_noise(tmp_path: Path) -> None:
    record = of_noise(tmp_path)
    assert (record.task, record.metric) == ("regression", "r2")
    assert [s.key for s in record.verdict][-2:] == ["nothing_learned", "scope"]
    assert not [s for s in record.verdict if s.key.startswith(("scaling_", "normalization_", "advice_"))]


@pytest.mark.slow
def test_the_same_again(tmp_path: Path) -> None:
    record, again = of_noise(tmp_path), of_noise(tmp_path)

    def timeless(record: WhyRecord) -> WhyRecord:
        variants = tuple(dataclasses.replace(v, seconds=0.0) for v in record.variants)
        return dataclasses.replace(record, variants=variants, seconds=0.0)

    assert timeless(again).to_json() == timeless(record).to_json()


@pytest.mark.parametrize(("rates", "count"), [(why_options.LEARNING_RATES, 16), (QUICK_RATES, 11)])
def test_the_learning_rates_of_the_sweep(rates: tuple[float, ...], count: int) -> None:
    """0.0001 to 10, three or two a decade."""
    assert rates == pytest.approx(np.logspace(-4, 1, count), rel=3e-3)  # of six decimals
    assert WhyOptions().learning_rates() == why_options.LEARNING_RATES


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.keras.backend, "backend", lambda: "torch")
    with pytest.raises(TrainingError, match=r"Keras' backend is torch, .* variable KERAS_BACKEND to \"jax\""):
        why_table(None)
