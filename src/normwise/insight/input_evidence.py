"""input_evidence: the columns, or channels, of an input as the first layer that learns takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from normwise.core.evidence import InputEvidence
from normwise.core.model_record import CallRecord, ModelRecord
from normwise.core.moments import Moments
from normwise.insight._features import Floats, stds
from normwise.insight.condition_number import condition_number

MOST_COLUMNS = 1024
"""Of more columns no condition number is computed."""
MOST_VALUES = 16384
"""Of a column, for the condition number: it needs no more to be known to a few percent."""


class Place(NamedTuple):
    """Where an input is looked at.

    Args:
        name: The input's name.
        call: The call whose output is looked at; "" for the input itself.
        scaled_by: The layer, or the operation, that scales it; "" for none.
        channels_first: Whether the channels are on axis 1.
    """

    name: str
    call: str
    scaled_by: str
    channels_first: bool


def places_of_inputs(record: ModelRecord) -> tuple[Place, ...]:
    """Where each input is looked at: behind layers that scale it, or change its shape alone.

    Where each of several takers scales it, as one by its deviation and one by its quantiles, it is scaled,
    and looked at behind the first.

    An input that only embeddings take holds codes, and is left out.
    """
    names = dict.fromkeys(taken for call in record.calls for taken in call.takes)
    found = (_place(record, name) for name in names if name.startswith("input:"))
    return tuple(place for place in found if place is not None)


def _place(record: ModelRecord, given: str) -> Place | None:
    at, scaled_by = given, ""
    while True:
        takers = record.takers(at)
        if takers and all(taker.kind == "embedding" for taker in takers):
            return None
        each_scales = all(taker.kind == "scaling" for taker in takers)
        step = takers[0] if takers and (len(takers) == 1 or each_scales) else None
        if step is None or len(step.takes) != 1 or step.output or not _passes(step, at == given):
            break
        at = step.name
        if step.kind in ("scaling", "batch normalization", "normalization"):
            scaled_by = step.layer or step.name
    first = any(
        record.layer(taker.layer).config.get("data_format") == "channels_first"
        for taker in takers
        if taker.layer
    )
    return Place(given.removeprefix("input:"), "" if at == given else at, scaled_by, first)


def _passes(call: CallRecord, first: bool) -> bool:
    """Whether it is looked at behind this call: a normalization only where it comes before all else."""
    return call.kind in ("scaling", "shape", "dropout") or (first and "normalization" in call.kind)


def input_evidence(
    place: Place, values: Any, columns: Sequence[str] = (), rows: int | None = None
) -> InputEvidence:
    """The statistics of each column.

    Args:
        place: Where the input was looked at.
        values: (rows,), (rows, columns) or (rows, positions…, channels), of numbers.
        columns: Their names, where they have some.
        rows: How many rows there are, by default as many as `values` has.

    Example:
        >>> x = np.array([[0.0, 1.0], [1.0, 4.0], [1.0, 7.0]])
        >>> found = input_evidence(Place("x", "", "", False), x, ["a", "b"])
        >>> found.columns, found.distinct, found.medians, found.scaled_by
        (('a', 'b'), (2, 3), (1.0, 4.0), '')
    """
    array = np.asarray(values, np.float64)
    rows = len(array) if rows is None else rows
    if array.ndim == 1:
        array = array[:, None]
    if place.channels_first and array.ndim > 2:
        array = np.moveaxis(array, 1, -1)
    positions = int(np.prod(array.shape[1:-1], dtype=int))
    flat = array.reshape(-1, array.shape[-1])
    names = tuple(columns) if len(columns) == flat.shape[1] else tuple(str(i) for i in range(flat.shape[1]))
    with np.errstate(all="ignore"):
        moments = Moments.of(flat, axis=0)
        quartiles = np.quantile(flat, [0.25, 0.5, 0.75, 0.999], axis=0)
        low, high = flat.min(axis=0), flat.max(axis=0)
        two = ((flat == low) | (flat == high)).all(axis=0)
        spreads = stds(flat)
        distinct = np.where(low == high, 1, np.where(two, 2, 3))
        raw, scaled = _condition_numbers(flat, spreads)
    return InputEvidence(
        name=place.name,
        rows=rows,
        values=len(flat),
        positions=positions,
        scaled_by=place.scaled_by,
        columns=names,
        means=_floats(moments.mean),
        stds=_floats(spreads),
        minima=_floats(low),
        maxima=_floats(high),
        lower_quartiles=_floats(quartiles[0]),
        medians=_floats(quartiles[1]),
        upper_quartiles=_floats(quartiles[2]),
        tails=_floats(quartiles[3]),
        distinct=tuple(int(count) for count in distinct),
        condition_number=raw,
        condition_number_scaled=scaled,
    )


def _condition_numbers(flat: Floats, spreads: Floats) -> tuple[float, float]:
    """κ of E[xxᵀ] of the columns that vary, and of the same standardized; NaN where it is not computed."""
    varying = np.isfinite(spreads) & (spreads > 0)
    count = int(varying.sum())
    if not 0 < count <= MOST_COLUMNS or len(flat) <= count or not np.isfinite(flat).all():
        return float("nan"), float("nan")
    some = flat[:: -(-len(flat) // MOST_VALUES)][:, varying]
    about = some - some.mean(axis=0)
    lengths = about.std(axis=0)
    if not (lengths > 0).all():
        return float("nan"), float("nan")
    return condition_number(some), condition_number(about / lengths)


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in np.asarray(values).ravel())
