"""BatchNormalization within training: Keras' mode step by step, freezing, rematerialization, what is kept."""

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.data import normal
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import NormwiseWarning

BACKEND = keras.backend.backend()


def network(layer, seed=0):
    keras.utils.set_random_seed(seed)
    # A bias in front of a normalization has no gradient but rounding.
    front = keras.layers.Dense(4, use_bias=False)
    model = keras.Sequential([keras.Input((3,)), front, layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def learn(model, epochs=2):
    x = normal((64, 3))
    model.fit(x, x.sum(1, keepdims=True), batch_size=16, epochs=epochs, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("arguments", [{}, {"momentum": 0.5, "scale": False}, {"renorm": True}])
def test_keras_mode_in_fit_is_keras(arguments):
    ours = learn(network(normwise.BatchNormalization.keras(**arguments)))
    theirs = learn(network(keras.layers.BatchNormalization(**arguments)))
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
    # Eight steps of descent, each from what the last left.
    allowed = 8 * tolerance("float32", n=64)
    for a, b in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
        assert_close(numpy(a), numpy(b), allowed)
    for a, b in zip(ours.layers[1].variables, theirs.layers[1].variables, strict=True):
        assert_close(numpy(a), numpy(b), allowed)
    assert_close(numpy(ours(normal((9, 3)))), numpy(theirs(normal((9, 3)))), allowed)


def test_frozen_statistics_stay_while_gamma_and_beta_learn():
    layer = normwise.BatchNormalization(statistics_trainable=False)
    model = network(layer)
    x = normal((8, 4))
    layer(x, training=False)
    before = {v.name: numpy(v) for v in layer.variables}
    assert_close(numpy(layer(x, training=True)), numpy(layer(x, training=False)), 0.0)
    learn(model)
    after = {v.name: numpy(v) for v in layer.variables}
    for name in ("moving_mean", "moving_variance", "moving_weight"):
        assert_close(after[name], before[name], 0.0)
    for name in ("gamma", "beta"):
        assert np.abs(after[name] - before[name]).max() > 1e-4


@pytest.mark.parametrize("averaging", ["debiased", "cumulative"])
@pytest.mark.parametrize("renorm", [False, True])
def test_weights_of_keras_layers_load(tmp_path, averaging, renorm):
    theirs = learn(network(keras.layers.BatchNormalization(renorm=renorm)))
    theirs.save_weights(tmp_path / "m.weights.h5")
    by_list, by_file = (
        network(normwise.BatchNormalization(averaging=averaging, renorm=renorm), seed=s) for s in (1, 2)
    )
    by_list.layers[1].set_weights(theirs.layers[1].get_weights())
    by_file.load_weights(tmp_path / "m.weights.h5")
    x = normal((9, 4))
    for model in (by_list, by_file):
        layer = model.layers[1]
        assert_close(numpy(layer(x)), numpy(theirs.layers[1](x)), tolerance("float32"))
        if averaging == "debiased":
            # Imported statistics count in full: one batch moves them by a hundredth.
            assert_close(numpy(layer.moving_weight), np.ones(4), 0.0)
            mean = numpy(layer.moving_mean)
            layer(x, training=True)
            expected = 0.99 * mean + 0.01 * x.astype("float64").mean(0)
            assert_close(numpy(layer.moving_mean), expected, tolerance("float32", n=9))
        else:
            assert_close(numpy(layer.moving_count), np.zeros(4), 0.0)


@pytest.mark.parametrize(
    ("saved", "made", "message"),
    [
        (
            {"averaging": "cumulative"},
            {},
            r'has "moving_weight" .* loaded has "moving_count"; expected',
        ),
        (
            {},
            {"averaging": "cumulative"},
            r'has "moving_count" .* loaded has "moving_weight"; expected',
        ),
        (None, {"scale": False}, r'has "moving_weight" .* to be loaded has none; .* or the 3 of Keras'),
    ],
)
def test_as_many_variables_of_another_kind_are_refused(tmp_path, saved, made, message):
    layer = keras.layers.BatchNormalization() if saved is None else normwise.BatchNormalization(**saved)
    learn(network(layer)).save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match=message):
        network(normwise.BatchNormalization(**made)).load_weights(tmp_path / "m.weights.h5")


SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.9, 1, 0.5)


@pytest.mark.parametrize("averaging", ["debiased", "exponential", "cumulative"])
@pytest.mark.parametrize("renorm", [False, True])
@pytest.mark.parametrize("momentum", [0.9, SCHEDULE], ids=["constant", "scheduled"])
def test_weights_alone_and_whole_models_are_loaded_as_they_were(tmp_path, averaging, renorm, momentum):
    arguments = {"averaging": averaging, "renorm": renorm, "momentum": momentum}
    model = learn(network(normwise.BatchNormalization(**arguments)))
    model.save_weights(tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.keras")
    again = network(normwise.BatchNormalization(**arguments), seed=1)
    again.load_weights(tmp_path / "m.weights.h5")
    for loaded in (again, normwise.load_model(tmp_path / "m.keras")):
        for a, b in zip(loaded.layers[1].variables, model.layers[1].variables, strict=True):
            assert a.name == b.name
            np.testing.assert_array_equal(numpy(a), numpy(b))


def model_within_a_scope(layer):
    """The model is a layer too, and so runs again as a whole."""
    with keras.RematScope(mode="full"):
        inputs = keras.Input((3,))
        model = keras.Model(inputs, layer(inputs))
    model.compile("sgd", "mse")
    model.train_on_batch(normal((16, 3)), normal((16, 3)))


@pytest.mark.skipif(BACKEND != "torch", reason="Keras rematerializes whole models on torch alone")
def test_in_a_rematerialized_model_statistics_move_once():
    layer = normwise.BatchNormalization(momentum=0.5)
    model_within_a_scope(layer)
    assert_close(numpy(layer.moving_weight), np.full(3, 0.5), tolerance("float32"))


@pytest.mark.skipif(BACKEND == "torch", reason="Keras rematerializes whole models on torch")
@pytest.mark.parametrize("kind", [normwise.BatchNormalization, lambda: keras.layers.Dropout(0.5)])
def test_a_whole_model_cannot_be_rematerialized_with_any_layer_that_has_state(kind):
    # JAX: what a layer assigns leaks out of the checkpoint; TensorFlow: Keras calls it in a way it refuses.
    with pytest.raises(Exception, match=r"build the model|custom_gradient"):
        model_within_a_scope(kind())


def test_rematerialized_statistics_move_once():
    x = normal((16, 3))
    plain = normwise.BatchNormalization(momentum=0.5)
    with keras.RematScope(mode="full"):
        again = normwise.BatchNormalization(momentum=0.5)
    for layer in (plain, again):
        layer.build((None, 3))
    if BACKEND == "torch":
        with keras.RematScope(mode="full"):
            y = again(ops.convert_to_tensor(x).clone().requires_grad_(True), training=True)
        y.sum().backward()
        plain(x, training=True)
    else:
        models = [keras.Sequential([keras.Input((3,)), layer]) for layer in (plain, again)]
        for model in models:
            model.compile("sgd", "mse")
            model.train_on_batch(x, x)
    for name in ("moving_mean", "moving_variance", "moving_weight"):
        found, expected = (numpy(getattr(layer, name)) for layer in (again, plain))
        assert_close(found, expected, tolerance("float32", n=16))


@pytest.mark.skipif(BACKEND != "torch", reason="torch's own layer")
def test_with_the_arguments_of_the_page_it_is_torchs_layer_and_takes_its_weights():
    import torch

    arguments = {"axis": 1, "momentum": 0.9, "epsilon": 1e-5, "averaging": "exponential"}
    ours, theirs = normwise.BatchNormalization(**arguments), torch.nn.BatchNorm2d(3)
    allowed = tolerance("float32", n=80, conditioning=2.0)
    for seed in range(3):
        x = ops.convert_to_tensor(normal((4, 3, 4, 5), seed=seed))
        assert_close(numpy(ours(x, training=True)), numpy(theirs(x)), allowed)
    assert_close(numpy(ours.moving_mean), numpy(theirs.running_mean), allowed)
    assert_close(numpy(ours.moving_variance), numpy(theirs.running_var), allowed)
    loaded = normwise.BatchNormalization(**arguments)
    loaded.build((None, 3, 4, 5))
    vectors = (theirs.weight, theirs.bias, theirs.running_mean, theirs.running_var)
    loaded.set_weights([vector.detach().numpy() for vector in vectors])
    assert_close(numpy(loaded(x)), numpy(theirs.eval()(x)), allowed)


@pytest.mark.skipif(BACKEND != "torch", reason="torch's own checkpoint")
def test_within_a_checkpoint_of_torch_statistics_move_once():
    from torch.utils.checkpoint import checkpoint

    x = ops.convert_to_tensor(normal((16, 3))).clone().requires_grad_(True)
    layer = normwise.BatchNormalization(momentum=0.5)
    layer.build((None, 3))
    checkpoint(lambda t: layer(t, training=True), x, use_reentrant=False).square().sum().backward()
    assert_close(numpy(layer.moving_weight), np.full(3, 0.5), tolerance("float32"))


@pytest.mark.skipif(BACKEND != "torch", reason="torch shows what a function saves")
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_the_backward_pass_keeps_the_input_and_vectors(activation):
    import torch

    x = ops.convert_to_tensor(normal((64, 8))).clone().requires_grad_(True)
    layer = normwise.BatchNormalization(activation=activation)
    layer.build((None, 8))
    kept = []

    def note(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
        layer(x, training=True)
    assert [t for t in kept if t.numel() >= x.numel() and t.data_ptr() != x.data_ptr()] == []
    assert sum(t.data_ptr() == x.data_ptr() for t in kept) == 1


@pytest.mark.skipif(BACKEND != "jax", reason="JAX shows the residuals of a function")
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_the_residuals_on_jax_are_the_input_and_vectors(activation):
    import jax

    x = jax.numpy.asarray(normal((64, 8)))
    layer = normwise.BatchNormalization(activation=activation)
    layer.build((None, 8))
    trainable, others = (
        [v.value for v in vs] for vs in (layer.trainable_variables, layer.non_trainable_variables)
    )

    def y(trainable, x):
        return layer.stateless_call(trainable, others, x, training=True)[0]

    _, pull = jax.vjp(y, trainable, x)
    large = [leaf for leaf in jax.tree.leaves(pull) if getattr(leaf, "size", 0) >= x.size]
    assert len(large) == 1
    np.testing.assert_array_equal(large[0], x)


def test_a_fully_masked_batch_within_fit_is_said_once_and_changes_nothing():
    inputs = keras.Input((4, 3))
    layer = normwise.BatchNormalization()
    model = keras.Model(inputs, layer(keras.layers.Masking(0.0)(inputs)))
    model.compile("sgd", "mse")
    x = np.zeros((32, 4, 3), "float32")
    if BACKEND == "tensorflow":
        # Compiled programs run no Python there.
        model.fit(x, x, batch_size=8, verbose=0)
    else:
        with pytest.warns(NormwiseWarning, match="nothing: at most 0 values a channel") as said:
            model.fit(x, x, batch_size=8, verbose=0)
        assert len([w for w in said if w.category is NormwiseWarning]) == 1
    assert [numpy(v).tolist() for v in layer.non_trainable_variables] == [[0.0] * 3, [1.0] * 3, [0.0] * 3]


@pytest.mark.skipif(BACKEND != "torch", reason="tensors of the others cannot be changed")
@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("shape", [(16, 3), (4, 5, 3)])
def test_the_output_can_be_changed_in_place(activation, shape):
    x = ops.convert_to_tensor(normal(shape)).requires_grad_(True)
    y = normwise.BatchNormalization(activation=activation)(x, training=True)
    y += 1.0
    y.sum().backward()
    assert np.isfinite(numpy(x.grad)).all()
