"""Whatever is raised in the middle of a training, the model keeps weights that it can go on with."""

import os
import signal
import subprocess
import sys
import threading
import time

import jax
import keras
import numpy as np
import pytest
from tests.training.fit_cases import compiled, dense, numbers

import normwise
from normwise.training.interrupt import interrupt_between_chunks, interruptible
from normwise.training.program import Result


def steps(model):
    return int(model.optimizer.iterations.value)


def assert_goes_on(model):
    """Its variables are there and finite, and it can be trained."""
    for variable in model.variables:
        assert variable._value is not None
        assert np.isfinite(np.asarray(variable.value, "float32")).all()
    before = steps(model)
    normwise.fit(model, **numbers(), batch_size=16, verbose=0)
    assert steps(model) == before + 3


class Raises(keras.callbacks.Callback):
    def __init__(self, event, at=0):
        super().__init__()
        self.at = at
        setattr(self, f"on_{event}", self._raise)

    def _raise(self, number, logs=None):
        if number >= self.at:
            raise RuntimeError("from a callback")


@pytest.mark.parametrize("event", ["train_batch_begin", "train_batch_end", "epoch_end", "test_batch_end"])
def test_a_callback_that_raises(event):
    model = compiled(dense(), steps_per_execution=2)
    with pytest.raises(RuntimeError, match="from a callback"):
        normwise.fit(
            model, **numbers(), batch_size=16, verbose=0, validation_split=1 / 3, callbacks=[Raises(event)]
        )
    assert steps(model) == (0 if event == "train_batch_begin" else 2)
    assert_goes_on(model)


class RaisesInside(keras.layers.Layer):
    """Raises while the compiled program runs, at one call of many."""

    calls = 0
    at = 2

    def call(self, x, training=False):
        if not training:
            return x

        def check(values):
            RaisesInside.calls += 1
            if RaisesInside.calls == RaisesInside.at:
                raise RuntimeError("from inside the step")
            return values

        @jax.custom_jvp
        def checked(values):
            return jax.pure_callback(check, jax.ShapeDtypeStruct(values.shape, values.dtype), values)

        checked.defjvp(lambda primals, tangents: (checked(*primals), tangents[0]))
        return checked(x)


def test_a_step_that_raises_leaves_the_weights_of_the_last_finished_chunk():
    RaisesInside.calls = 0
    model = compiled(dense(RaisesInside()))
    with pytest.raises(Exception, match="from inside the step"):
        normwise.fit(model, **numbers(), batch_size=16, verbose=0)
    assert steps(model) == 0
    assert_goes_on(model)


def test_a_generator_that_raises():
    def batches():
        data = numbers()
        yield data["x"][:16], data["y"][:16]
        raise RuntimeError("from the generator")

    model = compiled(dense())
    with pytest.raises(RuntimeError, match="from the generator"):
        normwise.fit(model, batches(), steps_per_epoch=3, shuffle=False, verbose=0)
    assert_goes_on(model)


class Branches(keras.Model):
    """Asks for a value while it is traced, which no compiled step can tell."""

    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(1)

    def call(self, x):
        return self.out(x)

    def train_step(self, state, data):
        if data[0][0, 0] > 0:
            return super().train_step(state, data)
        return super().train_step(state, data)


def test_a_step_that_cannot_be_traced_fails_as_in_keras():
    kinds = []
    for fit in (keras.Model.fit, normwise.fit):
        model = compiled(Branches())
        with pytest.raises(jax.errors.TracerBoolConversionError) as caught:
            fit(model, **numbers(), batch_size=16, verbose=0)
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]
    assert all(variable._value is not None for variable in model.variables)


# ---- Ctrl-C

PROGRAM = """
import os
import jax, keras, numpy as np
import normwise

class Turns(keras.layers.Layer):
    # Takes as long as its first input says.
    def call(self, x):
        turns = jax.lax.stop_gradient(x[0, 0]).astype("int32")
        # A product of matrices: without one, JAX takes the program for so cheap that it waits for it.
        begin = jax.numpy.full((16, 16), 0.1)
        turned = jax.lax.fori_loop(0, turns, lambda i, v: jax.numpy.tanh(v @ v), begin)
        return jax.numpy.ones_like(x) * turned[0, 0]

class Says(keras.callbacks.Callback):
    last = -1
    def on_train_batch_begin(self, batch, logs=None):
        print("begun", flush=True)
    def on_train_batch_end(self, batch, logs=None):
        Says.last = batch

model = keras.Sequential([keras.Input((4,)), Turns(), keras.layers.Dense(1)])
model.compile("sgd", "mse", steps_per_execution=10)
x = np.ones((4000, 4), "float32")
x[:10], x[10:] = {first}, {then}
try:
    options = dict(batch_size=1, epochs=50, verbose=0, shuffle=False)
    normwise.fit(model, x, x[:, :1] * 0, callbacks=[Says()], **options)
except KeyboardInterrupt:
    finite = all(np.isfinite(np.asarray(v.value)).all() for v in model.variables)
    print("interrupted", int(model.optimizer.iterations.value), Says.last + 1, finite, flush=True)
    os._exit(7)
"""


def interrupted(presses, first, then):
    """Steps that the weights have, and that callbacks heard of, by Ctrl-C in the second chunk."""
    command = [sys.executable, "-c", PROGRAM.format(first=first, then=then)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout.readline() == "begun\n"
        assert process.stdout.readline() == "begun\n"
        for _ in range(presses):
            threading.Event().wait(0.5)
            process.send_signal(signal.SIGINT)
        said = process.stdout.read().splitlines()[-1].split()
        assert process.wait(60) == 7
    assert (said[0], said[3]) == ("interrupted", "True")
    return int(said[1]), int(said[2])


def test_ctrl_c_leaves_the_weights_of_the_last_finished_chunk():
    steps_taken, heard_of = interrupted(presses=1, first=1e4, then=1e4)
    assert steps_taken == heard_of
    assert steps_taken >= 20
    assert steps_taken % 10 == 0


def test_a_second_ctrl_c_does_not_wait():
    """The second chunk would take minutes."""
    assert interrupted(presses=2, first=1, then=2e9) == (10, 10)


def test_ctrl_c_after_the_last_chunk_is_not_lost():
    with pytest.raises(KeyboardInterrupt), interrupt_between_chunks():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_somebody_else_is_left_alone():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with interrupt_between_chunks() as between:
            signal.raise_signal(signal.SIGINT)
            between()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [1]


def test_fit_in_another_thread():
    found = []

    def train():
        model = compiled(dense())
        normwise.fit(model, **numbers(), batch_size=16, verbose=0)
        found.append(steps(model))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [3]


def test_interruptible_gives_what_the_function_gives_or_raises():
    assert interruptible(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


def test_a_call_that_takes_longer_than_the_last_ones_is_handed_to_a_thread():
    """Else the second Ctrl-C would wait for it."""
    long = jax.jit(lambda v: jax.lax.fori_loop(0, 20_000, lambda _, v: jax.numpy.tanh(v @ v), v))
    square = jax.numpy.full((32, 32), 0.1)
    program = long.lower(square).compile()
    result = Result((), {}, 1, program(square))
    begun = time.perf_counter()
    assert not result.is_ready_within(0.001)
    assert time.perf_counter() - begun < 1
    jax.block_until_ready(result.is_finite)
    assert result.is_ready_within(0.0)
    assert Result((), {}, 1, True).is_ready_within(0.0)
