"""What has changed in compiling, training, predicting, and in what the callbacks are told."""

from __future__ import annotations

from normwise.migrate.change import Change

OPTIMIZERS = tuple(
    f"keras.optimizers.{name}"
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam")
)
MODEL = ("keras.models.Model", "keras.Model")
FITTING = (".fit", ".fit_generator")
_MODEL = """from keras.models import Sequential
from keras.layers import Dense, Activation

model = Sequential([Activation('softmax')])
"""
_FITTED = _MODEL + "model.compile('sgd', 'mse')\nx = y = np.ones((4, 3))\n"
_DATASET = "needs a download"


def _argument(
    where: tuple[str, ...],
    old: str,
    new: str,
    before: str,
    after: str,
    version: str = "2.0",
    note: str = "",
    runs: str = "",
) -> Change:
    return Change("argument", old, new, version, before, after, where=where, note=note, runs=runs)


def _in_fit(where: tuple[str, ...], old: str, new: str, before: str, after: str) -> Change:
    return _argument(where, old, new, _FITTED + before, _FITTED + after)


COMPILING = (
    _argument(
        OPTIMIZERS,
        "lr",
        "learning_rate",
        "from keras.optimizers import SGD\nsgd = SGD(lr=0.1, momentum=0.9)",
        "from keras.optimizers import SGD\nsgd = SGD(learning_rate=0.1, momentum=0.9)",
        "2.3",
    ),
    Change(
        "call",
        "decay",
        "`schedules.InverseTimeDecay(lr, decay_steps=1, decay_rate=decay)`",
        "3.0",
        "import keras\nsgd = keras.optimizers.SGD(lr=0.1, decay=1e-6, momentum=0.9, nesterov=True)",
        "import keras\nsgd = keras.optimizers.SGD(learning_rate="
        "keras.optimizers.schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=1e-6), "
        "momentum=0.9, nesterov=True)",
        where=OPTIMIZERS,
    ),
    Change(
        "call",
        "the default learning rates of Adadelta, Adagrad, Adamax and Nadam",
        "are said",
        "3.0",
        "from keras.optimizers import Adadelta\noptimizer = Adadelta()",
        "from keras.optimizers import Adadelta\noptimizer = Adadelta(learning_rate=1.0)",
        where=OPTIMIZERS,
        note="of tf.keras those of TensorFlow 2, which are today's",
    ),
    Change(
        "call",
        "optimizer='adadelta'",
        "`Adadelta(learning_rate=1.0)`; so Adagrad, Adamax, Nadam",
        "3.0",
        "from keras.models import Sequential\nmodel = Sequential()\n"
        "model.compile(loss='mse', optimizer='adadelta')",
        "import keras\nfrom keras.models import Sequential\nmodel = Sequential()\n"
        "model.compile(loss='mse', optimizer=keras.optimizers.Adadelta(learning_rate=1.0))",
        where=(".compile",),
    ),
    Change(
        "call",
        "epsilon=None",
        "dropped",
        "3.0",
        "from keras.optimizers import Adam\noptimizer = Adam(beta_1=0.8, epsilon=None)",
        "from keras.optimizers import Adam\noptimizer = Adam(beta_1=0.8)",
        where=OPTIMIZERS,
    ),
    _argument(
        ("keras.optimizers.Nadam",),
        "schedule_decay",
        "",
        "from keras.optimizers import Nadam\noptimizer = Nadam(learning_rate=0.01, schedule_decay=0.004)",
        "from keras.optimizers import Nadam\noptimizer = Nadam(learning_rate=0.01)",
        "3.0",
        note="Keras 3 has 0.004 built in",
    ),
    Change(
        "signature",
        "learning_rate, momentum, decay, nesterov",
        "keywords from the third on",
        "3.0",
        "from keras.optimizers import SGD\nsgd = SGD(0.1, 0.9, 0., True)",
        "from keras.optimizers import SGD\nsgd = SGD(0.1, 0.9, nesterov=True)",
        where=("keras.optimizers.SGD",),
    ),
    Change(
        "signature",
        "learning_rate, rho, epsilon, decay",
        "keywords from the third on",
        "3.0",
        "from keras.optimizers import RMSprop\noptimizer = RMSprop(0.001, 0.9, 1e-08)",
        "from keras.optimizers import RMSprop\noptimizer = RMSprop(0.001, 0.9, epsilon=1e-08)",
        where=("keras.optimizers.RMSprop",),
    ),
    Change(
        "signature",
        "learning_rate, beta_1, beta_2, epsilon, decay",
        "keywords from the fifth on",
        "3.0",
        "from keras.optimizers import Adam\noptimizer = Adam(0.001, 0.9, 0.999, 1e-08, 0.)",
        "from keras.optimizers import Adam\noptimizer = Adam(0.001, 0.9, 0.999, 1e-08)",
        where=("keras.optimizers.Adam",),
    ),
    Change(
        "signature",
        "learning_rate, beta_1, beta_2, epsilon, decay",
        "keywords from the fifth on",
        "3.0",
        "from keras.optimizers import Adamax\noptimizer = Adamax(0.002, 0.9, 0.999, 1e-08, 0.)",
        "from keras.optimizers import Adamax\noptimizer = Adamax(0.002, 0.9, 0.999, 1e-08)",
        where=("keras.optimizers.Adamax",),
    ),
    Change(
        "signature",
        "learning_rate, beta_1, beta_2, epsilon, schedule_decay",
        "keywords from the fifth on",
        "3.0",
        "from keras.optimizers import Nadam\noptimizer = Nadam(0.002, 0.9, 0.999, 1e-08, 0.004)",
        "from keras.optimizers import Nadam\noptimizer = Nadam(0.002, 0.9, 0.999, 1e-08)",
        where=("keras.optimizers.Nadam",),
    ),
    Change(
        "signature",
        "learning_rate, rho, epsilon, decay",
        "keywords from the fourth on",
        "3.0",
        "from keras.optimizers import Adadelta\noptimizer = Adadelta(1.0, 0.95, 1e-08, 0.)",
        "from keras.optimizers import Adadelta\noptimizer = Adadelta(1.0, 0.95, 1e-08)",
        where=("keras.optimizers.Adadelta",),
    ),
    Change(
        "signature",
        "learning_rate, epsilon, decay",
        "keywords from the second on",
        "3.0",
        "from keras.optimizers import Adagrad\noptimizer = Adagrad(0.01, 1e-08)",
        "from keras.optimizers import Adagrad\n"
        "optimizer = Adagrad(0.01, epsilon=1e-08, initial_accumulator_value=0.0)",
        where=("keras.optimizers.Adagrad",),
    ),
    _argument(
        MODEL,
        "input",
        "inputs",
        "from keras.layers import Input\nfrom keras.models import Model\na = Input((3,))\n"
        "model = Model(input=a, outputs=a)",
        "from keras.layers import Input\nfrom keras.models import Model\na = Input((3,))\n"
        "model = Model(inputs=a, outputs=a)",
    ),
    _argument(
        MODEL,
        "output",
        "outputs",
        "from keras.layers import Input\nfrom keras.models import Model\na = Input((3,))\n"
        "model = Model(inputs=a, output=a)",
        "from keras.layers import Input\nfrom keras.models import Model\na = Input((3,))\n"
        "model = Model(inputs=a, outputs=a)",
    ),
    _argument(
        (".compile",),
        "class_mode",
        "",
        _MODEL + "model.compile(loss='mse', optimizer='sgd', class_mode='categorical')",
        _MODEL + "model.compile(loss='mse', optimizer='sgd')",
        "1.0",
    ),
    _argument(
        (".compile",),
        "sample_weight_mode",
        "",
        _MODEL + "model.compile(loss='mse', optimizer='sgd', sample_weight_mode='temporal')",
        _MODEL + "model.compile(loss='mse', optimizer='sgd')",
        "3.0",
        note="weights of the shape (samples, steps) are taken as they are",
    ),
    Change(
        "call",
        "metrics of a model with several outputs",
        "a list for each",
        "3.0",
        "from keras.layers import Input\nfrom keras.models import Model\na = Input((3,))\n"
        "model = Model(inputs=a, outputs=[a, a])\nmodel.compile('sgd', 'mse', metrics=['mae', 'mse'])",
        "from keras.layers import Input\nfrom keras.models import Model\na = Input((3,))\n"
        "model = Model(inputs=a, outputs=[a, a])\n"
        "model.compile('sgd', 'mse', metrics=[['mae', 'mse'], ['mae', 'mse']])",
        where=(".compile",),
    ),
    *(
        Change(
            "value",
            old,
            new,
            version,
            _MODEL + f"model.compile(loss='{old}', optimizer='sgd')",
            _MODEL + f"model.compile(loss='{new}', optimizer='sgd')",
            where=(".compile",),
            argument="loss",
        )
        for old, new, version in (
            ("kullback_leibler_divergence", "kl_divergence", "3.0"),
            ("logcosh", "log_cosh", "3.0"),
            ("cosine_proximity", "cosine_similarity", "2.3"),
        )
    ),
)

TRAINING = (
    _in_fit(
        FITTING,
        "nb_epoch",
        "epochs",
        "model.fit(x, y, nb_epoch=1, verbose=0)",
        "model.fit(x, y, epochs=1, verbose=0)",
    ),
    Change(
        "call",
        "show_accuracy=True",
        "`metrics=['accuracy']` of compile",
        "1.0",
        _MODEL + "model.compile(loss='mse', optimizer='sgd')\nx = y = np.ones((4, 3))\n"
        "model.fit(x, y, epochs=1, show_accuracy=True, verbose=0)",
        _MODEL + "model.compile(loss='mse', optimizer='sgd', metrics=['accuracy'])\nx = y = np.ones((4, 3))\n"
        "model.fit(x, y, epochs=1, verbose=0)",
        where=(".fit", ".evaluate"),
    ),
    Change(
        "call",
        "fit_generator",
        "`fit`",
        "3.0",
        _FITTED + "batches = ((x, y) for _ in range(3))\n"
        "model.fit_generator(batches, steps_per_epoch=3, epochs=1, verbose=0, workers=1)",
        _FITTED
        + "batches = ((x, y) for _ in range(3))\nmodel.fit(batches, steps_per_epoch=3, epochs=1, verbose=0)",
        where=(".fit_generator",),
    ),
    Change(
        "call",
        "samples_per_epoch, nb_val_samples",
        "`steps_per_epoch=`, `validation_steps=`, `steps=`",
        "2.0",
        "from keras.preprocessing.image import ImageDataGenerator\n"
        "from keras.models import Sequential\nfrom keras.layers import Flatten, Dense\n"
        "x, y = np.ones((5, 4, 4, 1)), np.ones((5, 2))\n"
        "model = Sequential([Flatten(), Dense(2)])\nmodel.compile('sgd', 'mse')\n"
        "flow = ImageDataGenerator().flow(x, y, batch_size=2)\n"
        "model.fit_generator(flow, samples_per_epoch=len(x), nb_epoch=1, verbose=0)",
        "import math\nfrom keras.src.legacy.preprocessing.image import ImageDataGenerator\n"
        "from keras.models import Sequential\nfrom keras.layers import Flatten, Dense\n"
        "x, y = np.ones((5, 4, 4, 1)), np.ones((5, 2))\n"
        "model = Sequential([Flatten(), Dense(2)])\nmodel.compile('sgd', 'mse')\n"
        "flow = ImageDataGenerator().flow(x, y, batch_size=2)\n"
        "model.fit(flow, steps_per_epoch=math.ceil(len(x) / 2), epochs=1, verbose=0)",
        where=(".fit_generator", ".evaluate_generator", ".predict_generator"),
        note="where the generator's batch size can be seen",
    ),
    Change(
        "call",
        "evaluate_generator",
        "`evaluate`",
        "3.0",
        _FITTED + "model.fit(x, y, epochs=1)\nmodel.evaluate_generator(((x, y) for _ in range(2)), 2)",
        _FITTED + "model.fit(x, y, epochs=1)\nmodel.evaluate(((x, y) for _ in range(2)), steps=2, verbose=0)",
        where=(".evaluate_generator",),
    ),
    Change(
        "call",
        "predict_generator",
        "`predict`",
        "3.0",
        _FITTED + "model.predict_generator(((x,) for _ in range(2)), steps=2)",
        _FITTED + "model.predict(((x,) for _ in range(2)), steps=2, verbose=0)",
        where=(".predict_generator",),
    ),
    Change(
        "call",
        "predict_classes",
        "`predict(…).argmax(axis=-1)`, `(predict(…) > 0.5).astype('int32')`",
        "3.0",
        _FITTED + "classes = model.predict_classes(x, verbose=0)",
        _FITTED + "classes = model.predict(x, verbose=0).argmax(axis=-1)",
        where=(".predict_classes",),
        note="by the width and the activation of the last layer, where they can be seen",
    ),
    Change(
        "call",
        "predict_proba",
        "`predict`",
        "3.0",
        _FITTED + "shares = model.predict_proba(x, verbose=0)",
        _FITTED + "shares = model.predict(x, verbose=0)",
        where=(".predict_proba",),
    ),
    _argument(
        (".fit_generator", ".evaluate_generator", ".predict_generator", ".fit", ".evaluate", ".predict"),
        "workers",
        "",
        _FITTED + "model.fit(x, y, verbose=0, workers=4)",
        _FITTED + "model.fit(x, y, verbose=0)",
        "3.0",
    ),
    *(
        _argument(
            (".fit_generator", ".evaluate_generator", ".predict_generator", ".fit", ".evaluate", ".predict"),
            old,
            "",
            _FITTED + f"model.fit(x, y, verbose=0, {old}=1)",
            _FITTED + "model.fit(x, y, verbose=0)",
            version,
        )
        for old, version in (
            ("use_multiprocessing", "3.0"),
            ("max_queue_size", "3.0"),
            ("nb_worker", "2.0"),
            ("pickle_safe", "2.0"),
            ("max_q_size", "2.0"),
        )
    ),
)

CALLBACKS = (
    Change(
        "call",
        "'acc' and 'val_acc' in logs and histories",
        "`'accuracy'`, `'val_accuracy'`",
        "2.3",
        "from keras.callbacks import EarlyStopping\nstop = EarlyStopping(monitor='val_acc')\n"
        "compiled = lambda model: model.compile('sgd', 'mse', metrics=['accuracy'])",
        "from keras.callbacks import EarlyStopping\nstop = EarlyStopping(monitor='val_accuracy')\n"
        "compiled = lambda model: model.compile('sgd', 'mse', metrics=['accuracy'])",
        where=(
            "keras.callbacks.EarlyStopping",
            "keras.callbacks.ModelCheckpoint",
            "keras.callbacks.ReduceLROnPlateau",
        ),
    ),
    _argument(
        ("keras.callbacks.ReduceLROnPlateau",),
        "epsilon",
        "min_delta",
        "from keras.callbacks import ReduceLROnPlateau\ncallback = ReduceLROnPlateau(epsilon=0.01)",
        "from keras.callbacks import ReduceLROnPlateau\ncallback = ReduceLROnPlateau(min_delta=0.01)",
        "2.1.6",
    ),
    Change(
        "call",
        "the file of ModelCheckpoint",
        "`….keras`, `….weights.h5`",
        "3.0",
        "from keras.callbacks import ModelCheckpoint\n"
        "callback = ModelCheckpoint('best.hdf5', save_best_only=True, save_weights_only=True)",
        "from keras.callbacks import ModelCheckpoint\n"
        "callback = ModelCheckpoint('best.weights.h5', save_best_only=True, save_weights_only=True)",
        where=("keras.callbacks.ModelCheckpoint",),
    ),
    Change(
        "call",
        "the files of save_weights and save, and what loads them",
        "`….weights.h5`, `….keras`",
        "3.0",
        "import keras\ndef keep(model):\n    model.save_weights('net.h5')\n    model.load_weights('net.h5')",
        "import keras\ndef keep(model):\n    model.save_weights('net.weights.h5')\n"
        "    model.load_weights('net.weights.h5')",
        where=(".save", ".save_weights", ".load_weights", "keras.models.load_model"),
    ),
    Change(
        "call",
        "EarlyStopping with the patience second",
        "`patience=`",
        "2.0",
        "from keras.callbacks import EarlyStopping\nstop = EarlyStopping('val_loss', 5, 1)\n"
        "fitted = lambda model, x: model.fit(x, nb_epoch=9, callbacks=[stop])",
        "from keras.callbacks import EarlyStopping\nstop = EarlyStopping('val_loss', patience=5, verbose=1)\n"
        "fitted = lambda model, x: model.fit(x, epochs=9, callbacks=[stop])",
        where=("keras.callbacks.EarlyStopping",),
        note="where the script has other words of Keras 1",
    ),
    Change(
        "call",
        "add_weight with the name first",
        "`name=`, `shape=`",
        "3.0",
        "from keras.layers import Layer\nclass Scale(Layer):\n    def build(self, shape):\n"
        "        self.scale = self.add_weight('scale', (1,), initializer='ones')\nScale().build((2, 3))",
        "from keras.layers import Layer\nclass Scale(Layer):\n    def build(self, shape):\n"
        "        self.scale = self.add_weight(name='scale', shape=(1,), initializer='ones')\n"
        "Scale().build((2, 3))",
        where=(".add_weight",),
    ),
    _argument(
        ("keras.utils.to_categorical",),
        "nb_classes",
        "num_classes",
        "from keras.utils.np_utils import to_categorical\ny = to_categorical([0, 1], nb_classes=3)",
        "from keras.utils import to_categorical\ny = to_categorical([0, 1], num_classes=3)",
    ),
    _argument(
        ("keras.preprocessing.text.Tokenizer", "keras.src.legacy.preprocessing.text.Tokenizer"),
        "nb_words",
        "num_words",
        "from keras.preprocessing.text import Tokenizer\ntokens = Tokenizer(nb_words=10)",
        "from keras.src.legacy.preprocessing.text import Tokenizer\ntokens = Tokenizer(num_words=10)",
    ),
    _argument(
        ("keras.datasets.imdb.load_data", "keras.datasets.reuters.load_data"),
        "nb_words",
        "num_words",
        "from keras.datasets import imdb\ndata = imdb.load_data(nb_words=1000)",
        "from keras.datasets import imdb\ndata = imdb.load_data(num_words=1000)",
        runs=_DATASET,
    ),
    _argument(
        ("keras.constraints.max_norm", "keras.constraints.MaxNorm"),
        "m",
        "max_value",
        "from keras.constraints import maxnorm\nlimit = maxnorm(m=3)",
        "from keras.constraints import max_norm\nlimit = max_norm(max_value=3)",
    ),
)
