"""ValidationLoss: the validation loss within an epoch, so that steps to a target are counted finely."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from normwise.core.probe import StepSeen
from normwise.workflows.why_outputs import Outputs, as_logits, row_losses


@dataclasses.dataclass(frozen=True)
class ValidationLoss:
    """The compared loss of a network on validation rows, in inference: by the moving statistics, no dropout.

    Args:
        every: It measures at step 0, and every so many steps from there.
        x: Inputs, (rows, inputs).
        y: Class numbers, or numbers, (rows,).
        outputs: What the network's outputs are.
    """

    every: int
    x: Any
    y: Any
    outputs: Outputs
    name = "validation_loss"
    unit = ""
    definition = "loss on the validation rows, the mean over them: ()"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        return {"": row_losses(as_logits(step.predict(self.x), self.outputs), self.y).mean()}
