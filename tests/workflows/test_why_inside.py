"""What the networks of `why` are measured on."""

from __future__ import annotations

import numpy as np

from normwise.workflows.why_inside import ROWS, measured_rows


def test_rows_of_a_sorted_table_are_drawn_from_all_of_it() -> None:
    """Of 8,192 rows sorted by a target of two classes alike, half are of each to within four errors."""
    drawn = measured_rows(8192)
    assert len(np.unique(drawn)) == len(drawn) == ROWS
    assert (np.diff(drawn) > 0).all()
    assert abs((drawn < 4096).mean() - 0.5) < 4 * 0.5 / np.sqrt(ROWS)
    np.testing.assert_array_equal(measured_rows(ROWS), np.arange(ROWS))
