"""The statistics of Dropout's bits on JAX, and that each of them finds a bad generator."""

import keras
import numpy as np
import pytest
from tests.kernels import bit_statistics as statistics
from tests.kernels.bit_statistics import LIMIT
from tests.reference import counter_hash

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="on JAX alone bits are made here")

CALLS, ROWS, COLUMNS = 1024, 16, 64
SHAPE = (CALLS, ROWS, COLUMNS)
STATISTICS = {
    f.__name__: f
    for f in (
        *(statistics.keep_rate, statistics.keep_rate_by_position, statistics.neighbours),
        *(statistics.rows, statistics.successive, statistics.runs, statistics.patterns),
    )
}


def drawn(seeds, counters, keep, shape=(ROWS, COLUMNS)):
    """A mask for each pair of seed and counter."""
    import jax

    from normwise.kernels.dropout.on_jax import keep_mask

    keys = np.stack(np.broadcast_arrays(seeds, counters), -1).astype(np.uint32)
    return np.asarray(jax.jit(jax.vmap(lambda key: keep_mask(key, shape, keep)))(keys))


def worst(name, masks, keep):
    return float(np.abs(STATISTICS[name](masks, keep)).max())


T = np.arange(CALLS)
SEQUENCES = {
    "successive calls": (1337, T),
    "successive calls with seed 0": (0, T),
    "successive calls past a million": (42, 10**6 + T),
    "adjacent seeds": (7 + T, 0),
    "adjacent seeds in the middle of a run": (7 + T, 4096),
    "seeds up as counters go down": (T, T[::-1]),
    "seeds that differ in high bits": (T << 20, 3),
    "layers with seeds of Keras' own": (np.random.default_rng(0).integers(1, 10**9, CALLS), 5),
}


@pytest.mark.parametrize("keep", [0.5, 0.7])
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_bits_are_those_of_independent_throws(sequence, keep):
    masks = drawn(*SEQUENCES[sequence], keep)
    found = {name: worst(name, masks, keep) for name in STATISTICS}
    assert {name: z for name, z in found.items() if not z < LIMIT} == {}


@pytest.mark.parametrize("keep", [0.5, 0.7])
def test_bits_of_one_large_call(keep):
    masks = drawn([3], [0], keep, (2048, 1024))
    for name in ("keep_rate", "neighbours", "runs", "patterns"):
        assert worst(name, masks, keep) < LIMIT
    # Its rows as if they were calls: a position is then a column.
    columns = masks.reshape(2048, 1, 1024)
    assert worst("keep_rate_by_position", columns, keep) < LIMIT
    assert worst("successive", columns, keep) < LIMIT


@pytest.mark.parametrize("keep", [1e-3, 0.01, 0.1, 0.9, 0.999])
def test_rates_far_from_a_half(keep):
    masks = drawn(11, np.arange(64), keep, (256, 256))
    assert worst("keep_rate", masks, keep) < LIMIT
    assert worst("neighbours", masks, keep) < LIMIT


def linear_congruential():
    """Its low byte has a period of 256."""
    states, x = np.empty(CALLS * ROWS * COLUMNS, np.uint32), 1
    for i in range(states.size):
        x = (1664525 * x + 1013904223) % 2**32
        states[i] = x
    return ((states & 255) < 128).reshape(SHAPE)


def true_bits(shape, keep=0.5, seed=0):
    return np.random.default_rng(seed).random(shape) < keep


def one_mask():
    return np.broadcast_to(true_bits((1, ROWS, COLUMNS)), SHAPE)


def one_row():
    return np.broadcast_to(true_bits((CALLS, 1, COLUMNS)), SHAPE)


def sliding():
    """The mask of the next call is this one's, moved on by one position."""
    stream = true_bits(CALLS + ROWS * COLUMNS)
    return np.lib.stride_tricks.sliding_window_view(stream, ROWS * COLUMNS)[:CALLS].reshape(SHAPE)


def one_multiplication():
    position = np.arange(CALLS * ROWS * COLUMNS, dtype=np.uint32)
    return (position * np.uint32(0x9E3779B9) < np.uint32(2**31)).reshape(SHAPE)


def one_percent_too_many():
    return true_bits(SHAPE, 0.51)


BAD = {
    "keep_rate": [one_percent_too_many],
    "keep_rate_by_position": [one_mask, linear_congruential],
    "neighbours": [linear_congruential, one_multiplication],
    "rows": [one_row, linear_congruential],
    "successive": [one_mask, sliding, linear_congruential],
    "runs": [linear_congruential, one_multiplication],
    "patterns": [linear_congruential, one_multiplication, one_percent_too_many],
}


@pytest.mark.parametrize(("name", "generator"), [(name, g) for name, made in BAD.items() for g in made])
def test_each_statistic_finds_a_bad_generator(name, generator):
    assert worst(name, generator(), 0.5) > LIMIT
    assert worst(name, true_bits(SHAPE), 0.5) < LIMIT


def of_position(words):
    import jax

    return np.asarray(jax.jit(_of_position)(words))


def _of_position(words):
    from normwise.kernels.dropout.counter_hash import round_keys, scramble

    first, second = round_keys((words[:, 1], words[:, 2]))
    return scramble(words[:, 0] ^ first, second)


def random_words(columns):
    return np.random.default_rng(0).integers(0, 2**32, (2**14, columns), dtype=np.uint32)


def test_each_bit_of_position_seed_and_counter_flips_half_of_the_word():
    words = random_words(3)
    assert np.abs(statistics.avalanche(of_position, words)).max() < LIMIT
    small = words % np.array([1024, 10**9, 10**6], np.uint32)
    assert np.abs(statistics.avalanche(of_position, small)).max() < LIMIT
    assert np.abs(statistics.monobit(of_position(small))).max() < LIMIT


def test_avalanche_and_monobit_find_bad_hashes():
    def product(words):
        return words[:, 0] * np.uint32(0x9E3779B9) + words[:, 1]

    assert np.abs(statistics.avalanche(product, random_words(2))).max() > LIMIT
    assert np.abs(statistics.monobit(random_words(1)[:, 0] | np.uint32(8))).max() > LIMIT


def test_no_two_keys_give_the_same_round_keys():
    from normwise.kernels.dropout.counter_hash import round_keys

    seeds, counters = np.meshgrid(np.arange(512, dtype=np.uint32), np.arange(256, dtype=np.uint32))
    keys = np.stack(round_keys((seeds.ravel(), counters.ravel())), axis=1)
    assert len(np.unique(keys, axis=0)) == 2**17


@pytest.mark.parametrize("shape", [(7,), (5, 3), (2, 3, 4), (3, 1, 2, 5), (0, 4), ()])
@pytest.mark.parametrize(("seed", "counter"), [(0, 0), (1337, 5), (2**32 - 1, 2**32 - 1)])
def test_masks_are_those_of_the_definition(shape, seed, counter):
    for keep in (0.5, 0.37, 1e-4, 1 - 1e-12):
        found = drawn([seed], [counter], keep, shape)[0]
        np.testing.assert_array_equal(found, counter_hash.mask(seed, counter, shape, keep))


def test_the_definition_knows_one_seed_from_another():
    masks = [counter_hash.mask(seed, 0, (8, 8), 0.5) for seed in (1, 2)]
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(*masks)


def test_members_of_a_vmap_have_the_masks_of_their_seeds():
    together = drawn([1, 2, 1], [4, 4, 4], 0.5)
    np.testing.assert_array_equal(together[0], drawn([1], [4], 0.5)[0])
    np.testing.assert_array_equal(together[0], together[2])
    assert (together[0] != together[1]).any()
