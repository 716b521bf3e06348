"""Which rows to hold out, of each class alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def held_out_rows(
    targets: NDArray[np.integer] | int, fraction: float, seed: int, keep: int = 1
) -> NDArray[np.bool_]:
    """A random share of the rows, of each class alike, leaving at least `keep` rows of each class.

    scikit-learn's stratified split refuses a class of one row and may leave a class of two without any to
    learn from.

    Args:
        targets: The class number of each row; or how many rows there are, if they have no class.
        fraction: The share to hold out, in [0, 1).
        seed: The seed.
        keep: Rows of each class that stay.

    Returns:
        (rows,) true where a row is held out.

    Example:
        >>> held = held_out_rows(np.array([0] * 10 + [1] * 2), 0.2, seed=0, keep=2)
        >>> int(held[:10].sum()), int(held[10:].sum())
        (2, 0)
    """
    classes = np.zeros(targets, dtype=np.int64) if isinstance(targets, int) else np.asarray(targets)
    rng = np.random.default_rng(seed)
    held = np.zeros(len(classes), dtype=bool)
    for number in np.unique(classes):
        rows = rng.permutation(np.flatnonzero(classes == number))
        held[rows[: max(0, min(round(fraction * len(rows)), len(rows) - keep))]] = True
    return held
