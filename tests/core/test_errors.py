"""The helpers of the messages, and that every error is what its users would catch."""

import pytest

from normwise.core import errors
from normwise.core.errors import did_you_mean, listing


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("incme", ["age", "income"], 'Did you mean "income"?'),
        ("INCOME ", ["age", "income"], 'Did you mean "income"?'),
        ("x", [1, 2], 'There are: "1", "2".'),
        ("zzz", list("abcdefghij"), 'There are: "a", "b", "c", "d", "e", "f", "g", "h" and 2 more.'),
    ],
)
def test_did_you_mean(name, known, sentence):
    assert did_you_mean(name, known) == sentence


def test_listing():
    assert listing([]) == ""
    assert listing(["a", 1], limit=1) == '"a" and 1 more'


def test_the_tree():
    assert issubclass(errors.ColumnError, errors.TableError)
    assert issubclass(errors.TableError, ValueError)
    assert issubclass(errors.RecordError, ValueError)
    assert issubclass(errors.ModelError, ValueError)
    assert issubclass(errors.RunFolderError, OSError)
    assert issubclass(errors.NormwiseWarning, UserWarning)
    kinds = (errors.TableError, errors.RecordError, errors.ModelError, errors.RunFolderError)
    assert all(issubclass(kind, errors.NormwiseError) for kind in kinds)


def test_nothing_to_choose_from():
    assert did_you_mean("age", []) == "There are none."


@pytest.mark.parametrize(("length", "cut"), [(60, False), (61, True)])
def test_long_names_are_cut(length, cut):
    name = "n" * length
    shown = '"' + "n" * 60 + ("…" if cut else "") + '"'
    assert listing([name]) == shown
    assert did_you_mean(name + "x", [name]) == f"Did you mean {shown}?"
