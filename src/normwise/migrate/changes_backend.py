"""keras.backend, most of which is keras.ops now; and what has no successor."""

from __future__ import annotations

from normwise.migrate.change import Change

_IMPORT = "from keras import backend as K\n"
_SAME = {
    "abs": "abs",
    "all": "all",
    "any": "any",
    "cast": "cast",
    "clip": "clip",
    "cos": "cos",
    "dot": "dot",
    "elu": "elu",
    "equal": "equal",
    "exp": "exp",
    "flatten": "ravel",
    "greater": "greater",
    "greater_equal": "greater_equal",
    "int_shape": "shape",
    "less": "less",
    "less_equal": "less_equal",
    "log": "log",
    "max": "max",
    "maximum": "maximum",
    "mean": "mean",
    "min": "min",
    "minimum": "minimum",
    "ndim": "ndim",
    "one_hot": "one_hot",
    "not_equal": "not_equal",
    "ones_like": "ones_like",
    "permute_dimensions": "transpose",
    "pow": "power",
    "prod": "prod",
    "relu": "relu",
    "repeat_elements": "repeat",
    "reshape": "reshape",
    "round": "round",
    "shape": "shape",
    "sigmoid": "sigmoid",
    "sign": "sign",
    "sin": "sin",
    "softmax": "softmax",
    "softplus": "softplus",
    "sqrt": "sqrt",
    "square": "square",
    "squeeze": "squeeze",
    "stack": "stack",
    "std": "std",
    "sum": "sum",
    "tanh": "tanh",
    "tile": "tile",
    "transpose": "transpose",
    "var": "var",
    "zeros_like": "zeros_like",
}
"""By name, where the first arguments and their defaults agree."""

_EXAMPLES = {
    "cast": "np.ones((2, 3)), 'int32'",
    "clip": "np.ones((2, 3)), 0, 1",
    "dot": "np.ones((2, 3)), np.ones((3, 2))",
    "one_hot": "np.ones(2, 'int32'), 3",
    "permute_dimensions": "np.ones((2, 3)), (1, 0)",
    "repeat_elements": "np.ones((2, 3)), 2, axis=1",
    "reshape": "np.ones((2, 3)), (3, 2)",
    "squeeze": "np.ones((2, 1)), 1",
    "stack": "[np.ones(2), np.ones(2)]",
    "tile": "np.ones((2, 3)), (1, 2)",
    **dict.fromkeys(
        ("equal", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum", "not_equal", "pow"),
        "np.ones((2, 3)), np.ones((2, 3))",
    ),
}


def _of_backend(old: str, new: str) -> Change:
    arguments = _EXAMPLES.get(old, "np.ones((2, 3))")
    return Change(
        "name",
        f"keras.backend.{old}",
        f"keras.ops.{new}",
        "3.0",
        f"{_IMPORT}out = K.{old}({arguments})",
        f"import keras\n{_IMPORT}out = keras.ops.{new}({arguments})",
    )


BACKEND = (
    *(_of_backend(old, new) for old, new in _SAME.items()),
    *(
        Change(
            "call",
            f"K.{old} without an axis",
            "`keras.ops.…(axis=-1)`",
            "3.0",
            f"{_IMPORT}out = K.{old}({example})",
            f"import keras\n{_IMPORT}out = keras.ops.{old}({example}, axis={axis})",
            where=(f"keras.backend.{old}",),
        )
        for old, example, axis in (
            ("concatenate", "[np.ones(2), np.ones(3)]", -1),
            ("expand_dims", "np.ones(2)", -1),
            ("argmax", "np.ones(2)", -1),
            ("argmin", "np.ones(2)", -1),
        )
    ),
    Change(
        "call",
        "K.set_image_dim_ordering",
        "`K.set_image_data_format`",
        "2.0",
        f"{_IMPORT}K.set_image_dim_ordering('tf')",
        f"{_IMPORT}K.set_image_data_format('channels_last')",
        where=("keras.backend.set_image_dim_ordering",),
    ),
    Change(
        "call",
        "K.image_dim_ordering() == 'th'",
        "`K.image_data_format() == 'channels_first'`",
        "2.0",
        f"{_IMPORT}first = K.image_dim_ordering() == 'th'",
        f"{_IMPORT}first = K.image_data_format() == 'channels_first'",
        where=("keras.backend.image_dim_ordering",),
    ),
    Change(
        "call",
        "K.set_value(variable, value)",
        "`variable.assign(value)`",
        "3.0",
        f"{_IMPORT}rate = lambda model: K.set_value(model.optimizer.lr, 0.01)",
        f"{_IMPORT}rate = lambda model: model.optimizer.learning_rate.assign(0.01)",
        where=("keras.backend.set_value",),
    ),
    Change(
        "name",
        "keras.backend.get_value",
        "keras.ops.convert_to_numpy",
        "3.0",
        f"{_IMPORT}out = K.get_value(np.ones(2))",
        f"import keras\n{_IMPORT}out = keras.ops.convert_to_numpy(np.ones(2))",
    ),
    Change(
        "name",
        "keras.backend.eval",
        "keras.ops.convert_to_numpy",
        "3.0",
        f"{_IMPORT}out = K.eval(np.ones(2))",
        f"import keras\n{_IMPORT}out = keras.ops.convert_to_numpy(np.ones(2))",
    ),
    Change(
        "name",
        "keras.backend.random_normal",
        "keras.random.normal",
        "3.0",
        f"{_IMPORT}out = K.random_normal(shape=(2,), mean=0., stddev=1.)",
        f"import keras\n{_IMPORT}out = keras.random.normal(shape=(2,), mean=0., stddev=1.)",
    ),
    Change(
        "argument",
        "std",
        "stddev",
        "2.0",
        f"{_IMPORT}out = K.random_normal((2,), std=0.5)",
        f"import keras\n{_IMPORT}out = keras.random.normal((2,), stddev=0.5)",
        where=("keras.random.normal",),
    ),
    *(
        Change(
            "argument",
            old,
            new,
            "3.0",
            f"{_IMPORT}out = K.clip(np.ones(2), 0, 1)\nother = K.clip(np.ones(2), {given[0]})",
            f"import keras\n{_IMPORT}out = keras.ops.clip(np.ones(2), 0, 1)\n"
            f"other = keras.ops.clip(np.ones(2), {given[1]})",
            where=("keras.ops.clip",),
        )
        for old, new, given in (
            ("min_value", "x_min", ("min_value=0, x_max=1", "x_min=0, x_max=1")),
            ("max_value", "x_max", ("0, max_value=1", "0, x_max=1")),
        )
    ),
    Change(
        "name",
        "keras.backend.random_uniform",
        "keras.random.uniform",
        "3.0",
        f"{_IMPORT}out = K.random_uniform((2,), minval=0., maxval=2.)",
        f"import keras\n{_IMPORT}out = keras.random.uniform((2,), minval=0., maxval=2.)",
    ),
    Change(
        "name",
        "keras.backend.variable",
        "keras.Variable",
        "3.0",
        f"{_IMPORT}v = K.variable(0.5)",
        f"import keras\n{_IMPORT}v = keras.Variable(0.5)",
    ),
)


def _gone(old: str, what: str, version: str, code: str = "") -> Change:
    module, _, name = old.rpartition(".")
    code = code or f"from {module} import {name}"
    return Change("gone", old, what, version, code, code, runs="nothing of the kind is left in Keras 3")


GONE = (
    Change(
        "gone",
        "plaidml.keras",
        "Keras 3 has no backend plaidml, take jax, torch or tensorflow",
        "3.0",
        "import plaidml.keras\nimport keras",
        "import plaidml.keras\nimport keras",
        runs="nothing of the kind is left in Keras 3",
    ),
    _gone(
        "keras.layers.Merge", "write the model with keras.Input and keras.layers.concatenate, add, …", "2.0"
    ),
    _gone("keras.layers.Highway", "write it as a layer of your own", "2.0"),
    _gone("keras.layers.MaxoutDense", "write it as Dense, Reshape and a maximum", "2.0"),
    _gone("keras.layers.SReLU", "take PReLU, or write it as a layer of your own", "2.0"),
    _gone("keras.layers.ParametricSoftplus", "write it as a layer of your own", "2.0"),
    _gone(
        "keras.layers.Deconvolution2D",
        "take Conv2DTranspose and see that the shape of its output is right",
        "2.0",
    ),
    _gone("keras.layers.LocallyConnected1D", "write it as a layer of your own", "3.0"),
    _gone("keras.layers.LocallyConnected2D", "write it as a layer of your own", "3.0"),
    _gone("keras.layers.CuDNNLSTM", "take LSTM(…, recurrent_activation='sigmoid')", "3.0"),
    _gone("keras.layers.CuDNNGRU", "take GRU(…, recurrent_activation='sigmoid', reset_after=True)", "3.0"),
    _gone("keras.models.Graph", "write the model with keras.Input and keras.Model", "1.0"),
    _gone("keras.models.model_from_yaml", "take model_from_json", "3.0"),
    _gone("keras.utils.multi_gpu_model", "take keras.distribution", "3.0"),
    _gone("keras.utils.HDF5Matrix", "read the file with h5py", "3.0"),
    _gone(
        "keras.wrappers.scikit_learn",
        "take keras.wrappers.SKLearnClassifier or SKLearnRegressor, whose arguments are others",
        "3.0",
        "from keras.wrappers.scikit_learn import KerasClassifier",
    ),
    _gone("keras.backend.function", "call a keras.Model of the layers' inputs and outputs", "3.0"),
    _gone(
        "keras.backend.gradients",
        "take the gradient of the backend: jax.grad, torch's autograd, tf.GradientTape",
        "3.0",
    ),
    _gone("keras.backend.learning_phase", "give the layer's call an argument training", "3.0"),
    _gone("keras.backend.set_learning_phase", "call the model with training=True or False", "3.0"),
    _gone("keras.backend.get_session", "there are no sessions", "3.0"),
    _gone("keras.backend.set_session", "there are no sessions", "3.0"),
    _gone("keras.backend.batch_dot", "take keras.layers.dot or keras.ops.einsum", "3.0"),
    _gone(
        "keras.backend.binary_crossentropy",
        "take keras.ops.binary_crossentropy(target, output); Keras 1 had them the other way round",
        "3.0",
    ),
    _gone(
        "keras.backend.categorical_crossentropy",
        "take keras.ops.categorical_crossentropy(target, output); Keras 1 had them the other way round",
        "3.0",
    ),
    _gone(
        "keras.metrics.fbeta_score", "take keras.metrics.FBetaScore, which is computed over the epoch", "2.0"
    ),
    _gone("keras.metrics.fmeasure", "take keras.metrics.F1Score, which is computed over the epoch", "2.0"),
    _gone("keras.metrics.matthews_correlation", "compute it from the predictions by scikit-learn", "2.0"),
)
