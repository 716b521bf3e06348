"""Loss: the loss of single batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from normwise.core.probe import StepSeen
from normwise.training.probes._base import BuiltIn


@dataclasses.dataclass(frozen=True)
class Loss(BuiltIn):
    """The loss of the batch that the step is about to learn from; (), penalties included.

    Keras' History has the mean over an epoch, during which the weights move; this is the loss at one place.

    Example:
        >>> Loss(every=10).name
        'loss'
    """

    name = "loss"
    definition = "the batch's loss before the step, penalties included"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        return {"": step.loss}
