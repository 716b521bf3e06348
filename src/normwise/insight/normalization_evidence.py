"""normalization_evidence: what a batch normalization takes in training and at inference, and what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from normwise.core.evidence import NormalizationEvidence
from normwise.core.model_record import ModelRecord
from normwise.core.moments import Moments
from normwise.insight._evidence_pass import numbers
from normwise.insight._features import Floats
from normwise.insight._row_moments import RowMoments
from normwise.insight._switched_layer import normalizes_by_batch


class Taken(NamedTuple):
    """What a call of a batch normalization took, a channel each, in float64.

    Attributes:
        moments: The moments of all values.
        between: The variance between rows of a row's mean, divided by rows − 1; NaN where there is none.
    """

    moments: Moments
    between: Floats


def taken_sums(found: RowMoments, rows: int) -> dict[str, Any]:
    """What is known of one call, a channel each, by the moments of what it took.

    Args:
        found: The moments, in NumPy or traced.
        rows: How many rows.
    """
    some = found.between is not None and rows > 1
    between = found.between / (rows - 1) if some else found.mean * math.nan
    return {"count": np.full((), found.size), "mean": found.mean, "m2": found.m2, "between": between}


def taken_moments(sums: Mapping[str, Floats]) -> Taken:
    """The moments of these sums."""
    mean, m2, between = (sums[name].ravel() for name in ("mean", "m2", "between"))
    return Taken(Moments(np.full(mean.shape, float(sums["count"])), mean, m2), between)


def normalization_evidence(
    record: ModelRecord,
    layers: Mapping[str, Any],
    rows: int,
    in_training: Mapping[str, Taken],
    noisy: Sequence[Mapping[str, Taken]],
    at_inference: Mapping[str, Taken],
) -> tuple[NormalizationEvidence, ...]:
    """One record a call, in the order of the calls.

    Args:
        record: The model's structure.
        layers: Path to layer.
        rows: How many rows there were.
        in_training: Name of a call to what it took in training, noise off.
        noisy: The same with noise on, draw by draw.
        at_inference: The same at inference.
    """
    return tuple(
        _evidence(record, layers[call.partition("#")[0]], call, rows, found, noisy, at_inference)
        for call, found in in_training.items()
        if call in at_inference and all(call in draw for draw in noisy)
    )


def _evidence(
    record: ModelRecord,
    layer: Any,
    call: str,
    rows: int,
    taken: Taken,
    noisy: Sequence[Mapping[str, Taken]],
    at_inference: Mapping[str, Taken],
) -> NormalizationEvidence:
    found, later = taken.moments, at_inference[call].moments
    draws = [draw[call].moments for draw in noisy]
    made = record.call(call)
    values = float(np.min(found.count))
    channels = len(found.mean)
    return NormalizationEvidence(
        call=call,
        layer=call.partition("#")[0],
        by_batch=normalizes_by_batch(layer) and not (made and made.inference),
        values=values,
        values_per_row=values / rows,
        epsilon=float(layer.epsilon),
        momentum=float(layer.momentum) if isinstance(layer.momentum, (int, float)) else float("nan"),
        debiased=getattr(layer, "averaging", "exponential") != "exponential",
        gamma=_weights(getattr(layer, "gamma", None), 1.0, channels),
        beta=_weights(getattr(layer, "beta", None), 0.0, channels),
        moving_mean=_weights(layer.moving_mean, 0.0, channels),
        moving_variance=_weights(layer.moving_variance, 1.0, channels),
        mean=_floats(found.mean),
        variance=_floats(found.variance()),
        noisy_mean=_floats(np.mean([draw.mean for draw in draws], axis=0)),
        noisy_variance=_floats(np.mean([draw.variance() for draw in draws], axis=0)),
        inference_mean=_floats(later.mean),
        inference_variance=_floats(later.variance()),
        rectified=_is_rectified(record, call),
        independent_per_row=_independent_per_row(taken, values / rows),
    )


def gap(evidence: NormalizationEvidence) -> float:
    """How far the moving statistics are from those of the rows: median |Δμ|/σ + median |log σ̃²/σ²|."""
    mean, variance, moving_mean, moving_variance = (
        np.array(v)
        for v in (evidence.mean, evidence.variance, evidence.moving_mean, evidence.moving_variance)
    )
    some = variance > 0
    if not some.any():
        return 0.0
    with np.errstate(all="ignore"):
        shift = np.abs(mean - moving_mean)[some] / np.sqrt(variance[some])
        ratio = np.abs(np.log((moving_variance + evidence.epsilon) / (variance + evidence.epsilon)))[some]
    return float(np.nan_to_num(np.median(shift) + np.median(ratio), nan=np.inf))


def _independent_per_row(taken: Taken, values_per_row: float) -> float:
    """Of P independent values the mean has the variance σ²/P."""
    variance = taken.moments.variance()
    some = (variance > 0) & np.isfinite(variance) & np.isfinite(taken.between)
    if not some.any():
        return math.nan
    with np.errstate(divide="ignore"):  # rows whose means are all alike
        worth = float(np.median(variance[some] / taken.between[some]))
    return min(max(worth, 1.0), values_per_row)


def _weights(variable: Any, absent: float, channels: int) -> tuple[float, ...]:
    if variable is None:
        return (absent,) * channels
    return _floats(numbers(variable.value).ravel())


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in np.asarray(values).ravel())


def _is_rectified(record: ModelRecord, name: str) -> bool:
    call = record.call(name)
    if call is None:
        return False
    if call.function:
        return call.function == "relu"
    takers = record.takers(name)
    return (
        bool(takers)
        and not call.output
        and all(taker.kind == "activation" and taker.function == "relu" for taker in takers)
    )
