"""Callbacks see what `Model.fit` shows them: at epochs exactly, within one at the ends of chunks."""

import keras
import numpy as np
import pytest
from tests.training.both_ways import After, after, assert_same, both, by_keras, train
from tests.training.fit_cases import compiled, dense, numbers

import normwise
from normwise.training import pace
from normwise.training.keras_trainer import hear_of_batches
from normwise.training.program import Programs

OPTIONS = {"batch_size": 12, "epochs": 4, "validation_split": 0.25}
"""Of 48 rows: three steps, and one of validation."""


def model():
    return compiled(dense(), keras.optimizers.SGD(0.3, momentum=0.9), metrics=["mae"])


def in_twos():
    return compiled(dense(), keras.optimizers.SGD(0.3), steps_per_execution=2)


def averaged():
    return compiled(dense(), keras.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.5))


class Recorder(keras.callbacks.Callback):
    """Every call, with its number and the logs as they were then."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def _record(self, name):
        def call(*numbers_and_logs, logs=None):
            *numbers, last = [*numbers_and_logs, logs] if logs is not None else numbers_and_logs
            self.calls.append((name, *numbers, dict(last) if last else {}))

        return call


for _event in ("train_begin", "train_end", "epoch_begin", "epoch_end", "test_begin", "test_end"):
    setattr(Recorder, f"on_{_event}", lambda self, *a, _n=_event, **k: self._record(_n)(*a, **k))
for _event in ("train_batch_begin", "train_batch_end", "test_batch_begin", "test_batch_end"):
    setattr(Recorder, f"on_{_event}", lambda self, *a, _n=_event, **k: self._record(_n)(*a, **k))


def recorded(fit, build, **options):
    recorder = Recorder()
    train(fit, build, numbers, callbacks=[recorder], **{**OPTIONS, **options})
    return recorder.calls


def test_calls_by_the_epoch_are_those_of_keras():
    ours, theirs = (
        [c for c in recorded(fit, model) if "batch" not in c[0]] for fit in (normwise.fit, by_keras)
    )
    assert len(theirs) == 2 + 4 * 4
    assert ours == theirs


def test_calls_by_steps_per_execution_are_those_of_keras():
    ours, theirs = (recorded(fit, in_twos) for fit in (normwise.fit, by_keras))
    assert [c[:2] for c in theirs if c[0] == "train_batch_end"][:2] == [
        ("train_batch_end", 1),
        ("train_batch_end", 3),
    ]
    assert ours == theirs


def test_calls_by_chunks_of_one_step_are_those_of_keras(monkeypatch):
    monkeypatch.setattr(pace, "FIRST_STEPS", 1)
    monkeypatch.setattr(pace, "SECONDS", 0.0)
    ours, theirs = (recorded(fit, model) for fit in (normwise.fit, by_keras))
    assert ours == theirs


def test_calls_within_an_epoch_come_at_the_ends_of_chunks(monkeypatch):
    monkeypatch.setattr(pace, "FIRST_STEPS", 2)
    monkeypatch.setattr(pace, "GROWTH", 1)
    monkeypatch.setattr(pace, "SECONDS", 1e9)
    calls = [
        c for c in recorded(normwise.fit, model, epochs=1, batch_size=8) if c[0].startswith("train_batch")
    ]
    by_the_step = [c for c in recorded(by_keras, model, epochs=1, batch_size=8) if c[0] == "train_batch_end"]
    assert [c[:2] for c in calls] == [
        (name, step)
        for begin, end in ((0, 1), (2, 3), (4, 4))
        for name, step in (("train_batch_begin", begin), ("train_batch_end", end))
    ]
    assert [c for c in calls if c[0] == "train_batch_end"] == [by_the_step[1], by_the_step[3], by_the_step[4]]


STOCK = {
    "early_stopping": (model, lambda _: keras.callbacks.EarlyStopping(patience=0, restore_best_weights=True)),
    "early_stopping_by_a_baseline": (
        model,
        lambda _: keras.callbacks.EarlyStopping(baseline=0.0, patience=2),
    ),
    "plateau": (model, lambda _: keras.callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=9.0)),
    "schedule": (
        model,
        lambda _: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / (1 + epoch)),
    ),
    "csv": (model, lambda folder: keras.callbacks.CSVLogger(str(folder / "log.csv"))),
    "checkpoint": (
        model,
        lambda folder: keras.callbacks.ModelCheckpoint(
            str(folder / "{epoch}-{val_loss:.3f}.weights.h5"), save_weights_only=True, save_best_only=True
        ),
    ),
    "checkpoint_by_steps": (
        in_twos,
        lambda folder: keras.callbacks.ModelCheckpoint(
            str(folder / "{epoch}-{batch}.weights.h5"), save_weights_only=True, save_freq=4
        ),
    ),
    "averaged_weights_swapped": (averaged, lambda _: keras.callbacks.SwapEMAWeights(swap_on_epoch=True)),
    "terminate": (model, lambda _: keras.callbacks.TerminateOnNaN()),
    "lambda": (
        model,
        lambda folder: keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: (folder / f"{epoch}").write_text(f"{sorted(logs.items())}")
        ),
    ),
}


def files(folder):
    """Name to content; of weights, the arrays."""
    import h5py  # Keras saves by it.

    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".h5":
            arrays = {}
            with h5py.File(path) as file:
                file.visititems(
                    lambda name, item, a=arrays: (
                        a.update({name: item[()]}) if hasattr(item, "shape") else None
                    )
                )
            found[path.name] = {name: array.tolist() for name, array in arrays.items()}
        else:
            found[path.name] = path.read_text()
    return found


@pytest.mark.parametrize("name", STOCK)
def test_keras_own_callbacks(name, tmp_path):
    build, make = STOCK[name]
    results = []
    for fit in (normwise.fit, by_keras):
        folder = tmp_path / fit.__name__
        folder.mkdir()
        found = train(fit, build, numbers, callbacks=[make(folder)], **OPTIONS)
        results.append((found, files(folder)))
    (ours, our_files), (theirs, their_files) = results
    assert_same(ours, theirs)
    assert our_files == their_files
    assert our_files or name not in ("csv", "checkpoint", "checkpoint_by_steps", "lambda")


def test_early_stopping_has_stopped_early():
    """So that the case above compares what it is about."""
    build, make = STOCK["early_stopping"]
    found = train(normwise.fit, build, numbers, callbacks=[make(None)], **{**OPTIONS, "epochs": 40})
    assert len(found.epochs) < 40


def diverging():
    return compiled(dense(), keras.optimizers.SGD(1e30))


def test_terminate_on_nan_ends_at_the_step_at_which_it_ends_keras(capsys):
    said, found = [], []
    for fit in (normwise.fit, by_keras):
        found.append(train(fit, diverging, numbers, callbacks=[keras.callbacks.TerminateOnNaN()], **OPTIONS))
        said.append(capsys.readouterr().out)
    assert_same(*found)
    assert said[0] == said[1]
    assert "Batch 1: Invalid loss, terminating training" in said[0]


def scalars(folder):
    """Run, tag, step and value of what TensorBoard was given."""
    from tensorflow import make_ndarray
    from tensorflow.python.summary.summary_iterator import summary_iterator

    found = []
    for path in sorted(folder.rglob("events*")):
        for event in summary_iterator(str(path)):
            values = [
                (v.tag, float(make_ndarray(v.tensor))) for v in event.summary.value if not v.tensor.string_val
            ]
            found += [(path.parent.name, event.step, *value) for value in values]
    return found


@pytest.mark.filterwarnings("ignore")
def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="Keras' TensorBoard callback needs TensorBoard, on JAX too")
    found = []
    for fit in (normwise.fit, by_keras):
        folder = tmp_path / fit.__name__
        train(fit, in_twos, numbers, callbacks=[keras.callbacks.TensorBoard(str(folder))], **OPTIONS)
        found.append(scalars(folder))
    assert {run for run, *_ in found[0]} == {"train", "validation"}
    assert len(found[0]) > 8
    assert found[0] == found[1]


class Fails(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("the plug was pulled")


def test_backup_and_restore_goes_on_where_it_was(tmp_path):
    found = []
    for fit in (normwise.fit, by_keras):
        folder = str(tmp_path / fit.__name__)
        with pytest.raises(RuntimeError, match="the plug was pulled"):
            train(
                fit, model, numbers, callbacks=[keras.callbacks.BackupAndRestore(folder), Fails()], **OPTIONS
            )
        found.append(
            train(fit, model, numbers, callbacks=[keras.callbacks.BackupAndRestore(folder)], **OPTIONS)
        )
    assert found[0].epochs == [2, 3]
    assert_same(*found)


class Stops(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = True


def test_stopping_within_an_epoch():
    ours, theirs = both(in_twos, lambda: numbers(48), callbacks=[Stops()], **{**OPTIONS, "batch_size": 4})
    assert int(ours.optimizer[0]) == 2
    assert_same(ours, theirs)


class Halves(keras.callbacks.Callback):
    """Changes the model between chunks: weights, and the learning rate."""

    def on_train_batch_end(self, batch, logs=None):
        kernel = self.model.trainable_variables[0]
        kernel.assign(kernel * 0.5)
        self.model.optimizer.learning_rate.assign(0.01)


def test_what_a_callback_changes_is_trained_on():
    assert_same(*both(in_twos, numbers, callbacks=[Halves()], **OPTIONS))


def test_a_callback_list_is_taken_as_it_is():
    histories = []
    for fit in (normwise.fit, by_keras):
        keras.utils.set_random_seed(1)
        network = model()
        own = keras.callbacks.CallbackList(add_history=True, model=network, epochs=2, steps=4, verbose=0)
        fit(network, **numbers(), callbacks=own, epochs=2, batch_size=12)
        histories.append(after(network, network.history))
    assert_same(*histories)


def test_a_second_fit_goes_on():
    found = []
    for fit in (normwise.fit, by_keras):
        first = train(fit, model, numbers, **OPTIONS)
        data = numbers()
        history = fit(first.model, data["x"], data["y"], batch_size=12, epochs=6, initial_epoch=4, verbose=0)
        found.append(after(first.model, history))
    assert found[0].epochs == [4, 5]
    assert_same(*found)


def test_a_difference_would_be_seen():
    one, other = both(model, numbers, **OPTIONS)
    assert_same(one, other)
    for kind, change in {
        "history": {
            "loss": [*other.history["loss"][:-1], np.nextafter(np.float32(other.history["loss"][-1]), 9.0)]
        },
        "weights": [other.weights[0] * 1.0000002, *other.weights[1:]],
        "optimizer": [other.optimizer[0] + 1, *other.optimizer[1:]],
        "global_random": ("MT19937",),
    }.items():
        changed = After(**{**vars(other), kind: {**other.history, **change} if kind == "history" else change})
        with pytest.raises((AssertionError, ValueError)):
            assert_same(one, changed)


class Ends(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def test_steps_per_execution_is_kept_where_a_callback_hears_of_batches():
    class Begins(keras.callbacks.Callback):
        def on_batch_begin(self, batch, logs=None):
            pass

    class Tests(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            pass

    def heard(*callbacks, **options):
        return [
            hear_of_batches(keras.callbacks.CallbackList(list(callbacks), **options), phase)
            for phase in ("train", "test")
        ]

    assert heard(keras.callbacks.EarlyStopping(), add_history=True) == [False, False]
    assert heard(add_progbar=True) == [True, True]
    assert heard(Ends()) == heard(Begins()) == [True, False]
    assert heard(Tests()) == [False, True]
    assert hear_of_batches(object(), "train")


@pytest.mark.parametrize("listens", [True, False])
def test_calls_of_the_program(listens, monkeypatch):
    """Where nobody hears of batches, a call takes as many steps as suit it."""
    calls, start = [], Programs.start

    def counted(self, state, data, first, stop, *rest):
        calls.append(stop - first)
        return start(self, state, data, first, stop, *rest)

    monkeypatch.setattr(Programs, "start", counted)
    model = compiled(dense(), keras.optimizers.SGD(0.3), steps_per_execution=2)
    x = np.ones((80, 4), "float32")
    normwise.fit(model, x, x[:, :1], batch_size=8, verbose=0, callbacks=[Ends()] if listens else [])
    assert calls == ([2] * 5 if listens else [10])
