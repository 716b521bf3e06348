"""What the rows of the table do not show alone: names as they are imported, what is left, what is kept."""

from __future__ import annotations

import keras
import numpy as np
import pytest

pytest.importorskip("libcst", reason="needs LibCST: pip install 'normwise[migrate]'")

from normwise.core.errors import ScriptError
from normwise.migrate.migrate_code import migrate_code

CASES = {
    "a suite on one line, and statements between semicolons": (
        "if True: from keras.layers.core import Dense; x = Dense(3, init='one')",
        "if True: from keras.layers import Dense; x = Dense(3, kernel_initializer='ones')",
    ),
    "a generator of images by its module": (
        "from keras.preprocessing import image\nflow = image.ImageDataGenerator()",
        "import keras\nfrom keras.preprocessing import image\n"
        "flow = keras.src.legacy.preprocessing.image.ImageDataGenerator()",
    ),
    "widths of Keras 0, dense over time": (
        "import keras\nfrom keras.layers import TimeDistributedDense\nlayer = TimeDistributedDense(4, 3)",
        "import keras\nlayer = keras.layers.TimeDistributed(keras.layers.Dense(3))",
    ),
    "a second number that is a stride": (
        "from tensorflow.keras.layers import Conv2D\nlayer = Conv2D(8, 3, 3)",
        "from keras.layers import Conv2D\nlayer = Conv2D(8, 3, 3)",
    ),
    "an alias": (
        "from keras.layers import Convolution2D as C\nlayer = C(8, 3, 3)",
        "from keras.layers import Conv2D as C\nlayer = C(8, (3, 3))",
    ),
    "a module by an alias": (
        "import keras.layers.core as C\nlayer = C.Dense(output_dim=3)",
        "import keras.layers as C\nlayer = C.Dense(units=3)",
    ),
    "the package": (
        "import keras\nlayer = keras.layers.core.Dropout(p=.5)",
        "import keras\nlayer = keras.layers.Dropout(rate=.5)",
    ),
    "a star": (
        "from keras.layers.core import *\nlayer = Dense(output_dim=3)",
        "from keras.layers import *\nlayer = Dense(units=3)",
    ),
    "TensorFlow's": (
        "from tensorflow import keras\nlayer = keras.layers.LeakyReLU(alpha=0.1)",
        "import keras\nlayer = keras.layers.LeakyReLU(negative_slope=0.1)",
    ),
    "TensorFlow's by its package": (
        "import tensorflow as tf\nlayer = tf.keras.layers.LeakyReLU(alpha=0.1)",
        "import keras\nlayer = keras.layers.LeakyReLU(negative_slope=0.1)",
    ),
    "TensorFlow's defaults, which were others": (
        "from tensorflow.keras.optimizers import Adadelta\noptimizer = Adadelta()",
        "from keras.optimizers import Adadelta\noptimizer = Adadelta(learning_rate=0.001)",
    ),
    "a name of the script's own": (
        "from keras.layers import Dense\ndef f(Dense):\n    return Dense(output_dim=4)",
        "from keras.layers import Dense\ndef f(Dense):\n    return Dense(output_dim=4)",
    ),
    "arguments of others": (
        "import keras\nfrom sklearn.cluster import KMeans\nk = KMeans(init='uniform')\nk.predict_proba(x)",
        "import keras\nfrom sklearn.cluster import KMeans\nk = KMeans(init='uniform')\nk.predict_proba(x)",
    ),
    "comments and layout": (
        "from keras.layers import Dense\n\n\nlayer = Dense(  # a layer\n    output_dim=3,  # wide\n"
        "    init = 'one',\n"
        "    bias=True  # yes\n)",
        "from keras.layers import Dense\n\n\nlayer = Dense(  # a layer\n    units=3,  # wide\n"
        "    kernel_initializer = 'ones',\n    use_bias=True  # yes\n)",
    ),
    "the comment of an argument that goes": (
        "from keras.optimizers import SGD\nsgd = SGD(\n    momentum=0.9,  # much\n    decay=0.,  # none\n"
        "    nesterov=True,  # yes\n)",
        "from keras.optimizers import SGD\nsgd = SGD(\n    momentum=0.9,  # much\n    # none\n"
        "    nesterov=True,  # yes\n)",
    ),
    "a list of layers with comments": (
        "import keras\nmodel = keras.models.Sequential([\n    # first\n"
        "    keras.layers.Dense(3, input_dim=4),  # wide\n"
        "    keras.layers.Dense(2),\n])",
        "import keras\nmodel = keras.models.Sequential([\n    # first\n    keras.Input((4,)),\n"
        "    keras.layers.Dense(3),  # wide\n    keras.layers.Dense(2),\n])",
    ),
    "an input in any order": (
        "import keras\nmodel = keras.models.Sequential()\n"
        "model.add(keras.layers.LSTM(4, input_length=5, input_dim=3))",
        "import keras\nmodel = keras.models.Sequential()\nmodel.add(keras.Input((5, 3)))\n"
        "model.add(keras.layers.LSTM(4))",
    ),
    "the input of a layer that may be the first": (
        "import keras\nmodel = keras.models.Sequential()\nif deep:\n"
        "    model.add(keras.layers.LSTM(4, input_dim=3, input_length=5))",
        "import keras\nmodel = keras.models.Sequential()\nif deep:\n"
        "    model.add(keras.layers.LSTM(4, input_shape=(5, 3)))",
    ),
    "one class or several, by a variable": (
        "from keras.models import Sequential\nfrom keras.layers import Dense\nclasses = 1\nm = Sequential()\n"
        "m.add(Dense(classes, activation='sigmoid'))\nprint(m.predict_classes(x))",
        "from keras.models import Sequential\nfrom keras.layers import Dense\nclasses = 1\nm = Sequential()\n"
        "m.add(Dense(classes, activation='sigmoid'))\nprint((m.predict(x) > 0.5).astype('int32'))".replace(
            "'int", '"int'
        ).replace("32')", '32")'),
    ),
    "a model of a class": (
        "from keras.models import Sequential\nfrom keras.layers import Dense\nclass Net:\n"
        "    def __init__(self):\n"
        "        self.net = Sequential([Dense(3, activation='softmax')])\n    def classes(self, x):\n"
        "        return self.net.predict_classes(x)",
        "from keras.models import Sequential\nfrom keras.layers import Dense\nclass Net:\n"
        "    def __init__(self):\n"
        "        self.net = Sequential([Dense(3, activation='softmax')])\n    def classes(self, x):\n"
        "        return self.net.predict(x).argmax(axis=-1)",
    ),
    "a functional model": (
        "from keras.models import Model\nfrom keras.layers import Dense, Input\na = Input((3,))\n"
        "b = Dense(3, activation='softmax')(a)\nm = Model(input=a, output=b)\nprint(m.predict_classes(x))",
        "from keras.models import Model\nfrom keras.layers import Dense, Input\na = Input((3,))\n"
        "b = Dense(3, activation='softmax')(a)\nm = Model(inputs=a, outputs=b)\n"
        "print(m.predict(x).argmax(axis=-1))",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_rewritten(case):
    before, after = CASES[case]
    migration = migrate_code(f"{before}\n")
    assert migration.code == f"{after}\n"
    assert migration.left == ()
    assert migrate_code(migration.code).code == migration.code


LEFT = {
    "a kernel or a stride": (
        "from keras.layers import Conv2D\nlayer = Conv2D(8, 3, 3)",
        2,
        "whether these are the rows and columns of the kernel, or its size and strides",
    ),
    "a mode without a successor": (
        "from keras.layers import BatchNormalization\nlayer = BatchNormalization(mode=2)",
        2,
        "BatchNormalization(mode=2) has no successor",
    ),
    "channels in front": (
        "from keras.models import Sequential\nfrom keras.layers import Convolution2D\n"
        "m = Sequential([Convolution2D(8, 3, 3, input_shape=(3, 32, 32))])",
        3,
        "input_shape=(3, 32, 32) looks like channels first",
    ),
    "samples of a generator of unknown batches": (
        "from keras.models import Sequential\nm = Sequential()\n"
        "m.fit_generator(g(), samples_per_epoch=10, nb_epoch=2)",
        3,
        "samples_per_epoch: give steps_per_epoch",
    ),
    "classes of a layer that cannot be seen": (
        "from keras.models import load_model\nm = load_model('net.h5')\nprint(m.predict_classes(x))",
        3,
        "predict_classes: the last layer cannot be seen",
    ),
    "a fit without epochs": (
        "from keras.models import Sequential\nm = Sequential()\nm.compile('sgd', 'mse')\n"
        "m.fit(x, y, show_accuracy=True)",
        4,
        "Keras 1 trained 10 epochs, Keras 0 100, Keras 3 trains 1",
    ),
    "a decay beside a callback": (
        "from keras.optimizers import SGD\nfrom keras.callbacks import LearningRateScheduler\n"
        "c = LearningRateScheduler(f)\ns = SGD(lr=0.1, decay=1e-6)",
        4,
        "decay beside something that sets the learning rate",
    ),
    "an argument that nothing is known of": (
        "from keras.layers import Dense\nlayer = Dense(3, weights=[w])",
        2,
        "keras.layers.Dense takes no weights",
    ),
    "a name that nothing is known of": (
        "from keras import backend as K\ny = K.foo(x)",
        2,
        "keras.backend.foo is not in Keras 3",
    ),
    "an import that nothing is known of": (
        "from keras.layers import Foo",
        1,
        "keras.layers.Foo is not in Keras 3",
    ),
    "a merge without a successor": (
        "from keras.layers import merge\ny = merge([a, b], mode='cos')",
        2,
        "merge(mode='cos')",
    ),
    "a backend without a successor": (
        "import os\nos.environ['KERAS_BACKEND'] = 'theano'\nimport keras",
        2,
        "Keras 3 has no backend theano",
    ),
    "a batch of fixed size": (
        "from keras.layers import Dense\nlayer = Dense(3, batch_input_shape=(2, 3))",
        2,
        "batch_input_shape: put a keras.Input before this layer",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_it_is_left_and_listed_with_its_line(case):
    code, line, text = LEFT[case]
    (left,) = migrate_code(f"{code}\n").left
    assert (left.line, left.text[: len(text)]) == (line, text) or text in left.text
    assert left.line == line


def test_the_rates_of_a_decay_are_those_of_keras_1():
    code = migrate_code("import keras\ns = keras.optimizers.SGD(lr=0.1, decay=1e-3)\n").code
    names: dict = {}
    exec(code, names)
    rate = names["s"]._learning_rate
    for update in (0, 1, 999, 32_560):
        # Keras 1 and 2: lr * (1 / (1 + decay * iterations)), with the iterations before the update.
        expected = 0.1 * (1 / (1 + 1e-3 * update))
        # float32, with a product, a sum and a quotient
        np.testing.assert_allclose(float(keras.ops.convert_to_numpy(rate(update))), expected, rtol=4 * 2**-23)


def test_an_evaluate_without_show_accuracy_gives_the_loss():
    code = (
        "from keras.models import Sequential\nfrom keras.layers import Dense\n"
        "m = Sequential([Dense(1, input_dim=2)])\n"
        "m.compile('sgd', 'mse')\nm.fit(x, y, nb_epoch=1, show_accuracy=True, verbose=0)\n"
        "loss = m.evaluate(x, y, verbose=0)\n"
    )
    names = {"x": np.ones((4, 2)), "y": np.ones((4, 1))}
    exec(migrate_code(code).code, names)
    assert isinstance(names["loss"], float)


def test_what_is_left_of_hard_sigmoids_is_noted():
    code = "from keras.layers import LSTM\na = LSTM(3)\nb = LSTM(3, inner_activation='hard_sigmoid')\n"
    notes = migrate_code(code).notes
    assert [note.line for note in notes] == [2, 3]
    assert "sigmoids by default since Keras 2.3" in notes[0].text
    assert "relu6(x + 3)/6" in notes[1].text
    x = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.activations.hard_sigmoid(x)),
        np.clip(x + 3, 0, 6) / 6,
        atol=1e-6,  # float32 of values up to 1
    )


def test_what_the_doctor_would_say():
    code = (
        "from keras.models import Sequential\nfrom keras.layers import *\nm = Sequential()\n"
        "m.add(Dense(3, bias=False))\n"
        "m.add(BatchNormalization())\nm.add(Dropout(0.5))\nm.add(Dense(3))\nm.add(BatchNormalization())\n"
        "m.add(Dropout(0.5))\nm.add(Activation('relu'))\nm.add(BatchNormalization())\n"
    )
    advice = migrate_code(code, advice=True).advice
    assert [(a.line, a.code) for a in advice] == [(7, "NRM301"), (11, "NRM303")]
    assert migrate_code(code).advice == ()


REFUSED = {
    "Python 2": (
        "import keras\nprint 'done'\n",
        r"line 2 is Python 2, and no Python 3: \"print 'done'\"\. .*2to3",
    ),
    "an exception of Python 2": (
        "import keras\ntry:\n    x\nexcept Exception, e:\n    pass\n",
        r"line 4 is no Python 3: 'except Exception, e:'",
    ),
    "a number of Python 2": ("import keras\nx = 0777\n", r"line 2 is no Python 3: 'x = 0777'"),
    "no Python": ("import keras\nx = = 3\n", r"line 2 is no Python 3: 'x = = 3'"),
    "no Keras": ("import numpy\n", "imports neither keras nor tensorflow.keras"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused(case):
    code, match = REFUSED[case]
    with pytest.raises(ScriptError, match=match):
        migrate_code(code)


def test_what_is_given_by_a_star_is_noted():
    code = "import keras\nsgd = keras.optimizers.SGD(**settings)\n"
    (note,) = migrate_code(code).notes
    assert (note.line, note.text) == (2, "what is given to SGD by a star cannot be seen, nor renamed")


@pytest.mark.parametrize("settings", ["{'lr': 0.1}", "dict(lr=0.1)"])
def test_old_words_that_are_given_by_a_star_are_left(settings):
    migration = migrate_code(f"import keras\nsettings = {settings}\nsgd = keras.optimizers.SGD(**settings)\n")
    (left,) = migration.left
    assert (left.line, left.text) == (3, "lr: given to SGD by a star, and not renamed there")
    assert migration.notes == ()
