"""`normwise scale`: tables in, one file of scaled columns out; or what the columns hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from normwise.cli.clear_errors import clear_errors
from normwise.cli.options import Encoding, Overwrite, Quiet, above_zero

Range = tuple[float, float]


def scale(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE",
            help="CSV, TSV, Parquet or Feather files of the same columns, or patterns in quotes.",
        ),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The .parquet, .csv, .csv.gz or .feather file to write."),
    ] = None,
    method: Annotated[
        Literal["standard", "min-max", "max-abs", "robust", "quantile", "power"] | None,
        typer.Option(help="How columns are brought to one scale."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="Scale these alone, such as age,income. May be repeated."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="Leave these as they are. May be repeated."),
    ] = None,
    save_scaler: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save what was learned as JSON.")
    ] = None,
    scaler: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Apply a saved scaler instead of a method.")
    ] = None,
    inverse: Annotated[
        bool, typer.Option("--inverse", help="With --scaler: bring scaled values back to their own units.")
    ] = False,
    describe: Annotated[
        bool, typer.Option("--describe", help="Only say what the columns hold; no --out, no --method.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --describe: as JSON.")] = False,
    feature_range: Annotated[
        Range | None, typer.Option(metavar="LOW HIGH", help="min-max: the interval; 0 1 by default.")
    ] = None,
    quantile_range: Annotated[
        Range | None, typer.Option(metavar="LOW HIGH", help="robust: in percent; 25 75 by default.")
    ] = None,
    output: Annotated[
        Literal["uniform", "normal"] | None, typer.Option(help="quantile: the distribution of the result.")
    ] = None,
    clip: Annotated[
        bool, typer.Option("--clip", help="min-max, max-abs: values beyond the range become its ends.")
    ] = False,
    clip_at: Annotated[
        float | None,
        typer.Option(
            metavar="LIMIT", callback=above_zero, help="standard, robust: the largest magnitude of a result."
        ),
    ] = None,
    unbiased: Annotated[
        bool, typer.Option("--unbiased", help="standard: divide the squares by n − 1, not by n.")
    ] = False,
    infinite: Annotated[
        Literal["raise", "null"] | None,
        typer.Option(help="What ±inf does: raise, which is the default, or count as missing."),
    ] = None,
    power: Annotated[
        Literal["yeo-johnson", "log1p"] | None, typer.Option(help="power: which; yeo-johnson by default.")
    ] = None,
    format: Annotated[
        Literal["csv", "tsv", "parquet", "feather"] | None,
        typer.Option(help="The tables' format, where their file names do not tell."),
    ] = None,
    encoding: Encoding = "utf-8",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Scale the columns of numbers of tables of any size, and write all columns to one file.

    Tables are read as a stream, however large they are. Columns of text, dates and booleans are passed on.
    Integers that are codes, such as postcodes, look like numbers: name them with --exclude.

    Examples:

    - `normwise scale people.csv --out scaled.csv --method standard --save-scaler scaler.json`

    - `normwise scale new.csv --out scaled-new.csv --scaler scaler.json`

    - `normwise scale scaled.csv --out back.csv --scaler scaler.json --inverse`

    - `normwise scale "part-*.parquet" --describe`
    """
    given: dict[str, Any] = {
        "feature-range": feature_range,
        "quantile-range": quantile_range,
        "output": output,
        "clip": clip or None,
        "clip-at": clip_at,
        "unbiased": unbiased or None,
        "infinite": infinite,
        "power": power,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    with clear_errors():
        from normwise.cli.scale_progress import ScaleProgress
        from normwise.cli.scale_result import show_description, show_written
        from normwise.workflows.describe_table import describe_table
        from normwise.workflows.scale_options import ScaleOptions, require_describing, require_out
        from normwise.workflows.scale_table import scale_table

        chosen, left = tuple(columns or ()), tuple(exclude or ())
        options = ScaleOptions(
            method, settings, scaler, inverse, save_scaler, chosen, left, format, encoding, overwrite
        )
        if describe:
            require_describing(out, options)
            with ScaleProgress(quiet) as progress:
                description = describe_table(tables, options, progress)
            show_description(description, as_json)
        else:
            file = require_out(out, as_json)
            with ScaleProgress(quiet) as progress:
                opened = scale_table(tables, file, options, progress)
            if not quiet:
                show_written(opened, file, options)
