"""The file of a checkpoint: what is written is read, whole or not at all, and nothing is unpickled."""

import errno
import json
import os

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from normwise.core.errors import RecordError
from normwise.training import checkpoint_file
from normwise.training.checkpoint_file import NEW, VERSION, Saved, read_saved, write_saved

SAVED = Saved(
    {"epoch": 3, "loss": [0.1, float("inf")]}, {"weights": [np.arange(6.0).reshape(2, 3)], "none": []}
)


@pytest.fixture
def file(tmp_path):
    write_saved(tmp_path / "running.npz", SAVED)
    return tmp_path / "running.npz"


def full_disk(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_was_written_is_read(file):
    found = read_saved(file)
    assert found.facts == SAVED.facts
    assert found.arrays.keys() == SAVED.arrays.keys()
    np.testing.assert_array_equal(found.arrays["weights"][0], SAVED.arrays["weights"][0])
    assert [f.name for f in file.parent.iterdir()] == ["running.npz"]


@given(
    st.sampled_from(["float32", "float64", "int32", "uint32", "bool"]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, max_side=3))
    )
)
def test_every_bit_of_every_array(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("bits") / "running.npz"
    write_saved(path, Saved({}, {"a": [array]}))
    (found,) = read_saved(path).arrays["a"]
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn"])
def test_numbers_that_numpy_has_no_name_for(tmp_path, name):
    array = np.array([[1.0, -0.5, 2.0]], getattr(ml_dtypes, name))
    write_saved(tmp_path / "a.npz", Saved({}, {"a": [array]}))
    (found,) = read_saved(tmp_path / "a.npz").arrays["a"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found.astype("float32"), array.astype("float32"))


def test_no_file_is_none(tmp_path):
    assert read_saved(tmp_path / "running.npz") is None


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing_beside_it(file, monkeypatch):
    monkeypatch.setattr(checkpoint_file, "flush", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        write_saved(file, Saved({"epoch": 4}, {}))
    assert read_saved(file).facts["epoch"] == 3
    assert [f.name for f in file.parent.iterdir()] == ["running.npz"]


def test_what_a_killed_process_left_is_overwritten(file):
    beside = file.with_name(file.name + NEW)
    beside.write_bytes(b"half of a fi")
    write_saved(file, Saved({"epoch": 4}, {}))
    assert read_saved(file).facts["epoch"] == 4
    assert not beside.exists()


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_file_that_was_cut_off(file, kept):
    content = file.read_bytes()
    file.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(RecordError, match=f"the checkpoint {file} cannot be read: .*Remove it to train"):
        read_saved(file)


def test_one_bit_that_turned(file):
    content = bytearray(file.read_bytes())
    content[content.index(np.float64(3.0).tobytes())] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(RecordError, match=f"the checkpoint {file} cannot be read: Bad CRC-32"):
        read_saved(file)


def test_a_file_of_something_else(tmp_path):
    np.savez(tmp_path / "a.npz", facts=np.array("{}"))
    with pytest.raises(RecordError, match="cannot be read: 'version'"):
        read_saved(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", facts=np.array([object()]))
    with pytest.raises(RecordError, match="cannot be read: Object arrays cannot be loaded"):
        read_saved(tmp_path / "b.npz")


def test_a_newer_version(tmp_path):
    newer = VERSION + 1
    np.savez(tmp_path / "a.npz", facts=np.array(json.dumps({"version": newer, "dtypes": {}})))
    with pytest.raises(
        RecordError, match=f"a.npz has version {newer}; this normwise reads versions up to {VERSION}"
    ):
        read_saved(tmp_path / "a.npz")
