"""initialization_scales: from how large weights a network still learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from normwise.core.measurement import Curve, Measurement
from normwise.insight.usable_range import median_loss, usable_range

SOURCE = "Ioffe & Szegedy 2015, section 3.3"


def initialization_scales(
    train: Callable[[float], Sequence[float]], scales: Sequence[float], limit: float, variant: str = ""
) -> tuple[Curve, Measurement]:
    """The loss after training by the scale of the initial weights, and how many powers of ten are of use.

    Args:
        train: From a scale to the loss of each seed, trained from initial weights that are so large.
        scales: What to try, rising, above 0; two or more.
        limit: The highest loss that is of use.
        variant: What the records call the network, such as ``"raw"``.

    Returns:
        ``loss_by_initialization_scale``, the median of the seeds with their range, and
        ``usable_initialization_scales`` in decades.

    Raises:
        ValueError: As `normwise.insight.usable_range`.

    Example:
        >>> curve, width = initialization_scales(lambda s: [abs(s - 1.0)] * 3, [0.1, 1.0, 10.0], limit=0.95)
        >>> curve.y, width.value, width.unit
        ((0.9, 0.0, 9.0), 2.0, 'decades')

    Source:
        Ioffe & Szegedy 2015, section 3.3: "more resilient to the parameter scale".
    """
    losses = [[float(loss) for loss in train(scale)] for scale in scales]
    width = usable_range(scales, losses, limit)
    seeds = len(losses[0])
    counted = np.nan_to_num(np.array(losses), nan=np.inf, posinf=np.inf)
    curve = Curve(
        "loss_by_initialization_scale",
        tuple(float(scale) for scale in scales),
        tuple(median_loss(row) for row in losses),
        "initialization scale",
        "",
        seeds,
        f"median loss of {seeds} seeds, and its range; NaN counts as infinite",
        SOURCE,
        tuple(float(v) for v in counted.min(axis=1)),
        tuple(float(v) for v in counted.max(axis=1)),
        variant=variant,
    )
    definition = (
        f"powers of ten of initialization scales with a median loss of at most {limit:.6g}; each that was"
        " tried stands for the space halfway to its neighbours"
    )
    return curve, Measurement(
        "usable_initialization_scales", width, "decades", seeds, definition, SOURCE, variant=variant
    )
