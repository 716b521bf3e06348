"""The references of the transforms on numbers worked out by hand."""

import math

import pytest
from tests.reference.transforms import log1p, rank, scaled, yeo_johnson


@pytest.mark.parametrize(
    ("x", "lambda_", "expected"),
    [
        (3.0, 0.5, 2.0),
        (3.0, 0.0, math.log(4)),
        (3.0, 1.0, 3.0),
        (3.0, -1.0, 0.75),
        (-3.0, 1.0, -3.0),
        (-3.0, 2.0, -math.log(4)),
        (-3.0, 0.0, -7.5),
        (0.0, 0.3, 0.0),
    ],
)
def test_yeo_johnson_by_hand(x, lambda_, expected):
    assert float(yeo_johnson(x, lambda_)) == pytest.approx(expected, rel=1e-15)


def test_beside_the_logarithms():
    series = math.log(4) + 0.5 * 1e-9 * math.log(4) ** 2
    assert float(yeo_johnson(3.0, 1e-9)) == pytest.approx(series, rel=1e-15)
    assert float(yeo_johnson(-3.0, 2 - 2**-30)) == pytest.approx(
        -math.log(4) - 2**-31 * math.log(4) ** 2, rel=1e-15
    )


def test_log1p_and_scaled_by_hand():
    assert float(log1p(-0.5)) == -math.log(2)
    assert float(log1p(1e-20)) == 1e-20
    assert scaled(yeo_johnson(3.0, 1.0), 1.0, 2.5) == 5.0


def test_rank_by_hand():
    knots, low, high = [0.0, 10.0, 20.0], [0.0, 0.2, 0.8], [0.1, 0.6, 1.0]
    found = [rank(x, knots, low, high) for x in (-1.0, 0.0, 5.0, 10.0, 15.0, 20.0, 21.0)]
    assert found == pytest.approx([0.0, 0.05, 0.15, 0.4, 0.7, 0.9, 1.0], rel=1e-15)
