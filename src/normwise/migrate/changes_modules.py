"""What has moved: modules, and names that are called otherwise."""

from __future__ import annotations

from normwise.migrate.change import Change, Kind

LAYERS_OF = (
    "core",
    "convolutional",
    "pooling",
    "recurrent",
    "convolutional_recurrent",
    "embeddings",
    "normalization",
    "advanced_activations",
    "noise",
    "wrappers",
    "merge",
)
"""Modules of keras.layers in Keras 1 and 2, whose layers are all in keras.layers now."""

_LAYER_OF_MODULE = {
    "core": ("Dense, Dropout", "Dense, Dropout"),
    "convolutional": ("ZeroPadding2D", "ZeroPadding2D"),
    "pooling": ("GlobalMaxPooling1D", "GlobalMaxPooling1D"),
    "recurrent": ("SimpleRNN", "SimpleRNN"),
    "convolutional_recurrent": ("ConvLSTM2D", "ConvLSTM2D"),
    "embeddings": ("Embedding", "Embedding"),
    "normalization": ("BatchNormalization", "BatchNormalization"),
    "advanced_activations": ("PReLU", "PReLU"),
    "noise": ("GaussianDropout", "GaussianDropout"),
    "wrappers": ("TimeDistributed", "TimeDistributed"),
    "merge": ("concatenate", "concatenate"),
}


def _moved(kind: Kind, old: str, new: str, version: str, before: str, after: str, note: str = "") -> Change:
    return Change(kind, old, new, version, before, after, note=note)


_OF_LAYERS = tuple(
    _moved(
        "module",
        f"keras.layers.{module}",
        "keras.layers",
        "3.0",
        f"from keras.layers.{module} import {_LAYER_OF_MODULE[module][0]}",
        f"from keras.layers import {_LAYER_OF_MODULE[module][1]}",
    )
    for module in LAYERS_OF
)

MODULES = (
    *_OF_LAYERS,
    _moved(
        "module",
        "keras.utils.np_utils",
        "keras.utils",
        "3.0",
        "from keras.utils import np_utils\ny = np_utils.to_categorical([0, 1, 2], 3)",
        "from keras import utils as np_utils\ny = np_utils.to_categorical([0, 1, 2], 3)",
    ),
    _moved(
        "module",
        "keras.utils.generic_utils",
        "keras.utils",
        "3.0",
        "from keras.utils.generic_utils import Progbar",
        "from keras.utils import Progbar",
    ),
    _moved(
        "module",
        "keras.utils.data_utils",
        "keras.utils",
        "3.0",
        "from keras.utils.data_utils import get_file",
        "from keras.utils import get_file",
    ),
    _moved(
        "module",
        "keras.utils.vis_utils",
        "keras.utils",
        "3.0",
        "from keras.utils.vis_utils import plot_model",
        "from keras.utils import plot_model",
    ),
    _moved(
        "module",
        "keras.utils.visualize_util",
        "keras.utils",
        "2.0",
        "from keras.utils.visualize_util import plot",
        "from keras.utils import plot_model",
    ),
    _moved(
        "module",
        "keras.objectives",
        "keras.losses",
        "2.0",
        "from keras.objectives import mean_squared_error",
        "from keras.losses import mean_squared_error",
    ),
    _moved(
        "module",
        "keras.initializations",
        "keras.initializers",
        "2.0",
        "from keras import initializations\nstart = initializations.get('uniform')",
        "from keras import initializers as initializations\nstart = initializations.get('uniform')",
    ),
    _moved(
        "module",
        "keras.engine.topology",
        "keras.layers",
        "3.0",
        "from keras.engine.topology import Layer, InputSpec",
        "from keras.layers import Layer, InputSpec",
    ),
    _moved(
        "module",
        "keras.engine.training",
        "keras.models",
        "3.0",
        "from keras.engine.training import Model",
        "from keras.models import Model",
    ),
    _moved(
        "module",
        "keras.engine",
        "keras.layers",
        "3.0",
        "from keras.engine import Layer",
        "from keras.layers import Layer",
    ),
    _moved(
        "module",
        "keras.layers.containers",
        "keras.models",
        "1.0",
        "from keras.layers.containers import Sequential",
        "from keras.models import Sequential",
    ),
    _moved(
        "module",
        "keras.preprocessing.text",
        "keras.src.legacy.preprocessing.text",
        "3.0",
        "from keras.preprocessing.text import Tokenizer\ntokens = Tokenizer(num_words=10)",
        "from keras.src.legacy.preprocessing.text import Tokenizer\ntokens = Tokenizer(num_words=10)",
        note="Keras 3 keeps the old text preprocessing for TensorFlow's compatibility alone",
    ),
)

_LEGACY_IMAGE = "keras.src.legacy.preprocessing.image"
_LEGACY_SEQUENCE = "keras.src.legacy.preprocessing.sequence"

NAMES = (
    _moved(
        "name",
        "keras.preprocessing.image.ImageDataGenerator",
        f"{_LEGACY_IMAGE}.ImageDataGenerator",
        "3.0",
        "from keras.preprocessing.image import ImageDataGenerator, img_to_array\n"
        "images = ImageDataGenerator()",
        "from keras.src.legacy.preprocessing.image import ImageDataGenerator\n"
        "from keras.preprocessing.image import img_to_array\nimages = ImageDataGenerator()",
        note="Keras 3 keeps it for TensorFlow's compatibility alone",
    ),
    _moved(
        "name",
        "keras.preprocessing.sequence.TimeseriesGenerator",
        f"{_LEGACY_SEQUENCE}.TimeseriesGenerator",
        "3.0",
        "from keras.preprocessing.sequence import TimeseriesGenerator",
        "from keras.src.legacy.preprocessing.sequence import TimeseriesGenerator",
        note="Keras 3 keeps it for TensorFlow's compatibility alone",
    ),
    _moved(
        "name",
        "keras.preprocessing.sequence.skipgrams",
        f"{_LEGACY_SEQUENCE}.skipgrams",
        "3.0",
        "from keras.preprocessing.sequence import skipgrams",
        "from keras.src.legacy.preprocessing.sequence import skipgrams",
        note="Keras 3 keeps it for TensorFlow's compatibility alone",
    ),
    _moved(
        "name",
        "keras.preprocessing.sequence.make_sampling_table",
        f"{_LEGACY_SEQUENCE}.make_sampling_table",
        "3.0",
        "from keras.preprocessing.sequence import make_sampling_table",
        "from keras.src.legacy.preprocessing.sequence import make_sampling_table",
        note="Keras 3 keeps it for TensorFlow's compatibility alone",
    ),
    _moved(
        "name",
        "keras.utils.plot",
        "keras.utils.plot_model",
        "2.0",
        "from keras.utils.visualize_util import plot\ndraw = lambda model: plot(model, to_file='model.png')",
        "from keras.utils import plot_model\ndraw = lambda model: plot_model(model, to_file='model.png')",
    ),
    _moved(
        "name",
        "keras.regularizers.l1l2",
        "keras.regularizers.l1_l2",
        "2.0",
        "from keras.regularizers import l1l2\npenalty = l1l2(l1=0.01, l2=0.02)",
        "from keras.regularizers import l1_l2\npenalty = l1_l2(l1=0.01, l2=0.02)",
    ),
    _moved(
        "name",
        "keras.regularizers.WeightRegularizer",
        "keras.regularizers.L1L2",
        "2.0",
        "from keras.regularizers import WeightRegularizer\npenalty = WeightRegularizer(l1=0.01, l2=0.02)",
        "from keras.regularizers import L1L2\npenalty = L1L2(l1=0.01, l2=0.02)",
    ),
    *(
        _moved(
            "name",
            f"keras.regularizers.activity_{short}",
            f"keras.regularizers.{new}",
            "2.0",
            f"from keras.regularizers import activity_{short}\npenalty = activity_{short}(0.01)",
            f"from keras.regularizers import {new}\npenalty = {new}(0.01)",
        )
        for short, new in (("l1", "l1"), ("l2", "l2"), ("l1l2", "l1_l2"))
    ),
    _moved(
        "name",
        "keras.constraints.maxnorm",
        "keras.constraints.max_norm",
        "3.0",
        "from keras.constraints import maxnorm\nlimit = maxnorm(3)",
        "from keras.constraints import max_norm\nlimit = max_norm(3)",
    ),
    _moved(
        "name",
        "keras.constraints.nonneg",
        "keras.constraints.non_neg",
        "3.0",
        "from keras.constraints import nonneg\nlimit = nonneg()",
        "from keras.constraints import non_neg\nlimit = non_neg()",
    ),
    _moved(
        "name",
        "keras.constraints.unitnorm",
        "keras.constraints.unit_norm",
        "3.0",
        "from keras.constraints import unitnorm\nlimit = unitnorm()",
        "from keras.constraints import unit_norm\nlimit = unit_norm()",
    ),
    _moved(
        "name",
        "keras.losses.mse",
        "keras.losses.mean_squared_error",
        "3.0",
        "from keras import losses\nloss = losses.mse",
        "from keras import losses\nloss = losses.mean_squared_error",
    ),
    _moved(
        "name",
        "keras.losses.mae",
        "keras.losses.mean_absolute_error",
        "3.0",
        "from keras import losses\nloss = losses.mae",
        "from keras import losses\nloss = losses.mean_absolute_error",
    ),
    _moved(
        "name",
        "keras.losses.kullback_leibler_divergence",
        "keras.losses.kl_divergence",
        "3.0",
        "from keras.losses import kullback_leibler_divergence",
        "from keras.losses import kl_divergence",
    ),
    _moved(
        "name",
        "keras.losses.logcosh",
        "keras.losses.log_cosh",
        "3.0",
        "from keras.losses import logcosh",
        "from keras.losses import log_cosh",
    ),
    _moved(
        "name",
        "keras.metrics.mse",
        "keras.metrics.mean_squared_error",
        "3.0",
        "from keras import metrics\nmetric = metrics.mse",
        "from keras import metrics\nmetric = metrics.mean_squared_error",
    ),
    _moved(
        "name",
        "keras.metrics.mae",
        "keras.metrics.mean_absolute_error",
        "3.0",
        "from keras import metrics\nmetric = metrics.mae",
        "from keras import metrics\nmetric = metrics.mean_absolute_error",
    ),
)
