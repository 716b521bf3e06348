"""The kernels of batch normalization: right, at the edges too, the same on any number of threads."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.kernels.native_arrays import (
    ALPHA,
    GELU,
    LEAKY_RELU,
    LINEAR,
    RELU,
    SIGMOID,
    SILU,
    TANH,
    addresses,
    batch,
    by_kernels,
    by_reference,
    extension,
)
from tests.reference.tolerance import assert_close, tolerance

NATIVE = extension()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def normal_cdf(z):
    return 0.5 * np.vectorize(math.erfc)(-z / math.sqrt(2))


def density(z):
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


ACTIVATIONS = {
    LINEAR: (lambda z: z, np.ones_like),
    RELU: (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    LEAKY_RELU: (lambda z: np.where(z >= 0, z, ALPHA * z), lambda z: np.where(z >= 0, 1.0, ALPHA)),
    SIGMOID: (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    SILU: (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
    TANH: (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    GELU: (lambda z: z * normal_cdf(z), lambda z: normal_cdf(z) + z * density(z)),
}
ROWS_LAST = [(7, 5), (33, 1), (300, 1023), (2100, 14), (3, 2500), (530, 1030), (9000, 64)]
"""One channel; a shorter last row of lanes, or strip of channels; several blocks of rows."""


@pytest.fixture(autouse=True)
def threads_as_they_were():
    yield
    NATIVE.set_threads(0)


def assert_found(found, expected, dtype, n, conditioning=1.0):
    allowed = tolerance(dtype, n, conditioning)
    for name, actual, reference in zip(found._fields, found, expected, strict=True):
        # Sums of products of x̂ and g, and what they are part of, take in the rounding of all factors.
        factor = 4 if name.startswith("by") else 1
        assert_close(actual, reference, factor * allowed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ROWS_LAST)
def test_channels_last(shape, dtype):
    given = batch(shape, shape[1], dtype)
    found = by_kernels(*given, view=(shape[0], shape[1], 1), activation=RELU)
    assert_found(found, by_reference(*given, *ACTIVATIONS[RELU]), dtype, shape[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3, 2), (4, 5, 49), (3, 2, 64), (2, 3, 700), (1, 2, 2**18 + 77)])
def test_channels_first(shape, dtype):
    given = batch(shape, shape[1], dtype)
    found = by_kernels(*given, view=shape, activation=RELU)
    x, upstream = (np.moveaxis(a, 1, -1) for a in given[:2])
    expected = by_reference(x, upstream, *given[2:], *ACTIVATIONS[RELU])
    there = found._replace(y=np.moveaxis(found.y, 1, -1), by_x=np.moveaxis(found.by_x, 1, -1))
    assert_found(there, expected, dtype, shape[0] * shape[2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 3), (1, 1), (2, 1), (1, 2000)])
def test_one_row_and_two_have_next_to_no_gradient(shape, dtype):
    """It is what is left of γ·g/√(σ² + ε), of which the rest takes nearly all away."""
    given = batch(shape, shape[1], dtype)
    found = by_kernels(*given, view=(*shape, 1))
    expected = by_reference(*given, *ACTIVATIONS[LINEAR])
    assert_found(found._replace(by_x=expected.by_x), expected, dtype, shape[0])
    size = np.abs(given[1] * given[2]).max() / np.sqrt(expected.m2 / shape[0] + 1e-3).min()
    assert np.abs(found.by_x - expected.by_x).max() <= 4 * tolerance(dtype, shape[0]) * size


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_and_its_slope(activation):
    given = batch((400, 6), 6, spread=3.0)
    found = by_kernels(*given, view=(400, 6, 1), activation=activation)
    # Polynomials in place of exponentials: a few steps of float32 each.
    assert_found(found, by_reference(*given, *ACTIVATIONS[activation]), "float32", 400, conditioning=4.0)


@pytest.mark.parametrize("activation", [SIGMOID, SILU, TANH, GELU])
def test_activations_far_out(activation):
    """With γ large, z goes where exponentials overflow."""
    x, upstream, gamma, beta = batch((64, 3), 3)
    given = x, upstream, 60 * gamma, beta
    found = by_kernels(*given, view=(64, 3, 1), activation=activation)
    value, _ = ACTIVATIONS[activation]
    with np.errstate(over="ignore"):
        expected = by_reference(*given, value, np.ones_like)
    assert np.isfinite(found.by_x).all()
    assert_close(found.y, expected.y, 4 * tolerance("float32", 64))


def weights_of(rows, dtype="float32"):
    """0 to 3, and 0 for the whole of the first blocks of rows."""
    weights = np.random.default_rng(1).integers(0, 4, (rows, 1)).astype(dtype)
    weights[: rows // 3] = 0
    return weights


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ROWS_LAST)
def test_values_that_weigh(shape, dtype):
    x, *others = batch(shape, shape[1], dtype, mean=100.0)
    weights = weights_of(shape[0], dtype)
    found = by_kernels(x, *others, view=(*shape, 1), activation=LEAKY_RELU, weights=weights)
    expected = by_reference(x, *others, *ACTIVATIONS[LEAKY_RELU], weights=weights)
    # What weighs little beside ε, as one value of a channel does, is nearly all rounding: see one row above.
    if shape[0] > 7:
        assert_found(found, expected, dtype, shape[0], conditioning=16.0)
    assert_close(found.mean, expected.mean, tolerance(dtype, shape[0]))


def test_weights_of_one_change_nothing_that_counts():
    given = batch((2100, 14), 14)
    plain = by_kernels(*given, view=(2100, 14, 1), activation=GELU)
    found = by_kernels(*given, view=(2100, 14, 1), activation=GELU, weights=np.ones(2100, "float32"))
    assert_found(found, plain, "float32", 2100)


@pytest.mark.parametrize("padding", [np.nan, np.inf, -np.inf, np.finfo("float32").max, -1e18])
def test_padding_reaches_nothing(padding):
    """It is read as 0, and has no gradient; what else weighs nothing is normalized like the rest."""
    x, *others = batch((2100, 14), 14)
    weights = weights_of(2100)
    found, clean = [], x.copy()
    clean[::5] = 0
    weights[::5] = 0
    x[::5] = padding
    for given in (x, clean):
        found.append(by_kernels(given, *others, view=(2100, 14, 1), activation=RELU, weights=weights))
    with_padding, with_zeros = found
    assert with_padding.y.tolist() == with_zeros.y.tolist()
    assert not with_padding.by_x[::5].any()
    assert (
        np.delete(with_padding.by_x, np.s_[::5], 0).tolist()
        == np.delete(with_zeros.by_x, np.s_[::5], 0).tolist()
    )
    for one, same in zip(with_padding[1:3] + with_padding[4:], with_zeros[1:3] + with_zeros[4:], strict=True):
        assert one.tolist() == same.tolist()


def test_nothing_weighs_anything():
    x, upstream, gamma, beta = batch((600, 3), 3)
    found = by_kernels(x, upstream, gamma, beta, view=(600, 3, 1), weights=np.zeros(600, "float32"))
    assert not found.mean.any()
    assert not found.m2.any()
    assert_close(found.y, x * gamma / np.sqrt(1e-3) + beta, tolerance("float32", 3))


@pytest.mark.parametrize("shape", [(4000, 50), (4000, 3000)])
def test_a_mean_large_beside_the_spread(shape):
    given = batch(shape, shape[1], mean=1e5, spread=1.0)
    found = by_kernels(*given, view=(*shape, 1))
    assert_found(found, by_reference(*given, *ACTIVATIONS[LINEAR]), "float32", shape[0])


def test_a_first_row_far_from_the_others():
    """The worst origin there is, in each of the blocks: what it costs is bounded."""
    given = batch((256 * 3, 8), 8)
    given[0][:1] = 1e6
    found = by_kernels(*given, view=(256 * 3, 8, 1))
    assert_found(found, by_reference(*given, *ACTIVATIONS[LINEAR]), "float32", 256 * 3, conditioning=16.0)


@pytest.mark.parametrize("view", [(3000, 300, 1), (100_000, 3, 1), (20, 30, 900), (1, 2, 2**19)])
def test_the_number_of_threads_changes_no_bit(view):
    given = batch(view, view[1])
    runs = []
    for count in (1, 2, 5, 2):
        NATIVE.set_threads(count)
        runs.append(by_kernels(*given, view=view, activation=TANH))
    for other in runs[1:]:
        for one, same in zip(runs[0], other, strict=True):
            assert one.tobytes() == same.tobytes()


def threads_with(code="", **environment):
    """How many threads a new process would use."""
    ask = f"import os; {code}\nfrom normwise import _native; print(_native.threads())"
    run = [sys.executable, "-c", ask]
    told = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | environment
    return int(subprocess.run(run, env=told, capture_output=True, text=True, check=True).stdout)


def test_threads_are_those_that_the_process_may_use():
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert threads_with() == processors
    assert threads_with(OMP_NUM_THREADS="1") == 1
    assert threads_with(OMP_NUM_THREADS="1,4") == 1
    assert threads_with(OMP_NUM_THREADS="10000") == processors
    assert threads_with(OMP_NUM_THREADS="many") == processors


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system binds no process to a processor"
)
def test_threads_are_no_more_than_the_processors_it_is_bound_to():
    assert threads_with("os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})") == 1


def test_the_processor_changes_no_bit():
    code = (
        "import hashlib, os, sys; os.environ['NORMWISE_SIMD'] = sys.argv[1]\n"
        "from tests.kernels.native_arrays import *\n"
        "found = by_kernels(*batch((900, 77), 77), view=(900, 77, 1), activation=GELU)\n"
        "print(extension().simd(), hashlib.sha256(b''.join(a.tobytes() for a in found)).hexdigest())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code, name], capture_output=True, text=True, check=True
        ).stdout.split()
        for name in ("baseline", "avx2", "avx512")
    ]
    assert said[0][0] == "baseline"
    assert len({digest for _, digest in said}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is read from Linux' /proc")
def test_a_system_without_room_for_threads_has_the_caller_do_it_all():
    code = (
        "import resource\n"
        "import numpy as np\n"
        "from tests.kernels.native_arrays import extension\n"
        "native, x = extension(), np.arange(300_000.0).reshape(3000, 100)\n"
        "native.set_threads(1)\n"
        "alone = native.column_statistics(x)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        # Less than a thread's stack.
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**21, -1))\n"
        "native.set_threads(16)\n"
        "print(all(np.array_equal(*pair) for pair in zip(alone, native.column_statistics(x))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["True"]), done.stderr


def test_a_gradient_as_large_as_it_may_be():
    """Without ε, 1/σ² has no room in float32 where 1/σ has: nothing is multiplied by it."""
    x, upstream, gamma, beta = batch((97, 5), 5)
    given = (x * np.float32(5e-21), upstream, gamma, beta)
    found = by_kernels(*given, view=(97, 5, 1), epsilon=0.0)
    expected = by_reference(*given, *ACTIVATIONS[LINEAR], epsilon=0.0)
    # The smallest step of float32 beside squares of 1e-40.
    assert_close(found.by_x, expected.by_x, 2.0**-149 / 1e-40)


@pytest.mark.parametrize("offset", [1, 3, 15])
@pytest.mark.parametrize("shape", [(300, 40), (2100, 1030)])
def test_arrays_that_begin_anywhere(shape, offset):
    """Large ones too, which are written past the caches."""

    def moved(a):
        room = np.empty(a.size + offset, a.dtype)[offset:].reshape(a.shape)
        room[...] = a
        return room

    given = batch(shape, shape[1])
    plain = by_kernels(*given, view=(*shape, 1))
    found = by_kernels(*(moved(a) for a in given), view=(*shape, 1))
    for one, same in zip(plain, found, strict=True):
        assert one.tobytes() == same.tobytes()


def test_no_values_give_moments_of_nothing():
    given = batch((0, 3), 3)
    found = by_kernels(*given, view=(0, 3, 1))
    for values in found[1:3] + found[4:]:
        assert values.tolist() == [0.0, 0.0, 0.0]


def test_a_channel_without_spread_and_without_epsilon_is_beta():
    x, upstream, gamma, beta = batch((50, 2), 2)
    x[:] = 7.0
    found = by_kernels(x, upstream, gamma, beta, view=(50, 2, 1), epsilon=0.0)
    assert found.y.tolist() == [beta.tolist()] * 50
    assert not found.by_x.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("view", [(700, 3, 1), (2, 3, 900)])
def test_what_is_not_finite_stays_in_its_channel(bad, view):
    given = batch(view, 3)
    given[0][1, 1, 0] = bad
    clean = batch(view, 3)
    found, expected = (by_kernels(*g, view=view, activation=RELU) for g in (given, clean))
    assert np.isnan(found.y[:, 1]).all()
    for one, same in zip(found, expected, strict=True):
        axis = 1 if one.ndim == 3 else 0
        assert np.isnan(np.take(one, 1, axis)).any() or one is found.by_gamma or one is found.by_beta
        assert np.take(one, [0, 2], axis).tolist() == np.take(same, [0, 2], axis).tolist()


def available_gibibytes():
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return 0.0
    line = next(line for line in meminfo.read_text(encoding="utf-8").splitlines() if "MemAvailable" in line)
    return int(line.split()[1]) / 2**20


@pytest.mark.slow
@pytest.mark.skipif(available_gibibytes() < 15, reason="takes 15 GiB of memory")
def test_more_values_than_32_bits_can_count():
    """In half precision: ±1, ±2, and one row of 256 at the end."""
    rows, channels = 2**21 + 5, 1024
    x = np.empty((rows, channels), "uint16")
    one, two, large = (np.float32(v).view("uint32") >> 16 for v in (1.0, 2.0, 256.0))
    x[0::4], x[1::4], x[2::4], x[3::4] = one, one | 0x8000, two, two | 0x8000
    x[-1] = large
    gamma, beta = np.ones(channels, "float32"), np.zeros(channels, "float32")
    y, by_x = np.empty_like(x), np.empty_like(x)
    vectors = [np.empty(channels, "float32") for _ in range(5)]
    call = ((rows, channels, 1), 0.0, LINEAR, 0.0)
    NATIVE.batch_norm_forward_bfloat16(*call, *addresses(x, gamma, beta, None, y, *vectors[:3]))
    kinds = np.array([1.0, -1.0, 2.0, -2.0, 256.0])
    counts = np.array([len(range(start, rows - 1, 4)) for start in range(4)] + [1])
    mean = (kinds * counts).sum() / rows
    m2 = (counts * (kinds - mean) ** 2).sum()
    assert_close(vectors[0].astype(float) + vectors[1], np.full(channels, mean), tolerance("float32", rows))
    assert_close(vectors[2], np.full(channels, m2), tolerance("float32", rows))
    # Rows at the beginning, on both sides of 2³¹ values, and at the end.
    places = [0, 1, 2**21 - 2, 2**21 + 3, rows - 1]
    expected = (np.append(kinds[[0, 1, 2, 3]], 256.0) - mean) / np.sqrt(m2 / rows)
    seen = (y[places].astype("uint32") << 16).view("float32")
    assert_close(seen, np.repeat(expected[:, None], channels, 1), tolerance("bfloat16"))
    # ∂L/∂y = 1 in the last row alone: g − (1 + x̂²)/n there.
    upstream = y
    upstream[:-1] = 0
    upstream[-1] = one
    NATIVE.batch_norm_backward_bfloat16(
        *call, *addresses(upstream, x, gamma, beta, *vectors[:3], None, by_x, *vectors[3:])
    )
    rate = 1 / np.sqrt(m2 / rows)
    x_hat = (256.0 - mean) * rate
    assert_close(vectors[3], np.full(channels, x_hat), tolerance("float32", rows))
    assert_close(vectors[4], np.ones(channels), tolerance("float32", rows))
    last = (by_x[-1].astype("uint32") << 16).view("float32")
    assert_close(last, np.full(channels, rate * (1 - (1 + x_hat**2) / rows)), tolerance("bfloat16"))
