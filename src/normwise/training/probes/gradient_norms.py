"""GradientNorms: how long the gradient is, whole and layer by layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from normwise.core.probe import StepSeen
from normwise.training.probes._base import BuiltIn


@dataclasses.dataclass(frozen=True)
class GradientNorms(BuiltIn):
    """``‖∂L/∂w‖₂`` over all trainable variables, and over those of each layer; ().

    L is the loss with its penalties, before any clipping, and not scaled by an optimizer's loss scale.

    Example:
        >>> GradientNorms(every=10).name
        'gradient_norm'
    """

    name = "gradient_norm"
    definition = (
        "the Euclidean norm of the batch's loss' gradient by the trainable variables, before clipping"
    )

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        squares: dict[str, Any] = {}
        for path, gradient in step.gradients.items():
            layer = path.rpartition("/")[0]
            squares[layer] = squares.get(layer, 0.0) + jnp.sum(jnp.square(gradient))
        whole = jnp.sqrt(sum(squares.values()))
        return {**{layer: jnp.sqrt(s) for layer, s in squares.items()}, "": whole}
