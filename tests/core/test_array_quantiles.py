"""Quantiles of arrays against sorting, to the bit, on inputs that guesses go wrong on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normwise.core import array_quantiles as subject
from normwise.core.array_quantiles import FEW, array_quantiles, order_statistics

P = np.array([0.0, 0.01, 0.25, 0.5, 0.75, 0.999, 1.0])
N = FEW + 1


def rng():
    return np.random.default_rng(0)


def stride_traps(n):
    """Every value that is looked at to guess is larger than all others."""
    x = np.arange(n, dtype=np.float64)
    x[:: n // subject.PIVOTS] += 1e9
    return x


MANY = {
    "random": lambda: rng().normal(size=N),
    "sorted": lambda: np.arange(N, dtype=np.float64),
    "reversed": lambda: np.arange(N, dtype=np.float64)[::-1],
    "constant": lambda: np.full(N, 0.1),
    "two values": lambda: (rng().random(N) < 0.5).astype(np.float64),
    "one other value": lambda: np.append(np.zeros(N - 1), 1.0),
    "few values": lambda: rng().integers(0, 5, N).astype(np.float64),
    "heavy tails": lambda: rng().standard_cauchy(N) ** 3,
    "tiny": lambda: rng().normal(size=N) * 1e-300,
    "float32": lambda: rng().normal(size=N).astype(np.float32),
    "int64": lambda: rng().integers(-(2**40), 2**40, N),
    "bool": lambda: rng().random(N) < 0.3,
    "guessed wrongly": lambda: stride_traps(N),
    "zigzag": lambda: np.where(np.arange(N) % 2, np.arange(N), -np.arange(N)).astype(np.float64),
    "many more": lambda: rng().normal(size=3 * N + 1),
}


@pytest.mark.parametrize("name", MANY)
def test_as_numpy_has_them_to_the_bit(name):
    x = MANY[name]()
    expected = np.quantile(x.astype(np.float64), P)
    assert np.array_equal(array_quantiles(x[:, None], P)[0], expected)


@pytest.mark.parametrize("name", MANY)
def test_order_statistics_are_those_of_sorting(name):
    x = MANY[name]()
    n, ordered = len(x), np.sort(x)
    for ranks in ([0], [n - 1], [0, 1], [n - 2, n - 1], [n // 2], [5, 6, n // 3, n - 3], list(range(60))):
        assert np.array_equal(order_statistics(x, np.array(ranks)), ordered[ranks])


def test_what_was_guessed_wrongly_is_found_by_partition(monkeypatch):
    called = []
    partition = np.partition

    def counted(*arguments):
        called.append(len(arguments[0]))
        return partition(*arguments)

    monkeypatch.setattr(subject.np, "partition", counted)
    assert order_statistics(np.arange(N), np.array([N // 2])).tolist() == [N // 2]
    assert called == []
    x = stride_traps(N)
    ranks = np.array([N // 2, N // 2 + 1])
    assert np.array_equal(order_statistics(x, ranks), np.sort(x)[ranks])
    assert called == [N]


@settings(deadline=None, max_examples=60)
@given(
    x=arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e300, 1e300)),
    p=st.lists(st.floats(0, 1), min_size=1, max_size=6),
)
def test_few_values(x, p):
    with np.errstate(over="ignore"):
        expected = np.quantile(x, p)
    assert np.array_equal(array_quantiles(x[:, None], p)[0], expected)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1), ties=st.sampled_from([1, 3, 50, 10**6]), few=st.sampled_from([10, 300])
)
def test_many_values_at_a_small_threshold(seed, ties, few):
    """The guess with few pivots on few values goes wrong often, and never shows."""
    generator = np.random.default_rng(seed)
    x = np.floor(generator.standard_cauchy(1000) * ties)
    ranks = np.unique(generator.integers(0, 1000, 9))
    before = subject.FEW, subject.PIVOTS
    try:
        subject.FEW, subject.PIVOTS = 100, few
        assert np.array_equal(order_statistics(x, ranks), np.sort(x)[ranks])
    finally:
        subject.FEW, subject.PIVOTS = before


@pytest.mark.parametrize("rows", [1, 2, FEW, FEW + 1])
def test_around_the_threshold(rows):
    x = rng().normal(size=(rows, 2))
    assert np.array_equal(array_quantiles(x, P), np.quantile(x, P, axis=0).T)


def test_what_is_not_finite_is_no_value():
    x = np.array(
        [[1.0, np.nan, np.inf], [np.inf, np.nan, 4.0], [3.0, np.nan, -np.inf], [np.nan, np.nan, 2.0]]
    )
    found = array_quantiles(x, [0.0, 0.5, 1.0])
    assert np.array_equal(found, [[1.0, 2.0, 3.0], [np.nan] * 3, [2.0, 3.0, 4.0]], equal_nan=True)
    assert array_quantiles(np.empty((0, 2)), [0.5]).shape == (2, 1)
    assert np.isnan(array_quantiles(np.empty((0, 2)), [0.5])).all()
    assert array_quantiles(np.empty((3, 0)), [0.5, 0.6]).shape == (0, 2)


def test_values_whose_sum_or_distance_overflows():
    x = np.array([[-1.7e308], [1.7e308]])
    assert array_quantiles(x, [0.0, 0.5, 1.0]).tolist() == [[-1.7e308, 0.0, 1.7e308]]
    assert array_quantiles(np.full((9, 1), 1.7e308), [0.3]).tolist() == [[1.7e308]]


@pytest.mark.parametrize("order", ["C", "F", "strided", "wide"])
def test_memory_orders_and_groups_of_columns(order, monkeypatch):
    x = rng().normal(size=(501, 12))
    table = {"C": x, "F": np.asfortranarray(x), "strided": np.repeat(x, 2, 0)[::-2][::-1], "wide": x[:5]}[
        order
    ]
    expected = np.quantile(table, P, axis=0).T
    assert np.array_equal(array_quantiles(table, P), expected)
    monkeypatch.setattr(subject, "COPY_BYTES", 501 * 8 * 5)
    assert np.array_equal(array_quantiles(table, P), expected)
