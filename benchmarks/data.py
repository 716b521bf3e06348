"""The real tables that benchmarks and tests use."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

ADULT_COLUMNS = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
]


def data_folder() -> Path:
    """Where the data sets are: the environment variable NORMWISE_DATA."""
    folder = os.environ.get("NORMWISE_DATA")
    if not folder or not Path(folder).is_dir():
        raise SystemExit(f"NORMWISE_DATA={folder!r} is no folder; set it to the folder that holds adult/")
    return Path(folder)


def adult(part: str, folder: Path | None = None) -> pl.DataFrame:
    """UCI Adult with its columns named; ``part`` is "data" (32,561 rows) or "test" (16,281 rows)."""
    path = (folder or data_folder()) / "adult" / f"adult.{part}"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.count(",") == 14]
    text = (
        ",".join(ADULT_COLUMNS)
        + "\n"
        + "\n".join(line.replace(", ", ",").rstrip(".") for line in lines)
        + "\n"
    )
    return pl.read_csv(text.encode(), null_values="?", infer_schema_length=None)
