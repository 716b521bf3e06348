"""Column names: each column has one, and none is shared."""

from __future__ import annotations

from normwise.core.errors import ColumnError, listing


def require_unique(names: list[str], where: str = "") -> list[str]:
    """The names, if no two are equal.

    Raises:
        ColumnError: Naming those that occur more than once.
    """
    doubled = sorted({name for name in names if names.count(name) > 1}, key=names.index)
    if doubled:
        raise ColumnError(
            f"{where}the column names {listing(doubled)} occur more than once. Each needs a name of its "
            "own: rename or remove the others."
        )
    return names
