"""WeightNorms and UpdateRatios: how large the weights are, and how far a step moves them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from normwise.core.probe import StepSeen
from normwise.training.probes._base import BuiltIn


@dataclasses.dataclass(frozen=True)
class WeightNorms(BuiltIn):
    """``‖w‖₂`` of each trainable variable before the step; ().

    Example:
        >>> WeightNorms(every=10).name
        'weight_norm'
    """

    name = "weight_norm"
    definition = "the Euclidean norm of the variable before the step"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        return {path: _norm(value) for path, value in step.variables.items()}


@dataclasses.dataclass(frozen=True)
class UpdateRatios(BuiltIn):
    """``‖w′ − w‖₂ / ‖w‖₂`` of each trainable variable, w′ being what the step makes of w; ().

    Of w = 0 it is infinite.

    Example:
        >>> UpdateRatios(every=10).name
        'update_ratio'
    """

    name = "update_ratio"
    definition = "the norm of what the step adds to the variable, by the norm that it had"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        after = step.variables_after
        return {path: _norm(after[path] - w) / _norm(w) for path, w in step.variables.items()}


def _norm(values: Any) -> Any:
    return jnp.sqrt(jnp.sum(jnp.square(values.astype(jnp.float32))))
