"""The columns of inputs, as several rules look at them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from normwise.core.evidence import Evidence, InputEvidence
from normwise.doctor.calls import behind
from normwise.doctor.rule import NotApplicableError
from normwise.doctor.sampling import FEWEST, channels

ROUNDING = 1e-6
"""A standard deviation of this part of the mean is float32's rounding of a constant."""

Mask = NDArray[np.bool_]


def inputs_of_numbers(evidence: Evidence) -> list[InputEvidence]:
    """The inputs whose values are quantities: not numbers of words, which an embedding takes.

    Raises:
        NotApplicableError: If there is none, or too few rows were probed.
    """
    found = [x for x in evidence.inputs if x.columns and not _is_embedded(evidence, x)]
    if not found:
        raise NotApplicableError("no input of numbers")
    enough = [x for x in found if x.rows >= FEWEST]
    if not enough:
        raise NotApplicableError(f"fewer than {FEWEST} rows were probed")
    return enough


def _is_embedded(evidence: Evidence, x: InputEvidence) -> bool:
    takers = [call for call in behind(evidence.model, f"input:{x.name}") if call.kind != "shape"]
    return bool(takers) and all(call.kind == "embedding" for call in takers)


def is_constant(x: InputEvidence) -> Mask:
    """Which columns have one value, or one value and rounding."""
    rounding = channels(x.stds) <= ROUNDING * abs(channels(x.means))
    return np.asarray(rounding | (channels(x.minima) == channels(x.maxima)))


def varies(x: InputEvidence) -> Mask:
    """Which columns have more than two values: a column of two, as one-hot codes are, needs no scaling."""
    return np.asarray(~is_constant(x) & (np.asarray(x.distinct) > 2))


def is_mostly_one_value(x: InputEvidence) -> Mask:
    """Which columns have half of their values in one place: pixels at the border, counts of rare events.

    Their standard deviation says how rare the other values are, and nothing of the unit.
    """
    return np.asarray(channels(x.upper_quartiles) == channels(x.lower_quartiles))


def column(x: InputEvidence, i: int) -> str:
    """The name of a column in a sentence, where a bare number would not be taken for one."""
    name = x.columns[i]
    return f"column {name}" if name.isdecimal() else name


def named(x: InputEvidence, mask: Mask) -> tuple[str, ...]:
    """Names of the columns of a mask."""
    return tuple(name for name, chosen in zip(x.columns, mask, strict=True) if chosen)
