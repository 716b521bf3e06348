"""The engines that hold a table lazily, for tests that run on each of them."""

from __future__ import annotations

import functools
import shutil
import warnings
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest

LAZY = ("polars", "duckdb", "spark")


def lazily(engine: str, frame: pl.DataFrame, folder: Path) -> nw.LazyFrame[Any]:
    """A frame as the engine reads it from a Parquet file in `folder`; skips where the engine is absent."""
    return nw.from_native(native(engine, frame, folder))


def native(engine: str, frame: pl.DataFrame, folder: Path) -> Any:
    """The same, as the engine's own object."""
    file = folder / "table.parquet"
    frame.write_parquet(file)
    if engine == "polars":
        return pl.scan_parquet(file)
    if engine == "duckdb":
        return pytest.importorskip("duckdb").read_parquet(str(file))
    return spark_session().read.parquet(str(file))


@functools.cache
def spark_session() -> Any:
    """A local Spark, started once; skips where PySpark or Java is absent."""
    sql = pytest.importorskip("pyspark.sql", reason="needs PySpark, which ./run test-all installs apart")
    if shutil.which("java") is None:
        pytest.skip("needs a Java runtime: apt install default-jre-headless")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "2").config(
        "spark.driver.bindAddress", "127.0.0.1"
    )
    # To compile a plan takes longer than to run it on a few rows.
    builder = builder.config("spark.sql.codegen.wholeStage", "false").config(
        "spark.sql.codegen.factoryMode", "NO_CODEGEN"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session
