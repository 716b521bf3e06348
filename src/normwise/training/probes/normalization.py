"""NormalizationStatistics: the batch's moments beside the moving ones, in each normalization layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from normwise.core.probe import StepSeen
from normwise.graph.layer_calls import by_call
from normwise.training.probes._base import BuiltIn, require


@dataclasses.dataclass(frozen=True)
class NormalizationStatistics(BuiltIn):
    """The batch's mean and variance of each channel, and the moving ones before the step; (4, channels).

    In this order: ``μ = Σx/m``, ``σ² = Σ(x − μ)²/m``, moving mean, moving variance. They differ by the noise
    of the batches and by how far the averages lag behind: the gap between training and inference. The sums
    are over all values: masks and sample weights do not count here.

    Example:
        >>> NormalizationStatistics(every=10).name
        'normalization'

    Source:
        Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167, Algorithms 1 and 2.
    """

    name = "normalization"
    definition = (
        "batch mean, batch variance (of the population), moving mean and moving variance before the step:"
        " (4, channel)"
    )

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        found = by_call((seen.path, self._moments(seen)) for seen in step.normalizations)
        return require(found, self, "a batch normalization layer")

    def _moments(self, seen: Any) -> Any:
        x = seen.inputs.astype(jnp.float32)
        moments = (x.mean(seen.axes), x.var(seen.axes), seen.moving_mean, seen.moving_variance)
        return jnp.stack([m.ravel().astype(jnp.float32) for m in moments])
