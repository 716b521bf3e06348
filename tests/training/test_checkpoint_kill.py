"""Killed by SIGKILL and continued: the same bits as a training that was not interrupted."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.training.checkpointed_training import train

from normwise.training.checkpoint_folder import FINISHED, RUNNING

ROOT = Path(__file__).parents[2]
LIMIT = 600
"""Seconds for a process to import its framework and train, on a busy machine."""


def run(folder, result, *hows):
    """What became of the trainings, one after the other."""
    command = [sys.executable, "-m", "tests.training.checkpointed_training", str(folder), str(result), *hows]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, check=False, capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.splitlines()]


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_the_helper_sees_one_bit():
    expected = {"0": np.ones(3, "float32")}
    with pytest.raises(AssertionError, match="Mismatched elements: 1 / 3"):
        assert_same({"0": np.nextafter(expected["0"], [2, 1, 1], dtype="float32")}, expected)


def test_killed_between_chunks_and_halfway_through_a_file(tmp_path):
    folder, result = tmp_path / "checkpoint", tmp_path / "result.npz"
    assert run(folder, result, "batch:10", "write:4") == [-signal.SIGKILL] * 2
    # What was being written lies beside what was whole.
    assert sorted(f.name for f in folder.iterdir()) == [RUNNING, f"{RUNNING}.new"]
    assert_same(train(folder), train(None))
    assert sorted(f.name for f in folder.iterdir()) == [FINISHED, RUNNING]
    assert not result.exists()


@pytest.mark.slow
def test_killed_at_ten_random_moments(tmp_path):
    folder, result, random_moments = tmp_path / "checkpoint", tmp_path / "result.npz", random.Random(5)
    # The chunks alone take 1.2 s, so that ten times 0.1 s on the average do not bring it to its end.
    moments = [f"after:{random_moments.uniform(0.0, 0.2):.3f}" for _ in range(10)]
    assert run(folder, result, *moments, "whole") == [-signal.SIGKILL] * 10 + [0]
    assert_same(dict(np.load(result)), train(None))
