"""ValidationLoss: the validation loss within an epoch, so that steps to a target are counted finely."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax.nn import log_softmax

from normwise.core.probe import StepSeen


@dataclasses.dataclass(frozen=True)
class ValidationLoss:
    """The loss of what `why_network` builds on validation rows, in inference: by the moving statistics.

    It is computed from the variables alone, since a probe sees a step and not the model.

    Args:
        every: It measures at step 0, and every so many steps from there.
        x: Inputs, (rows, inputs).
        y: Class numbers, or numbers, (rows,).
        layers: How many hidden layers there are.
        epsilon: That of batch normalization.
    """

    every: int
    x: Any
    y: Any
    layers: int
    epsilon: float
    name = "validation_loss"
    unit = ""
    definition = "loss on the validation rows, the mean over them: ()"

    def measure(self, step: StepSeen) -> Mapping[str, Any]:
        """See `normwise.core.probe.Probe`."""
        h = jnp.asarray(self.x)
        for i in range(1, self.layers + 1):
            h = jnp.tanh(self._normalized(i, _dense(f"hidden_{i}", h, step), step))
        z = _dense("output", h, step)
        if z.shape[1] == 1:
            return {"": jnp.mean((z[:, 0] - self.y) ** 2)}
        return {"": -jnp.mean(log_softmax(z)[jnp.arange(len(self.y)), self.y])}

    def _normalized(self, i: int, h: Any, step: StepSeen) -> Any:
        if not step.normalizations:
            return h
        seen, name = step.normalizations[i - 1], f"normalization_{i}"
        x_hat = (h - seen.moving_mean) / jnp.sqrt(seen.moving_variance + self.epsilon)
        return x_hat * _variable(f"{name}/gamma", step) + _variable(f"{name}/beta", step)


def _dense(name: str, h: Any, step: StepSeen) -> Any:
    bias = f"{name}/bias"
    z = h @ _variable(f"{name}/kernel", step)
    return z + _variable(bias, step) if any(p.endswith(bias) for p in step.variables) else z


def _variable(name: str, step: StepSeen) -> Any:
    (found,) = (value for path, value in step.variables.items() if path.endswith(name))
    return found
