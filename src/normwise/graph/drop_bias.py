"""drop_biases: linear layers without the bias that the batch normalizations behind them subtract again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from keras.layers import EinsumDense

from normwise.core.bias_reach import LINEAR_FUNCTIONS, bias_reach
from normwise.core.errors import ModelError, listing
from normwise.core.model_record import CallRecord, LayerRecord, ModelRecord
from normwise.graph.clone import require_graph
from normwise.graph.kinds import is_linear
from normwise.graph.reconfigure import reached, reconfigured
from normwise.graph.walk import matched
from normwise.kernels.precision import at_least_float32

_MEANS = ("moving_mean", "renorm_mean")


class Dropped(NamedTuple):
    """The model without some biases.

    Attributes:
        model: The new model; the given one, if no bias could be dropped.
        behind: By the path of a layer that lost its bias, the normalizations whose means hold it now.
        left: By the path of a layer that kept its bias, why.
    """

    model: Any
    behind: dict[str, tuple[str, ...]]
    left: dict[str, str]


def drop_biases(model: Any, record: ModelRecord, layers: Sequence[str]) -> Dropped:
    """A copy of a model in which linear layers have no bias, and which computes the same.

    ``BN(Wu + b)`` subtracts in training the batch's mean of ``Wu + b``, which holds b, and at inference the
    moving mean μ: without b, and with μ − b, both give what they gave, but for rounding. So does a sum of
    which ``Wu + b`` is a part, and μ − 2b where it is a part twice. A layer may be called several times, and
    be in a nested model, with its normalization in or outside of it.

    Args:
        model: A Sequential or Functional model. It is left untouched.
        record: What it is made of.
        layers: The paths of the layers that are to lose their bias.

    Returns:
        The new model, what was done, and why some biases were left.

    Raises:
        ValueError: If the model is subclassed, or a layer cannot be rebuilt from its configuration.

    Source:
        Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.2: the bias can be ignored, since its effect is
        cancelled by the subtraction of the mean.
    """
    require_graph(model, "normwise.apply_remedies")
    found = reached(model)
    behind: dict[str, dict[str, int]] = {}
    left: dict[str, str] = {}
    for path in layers:
        try:
            _require_bias(found.get(path), path)
            behind[path] = _only_takers(record, record.layer(path))
            _require_reached(found, behind[path])
        except ModelError as reason:
            behind.pop(path, None)
            left[path] = str(reason)
    if not behind:
        return Dropped(model, {}, left)
    new = reconfigured(model, {id(found[path]): _without_bias(found[path]) for path in behind})
    twins = {id(old): twin for old, twin in matched(model, new)}
    for path, normalizations in behind.items():
        for normalization, times in normalizations.items():
            _subtract(twins[id(found[normalization])], found[path].bias, times)
    return Dropped(new, {path: tuple(paths) for path, paths in behind.items()}, left)


def _require_bias(layer: Any, path: str) -> None:
    if layer is None:
        raise ModelError(f"{path} is inside of a layer that is no model itself, which is not entered")
    if not is_linear(layer) and type(layer) is not EinsumDense:
        raise ModelError(f"{path} is a {type(layer).__name__}; expected a Dense or a convolution of Keras")
    if layer.bias is None or len(layer.bias.shape) != 1:
        raise ModelError(f"{path} has no bias, or one along several axes")
    if layer.quantization_mode is not None or getattr(layer, "lora_enabled", False):
        raise ModelError(f"{path} is quantized, or has LoRA matrices")
    if layer.activity_regularizer is not None:
        raise ModelError(f"{path} has a penalty on what it gives, of which the bias is a part")


def _without_bias(layer: Any) -> dict[str, Any]:
    return {"bias_axes": None} if type(layer) is EinsumDense else {"use_bias": False}


def _only_takers(record: ModelRecord, layer: LayerRecord) -> dict[str, int]:
    """The batch normalizations that alone take a layer's bias, and how many times each has it in its mean."""
    calls = [call for call in record.calls if call.layer == layer.path]
    if not calls:
        raise ModelError(f"the calls of {layer.path} are not known")
    reach = bias_reach(record, layer)
    if reach.output:
        part = (
            "" if reach.output in {call.name for call in calls} else f" a part of what {reach.output} gives,"
        )
        raise ModelError(f"what {layer.path} gives is{part} an output of the model")
    if functions := [call.function for call in calls if call.function not in LINEAR_FUNCTIONS]:
        raise ModelError(f'{layer.path} has an activation, "{functions[0]}"')
    takers = [call for call in record.calls if call.name in reach.takers]
    for taker in takers:
        _require_subtracts(record, layer, reach.channels, taker)
    return {taker.layer: _times(record, layer, reach.takers, taker.layer) for taker in takers}


def _times(record: ModelRecord, layer: LayerRecord, takers: Mapping[str, int], path: str) -> int:
    """How many times a normalization is given a bias, if it is by all of its calls alike."""
    calls = [call for call in record.calls if call.layer == path]
    others = [name for call in calls if call.name not in takers for name in call.takes]
    if others:
        raise ModelError(
            f"{listing([path])} takes what {listing(others)} gives as well, and has one moving mean for both"
        )
    times = {takers[call.name] for call in calls}
    if len(times) > 1:
        raise ModelError(
            f"{path} is given the bias of {layer.path} {min(times)} times in one call and {max(times)} times"
            " in another, and has one moving mean for both"
        )
    return times.pop()


def _require_subtracts(record: ModelRecord, layer: LayerRecord, channels: int, taker: CallRecord) -> None:
    if taker.kind != "batch normalization":
        raise ModelError(f"{taker.name} takes what {layer.path} gives, and is no batch normalization")
    rank = len(taker.shape) + 1
    axis = record.layer(taker.layer).config.get("axis", -1)
    axes = {a % rank for a in (axis if isinstance(axis, (list, tuple)) else [axis])}
    if axes != {channels}:
        raise ModelError(
            f"{taker.layer} normalizes along the axes {sorted(axes)}; the biases of {layer.path} are along "
            f"axis {channels}"
        )


def _require_reached(found: dict[str, Any], paths: Iterable[str]) -> None:
    for path in paths:
        if path not in found:
            raise ModelError(f"{path} is inside of a layer that is no model itself, which is not entered")


def _subtract(normalization: Any, bias: Any, times: int) -> None:
    for name in _MEANS:
        mean = getattr(normalization, name, None)
        if mean is not None:
            less = (_floats(mean) - times * _floats(bias)).astype(at_least_float32(mean.dtype))
            mean.assign(ops.cast(ops.convert_to_tensor(less), mean.dtype))


def _floats(variable: Any) -> Any:
    # By way of float32 at least, since NumPy itself has no bfloat16.
    wide = ops.cast(variable.value, at_least_float32(variable.dtype))
    return np.asarray(ops.convert_to_numpy(wide), np.float64)
