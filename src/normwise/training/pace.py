"""Pace: how many steps to take before the callbacks, the progress bar and Ctrl-C are heard again."""

from __future__ import annotations

import math

SECONDS = 0.5
"""About how long the program may run by itself."""
FIRST_STEPS = 16
GROWTH = 16
SHORT_SECONDS = 0.002
"""What takes less is waited for without handing it to a thread, which takes a time of its own."""


class Pace:
    """Steps a call, from the time that the steps before took.

    Args:
        fixed: Keras' `steps_per_execution`, where its owner set it: then every call takes so many.

    Example:
        >>> pace = Pace()
        >>> pace.steps
        16
        >>> pace.took(16, 0.016)
        >>> pace.steps
        256
        >>> pace.took(256, 0.256)
        >>> pace.steps
        500
    """

    def __init__(self, fixed: int = 1) -> None:
        self.fixed = fixed > 1
        self.steps = fixed if self.fixed else FIRST_STEPS
        self._seconds_a_step = math.inf

    def until(self, step: int) -> int:
        """How many steps the call may take that begins with this step of the epoch."""
        return self.steps - step % self.steps if self.fixed else self.steps

    def begins(self, step: int) -> bool:
        """Whether callbacks hear of this step as the first of a chunk; a chunk may be several calls."""
        return not self.fixed or step % self.steps == 0

    def ends(self, step: int) -> bool:
        """Whether callbacks hear of this step as the last of a chunk."""
        return not self.fixed or (step + 1) % self.steps == 0

    def number(self, step: int) -> int:
        """By which number callbacks hear of a last step; Keras counts steps that the data lack, too."""
        return step - step % self.steps + self.steps - 1 if self.fixed else step

    def is_short(self, steps: int) -> bool:
        """Whether so many steps will take less than `SHORT_SECONDS`, as far as the last ones tell."""
        return steps * self._seconds_a_step < SHORT_SECONDS

    def took(self, steps: int, seconds: float) -> None:
        """So many steps took so many seconds."""
        self._seconds_a_step = seconds / steps
        if not self.fixed and seconds > 0:
            self.steps = max(1, min(round(SECONDS * steps / seconds), GROWTH * self.steps))
