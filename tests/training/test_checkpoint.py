"""fit(checkpoint=…): what goes on, what is given back at once, and what is refused."""

import errno
import functools
import itertools
import os
import tempfile
from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest
from tests.training.checkpointed_training import result

import normwise
from normwise.core.errors import NormwiseWarning, RecordError, RunFolderError
from normwise.training import checkpoint, checkpoint_file, checkpoint_folder, probes
from normwise.training.checkpoint_folder import FINISHED, RUNNING

EPOCHS, ROWS, BATCH = 3, 160, 8
CHUNK = 4
"""Steps a chunk: five of them an epoch."""


def network(units=3, activation="tanh", loss="mse", optimizer="sgd", **arguments):
    layers = [
        keras.layers.Dense(units, activation=activation),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(optimizer, loss, **{"steps_per_execution": CHUNK, **arguments})
    return model


def rows(n=ROWS):
    x = np.random.default_rng(0).normal(size=(n, 2)).astype("float32")
    return x, x[:, :1] * x[:, 1:]


def train(folder, callbacks=(), seed=1, model=network, data=rows, **arguments):
    keras.utils.set_random_seed(seed)
    built = model()
    given = {"epochs": EPOCHS, "verbose": 0, "callbacks": list(callbacks), "checkpoint": folder, **arguments}
    x = data()
    if isinstance(x, tuple):
        x, given["y"] = x
        given.setdefault("batch_size", BATCH)
    return result(built, normwise.fit(built, x, **given))


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def facts(folder, name=RUNNING):
    return checkpoint_file.read_saved(folder / name).facts


class Stopped(keras.callbacks.Callback):
    """An error at the end of a chunk, before its state is written."""

    def __init__(self, chunks):
        super().__init__()
        self.left = chunks

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise InterruptedError


class Untouched(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        raise AssertionError("a training began")


@pytest.fixture
def always(monkeypatch):
    """A checkpoint at every chance, whatever it takes."""
    monkeypatch.setattr(checkpoint, "SHARE", 0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    return folder, train(folder)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return ROWS // BATCH

    def __getitem__(self, i):
        x, y = rows()
        return x[i * BATCH : (i + 1) * BATCH], y[i * BATCH : (i + 1) * BATCH]


def generator():
    batches = Batches()
    for i in itertools.count():
        yield batches[7 * i % len(batches)]


@functools.cache
def table():
    x, y = rows()
    path = Path(tempfile.mkdtemp()) / "table.parquet"
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y[:, 0]}).write_parquet(path)
    return path


def averaging():
    return network(optimizer=keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9))


def half():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        return network()
    finally:
        keras.config.set_dtype_policy(policy)


def meddling():
    """Callbacks that change the weights and the learning rate at the ends of epochs."""
    return [
        keras.callbacks.LearningRateScheduler(lambda _, rate: 0.9 * rate),
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
    ]


@pytest.mark.parametrize(
    ("where", "given"),
    [
        pytest.param((1, 8), {}, id="shuffled"),
        pytest.param((1, 8), {"shuffle": "batch"}, id="shuffled within batches"),
        # Five epochs of four batches by one order of the rows.
        pytest.param((3, 0), {"steps_per_epoch": 4, "epochs": 6, "chunks": 4}, id="one order, many epochs"),
        pytest.param((1, 8), {"data": table, "y": "y", "batch_size": BATCH}, id="Parquet"),
        pytest.param((1, 0), {"data": Batches}, id="PyDataset"),
        pytest.param((1, 0), {"data": generator, "steps_per_epoch": 20, "shuffle": False}, id="generator"),
        pytest.param(
            (1, 8),
            {"model": averaging, "made": meddling, "validation_split": 0.2, "chunks": 7},
            id="callbacks",
        ),
        pytest.param((1, 8), {"model": half}, id="bfloat16"),
    ],
)
@pytest.mark.usefixtures("always")
def test_an_error_and_the_same_call_again(tmp_path, where, given):
    given = dict(given)
    made, chunks = given.pop("made", list), given.pop("chunks", 8)
    with pytest.raises(InterruptedError):
        train(tmp_path, [*made(), Stopped(chunks)], **given)
    assert (facts(tmp_path)["epoch"], facts(tmp_path)["step"]) == where
    assert_same(train(tmp_path, made(), **given), train(None, made(), **given))


def test_what_is_finished_is_given_back_at_once(finished):
    folder, expected = finished
    assert_same(train(folder, [Untouched()]), expected)


def test_what_is_finished_has_found_and_compiled_nothing(finished):
    folder, _ = finished
    keras.utils.set_random_seed(1)
    model = network()
    given = {"batch_size": BATCH, "epochs": EPOCHS, "verbose": 0, "checkpoint": folder}
    history = normwise.fit(model, *rows(), **given, probes=[probes.Loss()])
    assert (len(history.probes), history.compilations) == (0, [])


@pytest.mark.usefixtures("always")
def test_more_epochs_go_on(tmp_path):
    # At the end of a training the averages take the place of the weights, which do not go on from there.
    train(tmp_path, model=averaging, epochs=2)
    assert (facts(tmp_path)["epoch"], facts(tmp_path)["step"]) == (1, 16)
    assert facts(tmp_path, FINISHED)["epochs"] == 2
    assert_same(train(tmp_path, model=averaging), train(None, model=averaging))
    assert facts(tmp_path, FINISHED)["epochs"] == EPOCHS


@pytest.mark.usefixtures("always")
def test_fewer_epochs_than_there_were(tmp_path):
    train(tmp_path)
    with pytest.raises(RecordError, match=f"{tmp_path} is in epoch 3 already, and epochs is 2. Raise epochs"):
        train(tmp_path, epochs=2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": lambda: rows(168)}, "data rows was 160 and is 168, data batches an epoch was 20 and is 21"),
        ({"batch_size": 16}, "data batch_size was 8 and is 16, data batches an epoch was 20 and is 10"),
        ({"shuffle": False}, "data shuffle was True and is False"),
        ({"initial_epoch": 1}, "initial_epoch was 0 and is 1"),
        ({"seed": 2}, "seed of keras.utils.set_random_seed was 1 and is 2"),
        ({"model": lambda: network(activation="relu")}, "model layers 1 activation was 'tanh' and is 'relu'"),
        (
            {"model": lambda: network(4, optimizer="adam")},
            "model layers 1 units was 3 and is 4, .* and 1 more",
        ),
        ({"model": lambda: network(loss="mae")}, "loss was 'mse' and is 'mae'"),
        ({"model": lambda: network(optimizer="adam")}, "optimizer class was 'SGD' and is 'Adam'"),
    ],
)
def test_another_training_is_told_apart(finished, given, said):
    folder, _ = finished
    with pytest.raises(RecordError, match=f"{folder} holds the checkpoint of another training: .*{said}"):
        train(folder, [Untouched()], **given)


def test_a_damaged_file_is_an_error(tmp_path):
    (tmp_path / RUNNING).write_bytes(b"PK not quite")
    with pytest.raises(RecordError, match=f"the checkpoint {tmp_path / RUNNING} cannot be read: .*Remove it"):
        train(tmp_path, [Untouched()])


def refusing_after(writes, monkeypatch):
    flush, left = checkpoint_file.flush, [writes]

    def full(opened):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(opened)

    monkeypatch.setattr(checkpoint_file, "flush", full)


@pytest.mark.usefixtures("always")
def test_a_full_disk_keeps_the_training_and_the_last_checkpoint(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        refusing_after(3, patched)
        with pytest.warns(NormwiseWarning) as caught:
            found = train(tmp_path)
    (warning,) = caught
    assert str(warning.message) == (
        f"the checkpoint {tmp_path / RUNNING} cannot be written: No space left on device. The training goes "
        "on, the last checkpoint is kept, and writing is tried again."
    )
    assert [f.name for f in tmp_path.iterdir()] == [RUNNING]
    assert (facts(tmp_path)["epoch"], facts(tmp_path)["step"]) == (0, 2 * CHUNK)
    assert_same(train(tmp_path), found)


def test_a_folder_that_takes_nothing_is_an_error_before_the_first_step(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(
        RunFolderError, match=f"the folder {tmp_path}/file for the checkpoint cannot be made: "
    ):
        train(tmp_path / "file", [Untouched()])
    refusing_after(0, monkeypatch)
    with pytest.raises(RunFolderError, match=r"running.npz cannot be written: No space left.*Make room"):
        train(tmp_path, [Stopped(1)])


def test_other_versions_go_on_with_a_warning(finished, monkeypatch):
    folder, expected = finished
    monkeypatch.setattr(checkpoint, "_versions", lambda: {"keras": keras.__version__, "jax": "9.9"})
    with pytest.warns(NormwiseWarning, match=r"goes on with other versions \(jax was '.*' and is '9.9'\)"):
        assert_same(train(folder), expected)


def test_two_ways_of_going_on_are_one_too_many(tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(
        ValueError, match=r"checkpoint=… and keras\.callbacks.BackupAndRestore would both say"
    ):
        train(tmp_path / "checkpoint", [backup])
    assert not (tmp_path / "checkpoint").exists()


def test_what_keras_trains_has_no_checkpoint(tmp_path):
    with pytest.raises(
        ValueError, match=r"checkpoint=… needs the compiled epoch, .* run_eagerly=True\. Use keras"
    ):
        train(tmp_path, model=lambda: network(run_eagerly=True, steps_per_execution=1))


def test_writing_takes_one_percent_of_the_time(tmp_path, monkeypatch):
    now, written = [1000.0], []

    class Second(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now[0] += 1.0

    def eighth_of_a_second(file, saved):
        now[0] += 0.125
        if file.name == RUNNING:
            written.append((saved.facts["epoch"], saved.facts["step"]))

    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint_folder, "write_saved", eighth_of_a_second)
    train(tmp_path, [Second()])
    # At once, and then after 12.5 s of training: the third of five chunks of 1 s in the third epoch.
    assert written == [(0, 0), (2, 3 * CHUNK)]


def test_history_keeps_numbers_and_arrays(tmp_path):
    class Noting(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs |= {"nan": float("nan"), "text": "a", "each": np.arange(2, dtype="float32") + epoch}

    for callbacks in ([Noting()], [Untouched()]):
        keras.utils.set_random_seed(1)
        given = {"epochs": EPOCHS, "verbose": 0, "callbacks": callbacks, "checkpoint": tmp_path}
        history = normwise.fit(network(), *rows(), **given)
    assert np.isnan(history.history["nan"]).all()
    assert history.history["text"] == ["a"] * EPOCHS
    np.testing.assert_array_equal(history.history["each"], [[0, 1], [1, 2], [2, 3]])
    assert history.history["each"][0].dtype == np.float32
    assert history.epoch == [0, 1, 2]
