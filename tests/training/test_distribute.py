"""On four devices, and in two processes: what one device does with the same global batches."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.reference.tolerance import assert_close, tolerance
from tests.training.distributed_training import BATCH, EPOCHS, train

ROOT = Path(__file__).parents[2]
LIMIT = 600
"""Seconds for processes to import their framework and train, on a busy machine."""


def run(folder, x, y, *hows):
    """The folder's results of processes side by side."""
    np.savez(folder / "data.npz", x=x, y=y)
    command = [sys.executable, "-m", "tests.training.distributed_training", str(folder)]
    started = [
        subprocess.Popen(
            [*command, *how],
            cwd=ROOT,
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for how in hows
    ]
    try:
        said = [process.communicate(timeout=LIMIT)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0] * len(started), "\n".join(said)
    return [dict(np.load(path)) for path in sorted(folder.glob("*-*.npz")) or [folder / "devices.npz"]]


def rows(n):
    x = np.random.default_rng(0).normal(size=(n, 4)).astype("float32")
    return x, x[:, :1] * x[:, 1:2]


def assert_same_training(found, expected, steps):
    """Equal to rounding.

    A step adds up the same numbers in another order, by which gradients and statistics, and so weights, come
    out by √16 roundings otherwise; the two normalizations pass on what they are given by up to 1/std and
    |mean|/std, here below 10 together. What a step is out by, the next ones add to.
    """
    allowed = tolerance("float32", n=BATCH, conditioning=10.0 * steps)
    for name, value in expected.items():
        if name.isdigit() and value.dtype == np.float32:
            assert_close(found[name], value, allowed)
    history, reference = json.loads(str(found["history"])), json.loads(str(expected["history"]))
    assert history.keys() == reference.keys()
    for name, values in reference.items():
        assert_close(history[name], values, allowed)


def test_the_helper_sees_other_weights():
    expected = {"0": np.ones(3, "float32"), "history": np.array('{"loss": [1.0]}')}
    assert_same_training(expected, expected, 1)
    with pytest.raises(AssertionError, match="relative error"):
        assert_same_training({**expected, "0": expected["0"] * 1.0001}, expected, 1)
    with pytest.raises(AssertionError, match="relative error"):
        assert_same_training({**expected, "history": np.array('{"loss": [1.1]}')}, expected, 1)


@pytest.mark.parametrize("kind", ["data", pytest.param("model", marks=pytest.mark.slow)])
def test_four_devices_do_what_one_does(tmp_path, kind):
    # The last batch has 11 rows, which neither four devices nor two can share.
    x, y = rows(4 * BATCH + 11)
    (found,) = run(tmp_path, x, y, ["devices", "4", kind])
    assert found["devices"] == 4
    assert found["rows of the kernel on one"] == {"data": 4, "model": 2}[kind]
    assert_same_training(found, train(x, y, validation_data=(x[:BATCH], y[:BATCH])), steps=EPOCHS * 5)


def test_two_processes_do_what_one_does(tmp_path):
    x, y = rows(4 * BATCH)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    found = run(tmp_path, x, y, *(["process", rank, port] for rank in ("0", "1")))
    assert len(found) == 2
    for name, value in found[0].items():
        np.testing.assert_array_equal(found[1][name], value)
    assert found[0]["devices"] == 2
    expected = train(x, y, validation_data=(x, y), shuffle=False)
    assert_same_training(found[0], expected, steps=EPOCHS * 4)
