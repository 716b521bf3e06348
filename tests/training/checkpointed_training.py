"""Trainings with one checkpoint, one after the other, each in a process that is killed.

    python -m tests.training.checkpointed_training FOLDER RESULT HOW…

Each HOW is one process: "batch:N" kills itself at the end of the N-th chunk, "write:N" halfway through the
N-th file that it writes; "after:SECONDS" takes its time, spends half of it on writing, and is killed so long
after it began; "whole" is not killed. A training that ends writes its weights, History and random state to
RESULT. What became of the processes is printed: a number each, as `Popen.returncode` has it.
"""

import json
import os
import signal
import sys
import time

import keras
import numpy as np

import normwise
from normwise.training import checkpoint, checkpoint_file

EPOCHS, ROWS, BATCH = 3, 1000, 16


def network(units=8, rate=0.3, activation="tanh"):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units, activation=activation),
            normwise.BatchNormalization(),
            keras.layers.Dropout(rate),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"], steps_per_execution=8)
    return model


def rows(n=ROWS):
    x = np.random.default_rng(0).normal(size=(n, 4)).astype("float32")
    return x, x[:, :1] * x[:, 1:2]


def train(folder, callbacks=(), seed=1, **arguments):
    keras.utils.set_random_seed(seed)
    model = network()
    x, y = rows()
    given = {"batch_size": BATCH, "epochs": EPOCHS, "verbose": 0, "validation_split": 0.096, **arguments}
    history = normwise.fit(model, x, y, callbacks=list(callbacks), checkpoint=folder, **given)
    return result(model, history)


def result(model, history):
    """All that two trainings must have in common, bit for bit."""
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return {
        **{f"{i}": np.asarray(v.value) for i, v in enumerate(variables)},
        "history": np.array(json.dumps(history.history)),
        "epochs": np.array(history.epoch),
        "next random number": np.array(np.random.random()),
    }


class Slow(keras.callbacks.Callback):
    def __init__(self, begun):
        super().__init__()
        self.begun = begun

    def on_train_begin(self, logs=None):
        os.write(self.begun, b".")

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.05)


class KilledAfter(keras.callbacks.Callback):
    def __init__(self, chunks):
        super().__init__()
        self.left = chunks

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def kill_in_write(number):
    flush, left = checkpoint_file.flush, [number]

    def half_written(opened):
        left[0] -= 1
        if left[0] == 0:
            opened.truncate(opened.tell() // 2)
            flush(opened)
            os.kill(os.getpid(), signal.SIGKILL)
        flush(opened)

    checkpoint_file.flush = half_written


def run(folder, path, how, begun):
    kind, _, number = how.partition(":")
    checkpoint.SHARE = 1 if kind == "after" else 0
    if kind == "write":
        kill_in_write(int(number))
    callbacks = {"batch": lambda: [KilledAfter(int(number))], "after": lambda: [Slow(begun)]}.get(
        kind, list
    )()
    np.savez(path, **train(folder, callbacks))


def main():
    folder, path, *hows = sys.argv[1:]
    for how in hows:
        begun, begins = os.pipe()
        # Before JAX has made a thread; to import it again for every process would take most of the time.
        child = os.fork()
        if child == 0:
            run(folder, path, how, begins)
            os._exit(0)
        os.close(begins)
        if how.startswith("after") and os.read(begun, 1):
            time.sleep(float(how.partition(":")[2]))
            os.kill(child, signal.SIGKILL)
        os.close(begun)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
