"""What a scaling may be told, and what contradicts what."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from normwise.core.errors import NormwiseError, listing
from normwise.workflows.scaler_methods import METHODS


@dataclasses.dataclass(frozen=True)
class ScaleOptions:
    """What `scale_table` and `describe_table` may be told.

    Args:
        method: One of `METHODS`, to learn a scaler from the table.
        settings: Options of the method, as `scaler_of_method` takes them.
        scaler: A saved scaler to apply, instead of a method.
        inverse: Whether it is applied backwards: from scaled values to values in their own units.
        save_scaler: Where the scaler that was learned is saved.
        columns: The columns to scale, by default all of numbers; also several names with commas between.
        exclude: Columns to leave as they are.
        format: The tables' format, where their names do not tell.
        encoding: The text encoding of CSV files.
        overwrite: Whether files that exist are replaced.
    """

    method: str | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    scaler: Path | None = None
    inverse: bool = False
    save_scaler: Path | None = None
    columns: Sequence[str] = ()
    exclude: Sequence[str] = ()
    format: str | None = None
    encoding: str = "utf-8"
    overwrite: bool = False


def require_scaling(options: ScaleOptions) -> None:
    """Raises a NormwiseError unless the options say how to scale."""
    if options.scaler is not None:
        told = [name for name in _told(options) if name not in ("--scaler", "--inverse", "--exclude")]
        if told:
            raise NormwiseError(
                f"--scaler {options.scaler} is a scaler with its method and its columns; {told[0]} is for "
                "one that is learned. Leave out one of the two."
            )
    elif options.inverse:
        raise NormwiseError("--inverse needs the scaler that scaled the table: name it by --scaler FILE.")
    elif options.method is None:
        raise NormwiseError(
            f"no method was named. Expected --method and one of {listing(METHODS)}, or a saved scaler: "
            "--scaler FILE."
        )


def require_describing(out: Path | None, options: ScaleOptions) -> None:
    """Raises a NormwiseError if the options say how to scale, where nothing is scaled."""
    told = [] if out is None else ["--out"]
    told += [name for name in _told(options) if name not in ("--columns", "--exclude")]
    if told:
        raise NormwiseError(
            f"--describe scales nothing and writes no file; {told[0]} is for scaling. Leave out one of "
            "the two."
        )


def require_out(out: Path | None, as_json: bool) -> Path:
    """The file to write, or a NormwiseError that asks for it."""
    if as_json:
        raise NormwiseError("--json is how --describe answers. Add --describe, or leave it out.")
    if out is None:
        raise NormwiseError(
            "no file to write was named. Expected --out FILE, such as --out scaled.parquet; or --describe, "
            "which only says what the columns hold."
        )
    return out


def _told(options: ScaleOptions) -> list[str]:
    values = {
        "--method": options.method,
        "--scaler": options.scaler,
        "--inverse": options.inverse,
        "--save-scaler": options.save_scaler,
        "--columns": options.columns,
        "--exclude": options.exclude,
        **{f"--{name}": True for name in options.settings},
    }
    return [name for name, value in values.items() if value]
