"""What each column is taken to be, and why; at each threshold, one row below and above."""

import datetime
import warnings

import polars as pl
import pytest

from normwise.core.errors import ColumnError, NormwiseWarning, TableError
from normwise.tables import read_table
from normwise.workflows.encode_table import encode_table
from normwise.workflows.infer_columns import WORDS_KEPT, infer_columns

DAY = datetime.date(2020, 1, 1)


def infer(values, kind=None, name="a", dtype=None):
    """The schema of one column, beside one that keeps the table from being empty; and the warnings."""
    column = pl.Series(name, values, dtype=dtype, strict=False)
    frame = pl.DataFrame([column, pl.Series("other", range(len(column)))])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NormwiseWarning)
        schema = infer_columns(frame, {name: kind} if kind else None)[0]
    return schema, [str(w.message) for w in caught]


def days(n):
    return [DAY + datetime.timedelta(days=i) for i in range(n)]


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "encoding"),
    [
        ([1, 2, 3], pl.Int64, "numeric", "scaled"),
        ([1, 2, 3], pl.UInt8, "numeric", "scaled"),
        ([1.5, 2.5, None], pl.Float32, "numeric", "scaled"),
        ([True, False, None], pl.Boolean, "boolean", "scaled"),
        (["a", "b", "a"], pl.String, "categorical", "one-hot"),
        (["a", "b", "a"], pl.Categorical, "categorical", "one-hot"),
        (["a", "b", "a"], pl.Enum(["a", "b"]), "categorical", "one-hot"),
        (["1", "2", "3"], pl.String, "numeric", "scaled"),
        (days(3), pl.Date, "date", "scaled"),
        ([datetime.datetime(2020, 1, i) for i in (1, 2, 3)], pl.Datetime("ns"), "date", "scaled"),
        ([datetime.timedelta(seconds=i) for i in (1, 2, 3)], pl.Duration, "numeric", "scaled"),
        ([datetime.time(i) for i in (1, 2, 3)], pl.Time, "numeric", "scaled"),
    ],
)
def test_the_natural_kind(values, dtype, kind, encoding):
    schema, told = infer(values, dtype=dtype)
    assert (schema.kind, schema.encoding, schema.missing) == (kind, encoding, values.count(None))
    read = {"Categorical": "String", "String": "Int64" if values[0] == "1" else "String"}
    given = "String" if isinstance(dtype, pl.Enum) else str(pl.Series(values, dtype=dtype).dtype)
    assert schema.dtype == read.get(given, given)
    assert told == []


def test_decimals_are_numbers():
    column = pl.Series(["1.50", "2.50"]).cast(pl.Decimal(10, 2))
    assert infer(column.to_list(), dtype=column.dtype)[0].kind == "numeric"


@pytest.mark.parametrize("values", [[[1], [2]], [{"a": 1}, {"a": 2}]])
@pytest.mark.parametrize("kind", [None, "numeric", "categorical", "boolean", "date"])
def test_nested_values_are_refused_by_type(values, kind):
    with pytest.raises(ColumnError, match=r'"a" .*holds values of type (List|Struct)'):
        infer(values, kind)
    assert infer(values, "excluded")[0].reason == "excluded as asked"


class TestWordsAmongNumbers:
    @pytest.mark.parametrize(("words", "kind"), [(10, "numeric"), (11, "categorical")])
    def test_up_to_a_tenth_may_be_words(self, words, kind):
        values = [str(i % 7) for i in range(100 - words)] + ["unknown"] * words
        assert infer(values)[0].kind == kind

    def test_null_is_neither(self):
        values = [str(i) for i in range(9)] + ["x"] + [None] * 90
        assert infer(values)[0].kind == "numeric"

    def test_the_warning_names_words_and_count(self):
        schema, told = infer([*map(str, range(5)), "many", *map(str, range(20)), "few"])
        assert set(schema.words) == {"many", "few"}
        assert schema.missing == 2
        assert len(told) == 1
        for part in ('column "a"', "2 values", '"many"', '"few"', "count as missing"):
            assert part in told[0]

    def test_only_some_words_are_kept(self):
        schema, _ = infer([*map(str, range(1000)), *(f"w{i}" for i in range(50))])
        assert len(schema.words) == WORDS_KEPT
        assert schema.missing == 50

    def test_an_asked_for_number_column_may_be_mostly_words(self):
        schema, told = infer(["1", "x", "y", "2"], "numeric")
        assert (schema.kind, schema.missing) == ("numeric", 2)
        assert len(told) == 1

    def test_but_not_words_alone(self):
        with pytest.raises(
            ColumnError, match='"a" was said to be numeric, but no value is a number: "x", "y"'
        ):
            infer(["x", "y"], "numeric")


class TestIdentifiers:
    @pytest.mark.parametrize(("rows", "kind"), [(20, "categorical"), (21, "excluded")])
    def test_a_name_for_each_row(self, rows, kind):
        schema, told = infer([f"n{i}" for i in range(rows)])
        assert schema.kind == kind
        if kind == "excluded":
            assert f"an identifier: {rows} different values in {rows} rows" in schema.reason
            assert told == [f'column "a" was excluded: {schema.reason}']

    @pytest.mark.parametrize(("distinct", "kind"), [(50, "categorical"), (51, "excluded")])
    def test_at_least_so_many_values(self, distinct, kind):
        assert infer([f"n{i % distinct}" for i in range(distinct + 5)])[0].kind == kind

    @pytest.mark.parametrize(("rows", "kind"), [(119, "excluded"), (120, "categorical")])
    def test_more_than_half_of_the_rows(self, rows, kind):
        assert infer([f"n{i % 60}" for i in range(rows)])[0].kind == kind

    @pytest.mark.parametrize(("rows", "kind"), [(649, "excluded"), (650, "categorical")])
    def test_too_few_rows_a_category(self, rows, kind):
        schema, _ = infer([f"n{i % 65}" for i in range(rows)])
        assert schema.kind == kind
        if kind == "excluded":
            assert "65 categories in 649 rows" in schema.reason

    def test_kept_if_asked(self):
        schema, told = infer([f"n{i}" for i in range(30)], "categorical")
        assert (schema.kind, told) == ("categorical", [])

    def test_ten_thousand_of_them(self):
        schema, told = infer([f"id-{i}" for i in range(10_000)])
        assert schema.kind == "excluded"
        assert "10000 different values" in told[0]


class TestCategories:
    @pytest.mark.parametrize(("distinct", "encoding"), [(64, "one-hot"), (65, "embedding")])
    def test_few_are_one_hot_many_are_embedded(self, distinct, encoding):
        schema, _ = infer([f"n{i % distinct}" for i in range(distinct * 12)])
        assert (schema.encoding, len(schema.categories), schema.rare) == (encoding, distinct, 0)

    @pytest.mark.parametrize(("count", "known"), [(9, False), (10, True)])
    def test_rare_is_below_ten_rows_of_a_large_table(self, count, known):
        schema, _ = infer(["a"] * (2000 - count) + ["b"] * count)
        assert schema.categories == (("a", "b") if known else ("a",))
        assert schema.rare_categories == (() if known else ("b",))
        assert schema.rare == len(schema.rare_categories)

    @pytest.mark.parametrize(("count", "known"), [(1, False), (2, True)])
    def test_rare_is_below_two_rows_of_a_small_table(self, count, known):
        schema, _ = infer(["a"] * 8 + ["b"] * count)
        assert ("b" in schema.categories) == known

    def test_the_most_frequent_first_and_ties_by_name(self):
        assert infer(list("ccbbbaa"))[0].categories == ("b", "a", "c")

    def test_all_rare_are_all_known(self):
        assert infer(list("cab"))[0].categories == ("a", "b", "c")

    def test_whole_floats_are_the_categories_of_integers(self):
        floats, integers = infer([3.0, 4.0] * 3, "categorical")[0], infer([3, 4] * 3, "categorical")[0]
        assert floats.categories == integers.categories == ("3", "4")

    def test_other_floats_keep_their_fraction_whole_ones_beside_them_have_none(self):
        assert infer([1.0, 2.5, -0.0, None] * 3, "categorical")[0].categories == ("0", "1", "2.5")

    def test_huge_floats_are_categories_too(self):
        schema, _ = infer([1e300, 1.0] * 3, "categorical")
        assert (len(schema.categories), schema.missing) == (2, 0)

    def test_booleans_and_dates_may_be_categories(self):
        assert infer([True, False] * 3, "categorical")[0].categories == ("false", "true")
        assert infer(days(2) * 3, "categorical")[0].categories == ("2020-01-01", "2020-01-02")

    @pytest.mark.parametrize("name", ["count", "text", "", "a,b\n<b>列"])
    def test_a_column_of_any_name(self, name):
        assert infer(list("aabb"), name=name)[0].categories == ("a", "b")


class TestNothingToLearn:
    @pytest.mark.parametrize("dtype", [pl.Null, pl.String, pl.Float64, pl.Boolean, pl.Date])
    @pytest.mark.parametrize("kind", [None, "numeric", "categorical"])
    def test_all_missing(self, dtype, kind):
        schema, told = infer([None] * 3, kind, dtype=dtype)
        assert (schema.kind, schema.reason, schema.missing) == (
            "excluded",
            "all of its 3 rows are missing",
            3,
        )
        assert told == ['column "a" was excluded: all of its 3 rows are missing']

    @pytest.mark.parametrize(
        ("value", "shown"),
        [(7, "7"), (7.5, "7.5"), (True, "True"), ("x", '"x"'), (DAY, "2020-01-01"), ("8", "8")],
    )
    def test_constant(self, value, shown):
        schema, told = infer([value] * 4)
        assert (schema.kind, schema.reason) == ("excluded", f"constant: always {shown}")
        assert told == [f'column "a" was excluded: constant: always {shown}']

    @pytest.mark.parametrize("value", [7, 7.5, True, "x", DAY])
    def test_constant_with_missing_values_tells_something(self, value):
        schema, _ = infer([value, None, value, None])
        assert schema.kind != "excluded"
        assert schema.missing == 2

    def test_no_column_left_says_why(self):
        frame = pl.DataFrame({"a": [1, 1], "b": [None, None]})
        with pytest.raises(TableError, match=r'"a": constant: always 1; "b": all of its 2 rows are missing'):
            infer_columns(frame)

    def test_no_column_left_because_asked(self):
        with pytest.raises(TableError, match='"a": excluded as asked'):
            infer_columns(pl.DataFrame({"a": [1, 2]}), {"a": "excluded"})

    def test_a_constant_that_was_asked_for_is_named(self):
        assert infer([1, 1], "numeric")[1] == ['column "a" was excluded: constant: always 1']


class TestOverrides:
    def test_an_absent_column(self):
        with pytest.raises(ColumnError, match=r'no column "agee" to set a kind for. Did you mean "age"'):
            infer_columns(pl.DataFrame({"age": [1, 2]}), {"agee": "numeric"})

    def test_an_unknown_kind(self):
        with pytest.raises(ColumnError, match=r'column "a": unknown kind "numric". Did you mean "numeric"'):
            infer([1, 2], "numric")

    def test_excluded(self):
        schema, told = infer([1, 2], "excluded")
        assert (schema.kind, schema.reason, told) == ("excluded", "excluded as asked", [])

    @pytest.mark.parametrize(
        ("values", "kind", "dtype"),
        [(days(2), "numeric", "Date"), ([1, 2], "date", "Int64"), (days(2), "boolean", "Date")],
    )
    def test_a_kind_that_the_type_cannot_be(self, values, kind, dtype):
        with pytest.raises(ColumnError, match=f'"a" was said to be {kind}, but holds values of type {dtype}'):
            infer(values, kind)

    @pytest.mark.parametrize("values", [["yes", "no", "yes"], [3, 4, 5]])
    def test_a_boolean_has_two_values(self, values):
        with pytest.raises(ColumnError, match=f'"a" was said to be boolean, but holds "{values[0]}'):
            infer(values, "boolean")

    def test_zero_and_one_are_boolean_if_asked(self):
        assert infer([0, 1, None], "boolean")[0].kind == "boolean"

    @pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
    def test_text_dates_if_asked(self, dtype):
        values = [
            "2020-01-02",
            "2020/01/03",
            "04.01.2020",
            None,
            "2020-01-02 10:00",
            "2020-01-02T10:00:00.5Z",
        ]
        schema, _ = infer(values, "date", dtype=dtype)
        assert (schema.kind, schema.missing) == ("date", 1)

    def test_text_that_is_no_date_is_named(self):
        with pytest.raises(ColumnError, match='said to be a date, but "soon", "01/02/2020" is none'):
            infer(["2020-01-01", "soon", "01/02/2020", "soon"], "date")

    def test_text_is_a_date_where_every_value_is_one_as_in_a_csv_file(self):
        assert infer(["2020-01-01", "2020-01-02"] * 2)[0].kind == "date"
        assert infer(["2020-01-01", "2020-01-02", "soon"] * 2)[0].kind == "categorical"

    def test_text_reads_as_in_a_csv_file(self):
        schema, told = infer(["TRUE", " false", "NA"] * 5)
        assert (schema.kind, schema.missing, told) == ("boolean", 5, [])
        schema, _ = infer([" x", "x", "?", "y"] * 5)
        assert (set(schema.categories), schema.missing) == ({"x", "y"}, 5)

    def test_codes_with_leading_zeros_are_categories(self):
        schema, _ = infer(["01234", "98765", "00501"] * 20)
        assert (schema.kind, set(schema.categories)) == ("categorical", {"01234", "98765", "00501"})

    @pytest.mark.parametrize("form", ["{},5", "{}%", "$3.{}", "1,{:03}"])
    def test_numbers_as_people_write_them_are_told(self, form):
        schema, told = infer([form.format(i) for i in range(100)])
        assert schema.kind == "excluded"
        assert f'look like numbers, such as "{form.format(0)}": write them as 1234.5' in told[0]


@pytest.mark.parametrize("infinity", [float("inf"), float("-inf")])
def test_infinity_is_refused_with_column_count_and_row(infinity):
    message = rf'column "a" holds 2 infinite values \(the first, {infinity}, in data row 2\)'
    with pytest.raises(ColumnError, match=message):
        infer([1.0, infinity, None, infinity])
    with pytest.raises(ColumnError, match=message):
        infer(["1", str(infinity), None, str(infinity)])


def test_numbers_beyond_float32_are_refused_not_turned_into_infinity():
    with pytest.raises(
        ColumnError, match=r'column "a" holds 1 values beyond float32.*1e\+300, in data row 2'
    ):
        infer([1.0, 1e300])


@pytest.mark.parametrize("zone", [None, "Europe/Zurich"])
def test_dates_from_a_csv_file(tmp_path, zone):
    offset = "+02:00" if zone else ""
    file = tmp_path / "t.csv"
    file.write_text("d,x\n" + "".join(f"2020-01-0{i}T10:00:00{offset},{i}\n" for i in range(1, 6)))
    schema = infer_columns(read_table(file))[0]
    assert (schema.kind, schema.missing) == ("date", 0)


class TestOrigin:
    def digits_kept(self, values):
        schema, _ = infer(values)
        frame = pl.DataFrame({"a": values, "other": values})
        numeric = encode_table(frame, (schema,)).numeric[:, 0].astype(float)
        exact = [v - schema.origin for v in values]
        std = pl.Series(values).std()
        assert max(abs(a - b) for a, b in zip(numeric, exact, strict=True)) < 1e-5 * std
        return schema

    def test_large_numbers_keep_their_digits_through_float32(self):
        schema = self.digits_kept([1e9 + i / 4 for i in range(9)])
        assert schema.origin == 1e9 + 1

    def test_small_numbers_do_too(self):
        assert self.digits_kept([0.5 + i * 1e-9 for i in range(9)]).origin == pytest.approx(0.5)
        assert self.digits_kept([1.4 + i * 1e-9 for i in range(9)]).origin == pytest.approx(1.4)

    def test_numbers_that_float32_holds_have_none(self):
        assert infer([1000.0, 1001.0, 1002.0])[0].origin == 0.0
        assert infer([0.0, 1e-9])[0].origin == 0.0
