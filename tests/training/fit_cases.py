"""Trainings that `normwise.fit` is compared on: models, data and options, made anew for each training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
import pandas as pd
from keras import layers, ops

import normwise

ROWS = 48
"""Three whole batches of 16, of one shape: compiling is what takes the time here."""
MORE_ROWS = 50
"""And one of 2, for the options of fit."""


@dataclasses.dataclass
class Case:
    """A training: `build` gives a compiled model, `data` what fit takes."""

    build: Callable[[], Any]
    data: Callable[[], dict[str, Any]]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


CASES: dict[str, Case] = {}


def case(data: Callable[[], dict[str, Any]] | None = None, **options: Any) -> Callable[[Any], Any]:
    """Adds a function that builds a model as a case by its name."""

    def add(build: Callable[[], Any]) -> Callable[[], Any]:
        CASES[build.__name__] = Case(build, data or numbers, {"batch_size": 16, "epochs": 2, **options})
        return build

    return add


def numbers(rows: int = ROWS, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype("float32")
    return {"x": x, "y": (x @ np.array([1, -2, 0.5, 0], "float32") + 0.1)[:, None]}


def classes() -> dict[str, Any]:
    x = numbers()["x"]
    return {"x": x, "y": np.digitize(x[:, 0], [-0.5, 0.5])}


def weighted() -> dict[str, Any]:
    return {**classes(), "sample_weight": np.linspace(0, 2, ROWS, dtype="float32")}


def words() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    x = rng.integers(1, 9, (ROWS, 5))
    for i, length in enumerate(rng.integers(1, 6, ROWS)):
        x[i, length:] = 0
    return {"x": x, "y": (x.sum(1) % 2).astype("float32")[:, None]}


def series() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(ROWS, 5, 3)).astype("float32")
    x[:, 3:] *= rng.integers(0, 2, (ROWS, 1, 1))
    return {"x": x, "y": x.sum((1, 2))[:, None]}


def two() -> dict[str, Any]:
    x = numbers()
    return {"x": {"a": x["x"][:, :2], "b": x["x"][:, 2:]}, "y": {"first": x["y"], "second": classes()["y"]}}


def two_in_lists() -> dict[str, Any]:
    return {name: list(values.values()) for name, values in two().items()}


def two_weighted() -> dict[str, Any]:
    weight = np.linspace(0, 2, ROWS, dtype="float32")
    return {**two_in_lists(), "sample_weight": [weight, weight[::-1].copy()]}


def dense(*inner: Any, units: int = 1, activation: Any = None) -> Any:
    return keras.Sequential([keras.Input((4,)), *inner, layers.Dense(units, activation)])


def compiled(model: Any, optimizer: Any = "adam", loss: Any = "mse", **options: Any) -> Any:
    model.compile(optimizer, loss, **options)
    return model


# ---- kinds of models


@case()
def sequential() -> Any:
    return compiled(dense(layers.Dense(8, "relu")))


@case()
def unbuilt_sequential() -> Any:
    return compiled(keras.Sequential([layers.Dense(8, "relu"), layers.Dense(1)]))


@case()
def functional_with_a_branch() -> Any:
    x = keras.Input((4,))
    hidden = layers.Dense(4, "tanh")(x)
    return compiled(keras.Model(x, layers.Dense(1)(layers.add([x, hidden]))), metrics=["mae"])


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = layers.Dense(8, "relu"), layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))


@case()
def subclassed() -> Any:
    return compiled(Subclassed())


def _two_headed(in_lists: bool) -> Any:
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    hidden = layers.Dense(6, "relu")(layers.concatenate([a, b]))
    first, second = layers.Dense(1, name="first")(hidden), layers.Dense(3, "softmax", name="second")(hidden)
    if in_lists:
        return keras.Model([a, b], [first, second])
    return keras.Model({"a": a, "b": b}, {"first": first, "second": second})


@case(two)
def inputs_and_outputs_by_name() -> Any:
    return compiled(
        _two_headed(in_lists=False),
        loss={"first": "mse", "second": "sparse_categorical_crossentropy"},
        loss_weights={"first": 0.5, "second": 2.0},
        metrics={"first": "mae", "second": "accuracy"},
    )


@case(two_weighted)
def inputs_and_outputs_in_lists_with_weights_each() -> Any:
    return compiled(
        _two_headed(in_lists=True),
        loss=["mse", "sparse_categorical_crossentropy"],
        weighted_metrics=[["mae"], ["accuracy"]],
    )


class OwnLogs(Subclassed):
    def train_step(self, state: Any, data: Any) -> Any:
        logs, state = super().train_step(state, data)
        return {**logs, "constant": 10.0, "rows": data[0].shape[0]}, state


@case()
def own_train_step_around_that_of_keras() -> Any:
    return compiled(OwnLogs())


class OwnStep(Subclassed):
    """A step of its own from the gradient up, whose logs are not the model's metrics."""

    def train_step(self, state: Any, data: Any) -> Any:
        trainable, non_trainable, optimizer, metrics = state

        def loss_of(trainable: Any) -> Any:
            y_pred, updated = self.stateless_call(trainable, non_trainable, data[0])
            return ops.mean(ops.abs(y_pred - data[1])), updated

        (loss, non_trainable), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        norm = ops.sqrt(sum(ops.sum(g * g) for g in gradients))
        return {"absolute": loss, "norm": norm}, (trainable, non_trainable, optimizer, metrics)


@case()
def own_train_step_throughout() -> Any:
    return compiled(OwnStep())


class Penalized(layers.Layer):
    def call(self, x: Any) -> Any:
        self.add_loss(0.01 * ops.mean(ops.square(x)))
        return x


@case()
def losses_by_add_loss() -> Any:
    return compiled(dense(layers.Dense(8, "relu"), Penalized()))


@case()
def regularizers() -> Any:
    layer = layers.Dense(8, "relu", kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2")
    return compiled(dense(layer))


class OwnMetric(Subclassed):
    def __init__(self) -> None:
        super().__init__()
        self.largest = keras.metrics.Mean(name="largest")

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        self.largest.update_state(ops.max(ops.abs(y - y_pred)))
        return super().compute_loss(x, y, y_pred, sample_weight, training)


@case()
def metric_updated_in_compute_loss() -> Any:
    return compiled(OwnMetric())


# ---- weights and masks


@case(weighted)
def sample_weight_and_weighted_metrics() -> Any:
    model = dense(layers.Dense(8, "relu"), units=3, activation="softmax")
    kind = "sparse_categorical_crossentropy"
    return compiled(model, loss=kind, metrics=["accuracy"], weighted_metrics=["accuracy"])


@case(classes, class_weight={0: 1.0, 1: 5.0, 2: 0.5})
def class_weight() -> Any:
    return compiled(dense(units=3, activation="softmax"), loss="sparse_categorical_crossentropy")


@case(words)
def embedding_with_a_mask() -> Any:
    model = keras.Sequential(
        [layers.Embedding(9, 4, mask_zero=True), layers.LSTM(4), layers.Dense(1, "sigmoid")]
    )
    return compiled(model, loss="binary_crossentropy", metrics=["accuracy"])


@case(series)
def masking_and_a_recurrent_layer() -> Any:
    return compiled(keras.Sequential([layers.Masking(), layers.GRU(4), layers.Dense(1)]))


# ---- layers with a state


@case()
def dropout_and_noise() -> Any:
    return compiled(dense(layers.GaussianNoise(0.1), layers.Dense(8, "relu"), layers.Dropout(0.5, seed=1)))


@case(validation_split=0.2)
def batch_normalization_of_keras() -> Any:
    return compiled(dense(layers.Dense(8), layers.BatchNormalization(), layers.Activation("relu")))


@case(validation_split=0.2)
def batch_normalization_of_ours() -> Any:
    return compiled(dense(layers.Dense(8), normwise.BatchNormalization(), layers.Activation("relu")))


@case()
def frozen_layer() -> Any:
    model = dense(layers.Dense(8, "relu"))
    model.layers[0].trainable = False
    return compiled(model)


# ---- optimizers and precision


@case()
def mixed_float16() -> Any:
    policy = keras.DTypePolicy("mixed_float16")
    return compiled(
        dense(layers.Dense(8, "relu", dtype=policy), layers.Dense(1, dtype=policy)), auto_scale_loss=True
    )


@case()
def loss_scaled() -> Any:
    inner = keras.optimizers.SGD(0.1)
    return compiled(dense(), keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**10))


@case()
def bfloat16() -> Any:
    return compiled(dense(layers.Dense(8, "relu", dtype="bfloat16"), layers.Dense(1, dtype="bfloat16")))


@case(epochs=3)
def gradients_accumulated() -> Any:
    return compiled(dense(layers.Dense(8)), keras.optimizers.Adam(0.01, gradient_accumulation_steps=3))


@case()
def averaged_weights() -> Any:
    return compiled(
        dense(), keras.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=3, ema_momentum=0.8)
    )


@case()
def clipped_gradients_with_momentum() -> Any:
    return compiled(
        dense(layers.Dense(8)), keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5)
    )


@case()
def learning_rate_schedule_and_weight_decay() -> Any:
    rate = keras.optimizers.schedules.CosineDecay(0.1, 6, warmup_target=0.2, warmup_steps=2)
    return compiled(dense(), keras.optimizers.AdamW(rate, weight_decay=0.01, global_clipnorm=1.0))


# ---- options of fit


def more() -> dict[str, Any]:
    return numbers(MORE_ROWS)


def plain() -> Any:
    return compiled(dense())


def _option(name: str, data: Callable[[], dict[str, Any]] | None = None, **options: Any) -> None:
    CASES[name] = Case(plain, data or more, {"batch_size": 16, "epochs": 3, **options})


def _validated(*weight: Any) -> Callable[[], dict[str, Any]]:
    other = numbers(rows=30, seed=9)
    return lambda: {**more(), "validation_data": (other["x"], other["y"], *weight)}


_option("no_shuffle", shuffle=False)
_option("shuffle_within_batches", shuffle="batch")
_option("validation_split", validation_split=0.3)
_option("validation_data_with_weights", _validated(np.linspace(0, 1, 30)), validation_batch_size=7)
_option("validation_every_other_epoch", _validated(), validation_freq=2)
_option("validation_at_listed_epochs", _validated(), validation_freq=[1, 3])
_option("validation_steps", _validated(), validation_steps=2, validation_batch_size=4)
_option("initial_epoch", initial_epoch=1)
_option("no_epochs_left", initial_epoch=3)
_option("fewer_steps_than_the_data", steps_per_epoch=3)
_option("more_steps_than_the_data", steps_per_epoch=6)
_option("steps_without_a_batch_size", batch_size=None, steps_per_epoch=7)
_option("batch_larger_than_the_data", batch_size=64)
_option("whole_batches_only", lambda: numbers(rows=48))
_option("default_batch_size", batch_size=None)


@case(more, epochs=3, validation_split=0.2)
def steps_per_execution() -> Any:
    return compiled(dense(), steps_per_execution=3)


@case(more, epochs=3, steps_per_epoch=5)
def steps_per_execution_and_per_epoch() -> Any:
    return compiled(dense(), steps_per_execution=2)


# ---- kinds of data


def _frames() -> dict[str, Any]:
    data = more()
    frame = pd.DataFrame(data["x"].astype("float64"), columns=list("abcd"))
    return {"x": frame, "y": pd.Series(data["y"][:, 0])}


def _doubles() -> dict[str, Any]:
    return {name: values.astype("float64") for name, values in more().items()}


def _integers() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {"x": rng.integers(-3, 4, (MORE_ROWS, 4)), "y": rng.integers(0, 9, (MORE_ROWS, 1))}


def _on_device() -> dict[str, Any]:
    return {name: jax.numpy.asarray(values) for name, values in more().items()}


def _ranks_that_keras_adjusts() -> dict[str, Any]:
    data = more()
    return {"x": data["x"][..., None], "y": data["y"][:, 0]}


class Batches(keras.utils.PyDataset):
    def __init__(self) -> None:
        super().__init__()
        self.data, self.order = more(), np.arange(MORE_ROWS)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> Any:
        rows = self.order[16 * i : 16 * i + 16]
        return self.data["x"][rows], self.data["y"][rows]

    def on_epoch_end(self) -> None:
        self.order = np.roll(self.order, 3)


def _endless() -> Any:
    data, i = more(), 0
    while True:
        rows = np.arange(i, i + 16) % MORE_ROWS
        yield data["x"][rows], data["y"][rows], np.linspace(1, 2, 16)
        i += 16


def _limited() -> Any:
    data = more()
    for i in range(0, MORE_ROWS, 16):
        yield data["x"][i : i + 16], data["y"][i : i + 16]


_option("pandas", _frames)
_option("double_precision", _doubles)
_option("integers", _integers)
_option("jax_arrays", _on_device, shuffle=False)
_option("ranks_that_keras_adjusts", _ranks_that_keras_adjusts)
_option("py_dataset", lambda: {"x": Batches()}, batch_size=None)
_option("endless_generator", lambda: {"x": _endless()}, batch_size=None, steps_per_epoch=5)
_option("generator_that_ends", lambda: {"x": _limited()}, batch_size=None)


SLOW = (
    "unbuilt_sequential",
    "functional_with_a_branch",
    "regularizers",
    "metric_updated_in_compute_loss",
    "masking_and_a_recurrent_layer",
    "frozen_layer",
    "loss_scaled",
    "clipped_gradients_with_momentum",
    "validation_every_other_epoch",
    "no_epochs_left",
    "steps_without_a_batch_size",
    "whole_batches_only",
    "default_batch_size",
    "jax_arrays",
    "integers",
)
"""What adds little to the others; they run with the slow tests."""
