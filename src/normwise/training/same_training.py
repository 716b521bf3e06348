"""same_training: whether a checkpoint belongs to this call, and if not, what differs."""

from __future__ import annotations

import json
from typing import Any

import keras

from normwise.core.errors import LONGEST_NAME
from normwise.training.keras_trainer import EpochBatches, random_seed


class _Absent:
    """What stands on one side alone."""

    def __repr__(self) -> str:
        return "absent"


def describe_training(model: Any, batches: EpochBatches, shuffle: Any, initial_epoch: int) -> dict[str, Any]:
    """What must be the same for one training to go on with the state of another, as plain data.

    Names are left out: Keras numbers layers by how many there were before in the process. So is the learning
    rate, which callbacks change.
    """
    adapter = batches.data_adapter
    told = {
        "model": {
            "layers": [_layer(layer) for layer in _layers(model)],
            "weights": [_variable(v) for v in model.trainable_variables],
            "other variables": [_variable(v) for v in model.non_trainable_variables],
        },
        "optimizer": {
            "class": type(model.optimizer).__name__,
            "variables": [_variable(v) for v in model.optimizer.variables],
        },
        "metrics": [_variable(v) for v in model.metrics_variables],
        "loss": _loss(model.loss) if getattr(model, "loss", None) is not None else "none",
        "data": {
            "kind": type(adapter).__name__,
            "rows": getattr(adapter, "_num_samples", None),
            "batch_size": adapter.batch_size,
            "batches an epoch": batches.num_batches,
            "shuffle": shuffle,
        },
        "initial_epoch": initial_epoch,
        "seed of keras.utils.set_random_seed": random_seed(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=_loss))
    return plain


def differences(saved: Any, now: Any, where: str = "") -> list[str]:
    """What differs, a clause each.

    Example:
        >>> differences({"data": {"rows": 10, "shuffle": True}}, {"data": {"rows": 12, "shuffle": True}})
        ['data rows was 10 and is 12']
    """
    if isinstance(saved, dict) and isinstance(now, dict):
        absent = _Absent()
        keys = list(dict.fromkeys([*saved, *now]))
        each = [differences(saved.get(k, absent), now.get(k, absent), f"{where} {k}".strip()) for k in keys]
        return [clause for found in each for clause in found]
    if isinstance(saved, list) and isinstance(now, list):
        if len(saved) != len(now):
            return [f"{where} were {len(saved)} and are {len(now)}"]
        each = [differences(a, b, f"{where} {i}") for i, (a, b) in enumerate(zip(saved, now, strict=True))]
        return [clause for found in each for clause in found]
    return [] if saved == now else [f"{where} was {_shown(saved)} and is {_shown(now)}"]


def _layers(model: Any) -> list[Any]:
    return [
        layer for layer in model._flatten_layers(include_self=False) if not isinstance(layer, keras.Model)
    ]


def _layer(layer: Any) -> dict[str, Any]:
    try:
        config = layer.get_config()
    except NotImplementedError:
        config = {}
    return {"class": type(layer).__name__, **{k: v for k, v in config.items() if k != "name"}}


def _variable(variable: Any) -> str:
    return f"{variable.dtype}{tuple(variable.shape)}"


def _loss(loss: Any) -> Any:
    """A name that another process gives to it too."""
    if isinstance(loss, str):
        return loss
    if isinstance(loss, dict):
        return {str(k): _loss(v) for k, v in loss.items()}
    if isinstance(loss, (list, tuple)):
        return [_loss(v) for v in loss]
    return getattr(loss, "__name__", type(loss).__name__)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"
