"""The matrix that the networks of `why` read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from normwise.core.errors import ColumnError, ModelError, TableError
from normwise.workflows import why_data
from normwise.workflows.why_data import fit_to_width, read_why_data, why_file
from normwise.workflows.why_options import WhyOptions


@pytest.fixture
def file(tmp_path: Path, people: pl.DataFrame) -> Path:
    """Numbers with missing values, text, booleans and dates."""
    people.write_csv(tmp_path / "people.csv")
    return tmp_path / "people.csv"


def options(target: str, **more: object) -> WhyOptions:
    """Only the columns of people that are no target but this one."""
    others = {"income", "level", "member", "wage"} - {target}
    return WhyOptions(target, column_kinds=dict.fromkeys(others, "excluded"), **more)  # type: ignore[arg-type]


def test_raw_is_the_table_and_scaled_is_it_standardized(file: Path, people: pl.DataFrame) -> None:
    data = read_why_data(file, options("wage"), print)
    raw, scaled = (np.vstack([x[part] for part in x]) for x in (data.raw, data.scaled))
    assert raw.shape == scaled.shape == (90, len(data.inputs))
    assert data.inputs[: data.numeric] == (
        "age",
        "age is missing",
        "active",
        "since: days since 1970",
        "since: month",
        "since: day of month",
        "since: weekday",
    )
    assert set(data.inputs[data.numeric :]) == {"city = Basel", "city = Oslo", "city = Paris"}
    training = data.raw["training"].astype(np.float64)
    age = people["age"].drop_nulls().to_numpy()
    known = training[training[:, 1] == 0, 0]
    # Each raw age is one of the table's, or the training rows' mean.
    assert np.isin(known.astype(np.float32), age.astype(np.float32)).all()
    np.testing.assert_allclose(training[training[:, 1] == 1, 0], known.mean(), rtol=1e-6)
    days = people["since"].dt.epoch("d").to_numpy()
    assert np.isin(raw[:, 3], days).all()
    mean, std = training.mean(axis=0)[2:7], training.std(axis=0)[2:7]
    np.testing.assert_allclose(scaled[:, 2:7], (raw[:, 2:7] - mean) / std, atol=2e-3)
    assert np.nanmean(data.scaled["training"][training[:, 1] == 0, 0]) == pytest.approx(0, abs=1e-5)
    np.testing.assert_array_equal(scaled[raw[:, 1] == 1, 0], 0)
    # Categories stay 0 and 1 in both.
    np.testing.assert_array_equal(raw[:, data.numeric :], scaled[:, data.numeric :])
    assert set(np.unique(raw[:, data.numeric :])) == {0, 1}
    np.testing.assert_array_equal(raw[:, data.numeric :].sum(axis=1), 1)


def test_a_target_of_numbers_is_standardized_by_the_training_rows(file: Path) -> None:
    data = read_why_data(file, options("wage"), print)
    y = data.y["training"].astype(np.float64)
    assert (y.mean(), y.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, rel=1e-6))
    assert data.outputs == 1
    classes = read_why_data(file, options("income"), print)
    assert (classes.outputs, set(classes.y["training"])) == (2, {0, 1})


def test_the_parts_are_disjoint_and_whole(file: Path) -> None:
    data = read_why_data(file, options("income"), print)
    sizes = {part: len(y) for part, y in data.y.items()}
    assert sum(sizes.values()) == 90
    assert (sizes["held_out"], sizes["validation"]) == (18, pytest.approx(72 * 0.2, abs=1))
    shares = [np.mean(y) for y in data.y.values()]
    assert max(shares) - min(shares) < 0.06  # of each class alike


def test_parts_with_many_rows_are_drawn_from(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(why_data, "MOST_ROWS", {"training": 30, "validation": 10, "held_out": 100})
    said: list[str] = []
    data = read_why_data(file, options("income"), said.append)
    sizes = {part: len(y) for part, y in data.y.items()}
    assert sizes == {"training": 30, "validation": 10, "held_out": 18}
    assert [line.partition(" were drawn")[0] for line in said] == [
        "of 57 training rows, 30",
        "of 15 validation rows, 10",
    ]


def test_too_few_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,b\n3,a\n4,b\n")
    with pytest.raises(TableError, match="4 rows are too few to part into training, validation and held-out"):
        read_why_data(tmp_path / "t.csv", WhyOptions("y"), print)


def test_options_out_of_their_ranges() -> None:
    for given, message in [
        ({"seeds": 2}, "seeds=2 is out of its range; expected at least 3"),
        ({"epochs": 0}, "epochs=0 is out of its range; expected at least 1"),
        ({"held_out": 1.0}, "held_out=1.0 is out of its range; expected above 0 and below 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            WhyOptions(**given)  # type: ignore[arg-type]


def test_a_model_takes_all_inputs_or_the_columns_of_numbers(file: Path) -> None:
    data = read_why_data(file, options("wage"), print)
    notes: list[str] = []
    assert fit_to_width(data, 10, "m.keras", notes.append) is data
    assert notes == []
    numbers = fit_to_width(data, 2, "m.keras", notes.append)
    assert (numbers.inputs, numbers.numeric) == (("age", "active"), 2)
    for part in ("training", "validation", "held_out"):
        np.testing.assert_array_equal(numbers.raw[part], data.raw[part][:, [0, 2]])  # type: ignore[index]
        np.testing.assert_array_equal(numbers.scaled[part], data.scaled[part][:, [0, 2]])  # type: ignore[index]
    assert notes[0].startswith(
        'm.keras takes 2 inputs, the columns of numbers; left out are "age is missing", "since: days since'
    )
    with pytest.raises(ModelError) as error:
        fit_to_width(data, 7, "m.keras", print)
    assert 'm.keras takes 7 inputs, and people.csv gives 10 ("age", "age is missing", "active"' in str(
        error.value
    )
    assert 'or its 2 columns of numbers ("age", "active"); expected' in str(error.value)


@pytest.mark.parametrize("row", [0, 36, 89])
def test_a_row_in_an_error_is_a_row_of_the_file(row: int, file: Path, people: pl.DataFrame) -> None:
    ages = people["age"].cast(pl.Float64).to_list()
    ages[row] = float("inf")
    people.with_columns(age=pl.Series(ages)).write_csv(file)
    with pytest.raises(ColumnError, match=rf'"age" holds 1 infinite .* in data row {row + 1}\)'):
        read_why_data(file, options("wage"), print)


def test_a_frame_is_read_as_its_file_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=60), "b": ["x", "y", "z"] * 20, "y": ["u", "v"] * 30})
    frame.write_parquet(tmp_path / "t.parquet")
    file = read_why_data(str(tmp_path / "t.parquet"), WhyOptions("y"), print)
    for table in (frame, frame.to_pandas(), frame.to_arrow()):
        found = read_why_data(table, WhyOptions("y"), print)
        assert found.source == "table.parquet"
        assert found.inputs == file.inputs
        np.testing.assert_array_equal(found.raw["training"], file.raw["training"])
    assert why_file(frame) == Path("table.parquet")
    assert why_file("a.csv") == Path("a.csv")
    assert why_file(None) is None
    with pytest.raises(ColumnError, match=r'column of table\.parquet is to be predicted.*"a", "b", "y"'):
        read_why_data(frame, WhyOptions(), print)
