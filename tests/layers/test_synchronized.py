"""synchronized=True on two devices: what one device would find with the whole batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.layers.data import normal
from tests.reference.batch_normalization_layer import ReferenceLayer
from tests.reference.tolerance import assert_close, tolerance

import normwise

BACKEND = keras.backend.backend()
ROOT = Path(__file__).parents[2]
GAMMA, BETA = np.array([0.5, 2.0, 1.5]), np.array([1.0, 0.0, -3.0])
LIMIT = 300
"""Seconds for a process to import its framework and take a step, on a busy machine."""


def on_two_devices(folder, x, upstream, rows, mask=None):
    """y, gradients and state: from all devices, in the batch's order, those by γ and β summed."""
    given = np.zeros(0) if mask is None else mask
    np.savez(
        folder / "input.npz", x=x, upstream=upstream, rows=rows, mask=given,
        gamma=GAMMA.astype("float32"), beta=BETA.astype("float32"),
    )  # fmt: skip
    command = [sys.executable, "-m", "tests.layers.synchronized_step", BACKEND, str(folder)]
    if BACKEND == "torch":
        # Two real processes; rank 0 listens on a port that was free just now.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        commands = [[*command, str(rank), str(len(rows)), port] for rank in range(len(rows))]
    else:
        commands = [command]
    # torch would look for a network interface by the machine's name, which may have no address.
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo"}
    started = [
        subprocess.Popen(
            c, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for c in commands
    ]
    try:
        said = [process.communicate(timeout=LIMIT)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0] * len(started), "\n".join(said)
    found = [dict(np.load(folder / f"output-{rank}.npz")) for rank in range(len(started))]
    joined = {name: np.concatenate([f[name] for f in found]) for name in ("y", "by_x")}
    summed = {name: sum(f[name] for f in found) for name in ("by_gamma", "by_beta")}
    for name in ("moving_mean", "moving_variance", "moving_weight"):
        for other in found[1:]:
            np.testing.assert_array_equal(other[name], found[0][name])
    return {**found[0], **joined, **summed}


def check(found, x, upstream, mask=None):
    reference = ReferenceLayer(GAMMA, BETA, activation=np.tanh, slope=lambda z: 1 - np.tanh(z) ** 2)
    x = x[:, None, :]
    weights = None if mask is None else mask.astype("float64")[:, None, None]
    slopes = reference.gradients(upstream[:, None, :].astype("float64"), x, weights)
    allowed = tolerance("float32", n=len(x), conditioning=2.0)
    assert_close(found["y"], reference.train(x, weights)[:, 0], allowed)
    unread = np.isnan(x[:, 0])
    assert_close(found["by_x"], np.where(unread, 0.0, slopes.x[:, 0]), 4 * allowed)
    assert_close(found["by_gamma"], slopes.gamma, 4 * allowed)
    assert_close(found["by_beta"], slopes.beta, 4 * allowed)
    mean, variance = reference.statistics()
    assert_close(found["moving_mean"], mean, allowed)
    assert_close(found["moving_variance"], variance, allowed)


ROWS = [pytest.param([8, 8], id="even")]
if BACKEND != "jax":
    # JAX divides a batch evenly.
    ROWS += [pytest.param([3, 13], id="uneven"), pytest.param([1, 4], id="one row on the first")]


@pytest.mark.parametrize("rows", ROWS)
def test_two_devices_find_what_one_would(tmp_path, rows):
    n = sum(rows)
    x, upstream = normal((n, 3)), normal((n, 3), seed=1, mean=0.3)
    # Parts that differ: by their own statistics they would be normalized otherwise.
    x[: rows[0]] += 5.0
    found = on_two_devices(tmp_path, x, upstream, rows)
    check(found, x, upstream)
    with pytest.raises(AssertionError, match="relative error"):
        check({**found, "y": np.roll(found["y"], 1, axis=0)}, x, upstream)


def test_with_a_mask_that_leaves_one_device_nothing(tmp_path):
    x, upstream = normal((16, 3)), normal((16, 3), seed=1, mean=0.3)
    mask = np.arange(16) >= 9
    x[~mask] = np.nan
    check(on_two_devices(tmp_path, x, upstream, [8, 8], mask), x, upstream, mask)


@pytest.mark.skipif(BACKEND != "torch", reason="other backends do not hand a device an empty part")
def test_a_rank_without_rows(tmp_path):
    x, upstream = normal((16, 3)), normal((16, 3), seed=1, mean=0.3)
    check(on_two_devices(tmp_path, x, upstream, [16, 0]), x, upstream)


def test_on_one_device_it_changes_nothing_and_keras_raises():
    x = normal((8, 3))
    synchronized, plain = normwise.BatchNormalization(synchronized=True), normwise.BatchNormalization()
    np.testing.assert_array_equal(
        *(keras.ops.convert_to_numpy(layer(x, training=True)) for layer in (synchronized, plain))
    )
    config = keras.saving.serialize_keras_object(synchronized)
    assert keras.saving.deserialize_keras_object(config).synchronized
    if BACKEND != "tensorflow":
        with pytest.raises(ValueError, match="synchronized=True"):
            keras.layers.BatchNormalization(synchronized=True)
