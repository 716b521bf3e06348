"""RunRecord: everything that a training run tells about itself, and all that the report needs."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from normwise.core.column_statistics import ColumnStatistics, Floats
from normwise.core.diagnosis import Diagnosis
from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class ColumnSchema(Record):
    """One column of the table: what it is, and what was done to it.

    Args:
        name: The column's name in the table.
        kind: ``"numeric"``, ``"boolean"``, ``"categorical"``, ``"date"``, ``"excluded"``.
        reason: Why it has this kind, or why it was excluded; a sentence.
        encoding: What the network sees: ``"scaled"``, ``"one-hot"``, ``"embedding"``, ``"none"``.
        dtype: The data type it had in the table, in the table engine's words.
        missing: Rows of the training table without a value.
        categories: The known categories, the most frequent first; empty for numbers.
        rare: How many further categories were too rare to know and share one code.
        rare_categories: Their names, so that they are told from those never seen.
        words: Texts that stood in a number column and were read as missing.
        origin: Subtracted from a numeric column on the host, so that float32 keeps its digits.
    """

    name: str
    kind: str
    reason: str
    encoding: str
    dtype: str
    missing: int = 0
    categories: tuple[str, ...] = ()
    rare: int = 0
    rare_categories: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    origin: float = 0.0


@dataclasses.dataclass(frozen=True)
class TableSchema(Record):
    """The columns a model was trained on, in their order, and its target; saved as ``schema.json``.

    Args:
        columns: Every column of the table but the target, the excluded ones too.
        target: The target column's name.
        task: ``"classification"`` or ``"regression"``.
        classes: The class labels as text, in the order of the network's outputs; empty for regression.
        target_dtype: The data type that predictions are given in.
        statistics: Of the numeric inputs that the network reads, over the training rows: what `predict`
            compares new tables with.
        target_mean: Mean of a regression target over the training rows, in its unit; the network predicts
            ``(y − mean)/std``.
        target_std: Its standard deviation.
    """

    columns: tuple[ColumnSchema, ...]
    target: str
    task: str
    classes: tuple[str, ...]
    target_dtype: str
    statistics: ColumnStatistics
    target_mean: float = 0.0
    target_std: float = 1.0


@dataclasses.dataclass(frozen=True)
class Histogram(Record):
    """Counts of values between edges; ``len(edges) == len(counts) + 1``."""

    edges: Floats
    counts: Floats


@dataclasses.dataclass(frozen=True)
class FeatureRecord(Record):
    """One numeric feature before and after scaling, over the training rows."""

    name: str
    mean: float
    std: float
    minimum: float
    maximum: float
    before: Histogram
    after: Histogram


@dataclasses.dataclass(frozen=True)
class Score(Record):
    """What one model scored on the held-out rows.

    Args:
        model: Its name, such as ``"this network"`` or ``"gradient boosting (scikit-learn)"``.
        metrics: Metric name to value: ``accuracy``, ``log_loss``, ``roc_auc`` (two classes), or ``r2``,
            ``mae``, ``rmse``.
        seconds: Wall time of its training.
        note: What a reader should know of it, such as its settings; a sentence or nothing.
        difference_error: Standard error of the difference between this model's first metric and the
            network's, paired row by row on the held-out rows; NaN where it was not measured.
    """

    model: str
    metrics: dict[str, float]
    seconds: float
    note: str = ""
    difference_error: float = math.nan


@dataclasses.dataclass(frozen=True)
class RunRecord(Record):
    """A training run, whole.

    Args:
        source: The table's name, as the user gave it, or ``"breast-cancer data of scikit-learn"``.
        schema: The columns and what was done to each.
        rows: Rows of the table that were used.
        dropped_rows: Rows left out because their target is missing.
        held_out_rows: Of the rows used, those that the scores are measured on; the network never saw them.
        validation_rows: Of the others, those that chose the best epoch.
        features: The numeric features before and after scaling.
        history: Keras' History: metric name to one value an epoch.
        best_epoch: The epoch (from 1) whose weights were kept.
        ending: How training ended; a sentence.
        scores: This network first, then what it is honestly compared with, on the same rows.
        confusion: Classification: held-out rows by true class (rows) and predicted class (columns).
        actual: Regression: target of up to 2,000 held-out rows, in its unit.
        predicted: Regression: the predictions for the same rows.
        warnings: What was noticed or done to the data; one sentence each.
        settings: Setting to value, as text.
        versions: Package to version.
        seed: The seed of everything random.
        seconds: Wall time of the whole run.
        data_hash: SHA-256 of the table's file, or of its content.
        parameters: Trainable weights of the network.
        diagnosis: What the doctor found in the network; None where it was not asked.
    """

    version: ClassVar[int] = 2

    source: str
    schema: TableSchema
    rows: int
    dropped_rows: int
    held_out_rows: int
    validation_rows: int
    features: tuple[FeatureRecord, ...]
    history: dict[str, Floats]
    best_epoch: int
    ending: str
    scores: tuple[Score, ...]
    confusion: tuple[tuple[int, ...], ...]
    actual: Floats
    predicted: Floats
    warnings: tuple[str, ...]
    settings: dict[str, str]
    versions: dict[str, str]
    seed: int
    seconds: float
    data_hash: str
    parameters: int
    diagnosis: Diagnosis | None = None
