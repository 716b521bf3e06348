"""A scaler that could not learn a table is what it was before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def unchanged_if_it_fails(scaler: Any) -> Iterator[None]:
    """Gives the scaler its attributes back if an error leaves the block.

    Attributes are set anew by learning and never altered in place, so that a shallow copy holds them.
    """
    before = dict(vars(scaler))
    try:
        yield
    except BaseException:
        vars(scaler).clear()
        vars(scaler).update(before)
        raise
