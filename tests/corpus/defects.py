"""The defects: each is put into an architecture at a strength, the way in which it comes about in practice.

Every function takes an architecture and a strength, of `STRENGTHS`, or `TWIN`: the same network and data
without the defect, or with its usual cure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from tests.corpus.architectures import (
    BLOCKS,
    CLASSES,
    PLAIN,
    ROWS,
    SHAPES,
    TRAINING,
    UNITS,
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

TWIN = "twin"
Names = frozenset[str]
Where = Callable[[str, str], tuple[Names, Names]]


ALL, FIRST, LAST, BUT_THE_FIRST = slice(None), slice(1), slice(-1, None), slice(1, None)


def _named(*names: str) -> Where:
    """These, in every architecture at every strength."""
    return lambda _architecture, _strength: (frozenset(names), frozenset())


def _sound(*names: str) -> Where:
    """Not these; of the others nothing is said."""
    return lambda _architecture, _strength: (frozenset(), frozenset(names))


def _in_blocks(kind: str, mild: slice, strong: slice, blocks: int = 2) -> Where:
    """Layers of this kind in some blocks; those of the others are sound.

    Args:
        kind: ``"linear"``, ``"normalization"`` or ``"activation"``.
        mild: Which blocks have the defect at this strength.
        strong: At this one.
        blocks: `Style.blocks`.
    """

    def where(architecture: str, strength: str) -> tuple[Names, Names]:
        every = [f"{kind}_{i}" for i in range(BLOCKS[architecture](blocks))]
        ill = frozenset(every[mild if strength == "mild" else strong])
        return ill, frozenset(every) - ill

    return where


ANYWHERE = _named()


@dataclasses.dataclass(frozen=True)
class Defect:
    """A defect, and where it is put.

    Args:
        code: The code of its rule.
        seed: Makes the case.
        architectures: Where.
        where: Of an architecture and a strength the names of the layers that have it, and of sound ones.
        allowed: As in `Case`.
        twin_allowed: The same of the twin.
    """

    code: str
    seed: Callable[[str, str], Problem]
    architectures: tuple[str, ...]
    where: Where = ANYWHERE
    allowed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    twin_allowed: Mapping[str, str] = dataclasses.field(default_factory=dict)


# --- data ---------------------------------------------------------------------------------------------------


def _trained_on(architecture: str, style: Style, x: Any, y: Any, training: Training = TRAINING) -> Any:
    """A network trained on other data than those of `Data`."""
    return fit(compiled(built(architecture, style), training, style.regression), x, y, training)


def unscaled_features(architecture: str, strength: str) -> Problem:
    """Columns in units of their own, metres beside millimetres. The twin scales them by a first layer."""
    largest = {"mild": 30.0, "strong": 1e4, TWIN: 1e4}[strength]
    x, y = Data().arrays(architecture)
    x = (x * np.geomspace(1.0, largest, x.shape[-1])).astype("float32")
    style = Style(scaling="batch" if strength == TWIN else "")
    return Problem(_trained_on(architecture, style, x, y), x, y)


def unscaled_by_one_factor(architecture: str, strength: str) -> Problem:
    """A first layer that multiplies all columns by one number, as for pixels; the twin's are of one size."""
    largest = {"mild": 300.0, "strong": 1e4, TWIN: 1.0}[strength]
    x, y = Data().arrays(architecture)
    x = (10 * x * np.geomspace(1.0, largest, x.shape[-1])).astype("float32")
    return Problem(_trained_on(architecture, Style(scaling="factor"), x, y), x, y)


def constant_feature(architecture: str, strength: str) -> Problem:
    """A column that the export filled with one number. Mild: with the dust of a conversion on it."""
    x, y = Data().arrays(architecture)
    if strength != TWIN:
        # A year; of an image the opaque alpha, as zeros around an image of 2024s would be a frame.
        number = np.float32(1 if len(SHAPES[architecture]) == 3 else 2024)
        # Its neighbour in float32 is about 6e-8 of it away.
        dust = np.random.default_rng(0).integers(0, 2, x.shape[:-1]) * (strength == "mild")
        x[..., 1] = np.where(dust, np.nextafter(number, np.float32(3000)), number)
    return Problem(_trained_on(architecture, Style(), x, y), x, y)


def heavy_tailed_feature(architecture: str, strength: str) -> Problem:
    """A column of amounts (log-normal), standardized as it is; the twin takes the logarithm first."""
    x, y = Data().arrays(architecture)
    sigma = {"mild": 1.4, "strong": 2.5, TWIN: 0.0}[strength]
    if sigma:
        amounts = np.exp(sigma * x[..., 0].astype("float64"))
        x[..., 0] = (amounts - amounts.mean()) / amounts.std()
    return Problem(_trained_on(architecture, Style(), x, y), x, y)


def drifted_feature(architecture: str, strength: str) -> Problem:
    """New data from a sensor that was exchanged: another zero, or another gain."""
    x, y = Data().arrays(architecture)
    new, _ = Data(seed=1).arrays(architecture)
    if strength == "mild":
        new[..., 0] += 0.9
    elif strength == "strong":
        new[..., 0] = 10.0 * new[..., 0] + 5.0
    return Problem(trained(architecture), x, y, {"new_x": new})


def large_input(architecture: str, strength: str) -> Problem:
    """Mild: temperatures in kelvin, far from 0 for their spread. Strong: bytes from 0 to 255. The twin scales
    them by a first layer.
    """
    data = Data(scale=10.0, shift=290.0) if strength == "mild" else Data(scale=45.0, shift=128.0)
    return _of(architecture, Style(scaling="batch" if strength == TWIN else ""), data=data)


# --- activations and gradients ------------------------------------------------------------------------------


def saturated_activation(architecture: str, strength: str) -> Problem:
    """Initial weights far too large before a tanh, no normalization; the twin begins by He et al."""
    gain = {"mild": 9.0, "strong": 40.0, TWIN: 0.7}[strength]
    style = Style(normalization="", activation="tanh", gain=gain)
    training = Training(epochs=1, optimizer="sgd", learning_rate=1e-3)
    return _of(architecture, style, training)


def dead_relu(architecture: str, strength: str) -> Problem:
    """One step much too large left the biases of many units so low that no row reaches them."""
    share = {"mild": 0.65, "strong": 0.95, TWIN: 0.0}[strength]
    model = trained(architecture, Style(normalization=""))
    biased = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D) and layer.name != "head"
    ]
    layer = biased[0]
    bias = np.array(layer.bias)
    bias[: round(share * len(bias))] -= 30.0
    layer.bias.assign(bias)
    return Problem(model, *Data().arrays(architecture))


def vanishing_gradient(architecture: str, strength: str) -> Problem:
    """Sigmoids, one behind the other; the twin has ReLU and batch normalization."""
    blocks = {"mild": 9, "strong": 14, TWIN: 9}[strength]
    style = Style(blocks, "", activation="sigmoid", gain=0.7) if strength != TWIN else Style(blocks)
    return _of(architecture, style, Training(epochs=1, learning_rate=1e-4, recalibrate=strength == TWIN))


def clipped_probabilities(architecture: str, strength: str) -> Problem:
    """One step far too large left logits of which every probability is 0 or 1, also of the wrong class."""
    problem = _of(architecture, training=Training(epochs=1))
    factor = {"mild": 1e5, "strong": 1e8, TWIN: 1.0}[strength]
    kernel = problem.model.get_layer("head").kernel
    kernel.assign(factor * np.array(kernel))
    return problem


def exploding_gradient(architecture: str, strength: str) -> Problem:
    """Mild: tanh in its chaotic phase (Poole et al. 2016): the gradient grows from layer to layer. Strong:
    leaky ReLU at 2.5 times He's weights: what comes out grows, and the gradient of every layer alike. Behind
    plain ReLU most of so few units would be dead at any weights.
    """
    if strength == "mild":
        return _of(architecture, Style(20, "", activation="tanh", gain=3.0), UNTRAINED)
    gain = 2.5 if strength == "strong" else 1.0
    style = Style(10, "", activation="leaky_relu", gain=gain, regression=True)
    return _of(architecture, style, UNTRAINED, Data(regression=True))


# --- structure ----------------------------------------------------------------------------------------------


def bias_before_normalization(architecture: str, strength: str) -> Problem:
    """use_bias=True, Keras' default, in one block or in all."""
    return _of(architecture, Style(biased={"mild": 1, "strong": 9, TWIN: 0}[strength]))


def bias_in_a_sum(architecture: str, strength: str) -> Problem:
    """Residual branches that begin with the normalization, and one behind the last sum: what is added to the
    sums is subtracted by all that take them. Mild: a bias in the last branch. Strong: in both.
    """
    x, y = Data().arrays("dense")
    keras.utils.set_random_seed(1)
    inputs = keras.Input(SHAPES["dense"], name="features")
    units = UNITS["dense"]
    h = keras.layers.Dense(units, use_bias=False, name="stem")(inputs)
    for i in range(2):
        branch = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(h))
        biased = strength == "strong" or (strength == "mild" and i == 1)
        branch = keras.layers.Dense(units, use_bias=biased, name=f"linear_{i}")(branch)
        h = keras.layers.Add()([h, branch])
    h = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(h))
    outputs = keras.layers.Dense(CLASSES, activation="softmax", name="head")(h)
    model = compiled(keras.Model(inputs, outputs, name=architecture))
    return Problem(fit(model, x, y, Training()), x, y)


def normalization_after_activation(architecture: str, strength: str) -> Problem:
    """The activation before the normalization, in one block or in all."""
    return _of(architecture, Style(activation_first={"mild": 1, "strong": 9, TWIN: 0}[strength]))


def dropout_before_normalization(architecture: str, strength: str) -> Problem:
    """Mild: dropout 0.4 before the next linear layer. Strong: 0.5 right before the normalization."""
    style = {
        "mild": Style(3, dropout=0.4, momentum=0.9),
        "strong": Style(3, dropout=0.5, dropout_at="normalization", momentum=0.9),
        TWIN: Style(3, dropout=0.5, dropout_at="output", momentum=0.9),
    }[strength]
    # The statistics stay as training made them, from what dropout leaves.
    return _of(architecture, style, Training(epochs=12, recalibrate=strength == TWIN))


def noise_before_normalization(architecture: str, strength: str) -> Problem:
    """Gaussian noise of unit variance on a linear layer's sums: half of their variance, or five times it."""
    sums = keras.initializers.VarianceScaling({"mild": 2.0, "strong": 0.2, TWIN: 2.0}[strength])
    x, y = Data().arrays("dense")
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input(SHAPES["dense"], name="features"),
            keras.layers.Dense(UNITS["dense"], use_bias=False, kernel_initializer=sums),
            keras.layers.GaussianNoise(0.1 if strength == TWIN else 1.0, name="noise"),
            keras.layers.BatchNormalization(momentum=0.9, name="normalization_0"),
            keras.layers.Activation("relu"),
            keras.layers.Dense(CLASSES, activation="softmax", name="head"),
        ],
        name=architecture,
    )
    training = Training(epochs=12, recalibrate=strength == TWIN)
    return Problem(fit(compiled(model, training), x, y, training), x, y)


def normalized_output(architecture: str, strength: str) -> Problem:
    """Batch normalization behind the last linear layer: before a softmax, or of a regression's number."""
    regression = strength == "strong"
    style = Style(normalize_output=strength != TWIN, regression=regression)
    return _of(architecture, style, data=Data(regression=regression))


def shared_normalization(architecture: str, strength: str) -> Problem:
    """Two inputs of different domains go through the same layers; in the twin they are of one domain."""
    shift = {"mild": 1.5, "strong": 8.0, TWIN: 0.0}[strength]
    a, y = Data().arrays(architecture)
    b, _ = Data(seed=1).arrays(architecture)
    b = b + np.float32(shift)
    keras.utils.set_random_seed(1)
    inputs = [keras.Input(SHAPES[architecture], name=name) for name in ("first", "second")]
    units = UNITS[architecture]
    linear = (
        keras.layers.Conv2D(units, 3, use_bias=False)
        if len(SHAPES[architecture]) == 3
        else keras.layers.Dense(units, use_bias=False)
    )
    normalization, activation = (
        keras.layers.BatchNormalization(name="shared"),
        keras.layers.Activation("relu"),
    )
    towers = [activation(normalization(linear(x))) for x in inputs]
    if architecture == "recurrent":
        recurrent = keras.layers.LSTM(units)
        towers = [recurrent(t) for t in towers]
    elif len(SHAPES[architecture]) > 1:
        dimensions = len(SHAPES[architecture]) - 1
        pool = keras.layers.GlobalAveragePooling2D if dimensions == 2 else keras.layers.GlobalAveragePooling1D
        towers = [pool()(t) for t in towers]
    x = keras.layers.Concatenate()(towers)
    x = keras.layers.Dense(CLASSES, activation="softmax")(x)
    model = fit(compiled(keras.Model(inputs, x, name="siamese")), [a, b], y, Training())
    return Problem(model, [a, b], y)


# --- statistics ---------------------------------------------------------------------------------------------


def small_batch(architecture: str, strength: str) -> Problem:
    """The batch that fits the memory; normalizations of one value a row take their statistics from it."""
    size = {"mild": 10, "strong": 3, TWIN: 64}[strength]
    return dataclasses.replace(_of(architecture), arguments={"batch_size": size})


def last_batch_of_one(architecture: str, strength: str) -> Problem:
    """Rows that leave one for the last batch."""
    rows = {"mild": 513, "strong": 129, TWIN: 512}[strength]
    return dataclasses.replace(_of(architecture, data=Data(rows)), arguments={"batch_size": 64})


def stale_statistics(architecture: str, strength: str) -> Problem:
    """A short training at momentum 0.99, behind which the moving statistics still are near 0 and 1."""
    training = Training(
        epochs={"mild": 6, "strong": 1, TWIN: 6}[strength],
        learning_rate=1e-3,
        recalibrate=strength == TWIN,
    )
    return _of(architecture, Style(gain=3.0), training, Data(shift=0.5))


def stale_in_one_layer(architecture: str, strength: str) -> Problem:
    """The last block alone was changed and begun anew. Mild: its moving statistics are halfway between the
    initial ones and those of the data. Strong: as they were initialized.
    """
    problem = _of(architecture, Style(gain=3.0), data=Data(shift=0.5))
    layer = normalizations(problem.model)[-1]
    left = {"mild": 0.5, "strong": 1.0, TWIN: 0.0}[strength]
    layer.moving_mean.assign((1 - left) * np.array(layer.moving_mean))
    layer.moving_variance.assign((1 - left) * np.array(layer.moving_variance) + left)
    return problem


def train_inference_skew(architecture: str, strength: str) -> Problem:
    """Few steps at momentum 0.99 and a large learning rate: training is fine, inference is not."""
    epochs = {"mild": 9, "strong": 5, TWIN: 9}[strength]
    training = Training(epochs=epochs, learning_rate=1e-2, recalibrate=strength == TWIN)
    return _of(architecture, Style(gain=3.0), training, Data(shift=1.0))


def frozen_statistics_mismatch(architecture: str, strength: str) -> Problem:
    """Fine-tuning with frozen normalizations: on data of another sensor; the twin on data like the old."""
    model = trained(architecture)
    for layer in normalizations(model):
        layer.trainable = False
    other = {
        "mild": Data(seed=1, shift=1.5),
        "strong": Data(seed=1, scale=4.0, shift=8.0),
        TWIN: Data(seed=1),
    }[strength]
    x, y = other.arrays(architecture)
    training = Training(epochs=1, learning_rate=1e-5, recalibrate=False)
    return Problem(fit(compiled(model, training), x, y, training), x, y)


def dying_channel(architecture: str, strength: str) -> Problem:
    """Mild: L1 pressed γ of a quarter of the channels to 0. Strong: a large step pressed β far below 0."""
    model = trained(architecture)
    layer = normalizations(model)[0]
    gamma, beta = np.array(layer.gamma), np.array(layer.beta)
    some = slice(0, len(gamma) // 4)
    if strength == "mild":
        gamma[some] = 1e-5
        beta[some] = 0.0
    elif strength == "strong":
        beta[some] = -5.0 * np.abs(gamma[some])
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    if strength != TWIN:
        fit(model, *Data().arrays(architecture), Training(epochs=0))
    return Problem(model, *Data().arrays(architecture))


def epsilon_dominance(architecture: str, strength: str) -> Problem:
    """Values so small that ε is no small part of their variance; the twin has a smaller ε."""
    # The variance before the first normalization is about 2·scale²: at 0.02 it is below ε.
    data = Data(scale={"mild": 0.012, "strong": 0.002, TWIN: 0.012}[strength])
    style = Style(epsilon=1e-6 if strength == TWIN else 1e-3)
    return _of(architecture, style, Training(learning_rate=1e-4), data)


def low_precision_statistics(architecture: str, strength: str) -> Problem:
    """Mild: normalizations alone in float16. Strong: a policy of 16 bits for variables too. Twin: the mixed
    policy, whose variables are float32.
    """
    style = {
        "mild": Style(normalization_policy="float16"),
        "strong": Style(policy="bfloat16"),
        TWIN: Style(policy="mixed_bfloat16"),
    }[strength]
    return _of(architecture, style, UNTRAINED)


def weight_decay_on_normalization(architecture: str, strength: str) -> Problem:
    """Mild: an L2 regularizer on γ. Strong: AdamW over all weights; the twin excludes γ and β."""
    if strength == "mild":
        return _of(architecture, Style(gamma_decay=1e-3))
    exclude = ("gamma", "beta") if strength == TWIN else ()
    return _of(architecture, training=Training(optimizer="adamw", weight_decay=0.01, exclude=exclude))


def weight_decay_before_normalization(architecture: str, strength: str) -> Problem:
    """Mild: an L2 regularizer on the kernels. Strong: AdamW over all but γ and β. Twin: neither."""
    if strength == "mild":
        return _of(architecture, Style(kernel_decay=1e-4))
    if strength == TWIN:
        return _of(architecture)
    return _of(
        architecture, training=Training(optimizer="adamw", weight_decay=0.1, exclude=("gamma", "beta"))
    )


def _of(architecture: str, style: Style = PLAIN, training: Training = TRAINING, data: Data = ROWS) -> Problem:
    return Problem(trained(architecture, style, training, data), *data.arrays(architecture))


_SKEW = "what training and inference compute differs for the same cause"
_DROPPED = {
    "NRM404": _SKEW,
    "NRM403": "the moving variance is that of what dropout leaves, not that of inference",
}
_LARGE = {
    "NRM202": "ReLUs that large inputs drove to death",
    "NRM203": "large inputs make the first gradients large against the others",
    "NRM204": "large inputs make the first gradients large against the others",
}
_DECAYED = "the same optimizer decays the kernels too"

DEFECTS = (
    *(
        Defect("NRM101", seed, architectures, _named("features"), allowed=_LARGE)
        for seed, architectures in (
            (unscaled_features, ("dense", "convolutional", "recurrent")),
            (unscaled_by_one_factor, ("residual", "attention")),
        )
    ),
    Defect("NRM102", constant_feature, ("dense", "convolutional", "attention"), _named("features")),
    Defect("NRM103", heavy_tailed_feature, ("dense", "residual", "recurrent"), _named("features")),
    Defect("NRM104", drifted_feature, ("dense", "convolutional", "attention")),
    Defect("NRM105", large_input, ("dense", "residual", "attention"), _named("features")),
    Defect(
        "NRM201",
        saturated_activation,
        ("dense", "convolutional", "recurrent"),
        allowed={
            "NRM203": "no gradient passes where the functions are flat",
            "NRM204": "weights this large multiply what gradient there is",
        },
    ),
    Defect(
        "NRM202",
        dead_relu,
        ("dense", "residual", "attention"),
        _in_blocks("activation", FIRST, FIRST),
        allowed={"NRM203": "dead units pass no gradient"},
    ),
    Defect("NRM203", vanishing_gradient, ("dense", "convolutional", "recurrent")),
    Defect("NRM203", clipped_probabilities, ("residual", "attention")),
    Defect(
        "NRM204",
        exploding_gradient,
        ("dense", "convolutional", "attention"),
        allowed={"NRM201": "weights this large saturate what they feed"},
    ),
    Defect(
        "NRM301",
        bias_before_normalization,
        ("dense", "residual", "recurrent"),
        _in_blocks("linear", FIRST, ALL),
    ),
    Defect(
        "NRM301",
        bias_in_a_sum,
        ("preactivation",),
        lambda _, strength: (frozenset(["linear_1", "linear_0"][: 1 + (strength == "strong")]), frozenset()),
    ),
    Defect(
        "NRM302",
        normalization_after_activation,
        ("dense", "convolutional", "attention"),
        _in_blocks("normalization", FIRST, ALL),
    ),
    *(
        Defect("NRM303", dropout_before_normalization, architectures, where, allowed=_DROPPED)
        for architectures, where in (
            (("dense",), _in_blocks("normalization", BUT_THE_FIRST, BUT_THE_FIRST, blocks=3)),
            # Where a kernel sums over many values, alike to each other, dropout may be no defect behind it.
            (("residual", "recurrent"), _sound("normalization_0")),
        )
    ),
    Defect("NRM303", noise_before_normalization, ("noisy",), _named("normalization_0"), allowed=_DROPPED),
    Defect(
        "NRM304", normalized_output, ("dense", "convolutional", "attention"), _named("head_normalization")
    ),
    Defect(
        "NRM305",
        shared_normalization,
        ("dense", "convolutional", "recurrent"),
        _named("shared"),
        allowed={"NRM404": _SKEW},
    ),
    Defect("NRM401", small_batch, ("dense",), _in_blocks("normalization", ALL, ALL)),
    Defect("NRM401", small_batch, ("convolutional", "recurrent")),
    Defect("NRM402", last_batch_of_one, ("dense",), _in_blocks("normalization", ALL, ALL)),
    Defect(
        "NRM402", last_batch_of_one, ("convolutional", "attention"), _in_blocks("normalization", LAST, LAST)
    ),
    Defect(
        "NRM403",
        stale_statistics,
        ("dense", "residual", "recurrent"),
        allowed={"NRM404": _SKEW},
    ),
    Defect(
        "NRM403",
        stale_in_one_layer,
        ("convolutional", "attention"),
        _in_blocks("normalization", LAST, LAST),
        allowed={"NRM404": _SKEW},
    ),
    Defect(
        "NRM404",
        train_inference_skew,
        ("dense", "convolutional", "attention"),
        allowed={"NRM403": "its cause: the moving statistics are not those of the data"},
    ),
    Defect(
        "NRM405", frozen_statistics_mismatch, ("dense", "residual", "recurrent"), _named("normalization_0")
    ),
    Defect(
        "NRM407",
        dying_channel,
        ("dense", "convolutional", "attention"),
        _in_blocks("normalization", FIRST, FIRST),
        allowed={"NRM202": "a dead channel is a dead ReLU"},
    ),
    Defect("NRM408", epsilon_dominance, ("dense", "residual", "recurrent"), _named("normalization_0")),
    Defect(
        "NRM409",
        low_precision_statistics,
        ("dense", "residual", "recurrent"),
        _in_blocks("normalization", ALL, ALL),
        allowed={"NRM403": "its consequence: small differences round away", "NRM404": _SKEW},
    ),
    Defect(
        "NRM410",
        weight_decay_on_normalization,
        ("dense", "residual", "recurrent"),
        _in_blocks("normalization", ALL, ALL),
        allowed={"NRM411": _DECAYED},
        twin_allowed={"NRM411": _DECAYED},
    ),
    Defect(
        "NRM411",
        weight_decay_before_normalization,
        ("dense", "convolutional", "attention"),
        _in_blocks("linear", ALL, ALL),
    ),
)
