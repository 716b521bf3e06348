"""BatchNormalization against the float64 reference: every kind of input and argument, three steps, inference.

On whichever backend this process runs (KERAS_BACKEND).
"""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from tests.layers.data import normal
from tests.layers.gradients import gradients, numpy
from tests.reference.batch_normalization_layer import ReferenceLayer
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.kernels.batch_norm import native_call

BACKEND = keras.backend.backend()
SCHEDULE = keras.optimizers.schedules.InverseTimeDecay(0.9, decay_steps=1, decay_rate=0.5)
POLICIES = ["float32", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16"]


@dataclasses.dataclass(frozen=True)
class Case:
    """An input and a layer; masks and weights by the shape they are given in, and the one they stand for."""

    shape: tuple[int, ...]
    axis: Any = -1
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    mask: tuple[int, ...] = ()
    sample_weight: tuple[int, ...] = ()
    covers: tuple[int, ...] = ()

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels' axes."""
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return tuple(sorted(a % len(self.shape) for a in axes))

    def reference_layout(self, values: Any) -> Any:
        """(rows, values a row, channels), of an array that broadcasts to the input."""
        last = np.moveaxis(np.broadcast_to(values, self.shape), self.channels, range(-len(self.channels), 0))
        rest = last.shape[: -len(self.channels)]
        return last.reshape(rest[0], int(np.prod(rest[1:])), -1)

    def batch(self, seed: int) -> tuple[Any, Any, dict[str, Any]]:
        """An input, the weights that its values have, and the call's arguments; NaN where nothing counts."""
        random = np.random.default_rng(seed)
        x, call, weights = normal(self.shape, seed=seed), {}, None
        if self.mask:
            call["mask"] = random.uniform(size=self.mask) < 0.7
            weights = call["mask"].reshape(self.covers).astype("float64")
        if self.sample_weight:
            call["sample_weight"] = random.integers(0, 4, self.sample_weight).astype("float32")
            given = call["sample_weight"].reshape(self.covers)
            weights = given if weights is None else weights * given
        if weights is not None:
            x[np.broadcast_to(weights == 0, self.shape)] = np.nan
        return x, weights, call


def schedule_in_numpy(step):
    return 0.9 / (1 + 0.5 * step)


SHAPES = [(16, 5), (8, 6, 5), (6, 4, 5, 3), (4, 3, 2, 4, 3)]
CASES = {
    **{f"rank {len(s)}": Case(s) for s in [(16, 5), (8, 6, 5), (6, 4, 5, 3), (4, 3, 2, 4, 3)]},
    **{
        f"rank {len(s)}, axis 1": Case(s, axis=1) for s in [(16, 5), (8, 6, 5), (6, 4, 5, 3), (4, 3, 2, 4, 3)]
    },
    "axes 1 and -1": Case((8, 4, 5, 3), axis=(1, -1)),
    "axes 2 and 3, unsorted": Case((8, 4, 5, 3), axis=(3, 2)),
    "axis 0": Case((3, 8, 4), axis=0),
    "one channel": Case((16, 1)),
    "mask (batch, time)": Case((8, 6, 5), mask=(8, 6), covers=(8, 6, 1)),
    "mask (batch, time), channels first": Case((8, 5, 6), axis=1, mask=(8, 6), covers=(8, 1, 6)),
    "mask, as many steps as channels, first": Case((8, 6, 6), axis=1, mask=(8, 6), covers=(8, 1, 6)),
    "mask, as many steps as channels, last": Case((8, 6, 6), mask=(8, 6), covers=(8, 6, 1)),
    "mask, one channel": Case((8, 6, 1), mask=(8, 6), covers=(8, 6, 1)),
    "mask, one channel first": Case((8, 1, 6), axis=1, mask=(8, 6), covers=(8, 1, 6)),
    "mask (batch,)": Case((16, 5), mask=(16,), covers=(16, 1)),
    "mask (batch,), images": Case((16, 3, 2, 5), mask=(16,), covers=(16, 1, 1, 1)),
    "mask (batch, height), images": Case((6, 5, 4, 3), mask=(6, 5), covers=(6, 5, 1, 1)),
    "mask of the input's rank": Case((8, 6, 5), mask=(8, 6, 1), covers=(8, 6, 1)),
    "mask of the input's shape": Case((16, 5), mask=(16, 5), covers=(16, 5)),
    "mask that is the same for all rows": Case((8, 6, 5), mask=(1, 6), covers=(1, 6, 1)),
    "mask, axes 1 and 3": Case((8, 3, 5, 4), axis=(1, 3), mask=(8, 5), covers=(8, 1, 5, 1)),
    "weights (batch,)": Case((16, 5), sample_weight=(16,), covers=(16, 1)),
    "weights (batch, time)": Case((8, 6, 5), sample_weight=(8, 6), covers=(8, 6, 1)),
    "weights and mask": Case((8, 6, 5), mask=(8, 6), sample_weight=(8, 6), covers=(8, 6, 1)),
    "epsilon 0": Case((16, 5), arguments={"epsilon": 0.0}),
    "tanh": Case((16, 5), arguments={"activation": "tanh"}),
    "tanh, mask": Case((8, 6, 5), arguments={"activation": "tanh"}, mask=(8, 6), covers=(8, 6, 1)),
    "momentum 0": Case((16, 5), arguments={"momentum": 0.0}),
    "scheduled momentum": Case((16, 5), arguments={"momentum": SCHEDULE}),
    **{
        f"{averaging}, {'unbiased' if unbiased else 'biased'}": Case(
            (6, 3, 5), arguments={"averaging": averaging, "unbiased": unbiased}
        )
        for averaging in ("debiased", "exponential", "cumulative")
        for unbiased in (True, False)
    },
    "cumulative, mask": Case((8, 6, 5), arguments={"averaging": "cumulative"}, mask=(8, 6), covers=(8, 6, 1)),
    "ghost batches": Case((16, 5), arguments={"virtual_batch_size": 4}),
    "ghost batches, the last smaller": Case((16, 5), arguments={"virtual_batch_size": 5}),
    "ghost batches, larger than the batch": Case((16, 5), arguments={"virtual_batch_size": 32}),
    "ghost batches of one row": Case((6, 4, 5), arguments={"virtual_batch_size": 1}),
    "ghost batches, axis 1": Case((10, 5, 4), axis=1, arguments={"virtual_batch_size": 4}),
    "ghost batches, mask": Case(
        (10, 6, 5), arguments={"virtual_batch_size": 4}, mask=(10, 6), covers=(10, 6, 1)
    ),
    "ghost batches, mask of the steps": Case(
        (10, 6, 5), arguments={"virtual_batch_size": 4}, mask=(1, 6), covers=(1, 6, 1)
    ),
    "ghost batches, weights": Case(
        (10, 5), arguments={"virtual_batch_size": 4}, sample_weight=(10,), covers=(10, 1)
    ),
    "ghost batches, cumulative": Case(
        (10, 5), arguments={"virtual_batch_size": 4, "averaging": "cumulative"}
    ),
    "renorm": Case((16, 5), arguments={"renorm": True}),
    "renorm, images": Case((4, 3, 5, 2), arguments={"renorm": True, "renorm_momentum": 0.5}),
    "renorm, clipped": Case(
        (8, 5), arguments={"renorm": True, "renorm_clipping": {"rmin": 0.9, "rmax": 1.1, "dmax": 0.1}}
    ),
    "renorm, exponential": Case((16, 5), arguments={"renorm": True, "averaging": "exponential"}),
    "renorm as in Keras": Case(
        (16, 5), arguments={"renorm": True, "averaging": "exponential", "unbiased": False}
    ),
    "renorm, cumulative": Case((16, 5), arguments={"renorm": True, "averaging": "cumulative"}),
    "renorm, scheduled": Case((16, 5), arguments={"renorm": True, "renorm_momentum": SCHEDULE}),
    "renorm, mask": Case((8, 6, 5), arguments={"renorm": True}, mask=(8, 6), covers=(8, 6, 1)),
    "renorm, ghost batches": Case((10, 5), arguments={"renorm": True, "virtual_batch_size": 4}),
    "renorm, ghost batches, mask": Case(
        (10, 6, 5), arguments={"renorm": True, "virtual_batch_size": 4}, mask=(10, 6), covers=(10, 6, 1)
    ),
}


FEW = [
    "rank 4",
    "mask (batch, time), channels first",
    "weights (batch, time)",
    "tanh",
    "renorm, images",
    "ghost batches, the last smaller",
    "axes 1 and -1",
]
"""One of each kind, where all would take long."""


def taken_by_kernels(case):
    """Whether the native kernels know such a batch; the others of the cases are the portable path's."""
    side_by_side = len(case.channels) == case.channels[-1] - case.channels[0] + 1
    inner = int(np.prod(case.shape[case.channels[-1] + 1 :]))
    weighted = case.mask or case.sample_weight or case.arguments.get("renorm")
    ghost = case.arguments.get("virtual_batch_size", 0)
    return side_by_side and inner == 1 and not weighted and not ghost and BACKEND in ("jax", "torch")


PATHS = [
    *((name, "portable") for name in CASES),
    *((name, "native") for name, case in CASES.items() if taken_by_kernels(case)),
]


@pytest.fixture
def choose(monkeypatch):
    """A function that has the layer compute by this path, however small the batch is."""

    def choose(path):
        if path == "native":
            pytest.importorskip("normwise._native", reason="the kernels are not built here")
            monkeypatch.setattr(native_call, "LEAST_SIZE", 0)
        monkeypatch.setenv("NORMWISE_KERNELS", "on" if path == "native" else "off")

    return choose


def shape_of(case):
    return tuple(case.shape[a] for a in case.channels)


def gamma_and_beta(case):
    random = np.random.default_rng(7)
    return random.uniform(0.5, 2.0, shape_of(case)), random.normal(size=shape_of(case))


def reference_for(case):
    names = {
        "virtual_batch_size": "group",
        "renorm_clipping": "clipping",
    }
    given = {names.get(k, k): schedule_in_numpy if v is SCHEDULE else v for k, v in case.arguments.items()}
    if given.get("activation") == "tanh":
        given.update(activation=np.tanh, slope=lambda z: 1 - np.tanh(z) ** 2)
    gamma, beta = gamma_and_beta(case)
    return ReferenceLayer(gamma.reshape(-1), beta.reshape(-1), **given)


def layer_for(case, **more):
    layer = normwise.BatchNormalization(axis=case.axis, **case.arguments, **more)
    layer.build(case.shape)
    gamma, beta = gamma_and_beta(case)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer


def allowed_for(case, dtype="float32"):
    # Renormalization divides twice, by the batch's deviation and by the moving one.
    return tolerance(dtype, n=int(np.prod(case.shape)), conditioning=2.0)


def weights_of(case, weights):
    return None if weights is None else case.reference_layout(weights)


def assert_statistics(layer, reference, allowed):
    mean, variance = reference.statistics()
    assert_close(numpy(layer.moving_mean).reshape(-1), mean, allowed)
    assert_close(numpy(layer.moving_variance).reshape(-1), variance, allowed)


@pytest.mark.parametrize("name", CASES if BACKEND != "jax" else FEW)
def test_three_steps_and_inference(name):
    case = CASES[name]
    layer, reference, allowed = layer_for(case), reference_for(case), allowed_for(case)
    for seed in range(3):
        x, weights, call = case.batch(seed)
        expected = reference.train(case.reference_layout(x), weights_of(case, weights))
        y = numpy(layer(x, training=True, **call))
        assert_close(case.reference_layout(y), expected, allowed)
        assert_statistics(layer, reference, allowed)
    x = normal(case.shape, seed=9)
    assert_close(case.reference_layout(numpy(layer(x))), reference.infer(case.reference_layout(x)), allowed)


@pytest.mark.parametrize(("name", "path"), PATHS)
def test_three_steps_compiled_once_and_the_gradients_after_them(name, path, choose):
    """The gradients of the third batch. On torch, where nothing is compiled, the layer itself steps."""
    choose(path)
    case = CASES[name]
    layer, reference, allowed = layer_for(case), reference_for(case), allowed_for(case)
    step, traces = (functools.partial(layer, training=True), [1]) if BACKEND == "torch" else compiled(layer)
    for seed in range(3):
        x, weights, call = case.batch(seed)
        expected = reference.train(case.reference_layout(x), weights_of(case, weights))
        assert_close(case.reference_layout(numpy(step(x, **call))), expected, allowed)
        assert_statistics(layer, reference, allowed)
    assert len(traces) == 1
    upstream = normal(case.shape, seed=5, mean=0.3)
    there = case.reference_layout(upstream)
    expected = reference.gradients(there, case.reference_layout(x), weights_of(case, weights))
    by_x, by_variables = gradients(layer, x, upstream, **call)
    # Where NaN was read as 0, nothing depends on the input.
    unread = np.isnan(case.reference_layout(x))
    assert_close(case.reference_layout(by_x), np.where(unread, 0.0, expected.x), 4 * allowed)
    assert_close(by_variables["gamma"].reshape(-1), expected.gamma, 4 * allowed)
    assert_close(by_variables["beta"].reshape(-1), expected.beta, 4 * allowed)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", FEW)
def test_half_precision_inputs_cost_their_own_digits_alone(name, policy):
    """What is kept per channel is as exact as in float32; y and the gradient by x are rounded once."""
    case = CASES[name]
    compute = keras.DTypePolicy(policy).compute_dtype
    layer, reference = layer_for(case, dtype=policy), reference_for(case)
    x, weights, call = case.batch(0)
    x = ops.cast(ops.convert_to_tensor(x), compute)
    exact = case.reference_layout(numpy(x))
    expected = reference.train(exact, weights_of(case, weights))
    y = layer(x, training=True, **call)
    assert keras.backend.standardize_dtype(y.dtype) == compute
    assert_close(case.reference_layout(numpy(y)), expected, tolerance(compute) + allowed_for(case))
    assert_statistics(layer, reference, allowed_for(case))
    upstream = numpy(ops.cast(normal(case.shape, seed=5, mean=0.3), compute))
    slopes = reference_for(case).gradients(case.reference_layout(upstream), exact, weights_of(case, weights))
    by_x, by_variables = gradients(layer_for(case, dtype=policy), x, upstream.astype("float32"), **call)
    by_x, unread = case.reference_layout(by_x), np.isnan(exact)
    allowed = 4 * allowed_for(case)
    assert_close(by_x, np.where(unread, 0.0, slopes.x), tolerance(compute) + allowed)
    assert_close(by_variables["gamma"].reshape(-1), slopes.gamma, allowed)
    assert_close(by_variables["beta"].reshape(-1), slopes.beta, allowed)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the others have one compiler")
@pytest.mark.parametrize("name", [*FEW, "rank 2", "axes 2 and 3, unsorted", "mask of the input's rank"])
def test_by_xla_as_in_fit_it_equals_the_reference(name):
    case = CASES[name]
    layer, reference, allowed = layer_for(case), reference_for(case), allowed_for(case)
    step, _ = compiled(layer, jit_compile=True)
    for seed in range(3):
        x, weights, call = case.batch(seed)
        expected = reference.train(case.reference_layout(x), weights_of(case, weights))
        assert_close(case.reference_layout(numpy(step(x, **call))), expected, allowed)
        assert_statistics(layer, reference, allowed)


def compiled(layer, jit_compile=False):
    """One training step as a compiled program, and the list of its traces; `jit_compile` is TensorFlow's."""
    traces = []
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=jit_compile)
        def pure(x, call):
            traces.append(1)
            return layer(x, training=True, **call)

        def step(x, **call):
            return pure(*tensors(x, call))

        return step, traces
    import jax

    @jax.jit
    def pure(trainable, others, x, call):
        traces.append(1)
        return layer.stateless_call(trainable, others, x, training=True, **call)

    def step(x, **call):
        trainable, others = layer.trainable_variables, layer.non_trainable_variables
        y, moved = pure([v.value for v in trainable], [v.value for v in others], *tensors(x, call))
        for variable, value in zip(layer.non_trainable_variables, moved, strict=True):
            variable.assign(value)
        return y

    return step, traces


def tensors(x, call):
    return ops.convert_to_tensor(x), {k: ops.convert_to_tensor(v) for k, v in call.items()}


@pytest.mark.parametrize("activation", ["relu", "softmax", "gelu", "leaky_relu"])
def test_an_activation_in_the_layer_is_one_behind_it(activation):
    x, upstream = normal((16, 5)), normal((16, 5), seed=1, mean=0.2)
    case = Case((16, 5))
    inside = layer_for(Case((16, 5), arguments={"activation": activation}))
    behind = keras.Sequential([keras.Input((5,)), layer_for(case), keras.layers.Activation(activation)])
    allowed = allowed_for(case)
    assert_close(numpy(inside(x, training=True)), numpy(behind(x, training=True)), allowed)
    assert_close(numpy(inside(x)), numpy(behind(x)), allowed)
    (by_x, by_inside), (same_x, by_behind) = (gradients(m, x, upstream) for m in (inside, behind))
    assert_close(by_x, same_x, 4 * allowed)
    for name in ("gamma", "beta"):
        assert_close(by_inside[name], by_behind[name], 4 * allowed)
