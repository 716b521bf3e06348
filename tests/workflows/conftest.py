"""Tables that the tests share."""

import datetime

import numpy as np
import polars as pl
import pytest


@pytest.fixture(scope="session")
def people():
    """90 rows of every kind of column, and the targets ``income`` (text), ``level``, ``member``, ``wage``."""
    rng = np.random.default_rng(0)
    age = rng.normal(40, 10, 90)
    city = np.array(["Basel", "Oslo", "Paris"])[rng.integers(0, 3, 90)]
    return pl.DataFrame(
        {
            "age": pl.Series(age).set(pl.Series(rng.random(90) < 0.1), None),
            "city": city,
            "active": rng.random(90) < 0.5,
            "since": [
                datetime.date(2020, 1, 1) + datetime.timedelta(days=int(d)) for d in rng.integers(0, 900, 90)
            ],
            "income": np.where(age > 40, "high", "low"),
            "level": np.where(age > 45, 30, np.where(age > 35, 20, 10)),
            "member": age > 40,
            "wage": 50_000 + 1_000 * age,
        }
    )
