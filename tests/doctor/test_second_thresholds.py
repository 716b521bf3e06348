"""Rules with more than one threshold, at each of the others and just above."""

import pytest
from tests.doctor.cases import COLD, FAR, drifted, evidence, inputs, lossy, one
from tests.doctor.evidence import gradients, loss, network, normalization

from normwise.doctor.engine import examine
from normwise.doctor.registry import rule_of

FLAT = gradients(0.0, 0.0, 0.0)
NATS = "categorical_crossentropy"


def resting(constant_at, columns_at_rest, *, highest=False, middle=False):
    """Nine columns from 0 to 5, some of which rest at 0, 5 or 3, and one that is constant."""
    some = [i < columns_at_rest for i in range(9)]
    rest = tuple(0.0 if at and not (highest or middle) else 1.0 for at in some)
    median = tuple(3.0 if at and middle else 2.0 for at in some)
    high = tuple(5.0 if at and highest else 3.0 for at in some)
    return inputs(
        columns=tuple("abcdefghij"),
        means=(*(2.0,) * 9, constant_at),
        stds=(*(1.0,) * 9, 0.0),
        minima=(*(0.0,) * 9, constant_at),
        maxima=(*(5.0,) * 9, constant_at),
        lower_quartiles=(*rest, constant_at),
        medians=(*median, constant_at),
        upper_quartiles=(*high, constant_at),
        tails=(5.0,) * 10,
        distinct=(*(3,) * 9, 1),
    )


def mixed(ratio):
    """One column that mostly has one value, so that its standard deviation stands for its quartiles."""
    return inputs(
        stds=(1.0, 1.0, 1.0, ratio),
        lower_quartiles=(-1.349 / 2, -1.349 / 2, -1.349 / 2, 0.0),
        upper_quartiles=(1.349 / 2, 1.349 / 2, 1.349 / 2, 0.0),
    )


@pytest.mark.parametrize(
    ("code", "at", "above"),
    [
        ("NRM101", mixed(10.0), mixed(10.1)),
        ("NRM102", resting(0.0, 3), resting(0.0, 2)),
        ("NRM102", resting(0.0, 9), resting(5.0, 9)),
        ("NRM102", resting(5.0, 3, highest=True), resting(5.0, 2, highest=True)),
        ("NRM102", resting(3.0, 3, middle=True), resting(3.0, 2, middle=True)),
        ("NRM103", inputs(maxima=5.0, tails=20.0), inputs(maxima=5.01, tails=20.0)),
        ("NRM104", drifted(None, shift=0.5, ks_error=None), drifted(None, shift=0.501, ks_error=None)),
        ("NRM104", drifted(None, shift=-0.5, ks_error=None), drifted(None, shift=-0.501, ks_error=None)),
        # 1.95·√(1/50 + 1/50) = 0.39.
        ("NRM104", drifted(0.38, count=50.0), drifted(0.4, count=50.0)),
        ("NRM104", drifted(0.25, ks_error=0.06), drifted(0.25, ks_error=0.04)),
        (
            "NRM203",
            evidence(network(loss=NATS), gradients=FLAT, loss=loss(0.05, 0.05)),
            evidence(network(loss=NATS), gradients=FLAT, loss=loss(0.051, 0.051)),
        ),
        (
            "NRM203",
            evidence(gradients=FLAT, loss=loss(0.2, 0.2, of_constant=4.0)),
            evidence(gradients=FLAT, loss=loss(0.21, 0.21, of_constant=4.0)),
        ),
        (
            "NRM204",
            evidence(gradients=gradients(100.0, 100.0, 100.0, weight_norm=1.0)),
            evidence(gradients=gradients(100.0, 101.0, 100.0, weight_norm=1.0)),
        ),
        (
            "NRM403",
            one(**FAR | {"moving_variance": 1.4}, moving_mean=0.0),
            one(**FAR | {"moving_variance": 1.5}, moving_mean=0.0),
        ),
        (
            "NRM403",
            one(**FAR | {"moving_variance": 0.72}, moving_mean=0.0),
            one(**FAR | {"moving_variance": 0.67}, moving_mean=0.0),
        ),
        ("NRM403", one(values=31.0, moving_mean=9.0), one(values=32.0, moving_mean=9.0)),
        ("NRM404", lossy(0.01, 0.06, name=NATS), lossy(0.01, 0.061, name=NATS)),
        # Nearly twice the loss, and 0.3% of the variance of the targets.
        ("NRM404", lossy(0.0025, 0.0042, of_constant=0.6), lossy(0.0025, 0.0042, of_constant=0.03)),
        ("NRM404", lossy(0.01, 0.06, of_constant=1.0), lossy(0.01, 0.061, of_constant=1.0)),
        (
            "NRM405",
            one(**COLD | {"moving_variance": 4.0}, moving_mean=0.0),
            one(**COLD | {"moving_variance": 4.01}, moving_mean=0.0),
        ),
        (
            "NRM405",
            one(**COLD | {"variance": 4.0}, moving_mean=0.0),
            one(**COLD | {"variance": 4.01}, moving_mean=0.0),
        ),
        ("NRM407", one(beta=-3.0, rectified=True), one(beta=-3.01, rectified=True)),
        ("NRM407", one(beta=-9.0, rectified=False), one(beta=-9.0, rectified=True)),
    ],
)
def test_at_and_above(code, at, above):
    rule = rule_of(code)
    assert examine(at, [rule]).findings == ()
    assert len(examine(above, [rule]).findings) == 1


def test_rounding_of_a_constant_is_no_small_variance():
    rule = rule_of("NRM408")
    small = {"variance": 1e-6, "mean": 1000.0}
    assert examine(evidence(normalizations=(normalization(**small),)), [rule]).findings == ()
    varies = {"variance": 1.1e-6, "mean": 1000.0}
    assert len(examine(evidence(normalizations=(normalization(**varies),)), [rule]).findings) == 1
