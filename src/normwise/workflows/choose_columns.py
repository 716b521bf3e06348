"""Which columns of a table are scaled: all of numbers, or those that were named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from normwise.core.errors import ColumnError, TableError, did_you_mean, listing


def numeric_columns(schema: Mapping[str, Any]) -> list[str]:
    """The columns of integers, floats and decimals; booleans are none.

    Example:
        >>> import narwhals as nw
        >>> numeric_columns({"age": nw.Int64(), "member": nw.Boolean(), "city": nw.String()})
        ['age']
    """
    return [name for name, dtype in schema.items() if dtype.is_numeric()]


def choose_columns(schema: Mapping[str, Any], columns: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """The columns to scale, in the table's order.

    Args:
        schema: The columns' types.
        columns: Names, or several with commas between them; none means all columns of numbers.
        exclude: The same, of columns that are left as they are.

    Raises:
        ColumnError: If a column is absent, or named in both.
        TableError: If no column is left.

    Example:
        >>> import narwhals as nw
        >>> schema = {"age": nw.Int64(), "a,b": nw.Float64(), "city": nw.String()}
        >>> choose_columns(schema, [], ["age"]), choose_columns(schema, ["a,b"], [])
        (['a,b'], ['a,b'])
    """
    wanted, left_out = require_names(columns, schema), require_names(exclude, schema)
    if both := [name for name in wanted if name in left_out]:
        raise ColumnError(f"--columns and --exclude both name {listing(both)}. Expected one of the two.")
    chosen = wanted or numeric_columns(schema)
    kept = [name for name in schema if name in chosen and name not in left_out]
    if not kept:
        found = listing(f"{name} ({dtype})" for name, dtype in schema.items())
        raise TableError(f"no column of numbers is left to scale. The table has the columns {found}.")
    return kept


def require_names(given: Sequence[str], known: Mapping[str, Any]) -> list[str]:
    """What `names_in` gives, or a ColumnError if one of them is no column."""
    names = names_in(given, known)
    for name in names:
        if name not in known:
            raise ColumnError(f'there is no column "{name}". {did_you_mean(name, known)}')
    return names


def names_in(given: Sequence[str], known: Mapping[str, Any]) -> list[str]:
    """The names in arguments: each is a column's name as it stands, or several with commas between them.

    Example:
        >>> names_in(["a,b", "c,d"], {"a,b": 0, "c": 0})
        ['a,b', 'c', 'd']
    """
    return [name for text in given for name in ([text] if text in known else text.split(","))]
