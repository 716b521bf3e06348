"""Small models of ten architectures, with weights and statistics as after a training."""

import keras
import numpy as np
from keras import layers

import normwise
from normwise.graph.walk import every_layer


def dense():
    return keras.Sequential(
        [
            keras.Input((5,), name="features"),
            layers.Dense(8, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(6),
            normwise.BatchNormalization(),
            layers.Activation("tanh"),
            layers.Dense(3, activation="softmax", name="probabilities"),
        ]
    )


def convolutional():
    return keras.Sequential(
        [
            keras.Input((12, 12, 3), name="image"),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(3, strides=2, padding="same"),
            layers.Conv2D(6, 3, dilation_rate=2),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(2, name="logits"),
        ]
    )


def depthwise():
    x = image = keras.Input((12, 12, 3), name="image")
    for strides in (1, 2):
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(6.0)(x)
        x = layers.Conv2D(8, 1, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pooled")(x))


def separable():
    x = image = keras.Input((12, 12, 3), name="image")
    x = layers.SeparableConv2D(6, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(image, layers.Activation("sigmoid", name="mask")(x))


def residual():
    x = image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same")(x)
    for _ in range(2):
        y = layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same", use_bias=False)(x))
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalMaxPooling2D()(x)
    both = layers.Dense(2, name="class")(x), layers.Dense(1, name="size")(x)
    return keras.Model(image, list(both))


def sequence():
    return keras.Sequential(
        [
            keras.Input((16, 3), name="signal"),
            layers.Conv1D(6, 5, strides=2, padding="causal"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling1D(2),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, name="logits"),
        ]
    )


def recurrent():
    return keras.Sequential(
        [
            keras.Input((6, 3), name="steps"),
            layers.GRU(5, return_sequences=True, name="gru"),
            layers.BatchNormalization(name="norm"),
            layers.LSTM(4, name="lstm"),
            layers.Dense(1, name="next"),
        ]
    )


def scaled():
    x = np.random.default_rng(0).normal([30.0, 0.0, -3.0], [10.0, 1.0, 1e3], (100, 3))
    scaling = normwise.scaling.StandardScaler().fit(x).to_layer()
    hidden = layers.Dense(4, "relu")
    return keras.Sequential([keras.Input((3,), name="row"), scaling, hidden, layers.Dense(1, name="price")])


def nested():
    part = keras.Sequential(
        [keras.Input((4,)), layers.Dense(6), layers.BatchNormalization(), layers.ReLU()], name="part"
    )
    row = keras.Input((4,), name="row")
    x = layers.Dense(4)(part(row))
    return keras.Model(row, layers.Dense(2, name="logits")(part(layers.BatchNormalization()(x))))


def several_inputs():
    given = {
        "numeric": keras.Input((3,), name="numeric"),
        "codes": keras.Input((2,), dtype="int32", name="codes"),
    }
    x = layers.Flatten()(layers.Embedding(7, 4)(given["codes"]))
    x = layers.Concatenate()([layers.Dense(4)(given["numeric"]), x])
    x = layers.Dense(3)(layers.BatchNormalization()(x))
    return keras.Model(given, {"label": layers.Softmax()(x), "raw": x})


ARCHITECTURES = (
    dense,
    convolutional,
    depthwise,
    separable,
    residual,
    sequence,
    recurrent,
    scaled,
    nested,
    several_inputs,
)


def trained(build):
    """A model with weights as after a training: none is left at 0 or 1, where it could vanish."""
    keras.utils.set_random_seed(0)
    model = build()
    generator = np.random.default_rng(0)
    for layer in every_layer(model):
        for variable in layer._trainable_variables + layer._non_trainable_variables:
            if variable.path.rpartition("/")[2] in NUMBERS:
                variable.assign(NUMBERS[variable.path.rpartition("/")[2]](generator, variable.shape))
    return model


NUMBERS = {
    "bias": lambda generator, shape: generator.normal(0.0, 0.3, shape),
    "gamma": lambda generator, shape: generator.uniform(0.5, 1.5, shape),
    "beta": lambda generator, shape: generator.normal(0.0, 0.3, shape),
    "moving_mean": lambda generator, shape: generator.normal(0.0, 0.5, shape),
    "moving_weight": lambda _, shape: np.ones(shape),
    "moving_variance": lambda generator, shape: generator.uniform(0.3, 3.0, shape),
}
