"""What convert refuses, and what it needs no registration for."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.graph.models import data, outputs, sequential
from tests.layers.data import normal
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import NormwiseWarning


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def call(self, x):
        return self.norm(x)


class Trained(keras.Model):
    """Functional, with a training step of its own."""

    def train_step(self, *args):
        raise NotImplementedError


class WithConstructor(keras.Model):
    def __init__(self, width):
        x = keras.Input((width,))
        super().__init__(x, layers.BatchNormalization()(x))


class WithCompile(keras.Model):
    def compile(self, speed):
        super().compile(keras.optimizers.SGD(speed), "mse")


class Block(layers.Layer):
    """A custom layer with a normalization of its own making."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.BatchNormalization(name="hidden_norm")

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=None):
        return self.norm(x, training=training)


class Holder(layers.Layer):
    """A custom layer, not registered, that is given its normalization and says so."""

    def __init__(self, norm, **kwargs):
        super().__init__(**kwargs)
        self.norm = norm

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=None):
        return self.norm(x, training=training)

    def get_config(self):
        return {**super().get_config(), "norm": keras.saving.serialize_keras_object(self.norm)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("norm")), **config)


class WithoutConfig(layers.Layer):
    def __init__(self, power, helper, **kwargs):
        super().__init__(**kwargs)
        self.helper = helper

    def call(self, x):
        return x


class MyNormalization(layers.BatchNormalization):
    pass


def around(*inner):
    return keras.Sequential([keras.Input((5,)), *inner], name="mine")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Subclassed, r'the model "subclassed\w*" of class Subclassed is subclassed.*keras\.Model\(inputs'),
        (lambda: WithConstructor(5), r"of class WithConstructor has a constructor of its own.*Hand over"),
        (lambda: around(WithConstructor(5)), r'class WithConstructor in the model "mine" has a constructor'),
        (lambda: around(Subclassed()), r'class Subclassed in the model "mine" is subclassed'),
        (lambda: around(Block(name="block")), r'layer "block" of class Block makes a .*\("hidden_norm"\)'),
        (
            lambda: around(WithoutConfig(2, object(), name="x"), layers.BatchNormalization()),
            r'the WithoutConfig "x" cannot be rebuilt .*NotImplementedError',
        ),
        (lambda: around(MyNormalization(name="y")), r'layer "y" is a MyNormalization, a subclass of keras'),
    ],
)
def test_models_that_cannot_be_converted_whole(make, message):
    model = make()
    model(np.zeros((4, 5), "float32"))
    with pytest.raises(ValueError, match=message):
        normwise.convert(model)


def test_sharing_across_a_wrapper():
    x, norm = keras.Input((3, 5)), layers.BatchNormalization(name="both")
    model = keras.Model(x, layers.TimeDistributed(norm)(x)[:, 0] + norm(x[:, 1]))
    with pytest.raises(ValueError, match='BatchNormalization "both" is shared between a layer that holds it'):
        normwise.convert(model)


def test_what_is_no_model():
    with pytest.raises(TypeError, match=r"normwise\.convert takes a keras\.Model.*got 'model\.keras'"):
        normwise.convert("model.keras")


def test_unknown_overrides():
    with pytest.raises(TypeError) as caught:
        normwise.convert(sequential(), momentun=0.5)
    assert str(caught.value) == 'BatchNormalization has no argument "momentun". Did you mean "momentum"?'
    with pytest.raises(TypeError, match='no argument "trainable"'):
        normwise.convert(sequential(), trainable=False)


@pytest.mark.parametrize("override", [{"axis": 1}, {"center": False}, {"scale": False}, {"renorm": True}])
def test_overrides_that_decide_the_weights(override):
    ((name, value),) = override.items()
    with pytest.raises(ValueError, match=f"{name}={value} cannot be an override"):
        normwise.convert(sequential(), **override)


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ({"momentum": 5}, ValueError, r"momentum must lie in \[0, 1\], got 5\.0"),
        ({"virtual_batch_size": 2.5}, TypeError, r"virtual_batch_size must be a whole number, .*, got 2\.5"),
    ],
)
def test_overrides_that_the_layer_does_not_take(override, error, message):
    with pytest.raises(error, match=f"^{message}"):
        normwise.convert(sequential(), **override)


def test_overrides_of_nothing():
    with pytest.raises(ValueError, match=r'"mine" has no keras.*\{\'momentum\': 0\.5\} could apply'):
        normwise.convert(around(layers.Dense(2)), momentum=0.5)


def test_an_unregistered_layer_that_describes_what_it_holds():
    old = around(Holder(layers.BatchNormalization(momentum=0.5), name="holder"))
    new = normwise.convert(old)
    assert isinstance(new.get_layer("holder").norm, normwise.BatchNormalization)
    for model in (new, old):
        model(data(old), training=True)
    assert_close(outputs(new, data(old))[0], outputs(old, data(old))[0], tolerance("float32", n=16))


def test_unregistered_functions():
    def twice(x):
        return 2 * x

    def loss(y, z):
        return ops.mean(ops.abs(y - z), -1)

    half = 0.5
    old = around(
        layers.Dense(3, twice),
        layers.BatchNormalization(),
        layers.Lambda(lambda x: half * ops.sin(x)),
        layers.Dense(3, lambda x: half * twice(x)),
        layers.Dense(3, kernel_initializer=lambda s, dtype: half * ops.ones(s, dtype)),
        layers.Activation(lambda x: half * ops.cos(x)),
    )
    old.compile("sgd", loss, metrics=[loss])
    new = normwise.convert(old)
    assert_close(outputs(new, data(old))[0], outputs(old, data(old))[0], tolerance("float32", n=16))
    assert np.isfinite(new.evaluate(normal((8, 5)), normal((8, 3)), verbose=0)).all()


class TestCompiled:
    def test_likewise_with_a_fresh_optimizer(self):
        old = sequential()
        old.compile(keras.optimizers.Adam(0.5, beta_1=0.25), "mse", metrics=["mae"], weighted_metrics=["mse"])
        old.optimizer.learning_rate = 0.125
        old.fit(normal((8, 5)), normal((8, 2)), verbose=0)
        new = normwise.convert(old)
        assert isinstance(new.optimizer, keras.optimizers.Adam)
        assert new.optimizer is not old.optimizer
        assert (float(new.optimizer.learning_rate), new.optimizer.beta_1) == (0.125, 0.25)
        assert (int(new.optimizer.iterations), int(old.optimizer.iterations)) == (0, 1)
        assert new.get_compile_config()["metrics"] == ["mae"]

    def test_not_if_the_model_is_not(self):
        assert not normwise.convert(sequential()).compiled

    def test_metrics_do_not_share_state(self):
        old = sequential()
        metric = keras.metrics.MeanAbsoluteError()
        old.compile("sgd", "mse", metrics=[metric])
        new = normwise.convert(old)
        new.evaluate(normal((8, 5)), normal((8, 2)), verbose=0)
        assert float(metric.result()) == 0.0

    def test_a_training_step_of_the_class_is_kept(self):
        x = keras.Input((5,))
        old = Trained(x, layers.BatchNormalization()(x))
        assert type(normwise.convert(old)) is Trained

    def test_a_compile_of_its_own_is_said(self):
        x = keras.Input((5,))
        old = WithCompile(x, layers.BatchNormalization()(x))
        old.compile(0.5)
        with pytest.warns(NormwiseWarning, match="not compiled: WithCompile has a compile"):
            assert not normwise.convert(old).compiled

    def test_loss_scaling_as_before(self):
        for scaled in (True, False):
            old = keras.Sequential([keras.Input((5,)), layers.BatchNormalization(dtype="mixed_float16")])
            old.dtype_policy = "mixed_float16"
            old.compile("sgd", "mse", auto_scale_loss=scaled)
            assert type(normwise.convert(old).optimizer) is type(old.optimizer)
