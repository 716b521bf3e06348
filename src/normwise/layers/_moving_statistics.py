"""How the moving statistics take in a batch: three ways to average, as functions of tensors."""

from __future__ import annotations

from typing import Any

from keras import ops

from normwise.core.moments import Moments, merge

AVERAGING = ("debiased", "exponential", "cumulative")


def shares(weight: Any, momentum: Any) -> tuple[Any, Any, Any]:
    """What is kept of the past, what is taken of the batch, and the new weight of all batches so far.

    ``w ← m·w + (1 − m)``, ``kept = m·w_old/w``, ``taken = (1 − m)/w``: the first batch replaces what was
    there, and at every step the result is the weighted mean of the batches. w is 1 − mᵗ after t of them.
    Where the weight is None, kept = m and taken = 1 − m: Keras' average.
    """
    if weight is None:
        return momentum, 1.0 - momentum, None
    new = momentum * weight + (1.0 - momentum)
    some = ops.where(new > 0, new, ops.ones_like(new))
    kept = ops.where(new > 0, momentum * weight / some, ops.ones_like(new))
    return kept, (1.0 - momentum) / some, new


def accumulated(count: Any, mean: Any, variance: Any, batch: Moments, ddof: int) -> tuple[Any, Any, Any]:
    """Count, mean and variance of all values so far, the batch's included: the merge of their moments."""
    divisor = ops.where(count > ddof, count - ddof, count)
    whole = merge(Moments(count, mean, variance * divisor), batch, xp=ops)
    return whole.count, whole.mean, whole.variance(ddof=ddof, xp=ops)
