"""The kernels as torch calls them: autograd, second derivatives, the compiler, memory in another order."""

import os

import keras
import numpy as np
import pytest
from tests.kernels.native_arrays import extension
from tests.reference.batch_normalization import algorithm_1, gradients
from tests.reference.tolerance import assert_close, tolerance

if keras.backend.backend() != "torch":
    pytest.skip("this binding is torch's", allow_module_level=True)
extension()

import torch  # noqa: E402

import normwise  # noqa: E402
from normwise.kernels.batch_norm import Channels, Plan, batch_norm, native_call, native_on_torch  # noqa: E402

SHAPE = (40, 6)
EPSILON = 1e-3


@pytest.fixture(autouse=True)
def for_small_arrays_too(monkeypatch):
    monkeypatch.setattr(native_call, "LEAST_SIZE", 0)
    monkeypatch.delenv("NORMWISE_KERNELS", raising=False)


@pytest.fixture
def calls(monkeypatch):
    """The kernels that were called."""
    made = []
    kernel = native_on_torch._kernel
    monkeypatch.setattr(native_on_torch, "_kernel", lambda which, x: made.append(which) or kernel(which, x))
    return made


def given(shape=SHAPE, dtype="float32"):
    random = np.random.default_rng(0)
    x, upstream = random.normal(0.5, 2.0, shape), random.normal(0.2, 1.0, shape)
    gamma, beta = random.uniform(0.5, 2.0, shape[-1:]), random.normal(size=shape[-1:])
    return tuple(torch.tensor(a.astype(dtype)) for a in (x, gamma, beta, upstream))


def normalized(x, gamma, beta, activation=keras.activations.relu):
    axes = tuple(range(x.ndim - 1))
    row = (1,) * len(axes) + (-1,)
    plan = Plan(axes=axes, epsilon=EPSILON, dtype=str(x.dtype).removeprefix("torch."), activation=activation)
    return batch_norm(x, Channels(gamma.reshape(row), beta.reshape(row)), None, plan)


def slopes(x, gamma, beta, upstream, run=normalized):
    inputs = [
        t.clone().requires_grad_() if t is not x else t.detach().requires_grad_() for t in (x, gamma, beta)
    ]
    return torch.autograd.grad((run(*inputs)[0] * upstream).sum(), inputs)


def assert_slopes(found, x, gamma, beta, upstream):
    """Of x, and of γ and β where they are there."""
    x, gamma, beta, upstream = (t.numpy().astype(float) for t in (x, gamma, beta, upstream))
    z = algorithm_1(x, gamma, beta, EPSILON).y
    expected = gradients(upstream * (z > 0), x, gamma, EPSILON)
    for actual, reference in zip(found, expected[: len(found)], strict=True):
        assert_close(actual.numpy(), reference, 4 * tolerance("float32", x[..., 0].size))


def test_gradients(calls):
    arguments = given()
    assert_slopes(slopes(*arguments), *arguments)
    assert calls == ["forward", "backward"]


def test_images_whose_channels_lie_first_in_memory(calls):
    """As convolutions give them: axes in Keras' order, memory in torch's."""
    x, gamma, beta, upstream = given((3, 8, 9, 4))
    x = x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    found = slopes(x, gamma, beta, upstream)
    assert calls == ["forward", "backward"]
    assert found[0].stride() == x.stride()
    assert_slopes(found, x, gamma, beta, upstream)


def test_rows_with_gaps_are_left_to_torch(calls):
    x, gamma, beta, upstream = given((40, 12))
    gaps = x[:, ::2]
    assert_slopes(
        slopes(gaps, gamma[:6], beta[:6], upstream[:, :6]), gaps, gamma[:6], beta[:6], upstream[:, :6]
    )
    assert calls == []


def test_the_switch_turns_them_off(calls, monkeypatch):
    monkeypatch.setenv("NORMWISE_KERNELS", "off")
    arguments = given()
    assert_slopes(slopes(*arguments), *arguments)
    assert calls == []


def test_products_with_the_hessian():
    """Against central differences of the gradient, in float64."""
    x, gamma, beta, direction = given(dtype="float64")
    weights = torch.tensor(np.random.default_rng(3).normal(size=SHAPE))

    def slope(x, twice=False):
        y = normalized(x, gamma, beta, activation=None)[0]
        return torch.autograd.grad((y**3 * weights).sum(), x, create_graph=twice)[0]

    x = x.requires_grad_()
    product = torch.autograd.grad((slope(x, twice=True) * direction).sum(), x)[0]
    step = 1e-5
    there, back = (slope((x + s * direction).detach().requires_grad_()) for s in (step, -step))
    # Differences are off by step² and by ε/step, times derivatives of higher order.
    assert_close(product.numpy(), ((there - back) / (2 * step)).numpy(), 1e5 * (step**2 + 2.0**-52 / step))


def test_values_that_weigh(calls):
    """A weight a row, a weight a step, and one a value, which no kernel has."""
    x, gamma, beta, upstream = given((8, 5, 6))
    plan = Plan(axes=(0, 1), epsilon=EPSILON, dtype="float32", activation=keras.activations.relu)
    random = np.random.default_rng(1)
    for shape, kernels in (((8, 1, 1), 2), ((8, 5, 1), 2), ((8, 5, 6), 0)):
        calls.clear()
        weights = torch.tensor(random.integers(0, 3, shape).astype("float32"))

        def run(x, gamma, beta, weights=weights):
            return batch_norm(x, Channels(gamma[None, None], beta[None, None]), weights, plan)

        found = slopes(x, gamma, beta, upstream, run=run)
        assert len(calls) == kernels
        there = weights.expand(8, 5, shape[-1]).numpy()
        exact = [t.numpy().astype(float) for t in (x, gamma, beta, upstream)]
        z = algorithm_1(*exact[:3], EPSILON, there).y
        expected = gradients(exact[3] * (z > 0), exact[0], exact[1], EPSILON, there)
        for actual, reference in zip(found, expected, strict=True):
            assert_close(actual.numpy(), reference, 4 * tolerance("float32", 40))


def test_weights_follow_the_order_of_memory(calls):
    """Time before rows in memory, as recurrent layers give it."""
    x, gamma, beta, _ = given((5, 8, 6))
    x = x.permute(1, 0, 2)
    weights = torch.tensor(np.random.default_rng(1).integers(0, 3, (8, 5, 1)).astype("float32"))
    plan = Plan(axes=(0, 1), epsilon=EPSILON, dtype="float32")
    y, _ = batch_norm(x, Channels(gamma[None, None], beta[None, None]), weights, plan)
    exact = [t.numpy().astype(float) for t in (x, gamma, beta)]
    assert calls == ["forward"]
    assert_close(y.numpy(), algorithm_1(*exact, EPSILON, weights.numpy()).y, 4 * tolerance("float32", 40))


def test_channels_of_several_axes_in_another_order_of_memory(calls):
    """γ, β and the statistics are in the order of the axes; the kernels would take them as they lie."""
    x, _, _, _ = given((30, 5, 4))
    random = np.random.default_rng(1)
    gamma, beta = (torch.tensor(random.normal(size=(1, 4, 5)).astype("float32")) for _ in range(2))
    plan = Plan(axes=(0,), epsilon=EPSILON, dtype="float32")
    y, moments = batch_norm(x.permute(0, 2, 1), Channels(gamma, beta), None, plan)
    exact = x.permute(0, 2, 1).numpy().astype(float).reshape(30, 20)
    expected = algorithm_1(exact, *(v.numpy().astype(float).ravel() for v in (gamma, beta)), EPSILON)
    assert_close(y.numpy().reshape(30, 20), expected.y, tolerance("float32", 30))
    assert_close(moments.mean.numpy().ravel(), expected.mean, tolerance("float32", 30))
    assert calls == []
    batch_norm(x, Channels(gamma.permute(0, 2, 1), beta.permute(0, 2, 1)), None, plan)
    assert calls == ["forward"]


def test_many_gradients_at_once(calls):
    """They are one tensor to torch, without memory of its own."""
    x, gamma, beta, _ = given()
    upstream = torch.tensor(np.random.default_rng(1).normal(size=(3, *SHAPE)).astype("float32"))
    seen = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(normalized(seen, gamma, beta)[0], seen, upstream, is_grads_batched=True)
    assert calls == ["forward"]
    for each, g in zip(found, upstream, strict=True):
        assert_slopes([each], x, gamma, beta, g)


def test_values_that_torch_negates_when_they_are_read(calls):
    x, gamma, beta, upstream = given()
    found = slopes(torch._neg_view(x), gamma, beta, torch._neg_view(upstream))
    assert_slopes(found, -x, gamma, beta, -upstream)
    assert calls == ["forward", "backward"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(dtype, calls):
    x, gamma, beta, upstream = given((70_001, 3))
    gamma, beta = gamma[:3], beta[:3]
    half = x.to(getattr(torch, dtype)).requires_grad_()
    y, moments = normalized(half, gamma, beta)
    (slope,) = torch.autograd.grad((y * upstream.to(half.dtype)).sum(), half)
    assert calls == ["forward", "backward"]
    assert y.dtype == slope.dtype == half.dtype
    assert float(moments.count.ravel()[0]) == 70_001
    exact = (half.detach(), gamma, beta, upstream.to(half.dtype))
    x, gamma, beta, upstream = (t.to(torch.float64).numpy() for t in exact)
    z = algorithm_1(x, gamma, beta, EPSILON).y
    assert_close(y.detach().to(torch.float64).numpy(), np.maximum(z, 0), tolerance(dtype, 1))
    expected = gradients(upstream * (z > 0), x, gamma, EPSILON).x
    assert_close(slope.to(torch.float64).numpy(), expected, tolerance(dtype, 1))


@pytest.mark.filterwarnings("ignore")  # torch's compiler looks at much of which torch warns
def test_under_torch_compile(calls):
    arguments = given()
    compiled = torch.compile(normalized, backend="aot_eager")
    assert_slopes(slopes(*arguments, run=compiled), *arguments)
    assert calls == ["forward", "backward"]


@pytest.mark.filterwarnings("ignore")  # torch's compiler looks at much of which torch warns
def test_under_torch_compile_with_sizes_that_it_does_not_know(calls):
    """The last batch of an epoch is smaller: torch then compiles for any size."""
    layer = normwise.BatchNormalization(activation="relu")
    layer.build((None, 6))
    compiled = torch.compile(lambda x: layer(x, training=True), backend="aot_eager", dynamic=True)
    _, gamma, beta, upstream = given()
    for rows in (40, 23, 7):
        x = given((rows, 6))[0].requires_grad_()
        (slope,) = torch.autograd.grad((compiled(x) * upstream[:rows]).sum(), x)
        assert_slopes([slope], x.detach(), torch.ones(6), torch.zeros(6), upstream[:rows])
    assert calls == ["forward", "backward"] * 3
    whole = torch.compile(normalized, backend="aot_eager", dynamic=True, fullgraph=True)
    x = given()[0]
    assert_slopes(slopes(x, gamma, beta, upstream, run=whole), x, gamma, beta, upstream)


def test_threads_are_torchs_own_and_as_many():
    """Another pool's would have to wait for torch's, which hold the processors in a loop."""
    slopes(*given())
    if "OpenMP" not in torch.__config__.parallel_info():
        pytest.skip("this torch does not run on OpenMP")
    before = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            assert extension().threads() == count
    finally:
        torch.set_num_threads(before)


def test_what_torch_takes_for_zero_is_zero_on_every_thread():
    """The mode is the calling thread's."""
    x = given((9000, 64))[0] * 1e-40
    before = torch.get_num_threads()
    try:
        if not torch.set_flush_denormal(True):
            pytest.skip("this processor has denormal numbers always")
        found = []
        for count in (1, *[3] * 10):
            torch.set_num_threads(count)
            found.append(normalized(x, torch.ones(64), torch.zeros(64), None)[0])
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
    assert all(torch.equal(found[0].view(torch.int32), other.view(torch.int32)) for other in found[1:])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_goes_on_with_threads_of_its_own():
    """OpenMP's are not there in a child, which would wait for them for ever, as torch itself does there."""
    arguments = given((3000, 300))
    expected = slopes(*arguments)
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        same = all(torch.equal(a, b) for a, b in zip(slopes(*arguments), expected, strict=True))
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore")  # torch's compiler looks at much of which torch warns
def test_a_compiled_program_outlives_the_switch(monkeypatch):
    arguments = given()
    compiled = torch.compile(normalized, backend="aot_eager")
    slopes(*arguments, run=compiled)
    monkeypatch.setenv("NORMWISE_KERNELS", "off")
    assert_slopes(slopes(*arguments, run=compiled), *arguments)


def test_who_looks_on_is_shown_an_operator(calls):
    """Fake tensors have no memory that a kernel could read."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as fake:
        x, gamma, beta, _ = (fake.from_tensor(t) for t in given())
        y, _ = normalized(x, gamma, beta)
    assert y.shape == SHAPE
    assert calls == []
