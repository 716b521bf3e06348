"""Run records made for tests: small, whole, and of every shape that the report must bear."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.run_record import ColumnSchema, FeatureRecord, Histogram, RunRecord, Score, TableSchema

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "quote \" and ' apostrophe",
    "two\nlines\tand a tab",
    "收入（元）",
    "$x^2$ & <b>bold</b> &amp;",
    "%{x} {{ name }} {0} {% raw %}",
    "\u2028\u202e\x00\x07 control",
    "",
    "<!-- a comment",
    "x" * 5000,
)


def floats(values: object) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(values))


def feature(name: str, scale: float = 1.0, seed: int = 0, shift: float = 0.0) -> FeatureRecord:
    values = np.random.default_rng(seed).gamma(4.0, scale, 200) + shift
    counts, edges = np.histogram(values, 20)
    spread = values.std()
    after_counts, after_edges = np.histogram((values - values.mean()) / spread, 20)
    before = Histogram(floats(edges), floats(counts))
    after = Histogram(floats(after_edges), floats(after_counts))
    low, high = float(values.min()), float(values.max())
    return FeatureRecord(name, float(values.mean()), float(spread), low, high, before, after)


def numeric(name: str) -> ColumnSchema:
    return ColumnSchema(name, "numeric", "All of its values are numbers.", "scaled", "Float64")


def scores(metric: str, values: tuple[float, ...], **more: float) -> tuple[Score, ...]:
    models = ("this network", "logistic regression (scikit-learn)", "gradient boosting (scikit-learn)")
    return tuple(Score(m, {metric: v, **more}, 1.5) for m, v in zip(models, values, strict=False))


def classification(names: tuple[str, ...] = ("mean area", "smoothness"), classes: int = 2) -> RunRecord:
    labels = tuple(f"class {i}" for i in range(classes))
    confusion = np.ones((classes, classes), dtype=int) + np.eye(classes, dtype=int) * 40
    features = tuple(feature(n, 10.0 ** (3 - i % 6), seed=i) for i, n in enumerate(names))
    columns = (
        *(numeric(n) for n in names),
        ColumnSchema("region", "categorical", "Text.", "one-hot", "String", 3, ("n", "s"), 2, ()),
        ColumnSchema("id", "excluded", "Every row has another value.", "none", "Int64", words=("n/a",)),
    )
    statistics = ColumnStatistics.of(np.zeros((2, len(names))), list(names))
    return RunRecord(
        source="cells.csv",
        schema=TableSchema(columns, "diagnosis", "classification", labels, "String", statistics),
        rows=1000,
        dropped_rows=3,
        held_out_rows=int(confusion.sum()),
        validation_rows=150,
        features=features,
        history={
            "loss": (0.6, 0.3, 0.2),
            "accuracy": (0.7, 0.9, 0.95),
            "val_loss": (0.5, 0.25, 0.3),
            "val_accuracy": (0.8, 0.93, 0.92),
        },
        best_epoch=2,
        ending="The validation loss did not improve for 10 epochs.",
        scores=scores("accuracy", (0.95, 0.90, 0.97), log_loss=0.2),
        confusion=tuple(tuple(int(c) for c in row) for row in confusion),
        actual=(),
        predicted=(),
        warnings=("3 rows have no target and were dropped.",),
        settings={"batch_size": "32"},
        versions={"keras": "3.15.1"},
        seed=7,
        seconds=4.2,
        data_hash="ab" * 32,
        parameters=1234,
    )


def regression() -> RunRecord:
    record = classification()
    schema = dataclasses.replace(record.schema, task="regression", classes=(), target="price")
    actual = floats(np.linspace(10, 90, 60))
    return dataclasses.replace(
        record,
        schema=schema,
        history={
            "loss": (0.6, 0.3),
            "mean_absolute_error": (0.5, 0.4),
            "val_loss": (0.5, 0.4),
            "val_mean_absolute_error": (0.5, 0.45),
        },
        scores=scores("r2", (0.5, 0.45, 0.55), mae=4.0, rmse=52034.5),
        confusion=(),
        actual=actual,
        predicted=tuple(a * 0.9 + 3 for a in actual),
    )


def hostile() -> RunRecord:
    record = classification(HOSTILE, classes=len(HOSTILE))
    columns = tuple(
        ColumnSchema(n, "categorical", n, "embedding", n, 1, HOSTILE, 1, HOSTILE) for n in HOSTILE
    )
    schema = dataclasses.replace(record.schema, columns=columns, target=HOSTILE[1], classes=HOSTILE)
    marked = tuple(Score(n, {"accuracy": 0.9, n: 1.0}, 1.0, n) for n in HOSTILE)
    text = {n: n for n in HOSTILE}
    return dataclasses.replace(
        record,
        schema=schema,
        source=HOSTILE[0],
        ending=HOSTILE[1],
        warnings=HOSTILE,
        scores=marked,
        settings=text,
        versions=text,
        data_hash=HOSTILE[0],
        history=record.history | dict.fromkeys(HOSTILE, (0.1, 0.2, math.nan)),
    )


def without_numbers() -> RunRecord:
    return dataclasses.replace(classification(()), warnings=())


def one_epoch() -> RunRecord:
    record = classification()
    history = {k: v[:1] for k, v in record.history.items()}
    return dataclasses.replace(record, history=history, best_epoch=1)


def wide() -> RunRecord:
    return classification(tuple(f"column {i}" for i in range(300)))


def many_classes() -> RunRecord:
    return classification(classes=50)


def perfect() -> RunRecord:
    record = classification(classes=30)
    confusion = tuple(tuple(5 if i == j else 0 for j in range(30)) for i in range(30))
    return dataclasses.replace(record, confusion=confusion, scores=scores("accuracy", (1.0, 1.0)))


def undefined() -> RunRecord:
    record = classification()
    nothing = math.nan
    flat = Histogram((0.0, 0.0), (0.0,))
    features = (
        FeatureRecord("constant", 5.0, 0.0, 5.0, 5.0, Histogram((4.5, 5.5), (200.0,)), flat),
        FeatureRecord("empty", nothing, nothing, nothing, nothing, flat, flat),
        feature("huge", 1e30),
        feature("negative", 1.0, shift=-50.0),
    )
    history = {"loss": (nothing, 0.5), "accuracy": (0.5, math.inf), "val_loss": (nothing, nothing)}
    bad = scores("accuracy", (nothing, 0.9, nothing), log_loss=math.inf)
    return dataclasses.replace(record, features=features, history=history, scores=bad, best_epoch=1)


def bare() -> RunRecord:
    record = classification()
    return dataclasses.replace(
        record, features=(), history={}, scores=(), confusion=(), warnings=(), settings={}, versions={}
    )


RECORDS = {
    "binary": classification,
    "ten classes": lambda: classification(classes=10),
    "regression": regression,
    "hostile": hostile,
    "no numbers": without_numbers,
    "one epoch": one_epoch,
    "300 columns": wide,
    "50 classes": many_classes,
    "nothing confused": perfect,
    "undefined values": undefined,
    "bare": bare,
}
