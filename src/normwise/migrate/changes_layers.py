"""What has changed in the layers."""

from __future__ import annotations

from normwise.migrate.change import Change

_IMPORT = "from keras.layers import "


def _layers(*names: str) -> tuple[str, ...]:
    return tuple(f"keras.layers.{name}" for name in names)


CONVOLUTIONS = _layers("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "Conv2DTranspose")
RECURRENT = _layers("SimpleRNN", "LSTM", "GRU")
CONV_LSTM = _layers("ConvLSTM2D")
DENSE = _layers("Dense")
EMBEDDING = _layers("Embedding")
POOLING_1D = _layers("MaxPooling1D", "AveragePooling1D")
SPATIAL = _layers("MaxPooling2D", "AveragePooling2D", "MaxPooling3D", "AveragePooling3D")
KERNELS = (*DENSE, *CONVOLUTIONS, *RECURRENT, *CONV_LSTM)


def _renamed(old: str, new: str, example: str, after: str, version: str = "2.0") -> Change:
    return Change(
        "name",
        f"keras.layers.{old}",
        f"keras.layers.{new}",
        version,
        f"{_IMPORT}{old}\nlayer = {old}({example})",
        f"{_IMPORT}{new}\nlayer = {new}({after})",
    )


def _argument(
    where: tuple[str, ...], old: str, new: str, before: str, after: str, version: str = "2.0", note: str = ""
) -> Change:
    layer = before.partition("(")[0]
    return Change(
        "argument",
        old,
        new,
        version,
        f"{_IMPORT}{layer}\nlayer = {before}",
        f"{_IMPORT}{layer}\nlayer = {after}",
        where=where,
        note=note,
    )


def _call(
    where: tuple[str, ...], old: str, new: str, before: str, after: str, version: str = "2.0"
) -> Change:
    return Change("call", old, new, version, before, after, where=where)


LAYERS = (
    _renamed("Convolution1D", "Conv1D", "8, 3, activation='relu'", "8, kernel_size=3, activation='relu'"),
    _renamed("Convolution2D", "Conv2D", "8, 3, 5, activation='relu'", "8, (3, 5), activation='relu'"),
    _renamed("Convolution3D", "Conv3D", "8, 3, 5, 7", "8, (3, 5, 7)"),
    _renamed("SeparableConvolution2D", "SeparableConv2D", "8, 3, 5", "8, (3, 5)"),
    _renamed(
        "AtrousConvolution2D",
        "Conv2D",
        "8, 3, 3, atrous_rate=(2, 2)",
        "8, (3, 3), dilation_rate=(2, 2)",
    ),
    _renamed("AtrousConvolution1D", "Conv1D", "8, 3, atrous_rate=2", "8, kernel_size=3, dilation_rate=2"),
    _call(
        _layers("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "ConvLSTM2D"),
        "nb_row, nb_col, kernel_dim1 …, filter_length",
        "`kernel_size=(rows, columns)`",
        "from keras.layers import Convolution2D\n"
        "layer = Convolution2D(nb_filter=8, nb_row=3, nb_col=5, border_mode='same')",
        "from keras.layers import Conv2D\nlayer = Conv2D(filters=8, kernel_size=(3, 5), padding='same')",
    ),
    _argument(
        (*CONVOLUTIONS, *CONV_LSTM),
        "nb_filter",
        "filters",
        "Conv1D(nb_filter=4, kernel_size=2)",
        "Conv1D(filters=4, kernel_size=2)",
    ),
    _argument(
        (*CONVOLUTIONS, *CONV_LSTM, *POOLING_1D, *SPATIAL),
        "border_mode",
        "padding",
        "MaxPooling2D((2, 2), border_mode='same')",
        "MaxPooling2D((2, 2), padding='same')",
    ),
    _argument(
        (*CONVOLUTIONS, *CONV_LSTM),
        "subsample",
        "strides",
        "Conv2D(8, (3, 3), subsample=(2, 2))",
        "Conv2D(8, (3, 3), strides=(2, 2))",
    ),
    _argument(
        _layers("Conv1D"),
        "subsample_length",
        "strides",
        "Conv1D(8, 3, subsample_length=2)",
        "Conv1D(8, 3, strides=2)",
    ),
    _argument(
        CONVOLUTIONS,
        "atrous_rate",
        "dilation_rate",
        "Conv2D(8, (3, 3), atrous_rate=(2, 2))",
        "Conv2D(8, (3, 3), dilation_rate=(2, 2))",
    ),
    _argument(
        POOLING_1D, "pool_length", "pool_size", "MaxPooling1D(pool_length=3)", "MaxPooling1D(pool_size=3)"
    ),
    _argument(POOLING_1D, "stride", "strides", "MaxPooling1D(2, stride=1)", "MaxPooling1D(2, strides=1)"),
    _argument(_layers("UpSampling1D"), "length", "size", "UpSampling1D(length=3)", "UpSampling1D(size=3)"),
    _call(
        (
            *CONVOLUTIONS,
            *CONV_LSTM,
            *SPATIAL,
            *_layers(
                "ZeroPadding2D",
                "ZeroPadding3D",
                "UpSampling2D",
                "UpSampling3D",
                "Cropping2D",
                "Cropping3D",
                "GlobalMaxPooling2D",
                "GlobalAveragePooling2D",
                "SpatialDropout2D",
                "SpatialDropout3D",
                "Flatten",
            ),
        ),
        "dim_ordering",
        "`data_format=`",
        "from keras.layers import Convolution2D\nlayer = Convolution2D(8, 3, 3, dim_ordering='th')",
        "from keras.layers import Conv2D\nlayer = Conv2D(8, (3, 3), data_format='channels_first')",
    ),
    _argument((*DENSE, *RECURRENT), "output_dim", "units", "Dense(output_dim=64)", "Dense(units=64)"),
    _argument(
        KERNELS,
        "init",
        "kernel_initializer",
        "Dense(8, init='he_normal')",
        "Dense(8, kernel_initializer='he_normal')",
    ),
    _argument(
        EMBEDDING,
        "init",
        "embeddings_initializer",
        "Embedding(20, 8, init='he_normal')",
        "Embedding(20, 8, embeddings_initializer='he_normal')",
    ),
    _argument(
        _layers("PReLU"), "init", "alpha_initializer", "PReLU(init='ones')", "PReLU(alpha_initializer='ones')"
    ),
    _argument(
        (*RECURRENT, *CONV_LSTM),
        "inner_init",
        "recurrent_initializer",
        "LSTM(8, inner_init='glorot_uniform')",
        "LSTM(8, recurrent_initializer='glorot_uniform')",
    ),
    _argument(
        (*RECURRENT, *CONV_LSTM),
        "inner_activation",
        "recurrent_activation",
        "LSTM(8, inner_activation='sigmoid')",
        "LSTM(8, recurrent_activation='sigmoid')",
    ),
    _argument(
        KERNELS,
        "W_regularizer",
        "kernel_regularizer",
        "Dense(8, W_regularizer='l2')",
        "Dense(8, kernel_regularizer='l2')",
    ),
    _argument(
        EMBEDDING,
        "W_regularizer",
        "embeddings_regularizer",
        "Embedding(20, 8, W_regularizer='l2')",
        "Embedding(20, 8, embeddings_regularizer='l2')",
    ),
    _argument(
        KERNELS,
        "b_regularizer",
        "bias_regularizer",
        "Dense(8, b_regularizer='l2')",
        "Dense(8, bias_regularizer='l2')",
    ),
    _argument(
        (*RECURRENT, *CONV_LSTM),
        "U_regularizer",
        "recurrent_regularizer",
        "GRU(8, U_regularizer='l2', reset_after=False)",
        "GRU(8, recurrent_regularizer='l2', reset_after=False)",
    ),
    _argument(
        KERNELS,
        "W_constraint",
        "kernel_constraint",
        "Dense(8, W_constraint='non_neg')",
        "Dense(8, kernel_constraint='non_neg')",
    ),
    _argument(
        EMBEDDING,
        "W_constraint",
        "embeddings_constraint",
        "Embedding(20, 8, W_constraint='non_neg')",
        "Embedding(20, 8, embeddings_constraint='non_neg')",
    ),
    _argument(
        KERNELS,
        "b_constraint",
        "bias_constraint",
        "Dense(8, b_constraint='non_neg')",
        "Dense(8, bias_constraint='non_neg')",
    ),
    _argument(
        (*DENSE, *CONVOLUTIONS), "bias", "use_bias", "Dense(8, bias=False)", "Dense(8, use_bias=False)"
    ),
    _argument(
        (*RECURRENT, *CONV_LSTM), "dropout_W", "dropout", "LSTM(8, dropout_W=0.2)", "LSTM(8, dropout=0.2)"
    ),
    _argument(
        (*RECURRENT, *CONV_LSTM),
        "dropout_U",
        "recurrent_dropout",
        "LSTM(8, dropout_U=0.2)",
        "LSTM(8, recurrent_dropout=0.2)",
    ),
    _argument(
        RECURRENT,
        "consume_less",
        "",
        "LSTM(8, consume_less='gpu', return_sequences=True)",
        "LSTM(8, return_sequences=True)",
    ),
    _argument(RECURRENT, "implementation", "", "LSTM(8, implementation=2)", "LSTM(8)", version="3.0"),
    _argument(
        _layers("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout"),
        "p",
        "rate",
        "Dropout(p=0.5)",
        "Dropout(rate=0.5)",
    ),
    _argument(
        _layers("GaussianNoise"), "sigma", "stddev", "GaussianNoise(sigma=0.1)", "GaussianNoise(stddev=0.1)"
    ),
    _argument(
        _layers("LeakyReLU"),
        "alpha",
        "negative_slope",
        "LeakyReLU(alpha=0.1)",
        "LeakyReLU(negative_slope=0.1)",
        version="3.0",
    ),
    _argument(
        _layers("BatchNormalization"),
        "beta_init",
        "beta_initializer",
        "BatchNormalization(beta_init='ones')",
        "BatchNormalization(beta_initializer='ones')",
    ),
    _argument(
        _layers("BatchNormalization"),
        "gamma_init",
        "gamma_initializer",
        "BatchNormalization(gamma_init='zeros')",
        "BatchNormalization(gamma_initializer='zeros')",
    ),
    _argument(
        _layers("SeparableConv2D"),
        "depthwise_init",
        "depthwise_initializer",
        "SeparableConv2D(8, (3, 3), depthwise_init='he_normal')",
        "SeparableConv2D(8, (3, 3), depthwise_initializer='he_normal')",
    ),
    _argument(
        _layers("Reshape"),
        "dims",
        "target_shape",
        "Reshape(dims=(2, 3))",
        "Reshape(target_shape=(2, 3))",
        "1.0",
    ),
    _call(
        _layers("BatchNormalization"),
        "mode, positional epsilon or input shape",
        "a mode of 0 and the shape are dropped, `epsilon=`",
        "from keras.layers.normalization import BatchNormalization\n"
        "layer = BatchNormalization(epsilon=1e-06, mode=0, axis=-1, momentum=0.9)",
        "from keras.layers import BatchNormalization\n"
        "layer = BatchNormalization(epsilon=1e-06, axis=-1, momentum=0.9)",
    ),
    _call(
        (),
        "weights=None of a layer",
        "dropped",
        "from keras.layers import BatchNormalization\n"
        "layer = BatchNormalization(momentum=0.9, weights=None, beta_init='zero')",
        "from keras.layers import BatchNormalization\n"
        "layer = BatchNormalization(momentum=0.9, beta_initializer='zero')",
    ),
    _call(
        (*DENSE, *RECURRENT),
        "an initializer or the input's width as second argument",
        "`kernel_initializer=`; keras.Input",
        "from keras.layers import Dense\nlayer = Dense(8, 'he_normal')",
        "from keras.layers import Dense\nlayer = Dense(8, kernel_initializer='he_normal')",
    ),
    _call(
        _layers("LSTM", "ConvLSTM2D"),
        "forget_bias_init",
        "`unit_forget_bias=`",
        "from keras.layers import LSTM\nlayer = LSTM(8, forget_bias_init='one')",
        "from keras.layers import LSTM\nlayer = LSTM(8, unit_forget_bias=True)",
    ),
    _call(
        _layers("GRU"),
        "the default of reset_after",
        "`reset_after=False` is said",
        "from keras.layers import GRU\nlayer = GRU(8)",
        "from keras.layers import GRU\nlayer = GRU(8, reset_after=False)",
        version="3.0",
    ),
    _call(
        _layers("Embedding"),
        "input_length",
        "keras.Input; a dropout of 0 is dropped",
        "from keras.models import Sequential\nfrom keras.layers import Embedding\n"
        "model = Sequential([Embedding(20, 8, input_length=5, dropout=0.)])",
        "import keras\nfrom keras.models import Sequential\nfrom keras.layers import Embedding\n"
        "model = Sequential([keras.Input((5,)), Embedding(20, 8)])",
        version="3.0",
    ),
    _call(
        (),
        "input_shape, input_dim, input_length, batch_input_shape of a first layer",
        "keras.Input",
        "from keras.models import Sequential\nfrom keras.layers import Dense\n\nmodel = Sequential()\n"
        "model.add(Dense(64, input_dim=14))",
        "import keras\nfrom keras.models import Sequential\nfrom keras.layers import Dense\n\n"
        "model = Sequential()\n"
        "model.add(keras.Input((14,)))\nmodel.add(Dense(64))",
        version="3.0",
    ),
    _call(
        ("keras.models.Sequential",),
        "input and output of a Sequential model",
        "`inputs[0]`, `outputs[0]`",
        "import keras\nfrom keras.models import Sequential, Model\nfrom keras.layers import Dense\n\n"
        "model = Sequential([keras.Input((3,)), Dense(2)])\nsame = Model(model.input, model.output)",
        "import keras\nfrom keras.models import Sequential, Model\nfrom keras.layers import Dense\n\n"
        "model = Sequential([keras.Input((3,)), Dense(2)])\n"
        "same = Model(model.inputs[0], model.outputs[0])",
        version="3.0",
    ),
    _call(
        ("keras.layers.merge",),
        "merge(mode=…)",
        "`add`, `multiply`, `average`, `maximum`, `concatenate`",
        "from keras.layers import Input, merge\na, b = Input((3,)), Input((3,))\n"
        "c = merge([a, b], mode='concat', concat_axis=1)",
        "import keras\nfrom keras.layers import Input\na, b = Input((3,)), Input((3,))\n"
        "c = keras.layers.concatenate([a, b], axis=1)",
    ),
    _call(
        ("keras.layers.TimeDistributedDense",),
        "TimeDistributedDense",
        "`TimeDistributed(Dense(…))`",
        "from keras.layers.core import TimeDistributedDense\nlayer = TimeDistributedDense(8, init='uniform')",
        "import keras\nlayer = keras.layers.TimeDistributed("
        "keras.layers.Dense(8, kernel_initializer='random_uniform'))",
    ),
    _call(
        ("keras.layers.ThresholdedReLU",),
        "ThresholdedReLU",
        "`ReLU(threshold=…)`",
        "from keras.layers import ThresholdedReLU\nlayer = ThresholdedReLU(theta=0.5)",
        "import keras\nlayer = keras.layers.ReLU(threshold=0.5)",
        version="3.0",
    ),
)

VALUES = tuple(
    Change(
        "value",
        old,
        new,
        version,
        f"from keras.layers import Dense\nlayer = Dense(4, kernel_initializer='{old}')",
        f"from keras.layers import Dense\nlayer = Dense(4, kernel_initializer='{new}')",
        where=KERNELS,
        argument="kernel_initializer",
    )
    for old, new, version in (
        ("uniform", "random_uniform", "2.0"),
        ("normal", "random_normal", "2.0"),
        ("zero", "zeros", "2.0"),
        ("one", "ones", "2.0"),
    )
)
