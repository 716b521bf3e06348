"""The networks of the corpus: five architectures, healthy unless a `Style` or its `Data` say otherwise.

Each is a few small layers. Columns of the data have mean 0 and deviation 1, linear layers before a batch
normalization have no bias, weights begin by He et al., a short training follows, and then the moving
statistics are set to those of the data. What is trained once is kept, since many cases begin with the same.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import normwise

SHAPES = {
    "dense": (12,),
    "convolutional": (10, 10, 3),
    "residual": (8, 8, 3),
    "recurrent": (8, 6),
    "attention": (8, 12),
}
"""Of one row of the data of each architecture; the last axis holds the columns."""

BLOCKS: dict[str, Callable[[int], int]] = {
    "dense": lambda blocks: blocks,
    "convolutional": lambda blocks: blocks + 1,
    "residual": lambda blocks: 2 * blocks - 1,
    "recurrent": lambda blocks: blocks,
    "attention": lambda blocks: blocks,
}
"""`Style.blocks` to how many linear layers with a normalization each architecture has; they are numbered."""

CLASSES = 3
UNITS = {"dense": 16, "convolutional": 8, "residual": 8, "recurrent": 12, "attention": 16}


@dataclasses.dataclass(frozen=True)
class Data:
    """Rows of three classes that overlap a little.

    Args:
        rows: How many.
        seed: Of the rows; the classes are always the same.
        scale: Factor on all values.
        shift: Added then.
        regression: Whether the target is a number with mean 0 and deviation 1.
    """

    rows: int = 512
    seed: int = 0
    scale: float = 1.0
    shift: float = 0.0
    regression: bool = False

    def arrays(self, architecture: str) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Rows and targets."""
        shape = SHAPES[architecture]
        columns = shape[-1]
        classes = np.random.default_rng(columns).normal(0.0, 0.7, (CLASSES, columns))
        random = np.random.default_rng([self.seed, columns, len(shape)])
        labels = random.integers(0, CLASSES, self.rows)
        positions = (1,) * (len(shape) - 1)
        # Images differ in brightness, series in level: without it their means would hardly vary.
        levels = classes[labels] + 0.6 * random.normal(size=(self.rows, columns)) * bool(positions)
        x = levels.reshape(self.rows, *positions, columns) + random.normal(size=(self.rows, *shape))
        axes = tuple(range(len(shape)))
        x = (x - x.mean(axes)) / x.std(axes)
        y: NDArray[Any] = labels.astype("int32")
        if self.regression:
            means = x.mean(tuple(range(1, len(shape))))
            target = np.sin(2 * means[:, 0] / means[:, 0].std()) + means[:, 1] / means[:, 1].std()
            y = ((target - target.mean()) / target.std()).astype("float32")[:, None]
        return (x * self.scale + self.shift).astype("float32"), y


@dataclasses.dataclass(frozen=True)
class Style:
    """How an architecture is built; a defect of the structure changes one of these.

    Args:
        blocks: Linear layers, each with its normalization and activation.
        normalization: ``"batch"``, ``"layer"``, ``"group"`` or "" for none.
        epsilon: Of the batch normalizations.
        momentum: Of their moving averages.
        activation: Keras' name.
        gain: Factor on the initial weights of He et al.
        biased: How many blocks keep their bias before the normalization; where there is none, all do.
        activation_first: How many blocks have their activation before the normalization.
        dropout: Rate, in each block but the first.
        dropout_at: ``"input"``: before the linear layer; ``"normalization"``: between both; ``"output"``:
            behind the last activation alone.
        normalize_output: Whether a batch normalization stands behind the last linear layer.
        regression: One number as output, and squared error.
        gamma_decay: L2 factor on γ.
        kernel_decay: L2 factor on the kernels before the normalizations.
        zero_gamma: Whether the last γ of each residual branch begins at 0.
        policy: The dtype policy.
        normalization_policy: That of the batch normalizations, where it is another one.
        scaling: A layer between the inputs and all else: ``"batch"``, ``"factor"``, a tenth of all columns,
            or "" for none.
        gru: Whether the recurrent layer is a GRU.
    """

    blocks: int = 2
    normalization: str = "batch"
    epsilon: float = 1e-3
    momentum: float = 0.99
    activation: str = "relu"
    gain: float = 1.0
    biased: int = 0
    activation_first: int = 0
    dropout: float = 0.0
    dropout_at: str = "input"
    normalize_output: bool = False
    regression: bool = False
    gamma_decay: float = 0.0
    kernel_decay: float = 0.0
    zero_gamma: bool = False
    policy: str = "float32"
    normalization_policy: str | None = None
    scaling: str = ""
    gru: bool = False


@dataclasses.dataclass(frozen=True)
class Training:
    """A training.

    Args:
        epochs: 0 is a network as it was initialized.
        batch_size: Rows a step.
        optimizer: ``"adam"``, ``"adamw"`` or ``"sgd"``.
        learning_rate: Its learning rate.
        weight_decay: Of AdamW.
        exclude: Parts of the names of variables that AdamW does not decay.
        recalibrate: Whether the moving statistics are set to those of the data at the end.
    """

    epochs: int = 8
    batch_size: int = 64
    optimizer: str = "adam"
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    exclude: tuple[str, ...] = ()
    recalibrate: bool = True


PLAIN, ROWS, TRAINING = Style(), Data(), Training()
UNTRAINED = Training(epochs=0, recalibrate=False)


def built(architecture: str, style: Style) -> Any:
    """The network, as it is initialized."""
    keras.utils.set_random_seed(1)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(style.policy)
    try:
        inputs = keras.Input(SHAPES[architecture], name="features")
        scaling = {
            "batch": keras.layers.BatchNormalization,
            "factor": lambda name: keras.layers.Rescaling(0.1, name=name),
        }
        x = scaling[style.scaling](name="scaling")(inputs) if style.scaling else inputs
        x = _BODIES[architecture](x, style)
        if style.dropout and style.dropout_at == "output":
            x = keras.layers.Dropout(style.dropout, seed=7)(x)
        return keras.Model(inputs, _head(x, style), name=architecture)
    finally:
        keras.config.set_dtype_policy(before)


def compiled(model: Any, training: Training = TRAINING, regression: bool = False) -> Any:
    """The same network, ready to be trained."""
    classes = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
    decay = {"weight_decay": training.weight_decay} if training.weight_decay else {}
    optimizer = classes[training.optimizer](learning_rate=training.learning_rate, **decay)
    if training.exclude:
        optimizer.exclude_from_weight_decay(var_names=list(training.exclude))
    model.compile(optimizer=optimizer, loss="mse" if regression else "sparse_categorical_crossentropy")
    return model


def trained(architecture: str, style: Style = PLAIN, training: Training = TRAINING, data: Data = ROWS) -> Any:
    """The network, compiled and trained on the data."""
    model = compiled(built(architecture, style), training, style.regression)
    if training.epochs or training.recalibrate:
        weights, steps = _training(architecture, style, training, data)
        model.set_weights(weights)
        model.optimizer.iterations.assign(steps)
    return model


@functools.cache
def _training(
    architecture: str, style: Style, training: Training, data: Data
) -> tuple[list[NDArray[Any]], int]:
    """The weights after the training, and the number of steps."""
    model = compiled(built(architecture, style), training, style.regression)
    fit(model, *data.arrays(architecture), training)
    return model.get_weights(), int(model.optimizer.iterations)


def fit(model: Any, x: Any, y: Any, training: Training) -> Any:
    """The same model, trained as it says."""
    if training.epochs:
        sizes = {"batch_size": training.batch_size, "epochs": training.epochs}
        model.fit(x, y, **sizes, verbose=0)
    if training.recalibrate and any(isinstance(n, keras.layers.BatchNormalization) for n in layers(model)):
        # All rows in one batch, so that the statistics are those of the data exactly.
        normwise.recalibrate(model, x, batch_size=len(y))
    return model


def layers(model: Any) -> list[Any]:
    """All layers, at any depth."""
    return list(model._flatten_layers(include_self=False))


def normalizations(model: Any) -> list[Any]:
    """Its batch normalizations of Keras."""
    return [layer for layer in layers(model) if isinstance(layer, keras.layers.BatchNormalization)]


def _kernel(style: Style) -> dict[str, Any]:
    return {
        "kernel_initializer": keras.initializers.VarianceScaling(2.0 * style.gain**2, "fan_in"),
        "kernel_regularizer": keras.regularizers.L2(style.kernel_decay) if style.kernel_decay else None,
    }


def _normalization(style: Style, name: str, gamma: str = "ones") -> Any:
    if style.normalization == "layer":
        return keras.layers.LayerNormalization(name=name)
    if style.normalization == "group":
        return keras.layers.GroupNormalization(4, name=name)
    decay = keras.regularizers.L2(style.gamma_decay) if style.gamma_decay else None
    return keras.layers.BatchNormalization(
        epsilon=style.epsilon,
        momentum=style.momentum,
        gamma_initializer=gamma,
        gamma_regularizer=decay,
        dtype=style.normalization_policy,
        name=name,
    )


def _block(x: Any, linear: Callable[..., Any], style: Style, index: int, activation: bool = True) -> Any:
    """linear → normalization → activation, named by the index."""
    options = {**_kernel(style), "name": f"linear_{index}"}
    normalization = f"normalization_{index}"
    activate = keras.layers.Activation(style.activation, name=f"activation_{index}")
    if style.dropout and style.dropout_at == "input" and index:
        x = keras.layers.Dropout(style.dropout, seed=index)(x)
    if not style.normalization:
        x = linear(use_bias=True, **options)(x)
        return activate(x) if activation else x
    x = linear(use_bias=index < style.biased, **options)(x)
    if style.dropout and style.dropout_at == "normalization" and index:
        x = keras.layers.Dropout(style.dropout, seed=index)(x)
    if activation and index < style.activation_first:
        return _normalization(style, normalization)(activate(x))
    gamma = "ones" if activation or not style.zero_gamma else "zeros"
    x = _normalization(style, normalization, gamma)(x)
    return activate(x) if activation else x


def _head(x: Any, style: Style) -> Any:
    outputs = 1 if style.regression else CLASSES
    # Of the defects, a bias before a normalization is another one.
    x = keras.layers.Dense(outputs, use_bias=not style.normalize_output, name="head")(x)
    if style.normalize_output:
        x = keras.layers.BatchNormalization(name="head_normalization", momentum=style.momentum)(x)
    return x if style.regression else keras.layers.Activation("softmax", dtype="float32", name="classes")(x)


def _dense(x: Any, style: Style) -> Any:
    for i in range(style.blocks):
        x = _block(x, functools.partial(keras.layers.Dense, UNITS["dense"]), style, i)
    return x


def _convolutional(x: Any, style: Style) -> Any:
    """Convolutions, the mean over the positions, and a dense block, whose normalization has a value a row."""
    filters = UNITS["convolutional"]
    for i in range(style.blocks):
        x = _block(x, functools.partial(keras.layers.Conv2D, filters, 3, padding="same"), style, i)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return _block(x, functools.partial(keras.layers.Dense, filters), style, style.blocks)


def _residual(x: Any, style: Style) -> Any:
    """A convolution, then branches of two, each added to what it takes; each normalization sees positions."""
    linear = functools.partial(keras.layers.Conv2D, UNITS["residual"], 3, padding="same")
    x = _block(x, linear, style, 0)
    for i in range(1, style.blocks):
        y = _block(x, linear, style, 2 * i - 1)
        y = _block(y, linear, style, 2 * i, activation=False)
        x = keras.layers.Activation(style.activation, name=f"sum_{i}")(keras.layers.Add()([x, y]))
    return keras.layers.GlobalAveragePooling2D()(x)


def _recurrent(x: Any, style: Style) -> Any:
    """Dense blocks at each time, an LSTM or a GRU, and a dense block of its last output."""
    units = UNITS["recurrent"]
    for i in range(style.blocks - 1):
        x = _block(x, functools.partial(keras.layers.Dense, units), style, i)
    recurrent = keras.layers.GRU if style.gru else keras.layers.LSTM
    # Keras' orthogonal initializer needs a QR decomposition, which JAX has not in 16 bits.
    x = recurrent(units, recurrent_initializer="glorot_uniform")(x)
    return _block(x, functools.partial(keras.layers.Dense, units), style, style.blocks - 1)


def _attention(x: Any, style: Style) -> Any:
    """Dense blocks at each position, attention of a transformer's kind, the mean, and a dense block."""
    units = UNITS["attention"]
    for i in range(style.blocks - 1):
        x = _block(x, functools.partial(keras.layers.Dense, units), style, i)
    y = keras.layers.LayerNormalization()(x)
    x = keras.layers.Add()([x, keras.layers.MultiHeadAttention(2, 8)(y, y)])
    y = keras.layers.LayerNormalization()(x)
    y = keras.layers.Dense(units)(keras.layers.Dense(2 * units, activation="gelu")(y))
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Add()([x, y]))
    return _block(x, functools.partial(keras.layers.Dense, units), style, style.blocks - 1)


_BODIES: dict[str, Callable[[Any, Style], Any]] = {
    "dense": _dense,
    "convolutional": _convolutional,
    "residual": _residual,
    "recurrent": _recurrent,
    "attention": _attention,
}
