"""What one look would rewrite wrongly: names used twice, and arguments whose place has changed."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst", reason="needs LibCST: pip install 'normwise[migrate]'")

from normwise.migrate.migrate_code import migrate_code

MODEL = "from keras.models import Sequential\nfrom keras.layers import Dense, Dropout, Activation\n"
ONE = "model = Sequential([Dense(1, activation='sigmoid')])\n"
MANY = "model = Sequential([Dense(9, activation='softmax')])\n"
IMAGES = "import math\nfrom keras.src.legacy.preprocessing.image import ImageDataGenerator\n"
FLOW = "flow = ImageDataGenerator().flow(x, y, batch_size={})\n"

REWRITTEN = {
    "two models by one name": (
        MODEL + ONE + "a = model.predict_classes(x)\n" + MANY + "b = model.predict_classes(x)",
        MODEL
        + ONE
        + 'a = (model.predict(x) > 0.5).astype("int32")\n'
        + MANY
        + "b = model.predict(x).argmax(axis=-1)",
    ),
    "dropout or not before the last layer": (
        MODEL
        + "model = Sequential()\nif drop:\n    model.add(Dropout(0.5))\nmodel.add(Dense(9))\n"
        + "a = model.predict_classes(x)",
        MODEL
        + "model = Sequential()\nif drop:\n    model.add(Dropout(0.5))\nmodel.add(Dense(9))\n"
        + "a = model.predict(x).argmax(axis=-1)",
    ),
    "two generators by one name": (
        IMAGES
        + FLOW.format(32)
        + "model.fit_generator(flow, samples_per_epoch=100)\n"
        + FLOW.format(64)
        + "model.fit_generator(flow, samples_per_epoch=100)",
        IMAGES
        + FLOW.format(32)
        + "model.fit(flow, steps_per_epoch=math.ceil(100 / 32))\n"
        + FLOW.format(64)
        + "model.fit(flow, steps_per_epoch=math.ceil(100 / 64))",
    ),
    "an epsilon and a mode without their names": (
        "from keras.layers import BatchNormalization\nlayer = BatchNormalization(1e-6, 0, 1, 0.9)",
        "from keras.layers import BatchNormalization\n"
        "layer = BatchNormalization(epsilon=1e-6, axis=1, momentum=0.9)",
    ),
    "a decay in the fifth place": (
        "import keras\nadam = keras.optimizers.Adam(0.001, 0.9, 0.999, 1e-8, 0.01)",
        "import keras\nadam = keras.optimizers.Adam(keras.optimizers.schedules.InverseTimeDecay(0.001, "
        "decay_steps=1, decay_rate=0.01), 0.9, 0.999, 1e-8)",
    ),
    "an Adagrad whose rate is given": (
        "import keras\nadagrad = keras.optimizers.Adagrad(lr=0.01)",
        "import keras\nadagrad = keras.optimizers.Adagrad(learning_rate=0.01, initial_accumulator_value=0.0)",
    ),
    "places of TensorFlow's": (
        "from tensorflow.keras.optimizers import SGD, RMSprop\na = SGD(0.1, 0.9, True)\n"
        "b = RMSprop(0.1, 0.9, 0.5)",
        "from keras.optimizers import SGD, RMSprop\na = SGD(0.1, 0.9, nesterov=True)\n"
        "b = RMSprop(0.1, 0.9, momentum=0.5)",
    ),
    "initializers of an LSTM by their places": (
        "from keras.layers import SimpleRNN\nlayer = SimpleRNN(8, 'glorot_uniform', 'orthogonal', 'tanh')",
        "from keras.layers import SimpleRNN\nlayer = SimpleRNN(8, kernel_initializer='glorot_uniform', "
        "recurrent_initializer='orthogonal', activation='tanh')",
    ),
    "a convolution of Keras 0, which said the channels of its input": (
        "from keras.layers import Convolution2D\nlayer = Convolution2D(32, 1, 3, 5, activation='relu')",
        "from keras.layers import Conv2D\nlayer = Conv2D(32, (3, 5), activation='relu')",
    ),
    "losses in a list and in a dictionary": (
        MODEL
        + "model = Sequential()\nmodel.compile('sgd', ['logcosh', 'mse'])\n"
        + "model.compile(loss={'a': 'logcosh'}, optimizer='sgd')",
        MODEL
        + "model = Sequential()\nmodel.compile('sgd', ['log_cosh', 'mse'])\n"
        + "model.compile(loss={'a': 'log_cosh'}, optimizer='sgd')",
    ),
    "weights that a callback saves and the script loads": (
        "from keras.callbacks import ModelCheckpoint\n"
        "best = ModelCheckpoint('best.h5', 'loss', 1, True, True)\nmodel.load_weights('best.h5')",
        "from keras.callbacks import ModelCheckpoint\n"
        "best = ModelCheckpoint('best.weights.h5', 'loss', 1, True, True)\n"
        "model.load_weights('best.weights.h5')",
    ),
    "a model that a callback saves and the script loads": (
        "from keras.models import load_model\nfrom keras.callbacks import ModelCheckpoint\n"
        "best = ModelCheckpoint('best.hdf5', period=1)\nmodel = load_model('best.hdf5')",
        "from keras.models import load_model\nfrom keras.callbacks import ModelCheckpoint\n"
        "best = ModelCheckpoint('best.keras')\nmodel = load_model('best.keras')",
    ),
    "a function called as the new layer is": (
        "from keras.layers import Convolution2D\ndef Conv2D(filters):\n"
        "    return Convolution2D(filters, 3, 3)",
        "from keras.layers import Conv2D as Convolution2D\ndef Conv2D(filters):\n"
        "    return Convolution2D(filters, (3, 3))",
    ),
    "Keras where it is installed": (
        "try:\n    import keras\nexcept ImportError:\n    keras = None\n"
        "layer = keras.layers.Dense(3, init='one')",
        "try:\n    import keras\nexcept ImportError:\n    keras = None\n"
        "layer = keras.layers.Dense(3, kernel_initializer='ones')",
    ),
    "a comment before a last argument that goes": (
        "import keras\nm = keras.models.Sequential()\nm.add(keras.layers.Dense(\n    3,  # wide\n"
        "    input_dim=4  # from these\n))",
        "import keras\nm = keras.models.Sequential()\nm.add(keras.Input((4,)))\nm.add(keras.layers.Dense(\n"
        "    3  # wide\n    # from these\n))",
    ),
    "dimensions by their old names": (
        "import keras\nfrom keras import backend as K\ny = K.expand_dims(x, dim=1)",
        "import keras\nfrom keras import backend as K\ny = keras.ops.expand_dims(x, axis=1)",
    ),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_it_is_rewritten(case):
    before, after = REWRITTEN[case]
    migration = migrate_code(before + "\n")
    assert migration.code == after + "\n"
    assert migration.left == ()
    assert migrate_code(migration.code).code == migration.code


ONES_OWN = "class Mine(object):\n    def fit(self, x, nb_epoch=1):\n        pass\n"
KEPT = {
    "a class of the script's own": f"import keras\n{ONES_OWN}mine = Mine()\nmine.fit(x, nb_epoch=3)",
    "a class of another package": "import keras\nfrom other import Net\nnet = Net()\nnet.fit(x, nb_epoch=3)",
    "a method of the class itself": (
        "import keras\nclass Mine(object):\n    def run(self):\n        self.fit(x, nb_epoch=3)"
    ),
    "a dictionary called logs": (
        "import keras\nm.compile('sgd', 'mse', metrics=['accuracy'])\nlogs = {'acc': 1}\nprint(logs['acc'])"
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_not_keras_is_kept(case):
    migration = migrate_code(KEPT[case] + "\n")
    assert migration.code == KEPT[case] + "\n"
    assert migration.left == ()


LEFT = {
    "classes of one of two last layers": (
        MODEL
        + "model = Sequential()\nif two:\n    model.add(Dense(1))\nelse:\n    model.add(Dense(9))\n"
        + "a = model.predict_classes(x)",
        8,
        "predict_classes: the last layer cannot be seen",
    ),
    "classes of a parameter that is called as a model is": (
        MODEL + MANY + "def classes(model):\n    return model.predict_classes(x)",
        5,
        "predict_classes: the last layer cannot be seen",
    ),
    "classes of a model whose end was taken off": (
        MODEL + MANY + "model.layers.pop()\na = model.predict_classes(x)",
        5,
        "predict_classes: the last layer cannot be seen",
    ),
    "a generator that is a parameter": (
        IMAGES + FLOW.format(32) + "def train(flow):\n    model.fit_generator(flow, samples_per_epoch=100)",
        5,
        "samples_per_epoch: give steps_per_epoch",
    ),
    "samples or steps": (
        "import keras\nmodel.fit_generator(flow, 100)",
        2,
        "Keras 1 counted samples there, Keras 2 steps",
    ),
    "patience or min_delta": (
        "from keras.callbacks import EarlyStopping\nstop = EarlyStopping('val_loss', 5)",
        2,
        "EarlyStopping with 5 in the second place",
    ),
    "a fit that the script may have written": (
        f"import keras\n{ONES_OWN}def run(net):\n    net.fit(x, nb_epoch=3)",
        6,
        "fit: whether this is Keras', or the script's own with nb_epoch",
    ),
    "an optimizer by a variable": (
        MODEL + MANY + "name = 'adadelta'\nmodel.compile(loss='mse', optimizer=name)",
        5,
        'the optimizer "adadelta" has another default learning rate today',
    ),
    "a metric that is gone": (
        MODEL + MANY + "model.compile('sgd', 'mse', metrics=['accuracy', 'fmeasure'])",
        4,
        'metrics: Keras 3 knows no "fmeasure"',
    ),
    "metrics of several outputs, of TensorFlow's": (
        "from tensorflow.keras.models import Model\nm = Model(a, [b, c])\n"
        "m.compile('sgd', 'mse', metrics=['mae', 'mse'])",
        3,
        "metrics=['mae', 'mse'] of several outputs: give a list for each",
    ),
    "noise in a layer": (
        "import keras\nfrom keras import backend as K\nlayer = keras.layers.Lambda(lambda x: x + "
        "K.random_normal(shape=(4, 2)))",
        3,
        "keras.random.normal in a layer needs seed=",
    ),
    "a padding that is gone": (
        "from keras.layers import Convolution2D\nlayer = Convolution2D(8, 3, 3, border_mode='full')",
        2,
        'padding: Keras 3 has no "full"',
    ),
    "a key of a metric that cannot be seen": (
        "from keras.callbacks import Callback\nclass Log(Callback):\n"
        "    def on_epoch_end(self, epoch, logs={}):\n        print(logs.get('val_acc'))",
        4,
        '"val_acc": the key is that of the metric',
    ),
    "a key of one output's metric": (
        "import keras\nm.compile('sgd', 'mse', metrics=['accuracy'])\n"
        "print(m.fit(x, y).history['val_out_acc'])",
        3,
        '"val_out_acc": the key is that of the metric',
    ),
    "a layer that is called by another name": (
        "from functools import partial\nfrom keras.layers import Dense\nlayer = partial(Dense, init='one')",
        3,
        "what Dense is given where it is called is not rewritten",
    ),
    "a file that is renamed, elsewhere": (
        "import keras, os\nif os.path.exists('net.h5'): model.load_weights('net.h5')\n"
        "model.save_weights('net.h5')",
        2,
        'the file "net.h5" is saved as "net.weights.h5"',
    ),
    "an accuracy that may be shown": (
        "import keras\nmodel.evaluate(x, y, show_accuracy=flag)",
        2,
        "show_accuracy: what evaluate returns depends on it",
    ),
    "a backend of PlaidML": (
        "import os\nos.environ['KERAS_BACKEND'] = 'plaidml.keras.backend'\nimport keras",
        2,
        "Keras 3 has no backend plaidml.keras.backend",
    ),
    "the shape of a layer's output": (
        "from keras.layers import Layer\nclass Mine(Layer):\n"
        "    def get_output_shape_for(self, shape):\n        return shape",
        3,
        "get_output_shape_for is called compute_output_shape",
    ),
    "an old word for the class below": (
        "from keras.layers import Dense\nclass Mine(Dense):\n    def __init__(self, n):\n"
        "        super(Mine, self).__init__(n, init='one')",
        4,
        "init: what the class takes today cannot be seen here",
    ),
    "a package whose name is taken": (
        "from keras.layers import *\nfrom keras.models import Sequential\nkeras = 'mine'\nm = Sequential()\n"
        "m.add(Dense(3, input_dim=2))",
        1,
        "keras is a name of the script's own",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_it_is_left_and_listed(case):
    code, line, why = LEFT[case]
    (left,) = migrate_code(code + "\n").left
    assert left.line == line
    assert why in left.text


def test_an_argument_by_both_of_its_names_is_not_said_to_be_changed():
    migration = migrate_code(
        "import keras\nlayer = keras.layers.Dense(3, init='one', kernel_initializer='zeros')\n"
    )
    assert migration.changed == ()
    (left,) = migration.left
    assert left.text.startswith("keras.layers.Dense takes no init")


def test_the_defaults_of_an_old_batch_normalization_are_noted():
    code = "from keras.layers import *\nmodel.add(Dense(3, init='one'))\nmodel.add(BatchNormalization({}))\n"
    (note,) = migrate_code(code.format("mode=0")).notes
    assert note.line == 3
    assert "epsilon was 1e-6 and momentum 0.9 in Keras 0 and 1.0" in note.text
    assert migrate_code(code.format("epsilon=1e-6, momentum=0.9")).notes == ()
    assert migrate_code("from keras.layers import *\nlayer = BatchNormalization()\n").notes == ()
