"""The target column: its task, its values, and what is said of one that cannot be learnt."""

import datetime

import polars as pl
import pytest

from normwise.core.errors import ColumnError, TableError
from normwise.workflows.training_target import MANY_CLASSES, take_target


def take(values, task=None, dtype=None):
    """The target, and the features left, of a table with the column x: 0, 1, 2, …; and what was told."""
    frame = pl.DataFrame({"x": range(len(values)), "y": pl.Series(values, dtype=dtype, strict=False)})
    told = []
    features, target = take_target(frame, "y", task, told.append)
    return target, features, told


@pytest.mark.parametrize(
    ("values", "classes", "numbers"),
    [
        (["b", "a", "b", "a"], ("a", "b"), [1, 0, 1, 0]),
        ([True, False, True, False], ("false", "true"), [1, 0, 1, 0]),
        ([10, 2, 10, 2], ("2", "10"), [1, 0, 1, 0]),
        ([10.0, 2.0, 10.0, 2.0], ("2", "10"), [1, 0, 1, 0]),
        (["10", "2", "10", "2"], ("10", "2"), [0, 1, 0, 1]),
    ],
)
def test_classes_in_the_order_of_their_values(values, classes, numbers):
    target, features, told = take(values)
    assert (target.task, target.classes, target.values.tolist()) == ("classification", classes, numbers)
    assert target.dtype == str(pl.Series(values).dtype)
    assert (features.columns, told) == (["x"], [])


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["b", "a"])])
def test_classes_of_the_table_engine(dtype):
    target, _, _ = take(["b", "a", "b", "a"], dtype=dtype)
    assert [target.classes[i] for i in target.values] == ["b", "a", "b", "a"]


@pytest.mark.parametrize("values", [[1.5, 2.5, 1.5], [float(i) for i in range(21)], list(range(21))])
def test_quantities(values):
    target, _, _ = take(values)
    assert (target.task, target.classes, target.values.tolist()) == ("regression", (), values)
    assert target.strata() == len(values)


@pytest.mark.parametrize(
    ("distinct", "task"), [(MANY_CLASSES, "classification"), (MANY_CLASSES + 1, "regression")]
)
@pytest.mark.parametrize("kind", [int, float, str])
def test_few_whole_numbers_are_classes_many_a_quantity(distinct, task, kind):
    assert take([kind(i % distinct) for i in range(2 * MANY_CLASSES + 2)])[0].task == task


def test_a_task_that_was_asked_for():
    assert take([1, 2, 1, 2], "regression")[0].values.tolist() == [1.0, 2.0, 1.0, 2.0]
    assert take([1.5, 2.5, 1.5, 2.5], "classification")[0].classes == ("1.5", "2.5")
    assert take([True, False], "regression")[0].values.tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match=r'unknown task "regresion". Did you mean "regression"'):
        take([1, 2], "regresion")


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_rows_without_a_target_are_left_out_and_counted(missing):
    target, features, told = take([1.5, missing, 2.5, missing, 3.5])
    assert target.values.tolist() == [1.5, 2.5, 3.5]
    assert features["x"].to_list() == [0, 2, 4]
    assert told == [
        'column "y" is the target and is missing in 2 of 5 rows; these rows were left out',
    ]


def test_numbers_as_text():
    assert take([f" {i}.5" for i in range(30)])[0].values[:2].tolist() == [0.5, 1.5]


def refused(message, *arguments, error=TableError, **options):
    with pytest.raises(error, match=message):
        take(*arguments, **options)


def test_words_among_the_numbers_are_named():
    values = [*(str(i) for i in range(30)), "many", "few"]
    refused('2 rows hold something else: "(many|few)", "(many|few)", the first in row 31', values)


def test_infinity_is_named_with_its_row_in_the_table():
    refused(
        r'"y" holds 1 infinite values \(the first, inf, in data row 4\)',
        [1.5, None, 2.5, float("inf")],
        error=ColumnError,
    )


def test_an_absent_column():
    with pytest.raises(ColumnError, match=r'no column "incom" to predict. Did you mean "income"'):
        take_target(pl.DataFrame({"income": [1], "a": [1]}), "incom", None, print)


def test_no_column_but_the_target():
    with pytest.raises(TableError, match='no column but its target "y"'):
        take_target(pl.DataFrame({"y": [1, 2]}), "y", None, print)


def test_all_missing():
    refused("all of its 3 rows are missing", [None, None, None])
    refused("all of its 2 rows are missing", [float("nan")] * 2)


def test_a_constant():
    refused('single class, "a", in all 3 rows; expected at least two', ["a"] * 3)
    refused("always 2.5: there is nothing to learn", [2.5] * 3)


def test_a_class_of_one_row():
    refused(r'"c" has a single row \(of 5\)', list("aabbc"))


def test_too_many_classes():
    names = [f"n{i % 25}" for i in range(50)]
    refused("has 25 classes in 50 rows", names)
    assert len(take(names * 2)[0].classes) == 25


@pytest.mark.parametrize("task", [None, "regression", "classification"])
def test_nested_values(task):
    refused('"y" is .*target.*List', [[1], [2]], task, error=ColumnError)


@pytest.mark.parametrize("task", [None, "regression"])
def test_dates_are_no_target_unless_as_classes(task):
    dates = [datetime.date(2020, 1, i) for i in (1, 1, 2, 2)]
    refused('"y" is .*target.*Date', dates, task, error=ColumnError)
    assert take(dates, "classification")[0].classes == ("2020-01-01", "2020-01-02")
