"""compile_like: a model compiled as another one is."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from normwise.core.errors import NormwiseWarning
from normwise.graph.rebuild import rebuild


def compile_like(new: Any, old: Any) -> None:
    """Compile a model as another one is, by an optimizer and metrics of its own that start afresh.

    Warns:
        NormwiseWarning: If the model's class has a compile of its own; the new one then is not compiled.
    """
    if not old.compiled:
        return
    if type(old).compile is not keras.Model.compile:
        warnings.warn(
            f'the new model "{new.name}" is not compiled: {type(old).__name__} has a compile() of its own, '
            "whose arguments are not known. Call it on the new model.",
            NormwiseWarning,
            stacklevel=3,
        )
        return
    # Keras' own way over get_compile_config fails for every loss and metric that is not registered.
    arguments = {name: _fresh(value) for name, value in old._compile_config.config.items()}
    # The optimizer as it is now, and not the argument: its learning rate may have been set since.
    arguments["optimizer"] = rebuild(old.optimizer)
    scaled = isinstance(old.optimizer, keras.optimizers.LossScaleOptimizer)
    new.compile(**arguments, auto_scale_loss=scaled)


def _fresh(value: Any) -> Any:
    if isinstance(value, keras.metrics.Metric):
        return rebuild(value)
    if isinstance(value, dict):
        return {key: _fresh(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_fresh(inner) for inner in value)
    return value
