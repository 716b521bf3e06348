"""feature_spread: how far apart the scales of the features are, and what that does to the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.measurement import Measurement
from normwise.insight._features import checked, stds


def feature_spread(x: Any, columns: Sequence[str], variant: str = "") -> tuple[Measurement, ...]:
    """The standard deviation of each feature, the ratio of the largest to the smallest, and shares.

        spread = maxⱼ σⱼ / minⱼ σⱼ        share of the variance of z = Σⱼ wⱼ xⱼ:  σⱼ² / Σₖ σₖ²

    The weights wⱼ are independent with mean 0 and one variance, as at the start of a training. A constant
    column has standard deviation 0 and is left out of the spread.

    Args:
        x: Features, (rows, features).
        columns: Their names.
        variant: What the records call the data, such as ``"raw"``.

    Returns:
        ``feature_std`` and ``share_of_variance`` of each column, in the unit of the column and as a share,
        and ``feature_spread``, which is NaN where fewer than two columns vary.

    Raises:
        ValueError: If x is no matrix of finite numbers, or the names are not as many as its columns.

    Example:
        >>> found = feature_spread([[0.0, 0.0], [2.0, 200.0]], ["age", "income"])
        >>> [(m.name, m.column, round(m.value, 6)) for m in found[::2]]
        [('feature_std', 'age', 1.0), ('share_of_variance', 'age', 0.0001), ('feature_spread', '', 100.0)]

    Source:
        LeCun, Kanter & Solla 1990, "Second order properties of error surfaces", NIPS.
    """
    values = checked(x, columns)
    found = stds(values)
    rows, varying = len(values), found[found > 0]
    total = float(np.square(found).sum())
    shares = np.square(found) / total if total > 0 else np.full(len(found), np.nan)
    spread = float(varying.max() / varying.min()) if len(varying) > 1 else float("nan")
    deviation = "standard deviation over the rows, divided by n"
    share = "σⱼ² / Σₖ σₖ²: the column's share of the variance of a sum with weights of equal variance"
    ratio = "largest over smallest standard deviation of the columns that vary"
    source = "LeCun, Kanter & Solla 1990"
    return (
        *(
            Measurement("feature_std", float(s), "", rows, deviation, "", column=c, variant=variant)
            for c, s in zip(columns, found, strict=True)
        ),
        *(
            Measurement("share_of_variance", float(s), "", rows, share, "", column=c, variant=variant)
            for c, s in zip(columns, shares, strict=True)
        ),
        Measurement("feature_spread", spread, "", rows, ratio, source, variant=variant),
    )
