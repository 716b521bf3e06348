"""Models, their outputs and their training steps, for the tests of this folder."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from tests.layers.data import normal
from tests.layers.gradients import numpy


def sequential():
    return keras.Sequential(
        [
            keras.Input((5,), name="columns"),
            layers.Dense(6, use_bias=False, name="first"),
            layers.BatchNormalization(momentum=0.7, name="normal"),
            layers.ReLU(name="relu"),
            layers.Dense(2, name="last"),
        ],
        name="chain",
    )


def functional():
    """Two inputs, two outputs, raw operations, a branch, a normalization without gamma."""
    one, two = keras.Input((5,), name="one"), keras.Input((5,), name="two")
    x = layers.BatchNormalization(scale=False, momentum=0.5, epsilon=0.01)(layers.Dense(4)(one))
    y = layers.BatchNormalization(center=False)(layers.Dense(4)(two))
    both = keras.ops.tanh(layers.Add()([x, y])) + x[:, :1]
    return keras.Model({"one": one, "two": two}, [layers.Dense(1)(both), layers.Dense(2)(y)])


def nested():
    # Orthogonal weights and no tanh: where sums nearly cancel, or saturate, the next normalization divides
    # rounding errors by a spread near 0.
    last = layers.Dense(5, kernel_initializer="orthogonal")
    inner = keras.Sequential([keras.Input((5,)), layers.BatchNormalization(), last])
    x = keras.Input((5,))
    middle = keras.Model(x, inner(layers.Dense(5, kernel_initializer="orthogonal")(x)), name="middle")
    y = keras.Input((5,))
    return keras.Model(y, layers.BatchNormalization(name="outer")(middle(y)))


def shared():
    """One normalization, called on two branches, and one model, called on two."""
    one, two = keras.Input((5,)), keras.Input((5,))
    norm, tower = layers.BatchNormalization(momentum=0.5), sequential()
    return keras.Model([one, two], layers.Subtract()([tower(norm(one)), tower(norm(two))]))


def wrapped():
    """A normalization, and a model with one, each in a wrapper."""
    x = keras.Input((3, 5))
    y = layers.TimeDistributed(layers.BatchNormalization(name="within"))(x)
    return keras.Model(x, layers.TimeDistributed(sequential())(y))


def images(axis=-1):
    """A convolution; channels first where axis is 1 (which Keras' convolutions on the CPU do not run)."""
    x = keras.Input((5, 4, 3))
    return keras.Model(x, layers.BatchNormalization(axis=axis)(layers.Activation("tanh")(x)))


def renormalized():
    clipping = {"rmax": 3.0, "rmin": 0.3, "dmax": 5.0}
    norm = layers.BatchNormalization(renorm=True, renorm_clipping=clipping, renorm_momentum=0.8)
    return keras.Sequential([keras.Input((5,)), layers.Dense(4), norm, layers.Dense(2)])


def preprocessed():
    """A layer with state that is no variable of a fresh one: an adapted Normalization."""
    scale = layers.Normalization()
    scale.adapt(normal((32, 5)))
    return keras.Sequential([keras.Input((5,)), scale, layers.Dense(4), layers.BatchNormalization()])


def regularized():
    norm = layers.BatchNormalization(
        gamma_regularizer="l2",
        beta_constraint="non_neg",
        gamma_initializer=keras.initializers.Constant(2.0),
        moving_variance_initializer=keras.initializers.Constant(0.5),
    )
    return keras.Sequential([keras.Input((5,)), layers.Dense(4), norm])


def half():
    """Under mixed precision, in the layers' own policies."""
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(4, dtype="mixed_bfloat16"),
            layers.BatchNormalization(dtype="mixed_bfloat16"),
            layers.Dense(2, dtype="float32"),
        ]
    )


MODELS = {
    **{f.__name__: f for f in (sequential, functional, nested, shared, wrapped, renormalized)},
    **{f.__name__: f for f in (preprocessed, regularized, half)},
    "channels last": images,
    "channels first": lambda: images(axis=1),
}


def data(model, rows=16, seed=0):
    """An input, in the structure and of the shapes that the model takes."""
    taken = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.tree.map_structure(lambda t: normal((rows, *t.shape[1:]), seed), taken)


def randomized(model, seed=0):
    """The model with every variable of its normalizations at random, variances positive."""
    random = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            for variable in layer.weights:
                variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return model


def outputs(model, x, **call):
    return [numpy(y) for y in keras.tree.flatten(model(x, **call))]


def own_name(variable):
    return "/".join(variable.path.split("/")[-2:])


def values(model):
    """All variables of a model, in NumPy, by layer and name.

    What comes before these in a path says where a layer was first built: in no model, for an adapted one.
    """
    return [(own_name(v), keras.ops.convert_to_numpy(v).tolist()) for v in model.variables]
