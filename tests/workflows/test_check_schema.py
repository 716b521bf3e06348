"""check_schema and check_model: every way a schema can contradict itself, or its model."""

import dataclasses

import keras
import pytest

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import RecordError, RunFolderError
from normwise.core.run_record import ColumnSchema, TableSchema
from normwise.workflows.check_schema import check_model, check_schema
from normwise.workflows.encode_table import feature_names

COLUMNS = (
    ColumnSchema("age", "numeric", "numbers", "scaled", "Float64", missing=3),
    ColumnSchema("since", "date", "dates", "scaled", "Date"),
    ColumnSchema("active", "boolean", "true or false", "scaled", "Boolean"),
    ColumnSchema("city", "categorical", "2 categories", "one-hot", "String", categories=("Basel", "Oslo")),
    ColumnSchema("shop", "categorical", "1 category", "embedding", "String", categories=("x",)),
    ColumnSchema("id", "excluded", "an identifier", "none", "String"),
)


def schema(columns=COLUMNS, **changes):
    statistics = ColumnStatistics.empty(feature_names(columns))
    whole = TableSchema(columns, "bought", "classification", ("no", "yes"), "String", statistics)
    return dataclasses.replace(whole, **changes)


def with_column(i, **changes):
    columns = list(COLUMNS)
    columns[i] = dataclasses.replace(columns[i], **changes)
    return dataclasses.replace(schema(), columns=tuple(columns))


def regression(**changes):
    return schema(**{"task": "regression", "classes": (), "target_dtype": "Float64", **changes})


@pytest.mark.parametrize(
    "right",
    [
        schema(),
        regression(),
        schema(classes=("false", "true"), target_dtype="Boolean"),
        schema(classes=("-3", "40"), target_dtype="Int8"),
        schema(classes=("18446744073709551615", "0"), target_dtype="UInt64"),
        schema(classes=("0.5", "3"), target_dtype="Float64"),
        schema(classes=("", "b"), target_dtype="Categorical"),
        schema(columns=()),
    ],
)
def test_what_is_right_passes(right):
    check_schema(right)
    check_schema(TableSchema.from_json(right.to_json()))


WRONG = {
    "task": (schema(task="regresion"), 'task is "regresion"; expected "classification", "regression"'),
    "kind": (
        with_column(0, kind="number"),
        '"age" is of kind "number"; expected one of "numeric", "boolean"',
    ),
    "encoding": (
        with_column(0, encoding="scalded"),
        '"age" is numeric with the encoding "scalded"; expected "sc',
    ),
    "numeric one-hot": (with_column(0, encoding="one-hot"), 'the encoding "one-hot"; expected "scaled"'),
    "categorical scaled": (with_column(3, encoding="scaled"), 'expected "one-hot", "embedding"'),
    "excluded scaled": (with_column(5, encoding="scaled"), '"id" is excluded with the encoding "scaled"'),
    "categories": (with_column(3, categories=("Oslo", "Oslo")), '"city" has categories that occur more than'),
    "origin": (with_column(0, origin=float("nan")), '"age" has the origin nan; expected a finite number'),
    "infinite origin": (with_column(0, origin=float("inf")), '"age" has the origin inf'),
    "missing": (with_column(0, missing=-1), '"age" has missing=-1; expected a count'),
    "rare": (with_column(3, rare=-2), '"city" has rare=-2; expected a count'),
    "names": (with_column(0, name="city"), 'the columns "city" occur more than once'),
    "target": (schema(target="age"), 'the target "age" is among the columns'),
    "no class": (schema(classes=()), "too few classes (none); expected at least 2"),
    "one class": (schema(classes=("yes",)), 'too few classes ("yes"); expected at least 2'),
    "classes": (schema(classes=("yes", "yes")), 'the classes "yes" occur more than once'),
    "regression": (regression(classes=("a", "b")), 'a regression has the classes "a", "b"; expected none'),
    "mean": (regression(target_mean=float("nan")), "target_mean is nan; expected a finite number"),
    "std": (regression(target_std=float("inf")), "target_std is inf; expected a finite number above 0"),
    "std 0": (regression(target_std=0.0), "target_std is 0.0; expected a finite number above 0"),
    "std below": (regression(target_std=-1.5), "target_std is -1.5"),
    "integers": (
        schema(target_dtype="Int64"),
        'the classes "no", "yes" are none of the target\'s type Int64',
    ),
    "too large": (
        schema(classes=("1", "300"), target_dtype="Int8"),
        '"300" are none of the target\'s type Int8',
    ),
    "unsigned": (
        schema(classes=("1", "-1"), target_dtype="UInt64"),
        '"-1" are none of the target\'s type UInt64',
    ),
    "booleans": (schema(target_dtype="Boolean"), '"no", "yes" are none of the target\'s type Boolean'),
    "floats": (schema(target_dtype="Float64"), '"no", "yes" are none of the target\'s type Float64'),
    "statistics": (
        schema(statistics=ColumnStatistics.empty(["age"])),
        'the statistics are of the features ("age"); expected those of the columns, in their order: "age", ',
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused(name):
    wrong, message = WRONG[name]
    with pytest.raises(RecordError) as caught:
        check_schema(wrong)
    assert message in str(caught.value)


NUMERIC = len(feature_names(COLUMNS))


def model(numeric=NUMERIC, one_hot=1, embedded=1, outputs=2):
    widths = {"numeric": numeric, "one_hot_codes": one_hot, "embedding_codes": embedded}
    inputs = {name: keras.Input((width,), name=name) for name, width in widths.items() if width}
    parts = list(inputs.values())
    x = parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)
    return keras.Model(inputs, keras.layers.Dense(outputs)(x))


@pytest.mark.parametrize(
    ("right", "arguments"),
    [
        (schema(), {}),
        (regression(), {"outputs": 1}),
        (schema(COLUMNS[:1]), {"numeric": 2, "one_hot": 0, "embedded": 0}),
        (schema(COLUMNS[3:]), {"numeric": 0}),
    ],
)
def test_the_model_of_the_schema_passes(right, arguments):
    check_model(right, model(**arguments))


def test_it_passes_after_a_file(tmp_path):
    model().save(tmp_path / "m.keras")
    check_model(schema(), keras.saving.load_model(tmp_path / "m.keras"))


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ({"numeric": 90}, ("'numeric': 90, ", f"'numeric': {NUMERIC}, ")),
        ({"one_hot": 2}, ("'one_hot_codes': 2", "'one_hot_codes': 1")),
        (
            {"embedded": 0},
            (
                f"reads the inputs {{'numeric': {NUMERIC}, 'one_hot_codes': 1}}, and",
                "{'embedding_codes': 1, ",
            ),
        ),
        ({"outputs": 3}, ("it has 3 outputs, and the schema implies 2",)),
        ({"outputs": 1}, ("it has 1 outputs, and the schema implies 2",)),
    ],
)
def test_another_model_is_refused(arguments, messages):
    with pytest.raises(RunFolderError) as caught:
        check_model(schema(), model(**arguments))
    assert "model.keras is of another run" in str(caught.value)
    assert all(message in str(caught.value) for message in messages)


def test_a_model_of_another_making_is_refused():
    other = keras.Sequential([keras.Input((NUMERIC,)), keras.layers.Dense(2)])
    with pytest.raises(RunFolderError, match="is of another run"):
        check_model(schema(), other)
    with pytest.raises(RunFolderError, match="is of another run"):
        check_model(schema(), keras.Sequential([keras.layers.Dense(2)]))
