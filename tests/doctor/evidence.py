"""Evidence made by hand: a healthy network and its data, of which a test changes one thing."""

import dataclasses
import math

from normwise.core.evidence import (
    ActivationEvidence,
    Evidence,
    GradientEvidence,
    InputEvidence,
    LossEvidence,
    NormalizationEvidence,
    TrainingFacts,
)
from normwise.core.model_record import CallRecord, LayerRecord, ModelRecord, VariableRecord

CHANNELS = 4
MANY = 1e18
"""So many values that chance has no part in a threshold."""


def variable(name, *, layer="dense", shape=(CHANNELS,), dtype="float32", trainable=True, decay=0.0):
    return VariableRecord(name, f"{layer}/{name}", shape, dtype, trainable, decay)


def dense(path="dense", *, bias=False, decay=0.0, **config):
    variables = [variable("kernel", layer=path, shape=(4, CHANNELS), decay=decay)]
    if bias:
        variables.append(variable("bias", layer=path))
    return LayerRecord(path, "Dense", "linear", True, tuple(variables), config)


def norm(path="norm", *, trainable=True, dtype="float32", decay=0.0, **config):
    weights = [variable(name, layer=path, decay=decay) for name in ("gamma", "beta")]
    statistics = [
        variable(name, layer=path, dtype=dtype, trainable=False)
        for name in ("moving_mean", "moving_variance")
    ]
    config = {"axis": -1, "momentum": 0.99, **config}
    return LayerRecord(
        path, "BatchNormalization", "batch normalization", trainable, (*weights, *statistics), config
    )


def layer(path, kind, class_name="", **config):
    return LayerRecord(path, class_name or path.capitalize(), kind, True, (), config)


def call(layer, takes, *, function="", shape=(CHANNELS,), output=False, name=""):
    return CallRecord(name or layer.path, layer.path, layer.kind, function, tuple(takes), shape, output)


def chain(*layers, shape=(CHANNELS,), functions=None, **facts):
    """A network of layers one behind the other; the last gives the output."""
    calls, source = [], "input:x"
    for i, record in enumerate(layers):
        function = (functions or {}).get(record.path, "")
        calls.append(call(record, [source], function=function, shape=shape, output=i == len(layers) - 1))
        source = record.path
    facts = {"optimizer": "Adam", "iterations": 1000, "loss": "mean_squared_error", **facts}
    return ModelRecord("net", tuple(layers), tuple(calls), **facts)


def network(**facts):
    """dense → norm → relu → head."""
    return chain(
        dense(), norm(), layer("relu", "activation"), dense("head"), functions={"relu": "relu"}, **facts
    )


def each(value, count=CHANNELS):
    return (float(value),) * count


def normalization(**changes):
    """A call whose moving statistics are those of what it takes; a number is that of each channel."""
    facts = {
        "call": "norm",
        "layer": "norm",
        "by_batch": True,
        "values": 1024.0,
        "values_per_row": 1.0,
        "epsilon": 1e-3,
        "momentum": 0.99,
        "debiased": False,
        "gamma": 1.0,
        "beta": 0.0,
        "moving_mean": 0.5,
        "moving_variance": 2.0,
        "mean": 0.5,
        "variance": 2.0,
        "noisy_mean": 0.5,
        "noisy_variance": 2.0,
        "inference_mean": 0.5,
        "inference_variance": 2.0,
        **changes,
    }
    alone = {"values", "values_per_row", "epsilon", "momentum", "independent_per_row"}
    wide = {k: each(v) if isinstance(v, float) and k not in alone else v for k, v in facts.items()}
    return NormalizationEvidence(**wide)


def table(**changes):
    """Four standardized columns; a number is that of each column."""
    facts = {
        "name": "x",
        "rows": 1000,
        "values": 1000,
        "positions": 1,
        "scaled_by": "",
        "columns": ("a", "b", "c", "d"),
        "means": 0.0,
        "stds": 1.0,
        "minima": (-3.1, -3.2, -3.3, -3.4),
        "maxima": (3.1, 3.2, 3.3, 3.4),
        "lower_quartiles": -0.67,
        "medians": 0.0,
        "upper_quartiles": 0.67,
        "tails": 3.09,
        "distinct": (3, 3, 3, 3),
        "condition_number": 1.5,
        "condition_number_scaled": 1.5,
        **changes,
    }
    alone = {"condition_number", "condition_number_scaled"}
    return InputEvidence(
        **{k: each(v) if isinstance(v, float) and k not in alone else v for k, v in facts.items()}
    )


def activation(**changes):
    facts = {
        "call": "tanh",
        "layer": "tanh",
        "function": "tanh",
        "units": 4,
        "values": 1000,
        "beyond_five": 0.0,
        "saturated": 0.1,
        "dead": 0.0,
        "mean": 0.0,
        "std": 1.0,
        **changes,
    }
    return ActivationEvidence(**facts)


def gradients(*norms, weight_norm=8.0, name="kernel"):
    return tuple(
        GradientEvidence(f"dense_{i}/{name}", f"dense_{i}", name, norm, norm / 64, weight_norm)
        for i, norm in enumerate(norms)
    )


def loss(in_training, at_inference, rows=1000, of_constant=math.nan, **switched):
    return LossEvidence(rows, in_training, at_inference, switched, of_constant)


def evidence(model=None, **facts):
    return Evidence(model or network(), **{"rows": 1000, **facts})


def fitted(batch_size=32, rows=1000, replicas=1):
    return TrainingFacts(batch_size, rows, replicas)


replace = dataclasses.replace
