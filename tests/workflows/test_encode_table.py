"""What the network reads of a table, and what it says of a table that differs from the training table."""

import datetime

import numpy as np
import polars as pl
import pytest

from normwise.core.errors import ColumnError
from normwise.workflows.column_values import as_date
from normwise.workflows.encode_table import (
    DATE_PARTS,
    codes_of,
    encode_table,
    feature_names,
    feature_origins,
    missing_indicators,
)
from normwise.workflows.infer_columns import infer_columns

FRAME = pl.DataFrame(
    {
        "age": [31.0, 42.0, None, 25.0] * 3,
        "sex": ["m", "f", "f", None] * 3,
        "when": [datetime.date(2020, 1, 1 + i) for i in range(12)],
        "ok": [True, False, True, True] * 3,
    }
)
SCHEMA = infer_columns(FRAME)


def column(values, kind=None, dtype=None):
    return infer_columns(pl.DataFrame([pl.Series("a", values, dtype=dtype)]), {"a": kind} if kind else None)


def encode(values, schema, dtype=None):
    return encode_table(pl.DataFrame([pl.Series("a", values, dtype=dtype)]), schema)


def same(a, b):
    assert np.array_equal(a.numeric, b.numeric, equal_nan=True)
    assert np.array_equal(a.one_hot, b.one_hot)
    assert np.array_equal(a.embedded, b.embedded)


def test_same_fails_on_a_difference():
    with pytest.raises(AssertionError):
        same(encode_table(FRAME, SCHEMA), encode_table(FRAME.reverse(), SCHEMA))


def test_types_shapes_and_the_inputs_that_are_there():
    encoded = encode_table(FRAME, SCHEMA)
    assert (encoded.numeric.dtype, encoded.one_hot.dtype, encoded.embedded.dtype) == ("f4", "i4", "i4")
    assert encoded.numeric.shape == (12, len(feature_names(SCHEMA)))
    assert list(encoded.inputs()) == ["numeric", "one_hot_codes"]
    assert encoded.notes == ()


def test_the_numbers_are_in_the_order_of_their_names():
    encoded = encode_table(FRAME, SCHEMA)
    values = dict(zip(feature_names(SCHEMA), encoded.numeric.T.tolist(), strict=True))
    assert values["age"][:2] == [31, 42]
    assert np.isnan(values["age"][2])
    assert values["age is missing"][:4] == [0, 0, 1, 0]
    assert values["when: days since 1970"][0] == 18262
    assert values["when: weekday"][0] == 3
    assert values["when: day of month"][:2] == [1, 2]
    assert values["ok"][:4] == [1, 0, 1, 1]


def test_the_order_of_columns_does_not_matter():
    same(encode_table(FRAME, SCHEMA), encode_table(FRAME.select(reversed(FRAME.columns)), SCHEMA))


def test_a_missing_column_is_named():
    with pytest.raises(ColumnError, match=r'lacks 1 of the columns .*: "age". Did you mean "Age"'):
        encode_table(FRAME.rename({"age": "Age"}), SCHEMA)
    with pytest.raises(ColumnError, match=r'lacks 2 of the columns .*: "age", "sex"'):
        encode_table(FRAME.drop("age", "sex"), SCHEMA)


def test_an_excluded_column_may_be_missing_and_of_any_type():
    schema = infer_columns(FRAME, {"age": "excluded"})
    plain = encode_table(FRAME.drop("age"), schema)
    same(plain, encode_table(FRAME.with_columns(age=pl.lit("x")), schema))
    assert plain.notes == ()


def test_an_extra_column_is_ignored_and_named():
    encoded = encode_table(FRAME.with_columns(x=1, y=2), SCHEMA)
    same(encoded, encode_table(FRAME, SCHEMA))
    assert encoded.notes == ('ignored columns that were not in the training table: "x", "y"',)


class TestCodes:
    SCHEMA = column(["a"] * 6 + ["b"] * 4 + ["c"])

    def test_known_rare_unseen_and_missing(self):
        encoded = encode(["a", "b", "c", "d", None], self.SCHEMA)
        assert encoded.one_hot[:, 0].tolist() == [2, 3, 0, 0, -1]
        assert encoded.notes == (
            'column "a": 1 rows hold categories that were not in the training table: "d"',
        )

    def test_missing_is_a_code_where_training_had_it(self):
        assert encode(["a", None], column(["a", "a", "b", "b", None])).one_hot[:, 0].tolist() == [2, 1]

    def test_unseen_is_nothing_where_training_had_no_rare_ones(self):
        assert encode(["z", None], column(["a", "a", "b", "b"])).one_hot[:, 0].tolist() == [-1, -1]

    def test_embedded_codes(self):
        schema = column([f"n{i % 70}" for i in range(840)] + ["once"])
        encoded = encode(["n0", "once", "new", None], schema)
        assert encoded.one_hot.shape == (4, 0)
        assert encoded.embedded[:, 0].tolist() == [2 + schema[0].categories.index("n0"), 0, 0, 1]
        assert '"new"' in encoded.notes[0]
        assert "once" not in encoded.notes[0]
        assert codes_of(schema[0]) == 72

    def test_many_unseen_are_counted_and_some_are_named(self):
        (note,) = encode([f"z{i}" for i in range(9)] + ["z0"], self.SCHEMA).notes
        assert "10 rows" in note
        assert '"z0", "z1", "z2", "z3", "z4" and 4 more' in note

    @pytest.mark.parametrize("values", [[3, 4], [3.0, 4.0], ["3", "4"]])
    def test_a_number_is_the_same_category_in_any_type(self, values):
        encoded = encode(values, column([3, 4, 3, 4, 4], "categorical"))
        assert (encoded.one_hot[:, 0].tolist(), encoded.notes) == ([3, 2], ())

    def test_a_whole_float_is_the_same_category_whatever_stands_in_the_other_rows(self):
        schema = column([1.0, 2.5] * 4, "categorical")
        assert encode([1.0], schema).one_hot.tolist() == [encode([1.0, 2.5], schema).one_hot[0].tolist()]
        assert encode([1.0], schema).notes == ()

    @pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["a", "b"])])
    def test_categories_of_the_table_engine(self, dtype):
        assert encode(["a", "b"], self.SCHEMA, dtype).one_hot[:, 0].tolist() == [2, 3]


class TestNumbers:
    def test_missing_where_training_missed_none_is_told(self):
        encoded = encode([1.0, None], column([1.0, 2.0]))
        assert encoded.numeric.shape == (2, 1)
        assert encoded.notes == (
            'column "a" misses 1 values and missed none in training: '
            "the network reads the training mean there",
        )

    def test_all_missing_and_without_a_type(self):
        assert np.isnan(encode([None, None], column([1.0, 2.0])).numeric).all()

    def test_a_column_of_another_type_is_refused(self):
        schema = column([1.0, 2.0])
        with pytest.raises(ColumnError, match=r'"a" should hold numbers \(Float64\), but holds Date'):
            encode([datetime.date(2020, 1, 1)], schema)
        with pytest.raises(ColumnError, match='2 of 3 values do not: "x", "y", the first in data row 2'):
            encode(["1", "x", "y"], schema)

    @pytest.mark.parametrize(("words", "refused"), [(10, False), (11, True)])
    def test_up_to_a_tenth_may_be_new_words(self, words, refused):
        values, schema = ["5"] * (100 - words) + ["x"] * words, column([1.0, 2.0])
        if refused:
            with pytest.raises(ColumnError, match="11 of 100 values"):
                encode(values, schema)
        else:
            encoded = encode(values, schema)
            assert np.isnan(encoded.numeric[:, 0]).sum() == 10
            assert 'column "a": "x" is no number and counts as missing' in encoded.notes

    def test_words_known_from_training_are_missing_values_however_many(self):
        with pytest.warns(match="unknown"):
            schema = column([*map(str, range(20)), "unknown"])
        encoded = encode(["unknown"], schema)
        assert np.isnan(encoded.numeric[0, 0])
        assert encoded.numeric[0, 1] == 1
        assert encoded.notes == ()

    def test_a_column_asked_to_be_numeric_encodes_its_own_table(self):
        values = ["1", "2"] + [f"w{i}" for i in range(40)]
        with pytest.warns(match="w1"):
            schema = column(values, "numeric")
        assert np.isnan(encode(values, schema).numeric[:, 0]).sum() == 40

    def test_infinity_and_what_float32_cannot_hold_are_refused(self):
        with pytest.raises(ColumnError, match=r"1 infinite values .*-inf, in data row 2"):
            encode([1.0, float("-inf")], column([1.0, 2.0]))
        with pytest.raises(ColumnError, match=r"beyond float32.*-1e\+39"):
            encode([1.0, -1e39], column([1.0, 2.0]))

    @pytest.mark.parametrize("values", [[0, 1], [False, True], ["0", "1"]])
    def test_booleans_from_other_types(self, values):
        assert encode(values, column([True, False])).numeric[:, 0].tolist() == [0, 1]

    def test_durations_are_seconds_and_times_of_day_too(self):
        lengths = [datetime.timedelta(seconds=1.5), datetime.timedelta(days=1)]
        assert encode(lengths, column(lengths)).numeric[:, 0].tolist() == [1.5, 86400]
        times = [datetime.time(0, 0, 1), datetime.time(1)]
        assert encode(times, column(times)).numeric[:, 0].tolist() == [1, 3600]


class TestDates:
    DATES = (datetime.datetime(2024, 2, 29, 23), datetime.datetime(1960, 12, 31))

    def test_the_parts(self):
        numeric = encode(self.DATES, column(self.DATES)).numeric
        assert numeric.shape == (2, len(DATE_PARTS))
        assert numeric[0].tolist() == pytest.approx([19782 + 23 / 24, 2, 29, 4, 23])
        assert numeric[1].tolist() == [-3288, 12, 31, 6, 0]

    def test_text_means_the_same_dates_as_the_type(self):
        schema = column(self.DATES)
        texts = ["2024-02-29 23:00", "31.12.1960"]
        same(encode(texts, schema), encode(self.DATES, schema))

    def test_what_a_text_means_does_not_depend_on_the_other_rows(self):
        texts = ["2024-02-29T23:00:00+02:00", "2024-02-29", "03.02.2024", "2024/02/03", " 2024-02-03 "]
        together = as_date(pl.Series(texts)).to_list()
        assert together == [as_date(pl.Series([t])).to_list()[0] for t in texts]
        assert together[0] == datetime.datetime(2024, 2, 29, 21)
        assert together[2] == together[3] == together[4] == datetime.datetime(2024, 2, 3)

    def test_time_zones_are_brought_to_utc(self):
        zoned = pl.Series("a", self.DATES).dt.replace_time_zone("Europe/Zurich")
        encoded = encode_table(zoned.to_frame(), column(self.DATES))
        assert encoded.numeric[0].tolist() == pytest.approx([19782 + 22 / 24, 2, 29, 4, 22])

    def test_what_is_no_date_is_refused(self):
        schema = column(self.DATES)
        with pytest.raises(ColumnError, match='"a" should hold dates, but holds "soon"'):
            encode(["2020-01-01", "soon"], schema)
        with pytest.raises(ColumnError, match=r'"a" should hold dates \(Datetime.*\), but holds Int64'):
            encode([2020], schema)

    def test_missing_dates(self):
        schema = column([*self.DATES, None])
        assert np.isnan(encode([None], schema).numeric[0, :-1]).all()
        assert encode([None], schema).numeric[0, -1] == 1


@pytest.mark.parametrize("typed", [True, False])
def test_an_empty_table(typed):
    empty = FRAME.clear() if typed else pl.DataFrame(schema=dict.fromkeys(FRAME.columns, pl.Null))
    encoded = encode_table(empty, SCHEMA)
    assert encoded.numeric.shape == (0, len(feature_names(SCHEMA)))
    assert encoded.one_hot.shape == (0, 1)
    assert encoded.notes == ()


def test_rows_of_an_encoded_table():
    chosen = np.arange(12) % 2 == 0
    same(encode_table(FRAME, SCHEMA).rows(chosen), encode_table(FRAME.filter(chosen), SCHEMA))


def test_feature_names_are_unique_and_columns_keep_theirs():
    frame = pl.DataFrame(
        {
            "a": [1, None, 2],
            "a is missing": [1, 2, 3],
            "d": [datetime.date(2020, 1, i) for i in (1, 2, 3)],
            "d: month": [1, 2, 3],
        }
    )
    names = feature_names(infer_columns(frame))
    assert len(set(names)) == len(names)
    assert names[:3] == ("a", "a is missing′", "a is missing")
    assert names[-1] == "d: month"
    assert missing_indicators(infer_columns(frame)) == {"a is missing′": "a"}


def test_missing_indicators_are_told_from_columns_and_parts():
    frame = FRAME.with_columns(when=pl.when(pl.col("ok")).then(pl.col("when")))
    assert missing_indicators(SCHEMA) == {"age is missing": "age"}
    assert missing_indicators(infer_columns(frame)) == {"age is missing": "age", "when is missing": "when"}


def test_origins_are_those_of_the_features():
    frame = pl.DataFrame(
        {"d": [datetime.date(2020, 1, i) for i in (1, 2, 3)], "a": [1e9, None, 1e9 + 1], "s": ["x", "y", "x"]}
    )
    schema = infer_columns(frame)
    origins = dict(zip(feature_names(schema), feature_origins(schema), strict=True))
    assert {name for name, origin in origins.items() if origin} == {"a"}
    assert origins["a"] == pytest.approx(1e9)


@pytest.mark.parametrize("values", [[["a"], ["b"]], [datetime.timedelta(1), datetime.timedelta(2)]])
def test_categories_that_are_none(values):
    columns = infer_columns(pl.DataFrame({"c": ["a", "b"] * 20}))
    with pytest.raises(ColumnError, match='column "c" should hold categories'):
        encode_table(pl.DataFrame({"c": values}), columns)
