"""A bias that Keras on TensorFlow would add along another axis is none that fold makes."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.deploy.folding import assert_same, randomized, rows

import normwise
from normwise.deploy.bias_axis import require_bias_axis
from normwise.deploy.blocked_error import BlockedError
from normwise.deploy.plan_folding import plan_folding

BACKEND = keras.backend.backend()

CASES = [
    # Sizes of the bias, the shape it is added to, and the axis that it is taken for, or None.
    ((1, 3, 1), (5, 2, 3, 3), 3),
    ((1, 3, 1), (5, 3, 3, 4), 1),
    ((1, 3, 1), (5, 2, 3, 4), None),
    ((3, 1, 1), (5, 3, 2, 3), 3),
    ((3, 1, 1), (5, 3, 2, 4), None),
    ((3, 1, 1), (5, 3, 3, 4), None),
    ((1, 1, 3), (5, 3, 3, 3), None),
    ((3, 3, 1), (5, 3, 3, 3), None),
    ((1, 1, 1), (5, 1, 1, 1), None),
    ((3,), (5, 3), None),
]
MISTAKEN = [case for case in CASES if case[2]]
RIGHT = [case[:2] for case in CASES if not case[2]]


ON_TENSORFLOW = pytest.mark.usefixtures("_on_tensorflow")


@pytest.fixture
def _on_tensorflow(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")


@ON_TENSORFLOW
@pytest.mark.parametrize(("sizes", "shape", "taken_for"), MISTAKEN)
def test_what_would_be_mistaken_is_refused(sizes, shape, taken_for):
    with pytest.raises(BlockedError) as caught:
        require_bias_axis("norm", sizes, shape)
    axis = sizes.index(3) + 1
    assert str(caught.value) == (
        f'"norm" would need a bias of 3 numbers along axis {axis} of {shape}, which Keras on TensorFlow adds '
        f"along axis {taken_for}"
    )


@ON_TENSORFLOW
@pytest.mark.parametrize(("sizes", "shape"), RIGHT)
def test_what_is_added_right_passes(sizes, shape):
    require_bias_axis("norm", sizes, shape)


@pytest.mark.parametrize(("sizes", "shape", "taken_for"), CASES)
def test_it_is_what_keras_does(sizes, shape, taken_for):
    x, bias = np.zeros(shape, "float32"), np.arange(np.prod(sizes), dtype="float32").reshape(sizes)
    right = np.array_equal(ops.convert_to_numpy(ops.add(x, bias)), x + bias)
    assert right == (taken_for is None or BACKEND != "tensorflow")


@ON_TENSORFLOW
def test_sizes_that_are_not_known_may_turn_out_the_same():
    with pytest.raises(BlockedError, match="along axis 3"):
        require_bias_axis("norm", (3, 1, 1), (None, 3, None, None))


def alone():
    return randomized(
        keras.Sequential([keras.Input((3, 2, 3)), layers.BatchNormalization(axis=1, name="norm")])
    )


def before():
    dense = layers.EinsumDense("abcd,bde->abce", output_shape=(3, 2, 3))
    norm = layers.BatchNormalization(axis=1, name="norm")
    return randomized(keras.Sequential([keras.Input((3, 2, 4)), dense, norm]))


@pytest.mark.parametrize("make", [alone, before])
def test_the_folded_model_gives_the_same(make):
    model = make()
    result = normwise.fold(model)
    assert len(result.kept) == (BACKEND == "tensorflow")
    assert_same(result.model, model, rows(model), terms=100)


@ON_TENSORFLOW
@pytest.mark.parametrize("make", [alone, before])
def test_on_tensorflow_the_normalization_is_kept(make):
    plan = plan_folding(make())
    assert plan.folded == []
    assert plan.kept[0].reason.count("bias of 3 numbers along axis 1 of (None, 3, 2, 3)") >= 1


@ON_TENSORFLOW
def test_on_tensorflow_a_convolution_of_channels_first_takes_none():
    conv = layers.Conv2D(3, 2, data_format="channels_first", use_bias=False)
    norm = layers.BatchNormalization(axis=1, name="norm")
    model = randomized(keras.Sequential([keras.Input((2, 4, 4)), conv, norm]))
    assert "which Keras on TensorFlow adds along axis 3" in plan_folding(model).kept[0].reason
