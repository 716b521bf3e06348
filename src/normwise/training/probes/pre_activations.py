"""PreActivations: how what goes into each activation function is distributed, unit by unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from normwise.core.probe import StepSeen
from normwise.graph.layer_calls import by_call
from normwise.training.probes._base import BuiltIn, by_channel, require
from normwise.training.probes._percentiles import percentiles


@dataclasses.dataclass(frozen=True)
class PreActivations(BuiltIn):
    """Percentiles of the inputs of each activation function over the batch; (percentiles, units).

    The units are on the last axis; positions of images and sequences count like rows. Between two values it
    is interpolated linearly, as `numpy.percentile` does. An activation function is a layer's `activation`
    other than linear, or one of Keras' activation layers; a bare function call in a graph is not seen.

    Args:
        percentiles: Which, from 0 to 100.

    Example:
        >>> PreActivations(every=10).percentiles
        (15.0, 50.0, 85.0)

    Raises:
        ValueError: If a percentile is out of its range, or there is none.

    Source:
        Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167, figure 1 (b, c).
    """

    percentiles: tuple[float, ...] = (15.0, 50.0, 85.0)
    name = "pre_activation"

    def __post_init__(self) -> None:
        if not self.percentiles or not all(0 <= p <= 100 for p in self.percentiles):
            raise ValueError(
                f"percentiles are {self.percentiles}; expected numbers from 0 to 100, at least one"
            )

    @property
    def definition(self) -> str:  # type: ignore[override]
        """What the values are."""
        return f"percentiles {self.percentiles} over the batch of each unit's pre-activations: (which, unit)"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        found = by_call(
            (seen.path, percentiles(by_channel(seen.inputs), self.percentiles)) for seen in step.activations
        )
        return require(found, self, "a layer with an activation other than linear")
