"""BatchNormalization against the float64 reference: forward, backward, inference, dtypes, masks."""

import os

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.data import SHAPES, normal, values
from tests.layers.gradients import gradients, numpy
from tests.reference import batch_normalization as reference
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import NormwiseWarning

BACKEND = keras.backend.backend()
GAMMA, BETA = np.array([0.5, -2.0, 1.5]), np.array([1.0, 0.0, -3.0])


def filled(numbers):
    def initializer(_shape, dtype):
        return ops.convert_to_tensor(numbers, dtype)

    return initializer


def layer(**arguments):
    constants = {"gamma_initializer": filled(GAMMA), "beta_initializer": filled(BETA)}
    return normwise.BatchNormalization(**{**constants, **arguments})


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("rank", SHAPES)
def test_forward_and_gradients_are_the_papers(rank, axis):
    x, upstream = normal(SHAPES[rank]), normal(SHAPES[rank], seed=1, mean=0.3)
    expected = reference.algorithm_1(x, GAMMA, BETA, 1e-3)
    slopes = reference.gradients(upstream, x, GAMMA, 1e-3)
    allowed = tolerance("float32", n=values(x.shape))

    def there(a):
        return np.ascontiguousarray(np.moveaxis(a, -1, axis))

    by_x, by_variables = gradients(layer(axis=axis), there(x), there(upstream))
    assert_close(numpy(layer(axis=axis)(there(x), training=True)), there(expected.y), allowed)
    assert_close(by_x, there(slopes.x), allowed * 4)
    assert_close(by_variables["gamma"], slopes.gamma, allowed * 4)
    assert_close(by_variables["beta"], slopes.beta, allowed * 4)


@pytest.mark.parametrize("policy", ["float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_every_policy_computes_in_float32_and_answers_in_its_own_dtype(policy):
    x = normal((64, 3), mean=300.0, std=0.5)
    subject = layer(dtype=policy, epsilon=0.0, averaging="exponential", momentum=0.0)
    y = subject(x, training=True)
    compute = keras.DTypePolicy(policy).compute_dtype
    assert keras.backend.standardize_dtype(y.dtype) == compute
    assert {keras.backend.standardize_dtype(v.dtype) for v in subject.variables} == {"float32"}
    assert_close(
        numpy(y), reference.algorithm_1(x, GAMMA, BETA, 0.0).y, tolerance(compute, conditioning=1.0) * 4
    )
    allowed = tolerance("float32", n=64)
    assert_close(numpy(subject.moving_mean), x.astype("float64").mean(0), allowed)
    assert_close(numpy(subject.moving_variance), x.astype("float64").var(0, ddof=1), allowed)


@pytest.mark.skipif(
    BACKEND == "jax" and not os.environ.get("JAX_ENABLE_X64"),
    reason="JAX has no float64 unless JAX_ENABLE_X64 is set",
)
def test_float64_stays_float64():
    x = np.random.default_rng(0).normal(1e5, 1.0, (64, 3))
    subject = layer(dtype="float64")
    y = ops.convert_to_numpy(subject(x, training=True))
    assert y.dtype == np.float64
    assert {keras.backend.standardize_dtype(v.dtype) for v in subject.variables} == {"float64"}
    assert_close(
        y, reference.algorithm_1(x, GAMMA, BETA, 1e-3).y, tolerance("float64", n=64, conditioning=1e5)
    )
    assert_close(
        ops.convert_to_numpy(subject.moving_variance), x.var(0, ddof=1), 1e5 * tolerance("float64", n=64)
    )


@pytest.mark.parametrize("axis", [1, -1])
def test_a_mean_of_1e5_standard_deviations(axis):
    x = normal((100_000, 3), mean=1e5, std=1.0)
    expected = reference.algorithm_1(x, GAMMA, BETA, 1e-3)
    subject = layer(axis=axis)
    y = numpy(subject(x, training=True))
    assert_close(y, expected.y, tolerance("float32", n=len(x)))
    assert_close(
        numpy(subject.moving_variance), x.astype("float64").var(0, ddof=1), tolerance("float32", n=len(x))
    )
    assert_close(numpy(subject.moving_mean), expected.mean, tolerance("float32"))


def test_convolutional_input_with_a_mean_of_1e5_standard_deviations():
    x = normal((10, 100, 100, 3), mean=1e5, std=1.0)
    y = numpy(layer()(x, training=True))
    assert_close(y, reference.algorithm_1(x, GAMMA, BETA, 1e-3).y, tolerance("float32", n=values(x.shape)))


@pytest.mark.parametrize("jit_compile", [True, False])
def test_a_mean_of_1e5_standard_deviations_within_fit(jit_compile):
    x = normal((20_000, 3), mean=1e5, std=1.0)
    subject = layer()
    model = keras.Sequential([keras.Input((3,)), subject])
    model.compile("sgd", "mse", jit_compile=jit_compile if BACKEND != "torch" else False)
    model.fit(x, x, batch_size=len(x), verbose=0)
    allowed = tolerance("float32", n=len(x))
    assert_close(numpy(subject.moving_variance), x.astype("float64").var(0, ddof=1), allowed)
    assert_close(numpy(subject.moving_mean), x.astype("float64").mean(0), tolerance("float32"))


def test_inference_is_algorithm_2s_also_far_from_zero():
    x = normal((32, 3), mean=1e5, std=1.0)
    mean, variance = np.float32([1e5 + 0.25, 1e5 - 1, 1e5]), np.float32([1.0, 4.0, 0.25])
    subject = layer(moving_mean_initializer=filled(mean), moving_variance_initializer=filled(variance))
    expected = reference.algorithm_2_inference(x, GAMMA, BETA, mean, variance, 1e-3)
    assert_close(numpy(subject(x)), expected, tolerance("float32"))
    assert_close(numpy(subject(x, training=False)), expected, tolerance("float32"))


def test_zero_variance_gives_beta_and_finite_gradients():
    x = np.full((16, 3), 7.25, "float32")
    by_x, by_variables = gradients(layer(), x, np.ones_like(x))
    assert_close(numpy(layer()(x, training=True)), np.broadcast_to(BETA, x.shape), tolerance("float32"))
    assert np.isfinite(by_x).all()
    assert_close(by_variables["gamma"], np.zeros(3), tolerance("float32"))


def test_without_center_and_scale_there_are_no_trainable_weights():
    x = normal((16, 3))
    subject = normwise.BatchNormalization(center=False, scale=False)
    expected = reference.algorithm_1(x, 1.0, 0.0, 1e-3).y
    assert_close(numpy(subject(x, training=True)), expected, tolerance("float32", n=16))
    assert [v.name for v in subject.variables] == ["moving_mean", "moving_variance", "moving_weight"]


def test_the_order_of_variables_is_keras_order_and_the_weight_comes_last():
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    debiased, exponential = layer(), layer(averaging="exponential")
    for subject in (debiased, exponential):
        subject.build((None, 3))
    assert [v.name for v in debiased.variables] == [*names, "moving_weight"]
    assert [v.name for v in exponential.variables] == names


def test_regularizers_and_constraints_reach_gamma_and_beta():
    subject = layer(
        gamma_regularizer=keras.regularizers.L1(1.0),
        beta_regularizer="l2",
        gamma_constraint="non_neg",
        beta_constraint="max_norm",
    )
    subject.build((None, 3))
    assert_close(numpy(subject.losses[0]), np.abs(GAMMA).sum(), tolerance("float32"))
    assert isinstance(subject.gamma.constraint, keras.constraints.NonNeg)
    assert isinstance(subject.beta.constraint, keras.constraints.MaxNorm)
    assert isinstance(subject.beta.regularizer, keras.regularizers.L2)


class TestMask:
    x = normal((6, 5, 3))
    mask = np.arange(5) < np.array([5, 1, 3, 2, 0, 4])[:, None]

    def poisoned(self):
        x = self.x.copy()
        x[~self.mask] = np.nan
        return x

    def test_only_unmasked_values_count(self):
        subject = layer(averaging="exponential", momentum=0.0)
        y = numpy(subject(self.x, training=True, mask=self.mask))
        seen = self.x[self.mask]
        expected = reference.algorithm_1(seen, GAMMA, BETA, 1e-3)
        allowed = tolerance("float32", n=len(seen))
        assert_close(y[self.mask], expected.y, allowed)
        assert_close(numpy(subject.moving_mean), expected.mean, allowed)
        assert_close(numpy(subject.moving_variance), seen.astype("float64").var(0, ddof=1), allowed)

    def test_masked_nan_reaches_neither_statistics_nor_gradients(self):
        upstream = normal(self.x.shape, seed=1) * self.mask[..., None]
        by_x, by_variables = gradients(layer(), self.poisoned(), upstream.astype("float32"), mask=self.mask)
        slopes = reference.gradients(upstream[self.mask], self.x[self.mask], GAMMA, 1e-3)
        allowed = 4 * tolerance("float32", n=int(self.mask.sum()))
        assert_close(by_x[self.mask], slopes.x, allowed)
        assert_close(by_x[~self.mask], np.zeros_like(by_x[~self.mask]), 0.0)
        assert_close(by_variables["gamma"], slopes.gamma, allowed)

    @pytest.mark.parametrize("padding", [np.inf, np.finfo("float32").max, np.finfo("float32").min])
    def test_padding_that_cannot_be_squared_is_harmless(self, padding):
        x = np.where(self.mask[..., None], self.x, padding).astype("float32")
        upstream = (normal(self.x.shape, seed=1) * self.mask[..., None]).astype("float32")
        subject = layer()
        by_x, by_variables = gradients(subject, x, upstream, mask=self.mask)
        zeros = np.where(self.mask[..., None], self.x, 0.0).astype("float32")
        same_x, by_same = gradients(layer(), zeros, upstream, mask=self.mask)
        assert_close(by_x, same_x, 0.0)
        assert_close(by_variables["gamma"], by_same["gamma"], 0.0)
        subject(x, training=True, mask=self.mask)
        seen = self.x[self.mask].astype("float64")
        assert_close(numpy(subject.moving_variance), seen.var(0, ddof=1), tolerance("float32", n=len(seen)))

    def test_weights_that_are_no_frequencies_count_nothing(self):
        subject, expected = layer(), layer()
        given = np.array([1.0, np.inf, np.nan, -2.0, 3.0, -np.inf], "float32")
        subject(self.x, training=True, sample_weight=given)
        expected(self.x, training=True, sample_weight=np.array([1.0, 0.0, 0.0, 0.0, 3.0, 0.0], "float32"))
        assert_close(numpy(subject.moving_mean), numpy(expected.moving_mean), 0.0)
        assert_close(numpy(subject.moving_variance), numpy(expected.moving_variance), 0.0)

    def test_a_mask_of_the_batch_axis_alone(self):
        keep = np.array([1, 0, 1, 1, 0, 1], bool)
        subject = layer(averaging="exponential", momentum=0.0)
        subject(self.x, training=True, mask=keep)
        assert_close(numpy(subject.moving_variance), self.x[keep].astype("float64").var((0, 1), ddof=1), 1e-5)

    def test_a_fully_masked_batch_leaves_the_statistics_alone(self):
        subject = layer(name="mine")
        with pytest.warns(NormwiseWarning, match="taught the layer 'mine' nothing: at most 0 values"):
            y = numpy(subject(self.poisoned(), training=True, mask=np.zeros((6, 5), bool)))
        assert np.isfinite(y).all()
        assert [numpy(v).tolist() for v in subject.non_trainable_variables] == [
            [0.0] * 3,
            [1.0] * 3,
            [0.0] * 3,
        ]

    def test_keras_hands_the_mask_on(self):
        inputs = keras.Input((None, 3))
        subject = normwise.BatchNormalization(momentum=0.0)
        model = keras.Model(inputs, subject(keras.layers.Masking()(inputs)))
        x = self.x * self.mask[..., None]
        model.compile("sgd", "mse")
        model.fit(x, x, batch_size=6, verbose=0)
        assert_close(numpy(subject.moving_mean), self.x[self.mask].astype("float64").mean(0), 1e-5)

    def test_channels_first(self):
        there = np.ascontiguousarray(np.moveaxis(self.poisoned(), -1, 1))
        last, first = (layer(averaging="exponential", axis=axis) for axis in (-1, 1))
        expected = numpy(last(self.poisoned(), training=True, mask=self.mask))
        y = numpy(first(there, training=True, mask=self.mask))
        assert_close(np.moveaxis(y, 1, -1)[self.mask], expected[self.mask], tolerance("float32", n=15))
        assert_close(numpy(first.moving_mean), numpy(last.moving_mean), tolerance("float32", n=15))

    def test_a_mask_of_another_length_is_refused(self):
        with pytest.raises(
            ValueError,
            match=r"mask of shape \(6, 4\) does not broadcast .* of shape \(6, 5, 3\).*shape \(6, 5\)",
        ):
            layer()(self.x, training=True, mask=self.mask[:, :4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.5}, r"momentum must lie in \[0, 1\], got 1\.5"),
        ({"momentum": float("nan")}, "momentum must lie .* got nan"),
        ({"epsilon": -1e-3}, "epsilon must not be negative, got -0.001"),
        ({"epsilon": float("inf")}, "epsilon must be finite, got inf"),
        (
            {"averaging": "mean"},
            'averaging must be one of "debiased", "exponential", "cumulative", got \'mean\'',
        ),
        ({"virtual_batch_size": 0}, "virtual_batch_size must be at least 1, got 0"),
        ({"virtual_batch_size": 4, "synchronized": True}, "virtual_batch_size=4 makes batches smaller"),
        ({"axis": []}, "axis must name at least one axis, got an empty list"),
        ({"renorm": True, "renorm_clipping": {"r": 1.0}}, r"invalid keys for renorm_clipping: \{'r': 1.0\}"),
        ({"renorm": True, "renorm_clipping": {"rmax": 0, "rmin": 1}}, "got rmax=0.0, rmin=1.0"),
        ({"renorm": True, "renorm_clipping": {"dmax": -1}}, "got dmax=-1.0"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        normwise.BatchNormalization(**arguments)


def test_an_axis_that_the_input_lacks():
    with pytest.raises(ValueError, match=r"axis 2 is not an axis of an input of shape \(4, 3\)"):
        normwise.BatchNormalization(axis=2)(np.zeros((4, 3), "float32"))
    with pytest.raises(ValueError, match=r"axis -1 .* known size, got shape \(None, None\)"):
        normwise.BatchNormalization().build((None, None))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis": 1.5}, "axis must be a whole number, such as -1, got 1.5"),
        ({"axis": "1"}, "axis must be a whole number, such as -1, got '1'"),
        ({"axis": [1.5]}, "axis must be a whole number, such as -1, got 1.5"),
        ({"virtual_batch_size": "4"}, "virtual_batch_size must be a whole number, such as -1, got '4'"),
        ({"axis": True}, "axis must be a whole number, such as -1, got True"),
        ({"momentum": "0.9"}, "momentum must be a number, got '0.9'"),
        ({"momentum": None}, "momentum must be a number, got None"),
        ({"epsilon": [1e-3]}, "epsilon must be a number, got [0.001]"),
        (
            {"renorm": True, "renorm_clipping": 3.0},
            "renorm_clipping must be a dictionary with keys of ['rmax', 'rmin', 'dmax'], got 3.0",
        ),
    ],
)
def test_arguments_of_another_type(arguments, message):
    with pytest.raises(TypeError) as caught:
        normwise.BatchNormalization(**arguments)
    assert str(caught.value) == message


def test_numpy_numbers_are_numbers():
    subject = normwise.BatchNormalization(axis=np.int64(1), momentum=np.float32(0.5), epsilon=np.array(1e-3))
    assert (subject.axis, subject.momentum) == (1, 0.5)
