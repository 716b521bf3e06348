"""BestOfMembers: of each of several models, the weights of the epoch with the lowest loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class BestOfMembers:
    """Looks at the end of every epoch, and copies on the device.

    Args:
        name: Which of the logs is looked at; a loss, of which less is better.
        patience: A member whose loss has not fallen for so many epochs is done; None: none is before the end.
        members: How many there are.

    Attributes:
        epochs: The best epoch of each member, from 0; None where no loss was finite.
        done: Whether each member is done; what it would do later does not count.
        variables: What is kept, the variables side by side; None before the first epoch.
    """

    def __init__(self, name: str, patience: int | None, members: int) -> None:
        self.name, self.patience = name, patience
        self.epochs: list[int | None] = [None] * members
        self.done = [False] * members
        self.variables: Any = None
        self._losses = [math.inf] * members

    def look(self, epoch: int, logs: Sequence[dict[str, float]], variables: Any) -> None:
        """Keeps the variables of the members that are better than ever."""
        if self.name not in logs[0]:
            names = ", ".join(f'"{name}"' for name in logs[0])
            raise ValueError(f'keep_best="{self.name}" is not among the logs of an epoch; they are {names}')
        better = [
            log[self.name] < least and not d
            for log, least, d in zip(logs, self._losses, self.done, strict=True)
        ]
        self.variables = _where(np.array(better), variables, self.variables or variables)
        for i, log in enumerate(logs):
            if better[i]:
                self._losses[i], self.epochs[i] = log[self.name], epoch
            elif self.patience is not None:
                best = self.epochs[i]
                self.done[i] = self.done[i] or epoch - (-1 if best is None else best) >= self.patience


@jax.jit
def _where(members: Any, these: Any, those: Any) -> Any:
    def chosen(this: Any, that: Any) -> Any:
        return jnp.where(members.reshape(-1, *[1] * (this.ndim - 1)), this, that)

    return jax.tree.map(chosen, these, those)
