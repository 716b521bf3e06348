"""The actions of remedies: each makes another model, and says what it did about which finding."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.core.diagnosis import Finding
from normwise.core.errors import ModelError, did_you_mean
from normwise.core.model_record import ModelRecord
from normwise.core.moments import Moments, merge
from normwise.graph.copy_model import copy_model
from normwise.graph.drop_bias import drop_biases
from normwise.graph.layer_calls import keeps_statistics, path_of
from normwise.graph.layer_paths import layer_paths
from normwise.graph.lower_dropout import lower_dropout
from normwise.graph.raise_precision import raise_precision
from normwise.graph.record_model import record_model
from normwise.graph.scale_inputs import scale_inputs
from normwise.graph.walk import every_layer, matched
from normwise.layers.feature_scaling import FeatureScaling
from normwise.workflows.model_batches import ModelBatches
from normwise.workflows.recalibrate_model import PreparedRecalibration

CONSTANT = 1e-6
"""A column whose standard deviation is not above this, in units of max(1, |mean|), is not scaled."""


class Data(NamedTuple):
    """What a model is mended on: the arguments of `normwise.apply_remedies`."""

    x: Any
    y: Any
    batch_size: int | None


class Done(NamedTuple):
    """What an action did.

    Attributes:
        model: The new model; the given one, if nothing was done.
        done: By the place of a finding, what was done about it.
        left: By the place of a finding, why nothing was.
    """

    model: Any
    done: dict[str, str]
    left: dict[str, str]


Findings = Mapping[str, Finding]
"""By its place in the model as it is now: the path of a layer, or the name of an input."""
Action = Callable[[Any, Findings, Data], Done]


def drop_bias(model: Any, findings: Findings, _: Data) -> Done:
    """Linear layers lose a bias that is subtracted again."""
    new, behind, left = drop_biases(model, record_model(model), list(findings))
    done = {
        path: f"use_bias=False; the moving mean of {', '.join(normalizations)} is less by the bias, so that "
        "the outputs are the same"
        for path, normalizations in behind.items()
    }
    return Done(new, done, left)


def raise_statistics(model: Any, findings: Findings, _: Data) -> Done:
    """Batch normalizations keep their statistics in float32."""
    new, policies, left = raise_precision(model, list(findings))
    done = {
        path: f'dtype="{policy}" in place of "{old}": statistics in float32, computed in as before'
        for path, (old, policy) in policies.items()
    }
    return Done(new, done, left)


def remove_dropout(model: Any, findings: Findings, _: Data) -> Done:
    """Dropout before normalizations is lowered."""
    ratios = {path: (finding.value, finding.threshold) for path, finding in findings.items()}
    new, rates, left = lower_dropout(model, record_model(model), ratios)
    done = {
        path: "; ".join(f"the rate of {name} from {old:g} to {rate:g}" for name, (old, rate) in all_.items())
        + "; train it again"
        for path, all_ in rates.items()
    }
    return Done(new, done, left)


def insert_scaling(model: Any, findings: Findings, data: Data) -> Done:
    """A layer standardizes an input by the mean and the standard deviation of x."""
    record = record_model(model)
    scalings, done, left = {}, {}, {}
    moments = _moments(model, data)
    for name in findings:
        try:
            place = _place(model, name)
            _require_channels_last(record, name, model.inputs[place])
        except ModelError as reason:
            left[name] = str(reason)
            continue
        scalings[place] = _scaling(model, name, model.inputs[place], moments[place])
        rows = int(np.max(moments[place].count))
        done[name] = (
            f"the layer {scalings[place].name} standardizes it by mean and standard deviation of {rows} "
            "values a column; weights are as they were: train it again"
        )
    return Done(scale_inputs(model, scalings) if scalings else model, done, left)


def recalibrate_copy(model: Any, findings: Findings, data: Data) -> Done:
    """The moving statistics become those of x, in a copy; those of frozen layers where a finding says so."""
    if data.x is None:
        return Done(model, {}, dict.fromkeys(findings, "there are no data x to take the statistics of"))
    new = copy_model(model)
    named_old = layer_paths(model)
    twins = {named_old[id(old)]: twin for old, twin in matched(model, new)}
    named = [twins[path] for path in findings if path in twins and keeps_statistics(twins[path])]
    prepared = PreparedRecalibration(new, data.x, data.y, data.batch_size, None, sequential=True, also=named)
    found = prepared.run()
    paths = {path_of(twin): path for path, twin in twins.items()}
    moved = {
        paths[layer.path]: f"moving statistics of {layer.values:g} values a channel: the mean moved by "
        f"{layer.mean_shift:.3g} σ, σ became {layer.std_ratio:.3g} times what it was"
        for layer in found.layers
    }
    whole = f"the moving statistics of {len(moved)} layers are those of x"
    skipped = {paths[layer.path]: layer.reason for layer in found.skipped}
    done = {path: moved.get(path, whole) for path in findings if path not in skipped}
    return Done(new, done, {path: skipped[path] for path in findings if path in skipped})


def _place(model: Any, name: str) -> int:
    names = [tensor.name for tensor in model.inputs]
    if name not in names:
        raise ModelError(f'the model "{model.name}" has no input "{name}". {did_you_mean(name, names)}')
    return names.index(name)


def _require_channels_last(record: ModelRecord, name: str, tensor: Any) -> None:
    takers = [record.layer(taker.layer) for taker in record.takers(f"input:{name}") if taker.layer]
    first = next((layer for layer in takers if layer.config.get("data_format") == "channels_first"), None)
    if first is not None:
        raise ModelError(f"{first.path} takes channels first, and a scaling layer has them last")
    if len(tensor.shape) < 2 or tensor.shape[-1] is None:
        raise ModelError(f"it has the shape {tuple(tensor.shape)}, without a known number of columns")


def _scaling(model: Any, name: str, tensor: Any, moments: Moments) -> FeatureScaling:
    std = np.sqrt(moments.variance())
    varies = std > CONSTANT * np.maximum(1.0, np.abs(moments.mean))
    taken = {layer.name for layer in every_layer(model)}
    free, number = f"{name}_scaling", 1
    while free in taken:
        free, number = f"{name}_scaling_{number}", number + 1
    return FeatureScaling(
        moments.mean.tolist(),
        (1.0 / np.where(varies, std, 1.0)).tolist(),
        name=free,
        dtype=tensor.dtype if keras.backend.is_float_dtype(tensor.dtype) else None,
    )


def _moments(model: Any, data: Data) -> list[Moments]:
    """Of each input, the moments of the last axis over all else, of the values that are there."""
    if data.x is None:
        raise ModelError("there are no data x to take mean and standard deviation of")
    found: list[Moments] | None = None
    batches = ModelBatches(model, data.x, data.y, data.batch_size, None, shuffle=False)
    with closing(batches):
        for batch in batches():
            parts = [_of(np.asarray(keras.ops.convert_to_numpy(a))) for a in keras.tree.flatten(batch)]
            found = parts if found is None else [merge(*pair) for pair in zip(found, parts, strict=True)]
    if found is None:
        raise ModelError("the data x have no row")
    return found


def _of(values: NDArray[Any]) -> Moments:
    return Moments.of(values, axis=tuple(range(values.ndim - 1)), weights=np.isfinite(values))


def gone_through_once(x: Any) -> bool:
    """Whether data can be gone through one time only."""
    return isinstance(x, types.GeneratorType)


ACTIONS: dict[str, tuple[Action, str]] = {
    "drop bias": (drop_bias, "safe"),
    "raise precision": (raise_statistics, "safe"),
    "insert scaling": (insert_scaling, "unsafe"),
    "remove dropout": (remove_dropout, "unsafe"),
    "recalibrate": (recalibrate_copy, "safe"),
}
"""By a remedy's action, what does it and how safe it is, in the order in which they are done: statistics are
measured last, in the network as it will be."""
