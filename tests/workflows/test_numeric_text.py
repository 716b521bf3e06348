"""Numbers that stand as text."""

import polars as pl
import pytest

from normwise.workflows.numeric_text import parse_numbers


def parsed(*texts, name="a", dtype=pl.String):
    return parse_numbers(pl.Series(name, texts, dtype=dtype))


def test_numbers_are_read_with_spaces_signs_and_exponents():
    assert parsed(" 1", "-2.5 ", "+3", "1e3", ".5").values.to_list() == [1.0, -2.5, 3.0, 1000.0, 0.5]


def test_words_are_counted_the_most_frequent_first():
    result = parsed("1", "x", "many", "many", None)
    assert result.words == ("many", "x")
    assert (result.word_rows, result.first_row, result.share) == (3, 1, 0.25)
    assert result.values.to_list() == [1.0, None, None, None, None]


def test_nothing_but_numbers_has_no_words():
    result = parsed("1", None, "2")
    assert (result.words, result.word_rows, result.first_row, result.share) == ((), 0, -1, 1.0)


@pytest.mark.parametrize("texts", [(), (None, None)])
def test_a_column_without_values_has_share_0(texts):
    assert parsed(*texts).share == 0.0
    assert parsed(*texts).first_row == -1


def test_nan_as_text_is_missing_and_no_word():
    result = parsed("1", "nan", "NaN", "x")
    assert result.values.to_list() == [1.0, None, None, None]
    assert result.words == ("x",)
    assert (result.share, result.first_row) == (0.5, 3)


def test_infinity_as_text_stays_infinite_for_others_to_refuse():
    assert parsed("1", "inf").values.to_list() == [1.0, float("inf")]


@pytest.mark.parametrize("name", ["count", "text", "a", ""])
def test_a_column_of_any_name(name):
    result = parsed("1", "x", name=name)
    assert result.words == ("x",)
    assert result.values.name == name


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["1", "x"])])
def test_categories_are_text(dtype):
    assert parsed("1", "x", dtype=dtype).values.to_list() == [1.0, None]


def test_thousands_separators_and_units_are_words():
    assert parsed("1,234", "5 kg").words == ("1,234", "5 kg")
