"""The native kernels on torch: custom operators on the CPU, which a compiler leaves as they are."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import torch

from normwise.core.native import called_native
from normwise.kernels.batch_moments import Centered
from normwise.kernels.batch_norm.native_call import NativeCall, behind, native_call
from normwise.kernels.batch_norm.portable import Channels, Plan, Residuals


def call_for(x: Any, channels: Channels, weights: Any, plan: Plan) -> NativeCall | None:
    """The call, or None where the portable formula or torch's own kernel is to be taken.

    The view is that of the memory: an image with the channels last may lie there with the channels first.
    """
    if x.device.type != "cpu" or x.layout is not torch.strided:
        return None
    order = _order(x)
    if order is None or not _in_order(order, plan.axes):
        return None
    in_memory = plan._replace(axes=tuple(order.index(i) for i in plan.axes))
    in_order = None if weights is None else weights.permute(order)
    call = native_call(x.permute(order), channels, in_order, in_memory)
    return None if call is None or behind(plan, call) is not None else call


def _order(x: Any) -> list[int] | None:
    """The axes as they lie in memory without gaps, or None.

    Of a few orders, as a compiler cannot sort strides that it does not know: as seen, the channels first
    where they are seen last and the other way round, time before rows.
    """
    first, *others = range(x.ndim)
    for order in (
        [first, *others],
        [first, *others[-1:], *others[:-1]],
        [first, *others[1:], *others[:1]],
        [*others[:1], first, *others[1:]],
    ):
        if x.permute(order).is_contiguous():
            return order
    return None


def _in_order(order: list[int], axes: tuple[int, ...]) -> bool:
    """Whether channels of several axes lie in memory in the order of γ and β."""
    channels = [i for i in order if i not in axes]
    return channels == sorted(channels)


def forward(x: Any, channels: Channels, weights: Any, plan: Plan, call: NativeCall) -> Any:
    """The same as the portable forward pass, with a rate of None: `backward` has no use for it."""
    gamma, beta = _vectors(x, channels, call)
    run: Any = _run_forward if _eager(x) else _forward
    weights = _flat_weights(x, weights, plan.axes)
    y, *vectors = run(x, gamma, beta, weights, *_plain(call))
    shape = [1 if i in plan.axes else n for i, n in enumerate(x.shape)]
    origin, rest, m2 = (v.view(shape) for v in vectors)
    # The input's own type may have no room for what a channel's values weigh together.
    count = m2.new_full([1] * x.ndim, float(call.view[0] * call.view[2]))
    count = count if weights is None else weights.sum().reshape(count.shape)
    centered = Centered(origin, rest, count, m2)
    return y.to(getattr(torch, plan.dtype)), centered, Residuals(centered, None, None, None)


def backward(
    upstream: Any,
    x: Any,
    channels: Channels,
    weights: Any,
    residuals: Residuals,
    plan: Plan,
    call: NativeCall,
) -> Any:
    """The gradients by x, γ and β, from the input and vectors per channel."""
    gamma, beta = _vectors(x, channels, call)
    centered = residuals.centered
    weights = _flat_weights(x, weights, plan.axes)
    found = (v.view(-1) for v in (centered.origin, centered.rest, centered.m2))
    run: Any = _run_backward if _eager(x) and type(upstream) is torch.Tensor else _backward
    by_x, *slopes = run(upstream.to(x.dtype), x, gamma, beta, *found, weights, *_plain(call))
    like = centered.rest.shape
    given = zip((channels.gamma, channels.beta), slopes, strict=True)
    return by_x, *(None if v is None else slope.view(like).to(v.dtype) for v, slope in given)


def _eager(x: Any) -> bool:
    """Whether nobody looks on who would have to be told what an operator is: then it is called directly."""
    plain = type(x) is torch.Tensor or type(x) is torch.nn.Parameter
    return plain and not torch.compiler.is_compiling() and torch._C._len_torch_dispatch_stack() == 0


@functools.cache
def _share_threads() -> None:
    """Have the kernels run on torch's threads, where torch runs on OpenMP's."""
    everything = ctypes.CDLL(None)
    names = ("GOMP_parallel", "omp_get_max_threads")
    if "OpenMP" not in torch.__config__.parallel_info() or not all(hasattr(everything, n) for n in names):
        return
    called_native().use_openmp(*(ctypes.cast(getattr(everything, n), ctypes.c_void_p).value for n in names))


def _vectors(x: Any, channels: Channels, call: NativeCall) -> tuple[Any, Any]:
    size, dtype = (call.view[1],), torch.promote_types(x.dtype, torch.float32)
    gamma, beta = (None if v is None else v.reshape(size).to(dtype) for v in (channels.gamma, channels.beta))
    gamma = x.new_ones(size, dtype=dtype) if gamma is None else gamma
    beta = x.new_zeros(size, dtype=dtype) if beta is None else beta
    return gamma.contiguous(), beta.contiguous()


def _flat_weights(x: Any, weights: Any, axes: tuple[int, ...]) -> Any:
    """One weight for each position of the channels, in the order of memory."""
    if weights is None:
        return None
    positions = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    dtype = torch.promote_types(x.dtype, torch.float32)
    order = _order(x)
    assert order is not None
    return weights.detach().to(dtype).expand(positions).permute(order).reshape(-1).contiguous()


def _plain(call: NativeCall) -> tuple[list[int], float, int, float]:
    return list(call.view), call.epsilon, call.activation, call.alpha


def _run_forward(
    x: torch.Tensor,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    weights: torch.Tensor | None,
    view: list[int],
    epsilon: float,
    activation: int,
    alpha: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    x = x.resolve_neg()
    y, *vectors = _results(x, gamma, 3)
    addresses = _addresses(x, gamma, beta, weights, y, *vectors)
    _kernel("forward", x)(tuple(view), epsilon, activation, alpha, *addresses)
    return y, *vectors


def _run_backward(
    upstream: torch.Tensor,
    x: torch.Tensor,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    origin: torch.Tensor,
    rest: torch.Tensor,
    m2: torch.Tensor,
    weights: torch.Tensor | None,
    view: list[int],
    epsilon: float,
    activation: int,
    alpha: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    if upstream.stride() != x.stride():
        upstream = torch.empty_like(x).copy_(upstream)
    upstream, x = upstream.resolve_neg(), x.resolve_neg()
    by_x, *vectors = _results(x, gamma, 2)
    given = (upstream, x, gamma, beta, *(v.contiguous() for v in (origin, rest, m2)), weights)
    addresses = _addresses(*given, by_x, *vectors)
    _kernel("backward", x)(tuple(view), epsilon, activation, alpha, *addresses)
    return by_x, *vectors


_operator = functools.partial(torch.library.custom_op, mutates_args=(), device_types="cpu")
_forward = _operator("normwise::batch_norm_forward", _run_forward)
_backward = _operator("normwise::batch_norm_backward", _run_backward)


@_forward.register_fake  # type: ignore[untyped-decorator]
def _(x: Any, gamma: Any, *_others: Any) -> Any:
    return _results(x, gamma, 3)


@_backward.register_fake  # type: ignore[untyped-decorator]
def _(_upstream: Any, x: Any, gamma: Any, *_others: Any) -> Any:
    return _results(x, gamma, 2)


def _results(x: Any, gamma: Any, vectors: int) -> tuple[Any, ...]:
    """Like x, memory included, and vectors over the channels."""
    return torch.empty_like(x), *(torch.empty_like(gamma) for _ in range(vectors))


def _addresses(*tensors: Any) -> list[int]:
    return [0 if t is None else t.data_ptr() for t in tensors]


def _kernel(which: str, x: Any) -> Any:
    # A compiler does not see what is called from here.
    _share_threads()
    return getattr(called_native(), f"batch_norm_{which}_{str(x.dtype).removeprefix('torch.')}")
