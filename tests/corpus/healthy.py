"""Clean cases that a careless rule takes for defects: what the catalogue knows as false alarms, and more."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from tests.corpus.architectures import (
    CLASSES,
    PLAIN,
    ROWS,
    SHAPES,
    TRAINING,
    UNTRAINED,
    Data,
    Style,
    Training,
    built,
    compiled,
    fit,
    normalizations,
    trained,
)
from tests.corpus.case import Problem

import normwise
from normwise.scaling import StandardScaler

L = keras.layers


@dataclasses.dataclass(frozen=True)
class Healthy:
    """A clean case; the fields are those of `Case`."""

    name: str
    architecture: str
    build: Callable[[], Problem]
    allowed: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _of(
    architecture: str,
    style: Style = PLAIN,
    training: Training = TRAINING,
    data: Data = ROWS,
    **arguments: Any,
) -> Callable[[], Problem]:
    """A network of `tests.corpus.architectures` as it is."""
    return lambda: Problem(
        trained(architecture, style, training, data), *data.arrays(architecture), arguments
    )


def _fitted(
    hidden: Callable[[Any], Any],
    x: Any,
    y: Any,
    shape: tuple[int, ...],
    training: Training = TRAINING,
    **arguments: Any,
) -> Problem:
    """A network of these hidden layers, trained on these data."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(shape, name="features")
    outputs = L.Dense(CLASSES, activation="softmax", name="head")(hidden(inputs))
    model = compiled(keras.Model(inputs, outputs, name="healthy"), training)
    return Problem(fit(model, x, y, training), x, y, arguments)


def _normalized(x: Any, units: int = 16, activation: str = "relu") -> Any:
    x = L.Dense(units, use_bias=False, kernel_initializer="he_normal")(x)
    return L.Activation(activation)(L.BatchNormalization()(x))


# --- data ---------------------------------------------------------------------------------------------------


def one_hot_columns() -> Problem:
    """Two of eight words are rare: their columns have small deviations, and lie far out in their own unit."""
    x, y = Data().arrays("dense")
    words = np.random.default_rng(0).choice(8, len(x), p=[0.4, 0.3, 0.15, 0.08, 0.04, 0.02, 0.006, 0.004])
    words[:8] = range(8)
    x = np.concatenate([x, np.eye(8, dtype="float32")[words]], axis=1)
    return _fitted(_normalized, x, y, (20,))


def binary_columns() -> Problem:
    """Yes or no, 0 or 1, among standardized columns."""
    x, y = Data().arrays("dense")
    x[:, 4:] = x[:, 4:] > np.linspace(-1.5, 2.0, 8)
    return _fitted(_normalized, x, y, (12,))


def _raw_units() -> tuple[Any, Any]:
    x, y = Data().arrays("dense")
    return (x * np.geomspace(1e-2, 1e4, 12) + np.geomspace(1, 1e5, 12)).astype("float32"), y


def scaled_by_keras() -> Problem:
    """Raw units behind an adapted keras.layers.Normalization."""
    x, y = _raw_units()
    # Statistics in float64: adapt() itself takes them in float32, at means this large.
    scaling = L.Normalization(mean=x.astype("float64").mean(0), variance=x.astype("float64").var(0))
    return _fitted(lambda inputs: _normalized(scaling(inputs)), x, y, (12,))


def scaled_by_normwise() -> Problem:
    """Raw units behind a StandardScaler's own layer."""
    x, y = _raw_units()
    scaling = StandardScaler().fit(x).to_layer()
    return _fitted(lambda inputs: _normalized(scaling(inputs)), x, y, (12,))


def scaled_by_batch_normalization() -> Problem:
    """Raw units behind a batch normalization: by the catalogue's own word a scaling layer."""
    x, y = _raw_units()
    x = (x - np.geomspace(1, 1e5, 12)).astype("float32")
    # The smallest variance, 1e-4, is small against Keras' ε.
    return _fitted(lambda inputs: _normalized(L.BatchNormalization(epsilon=1e-7)(inputs)), x, y, (12,))


def bytes_of_images() -> Problem:
    """Pixels from 0 to 255 behind Rescaling."""
    x, y = Data().arrays("convolutional")
    x = np.clip(128 + 45 * x, 0, 255).round().astype("float32")

    def hidden(inputs: Any) -> Any:
        h = L.Rescaling(1 / 127.5, offset=-1.0)(inputs)
        h = L.Conv2D(8, 3, use_bias=False, kernel_initializer="he_normal")(h)
        return L.GlobalAveragePooling2D()(L.Activation("relu")(L.BatchNormalization()(h)))

    return _fitted(hidden, x, y, (10, 10, 3))


def negative() -> Problem:
    """Flat drawings, white where nothing is drawn: ink in the middle, and never at the edges."""
    random = np.random.default_rng(0)
    strokes, y = Data().arrays("dense")
    far = np.abs(np.linspace(-1, 1, 8))
    threshold = 1.0 + 5.0 * np.maximum(*np.meshgrid(far, far)).ravel() ** 2
    ink = strokes @ random.normal(size=(12, 64)) - threshold
    return _fitted(_normalized, 1 - np.clip(ink / 6, 0, 1).round(2).astype("float32"), y, (64,))


def scales_of_one_magnitude() -> Problem:
    """Deviations from 1 to 4: no more than a factor that training does not feel."""
    x, y = Data().arrays("dense")
    x = (x * np.linspace(1, 4, 12)).astype("float32")
    return _fitted(_normalized, x, y, (12,))


def skewed_a_little() -> Problem:
    """Exponential columns, standardized: a tail, but none that needs a remedy."""
    x, y = Data().arrays("dense")
    random = np.random.default_rng(0)
    x[:, :3] = random.uniform(0.0, 1.0, (len(x), 3)) ** 2 * 3 - 1
    return _fitted(_normalized, x, y, (12,))


def codes_of_words() -> Problem:
    """An embedding of codes from 0 to 4999: numbers that no layer multiplies."""
    random = np.random.default_rng(0)
    x = random.integers(0, 5000, (512, 8)).astype("int32")
    y = (x[:, 0] % CLASSES).astype("int32")
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8,), dtype="int32", name="codes")
    h = _normalized(L.Flatten()(L.Embedding(5000, 4, embeddings_initializer="random_normal")(inputs)))
    model = keras.Model(inputs, L.Dense(CLASSES, activation="softmax")(h), name="words")
    # The initial deviation of 0.05 would leave the variance near ε.
    model.layers[1].embeddings.assign(10 * np.array(model.layers[1].embeddings))
    return Problem(fit(compiled(model), x, y, Training()), x, y)


def same_distribution(rows: int) -> Callable[[], Problem]:
    """New data like the old, few or many."""

    def build() -> Problem:
        new, _ = Data(rows, seed=2).arrays("dense")
        return dataclasses.replace(_of("dense")(), arguments={"new_x": new})

    return build


# --- activations and gradients ------------------------------------------------------------------------------


def open_gates() -> Problem:
    """Squeeze and excitation whose gates are wide open (Hu et al. 2018): saturated as they should be."""
    x, y = Data().arrays("convolutional")

    def hidden(inputs: Any) -> Any:
        h = L.Conv2D(8, 3, use_bias=False, kernel_initializer="he_normal")(inputs)
        h = L.Activation("relu")(L.BatchNormalization()(h))
        gate = L.Dense(4, activation="relu")(L.GlobalAveragePooling2D()(h))
        gate = L.Dense(8, activation="sigmoid", bias_initializer=keras.initializers.Constant(7.0))(gate)
        return L.GlobalAveragePooling2D()(L.Multiply()([h, L.Reshape((1, 1, 8))(gate)]))

    return _fitted(hidden, x, y, (10, 10, 3))


def remembering_cells() -> Problem:
    """An LSTM whose forget gates begin open (Jozefowicz et al. 2015)."""
    x, y = Data().arrays("recurrent")
    bias = np.zeros(48, "float32")
    bias[12:24] = 6.0

    def hidden(inputs: Any) -> Any:
        return L.LSTM(12, unit_forget_bias=False, bias_initializer=lambda *_, **__: bias)(inputs)

    return _fitted(hidden, x, y, (8, 6))


def sure_of_itself() -> Problem:
    """Two classes far apart: the sigmoid of the output is saturated, and right."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 512)
    x = random.normal(size=(512, 12)) + 4.0 * (2 * y - 1)[:, None] * (np.arange(12) < 6)
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    keras.utils.set_random_seed(1)
    inputs = keras.Input((12,), name="features")
    outputs = L.Dense(1, activation="sigmoid", name="probability")(_normalized(inputs))
    model = keras.Model(inputs, outputs, name="sure")
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
    return Problem(fit(model, x, y.astype("float32")[:, None], Training(epochs=20)), x, y[:, None])


def sparse_units() -> Problem:
    """β at −0.7 σ: three quarters of the outputs are 0, and no unit is dead."""
    problem = _of("dense")()
    layer = normalizations(problem.model)[0]
    layer.beta.assign(-0.7 * np.abs(np.array(layer.gamma)))
    normwise.recalibrate(problem.model, problem.x, batch_size=512)
    return problem


def deep_residual(epochs: int) -> Callable[[], Problem]:
    """Five branches, before or after a training, whose last γ begins at 0 (Goyal et al. 2017)."""
    training = Training(epochs=epochs, recalibrate=bool(epochs))
    return _of("residual", Style(6, zero_gamma=True), training)


# --- structure ----------------------------------------------------------------------------------------------


def bias_that_counts() -> Problem:
    """A bias before an activation, one before a layer normalization, and one that a sum takes too."""
    x, y = Data().arrays("dense")

    def hidden(inputs: Any) -> Any:
        h = L.Dense(16, activation="silu")(inputs)
        h = L.LayerNormalization()(L.Dense(16)(h))
        h = L.Dense(16)(h)
        return L.Add()([h, L.Activation("relu")(L.BatchNormalization()(h))])

    return _fitted(hidden, x, y, (12,))


def before_the_activations() -> Problem:
    """Residual branches that begin with the normalization (He et al. 2016), and none behind the last sum, so
    that the output depends on what is added, biases and all.
    """
    x, y = Data().arrays("residual")

    def hidden(inputs: Any) -> Any:
        h = L.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
        for _ in range(2):
            branch = L.Activation("relu")(L.BatchNormalization()(h))
            branch = L.Conv2D(8, 3, padding="same", kernel_initializer="he_normal")(branch)
            h = L.Add()([h, branch])
        return L.GlobalAveragePooling2D()(h)

    return _fitted(hidden, x, y, (8, 8, 3))


def little_dropout() -> Problem:
    """Dropout 0.05 before a normalization: the variance grows by less than a tenth."""
    return _of("dense", Style(3, dropout=0.05, momentum=0.9), Training(epochs=12, recalibrate=False))()


def dropout_without_batches() -> Problem:
    """Dropout before layer normalizations, which know no other mode."""
    return _of("attention", Style(3, "layer", dropout=0.5))()


def one_domain() -> Problem:
    """A normalization that two views of the same things go through."""
    a, y = Data().arrays("dense")
    b = (a + 0.5 * np.random.default_rng(3).normal(size=a.shape)).astype("float32")
    keras.utils.set_random_seed(1)
    inputs = [keras.Input((12,), name=name) for name in ("first", "second")]
    tower = keras.Sequential(
        [L.Dense(16, use_bias=False), L.BatchNormalization(), L.Activation("relu")], name="tower"
    )
    x = L.Concatenate()([tower(i) for i in inputs])
    model = keras.Model(inputs, L.Dense(CLASSES, activation="softmax")(x), name="views")
    return Problem(fit(compiled(model), [a, b], y, Training()), [a, b], y)


def nested() -> Problem:
    """A backbone in a model, normalizations in both."""
    x, y = Data().arrays("convolutional")
    backbone = keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            L.Conv2D(8, 3, use_bias=False, kernel_initializer="he_normal"),
            L.BatchNormalization(),
            L.ReLU(),
            L.GlobalAveragePooling2D(),
        ],
        name="backbone",
    )
    return _fitted(lambda inputs: _normalized(backbone(inputs)), x, y, (10, 10, 3))


@keras.saving.register_keras_serializable("corpus")
class Subclassed(keras.Model):  # type: ignore[misc]
    """Layers in a call of its own."""

    def __init__(self) -> None:
        super().__init__(name="subclassed")
        self.hidden = L.Dense(16, use_bias=False, kernel_initializer="he_normal")
        self.normalization = L.BatchNormalization()
        self.head = L.Dense(CLASSES, activation="softmax")

    def call(self, x: Any, training: bool = False) -> Any:
        """Bare functions between layers."""
        return self.head(keras.ops.relu(self.normalization(self.hidden(x), training=training)))


def subclassed() -> Problem:
    """A model that is no graph."""
    x, y = Data().arrays("dense")
    keras.utils.set_random_seed(1)
    model = compiled(Subclassed())
    return Problem(fit(model, x, y, Training()), x, y)


@keras.saving.register_keras_serializable("corpus")
class Extracted(keras.Model):  # type: ignore[misc]
    """A trained base that is called at inference, and a new head."""

    def __init__(self, base: Any) -> None:
        super().__init__(name="extracted")
        self.base, self.head = base, L.Dense(CLASSES, activation="softmax", name="head")

    def call(self, x: Any, training: bool = False) -> Any:
        """What the base was is kept by `training`, not by `trainable`."""
        return self.head(self.base(x, training=False), training=training)


def called_at_inference() -> Problem:
    """A base with biases before its normalizations, which therefore count, and with the old statistics."""
    x, y = Data(seed=1).arrays("dense")
    old = trained("dense", Style(biased=9))
    base = keras.Model(old.input, old.layers[-2].output, name="base")
    training = Training(epochs=2, learning_rate=1e-4, recalibrate=False)
    return Problem(fit(compiled(Extracted(base), training), x, y, training), x, y)


# --- statistics ---------------------------------------------------------------------------------------------


def frozen_and_matching() -> Problem:
    """A frozen backbone, biases and all, whose data are as they were, and a new head."""
    x, y = Data(seed=1).arrays("convolutional")
    old = trained("convolutional", Style(biased=9))
    backbone = keras.Model(old.input, old.layers[-3].output, name="backbone")
    backbone.trainable = False
    training = Training(recalibrate=False)
    return _fitted(lambda inputs: backbone(inputs, training=False), x, y, (10, 10, 3), training)


def long_enough() -> Problem:
    """600 steps at momentum 0.99, with statistics that nobody set."""
    training = Training(epochs=76, learning_rate=3e-4, recalibrate=False)
    return _of("dense", training=training)()


def loaded_and_begun() -> Problem:
    """Statistics of a long training, and an optimizer that has taken three steps."""
    problem = _of("dense")()
    problem.model.optimizer.iterations.assign(3)
    return problem


def converted(architecture: str) -> Callable[[], Problem]:
    """normwise's layers in place of Keras', with the old statistics."""

    def build() -> Problem:
        problem = _of(architecture)()
        return dataclasses.replace(problem, model=normwise.convert(problem.model))

    return build


def debiased() -> Problem:
    """24 steps with normwise's averages, which have no part of their initial values."""
    x, y = Data(shift=0.5).arrays("dense")

    def hidden(inputs: Any) -> Any:
        h = L.Dense(16, use_bias=False, kernel_initializer="he_normal")(inputs)
        return L.Activation("relu")(normwise.BatchNormalization()(h))

    return _fitted(hidden, x, y, (12,), Training(epochs=3, learning_rate=3e-4, recalibrate=False))


def few_rows() -> Problem:
    """24 rows like those of the training: their statistics differ by chance."""
    problem = _of("dense", Style(momentum=0.9))()
    x, y = Data(24, seed=5).arrays("dense")
    return dataclasses.replace(problem, x=x, y=y)


def not_compiled() -> Problem:
    """A network to look at, without optimizer or loss."""
    x, _ = Data().arrays("dense")
    return Problem(built("dense", Style()), x, None)


def table(regression: bool, preset: str = "default") -> Callable[[], Problem]:
    """Our own estimators' networks, on a table of numbers in raw units."""

    def build() -> Problem:
        x, _ = _raw_units()
        # Rows of `_raw_units` are those of Data(): their targets are too.
        _, y = Data(regression=regression).arrays("dense")
        estimator = normwise.TabularRegressor if regression else normwise.TabularClassifier
        columns = {f"c{i}": x[:, i] for i in range(x.shape[1])}
        import polars as pl

        fitted = estimator(preset, epochs=20, random_state=0).fit(pl.DataFrame(columns), y.ravel())
        target = y if regression else y.ravel()
        return Problem(fitted.model_, {"numeric": x}, target, {"batch_size": 64})

    return build


_PRESET = "0.3 behind silu widens what the next normalization takes: docs/decisions/0149"

_TABLE = {"NRM303": _PRESET}
HEALTHY = (
    *(Healthy(f"untrained-{a}", a, _of(a, training=UNTRAINED)) for a in SHAPES),
    *(Healthy(f"trained-{a}", a, _of(a)) for a in SHAPES),
    Healthy("regression", "dense", _of("dense", Style(regression=True), data=Data(regression=True))),
    Healthy("gru", "recurrent", _of("recurrent", Style(gru=True))),
    Healthy("one-hot", "dense", one_hot_columns),
    Healthy("binary", "dense", binary_columns),
    Healthy("scaled-by-keras", "dense", scaled_by_keras),
    Healthy("scaled-by-normwise", "dense", scaled_by_normwise),
    Healthy("scaled-by-batch-normalization", "dense", scaled_by_batch_normalization),
    Healthy("negative", "dense", negative),
    Healthy("bytes-of-images", "convolutional", bytes_of_images),
    Healthy("scales-of-one-magnitude", "dense", scales_of_one_magnitude),
    Healthy("skewed-a-little", "dense", skewed_a_little),
    Healthy("codes-of-words", "embedding", codes_of_words),
    Healthy("new-data-alike", "dense", same_distribution(512)),
    Healthy("new-data-of-twelve-rows", "dense", same_distribution(12)),
    Healthy("open-gates", "convolutional", open_gates),
    Healthy("remembering-cells", "recurrent", remembering_cells),
    Healthy("sure-of-itself", "dense", sure_of_itself),
    Healthy("sparse-units", "dense", sparse_units),
    Healthy("tanh-behind-normalization", "dense", _of("dense", Style(activation="tanh"))),
    Healthy("sigmoid-behind-normalization", "dense", _of("dense", Style(activation="sigmoid"))),
    Healthy("zero-gamma-at-first", "residual", deep_residual(0)),
    Healthy("zero-gamma-trained", "residual", deep_residual(8)),
    Healthy("bias-that-counts", "dense", bias_that_counts),
    Healthy("normalization-first", "residual", before_the_activations),
    Healthy("little-dropout", "dense", little_dropout),
    Healthy(
        "recalibrated-behind-dropout",
        "dense",
        _of("dense", Style(3, dropout=0.5, dropout_at="normalization", momentum=0.9), Training(epochs=12)),
        {"NRM303": "training still differs from inference"},
    ),
    Healthy("dropout-before-layer-normalization", "attention", dropout_without_batches),
    Healthy("layer-normalization", "dense", _of("dense", Style(3, "layer", biased=9))),
    Healthy("layer-normalization-at-batch-2", "attention", _of("attention", Style(2, "layer"), batch_size=2)),
    Healthy(
        "group-normalization-at-batch-1",
        "convolutional",
        _of("convolutional", Style(2, "group"), batch_size=1),
    ),
    Healthy("one-domain", "dense", one_domain),
    Healthy("nested", "convolutional", nested),
    Healthy("subclassed", "dense", subclassed),
    Healthy(
        "images-by-fours",
        "residual",
        _of("residual", batch_size=4),
        {"NRM401": "the mean of four images is off by a third of σ, and ResNets are known to suffer from it"},
    ),
    Healthy(
        "last-batch-of-one-image",
        "residual",
        _of("residual", data=Data(257), batch_size=64),
        {"NRM402": "its statistics are of 64 positions, but of one image"},
    ),
    Healthy("last-batch-of-two", "dense", _of("dense", data=Data(514), batch_size=64)),
    Healthy("called-at-inference", "dense", called_at_inference),
    Healthy("frozen-and-matching", "convolutional", frozen_and_matching),
    Healthy("long-enough", "dense", long_enough),
    Healthy("loaded-and-begun", "dense", loaded_and_begun),
    *(Healthy(f"converted-{a}", a, converted(a)) for a in ("dense", "convolutional", "recurrent")),
    Healthy("debiased", "dense", debiased),
    Healthy("few-rows", "dense", few_rows),
    Healthy("not-compiled", "dense", not_compiled),
    Healthy("mixed-float16", "dense", _of("dense", Style(policy="mixed_float16"))),
    Healthy("tabular-classifier", "tabular", table(False), _TABLE),
    Healthy("tabular-regressor", "tabular", table(True), _TABLE),
    Healthy(
        "tabular-article",
        "tabular",
        table(False, "article"),
        {
            "NRM301": "the article's own listing: Keras' default",
            "NRM304": "the article's own listing: normalized before its softmax",
        },
    ),
)
