"""The page's forty lines do what the layer does, and its numbers are what they print."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from tests.layers.data import normal
from tests.layers.gradients import gradients, numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise

PAGE = Path(__file__).parents[2] / "docs" / "batch-normalization.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
CODE = [block for block in BLOCKS if not block.startswith(">>>")]
NUMBERS = "\n".join(block for block in BLOCKS if block.startswith(">>>"))


@pytest.fixture
def names():
    found = {}
    exec(CODE[0], found)
    return found


def failures(examples, names):
    test = doctest.DocTestParser().get_doctest(examples, names, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test)


def test_forty_lines():
    assert len(CODE) == 1
    assert 0 < len([line for line in CODE[0].splitlines() if line.strip()]) <= 40


def test_the_numbers_are_what_the_code_prints(names):
    assert failures(NUMBERS, dict(names)) == doctest.TestResults(failed=0, attempted=9)


def test_another_number_would_be_seen(names, capsys):
    assert failures(NUMBERS.replace("[4.]", "[4.5]"), dict(names)).failed == 1
    assert "array([[4.]" in capsys.readouterr().out


def test_the_code_does_what_the_layer_does(names):
    theirs, ours = names["BatchNorm"](3), normwise.BatchNormalization()
    allowed = tolerance("float32", n=32, conditioning=2.0)
    for seed in range(3):
        x = normal((32, 3), seed=seed)
        assert_close(numpy(ours(x, training=True)), theirs.train(x.astype("float64")), allowed)
    assert_close(numpy(ours.moving_mean), theirs.mean, allowed)
    assert_close(numpy(ours.moving_variance), theirs.variance, allowed)
    assert_close(numpy(ours(x)), theirs.infer(x.astype("float64")), allowed)
    upstream = normal((32, 3), seed=7)
    by_x, by_variables = gradients(ours, x, upstream)
    found = (by_x, by_variables["gamma"], by_variables["beta"])
    for ours_is, theirs_is in zip(found, theirs.backward(np.float64(upstream)), strict=True):
        assert_close(ours_is, theirs_is, 4 * allowed)
