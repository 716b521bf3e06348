"""Each row of the table: its code is rewritten as it says, the result is stable, and runs where it can."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

pytest.importorskip("libcst", reason="needs LibCST: pip install 'normwise[migrate]'")

from normwise.migrate.changes import CHANGES
from normwise.migrate.migrate_code import migrate_code


def _name(change):
    return f"{change.kind}: {change.old}"


def test_there_are_many_and_each_is_said_once():
    keys = [(c.kind, c.old, c.where, c.argument) for c in CHANGES]
    assert len(set(keys)) == len(keys)
    assert len(keys) >= 40


@pytest.mark.parametrize("change", CHANGES, ids=_name)
def test_before_becomes_after(change):
    assert migrate_code(change.before + "\n").code == change.after + "\n"


@pytest.mark.parametrize("change", CHANGES, ids=_name)
def test_what_is_new_stays(change):
    again = migrate_code(change.after + "\n")
    assert again.code == change.after + "\n"
    assert (again.left != ()) == (change.kind == "gone")


@pytest.mark.parametrize("change", [c for c in CHANGES if c.kind == "gone"], ids=_name)
def test_what_is_gone_is_left_and_listed(change):
    (left,) = migrate_code(change.before + "\n").left
    assert left.line == 1
    assert change.new in left.text
    assert f"since Keras {change.version}" in left.text


@pytest.mark.parametrize("change", [c for c in CHANGES if not c.runs], ids=_name)
def test_after_runs(change):
    form = keras.config.image_data_format()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Do not pass an `input_shape`", UserWarning)
        warnings.filterwarnings("ignore", "`shuffle=True` was passed", UserWarning)  # as of each generator
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        try:
            exec(compile(change.after, _name(change), "exec"), {"np": np})
        finally:
            keras.config.set_image_data_format(form)


@pytest.mark.parametrize("change", [c for c in CHANGES if c.runs], ids=_name)
def test_what_does_not_run_says_why(change):
    assert change.kind == "gone" or change.runs == "needs a download"
