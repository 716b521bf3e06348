"""Saturation: the share of activations through which next to nothing is learned, unit by unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from normwise.core.probe import StepSeen
from normwise.core.saturation import DEFINITION, SATURATED
from normwise.graph.layer_calls import by_call
from normwise.training.probes._base import BuiltIn, by_channel, require


@dataclasses.dataclass(frozen=True)
class Saturation(BuiltIn):
    """The share of a unit's activations over the batch that are saturated, from 0 to 1; (units,).

    Saturated is, by the function's output y: ``|y| > 0.97`` of tanh, hard_tanh and softsign; ``|2y − 1| >
    0.97`` of sigmoid and hard_sigmoid; ``y = 0`` of relu; ``y = 0`` or ``y = 6`` of relu6. Other functions
    are left out. A unit with 1 is saturated for the whole batch: with relu, it is dead. Half of relu's
    outputs behind batch normalization are zero by design.

    Example:
        >>> Saturation(every=10).name
        'saturation'
    """

    name = "saturation"
    definition = f"share of each unit's values over the batch with {DEFINITION}: (unit,)"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        found = by_call(
            (
                seen.path,
                jnp.mean(SATURATED[seen.function](by_channel(seen.outputs)), axis=0, dtype=jnp.float32),
            )
            for seen in step.activations
            if seen.function in SATURATED
        )
        return require(found, self, f"a layer with one of the activations {', '.join(SATURATED)}")
