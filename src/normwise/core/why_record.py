"""WhyRecord: what scaling and batch normalization change on one table, and all that the report needs."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from normwise.core.column_statistics import Floats
from normwise.core.diagnosis import Diagnosis
from normwise.core.measurement import Bowl, Curve, Measurement, Surface
from normwise.core.probe import Series
from normwise.core.records import Record
from normwise.core.run_record import FeatureRecord


@dataclasses.dataclass(frozen=True)
class SweepPoint(Record):
    """One learning rate of the sweep of a variant.

    Args:
        learning_rate: The learning rate.
        losses: The lowest validation loss of each seed; NaN where it did not stay finite.
    """

    learning_rate: float
    losses: Floats


@dataclasses.dataclass(frozen=True)
class Training(Record):
    """One seed of a variant at the variant's best learning rate.

    Args:
        seed: The seed.
        history: Keras' History: metric name to one value an epoch.
        steps_to_target: Steps to the common target loss; NaN if it was not reached.
        loss: The loss on the held-out rows, with the weights of the epoch of the lowest validation loss.
        metric: The metric there, with the same weights.
    """

    seed: int
    history: dict[str, Floats]
    steps_to_target: float
    loss: float
    metric: float


@dataclasses.dataclass(frozen=True)
class Variant(Record):
    """The network in one of four ways: raw or scaled inputs, without or with batch normalization.

    Args:
        name: ``"raw"``, ``"scaled"``, ``"raw_bn"`` or ``"scaled_bn"``.
        scaled: Whether the inputs are scaled.
        normalized: Whether the hidden layers are batch-normalized.
        learning_rate: The best learning rate of its sweep.
        sweep: The learning rates that were tried, in rising order.
        usable_decades: The width, in powers of ten, of the learning rates whose median loss is within the
            tolerance that `WhyRecord.usable_tolerance` states of the best of all variants. Each rate that was
            tried stands for the space halfway to its neighbours.
        trainings: One a seed.
        seconds: Wall time of its trainings at the best learning rate, all seeds together.
        parameters: Its trainable weights.
        series: What the probes found in the first seed's training: pre-activation percentiles, saturation.
        curves: Curves measured on it: moments by depth, Santurkar's ranges over training.
        measurements: Numbers measured on it.
        surfaces: The loss around the weights of its best epoch; none where it was not measured.
    """

    name: str
    scaled: bool
    normalized: bool
    learning_rate: float
    sweep: tuple[SweepPoint, ...]
    usable_decades: float
    trainings: tuple[Training, ...]
    seconds: float
    parameters: int
    series: tuple[Series, ...] = ()
    curves: tuple[Curve, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    surfaces: tuple[Surface, ...] = ()


@dataclasses.dataclass(frozen=True)
class Sentence(Record):
    """One sentence of the verdict, as data; the report and the terminal put it into words.

    Args:
        key: Which sentence, such as ``"scaling_speeds_up"``.
        numbers: The numbers that stand in it, by their names in the phrase.
        words: The words that stand in it, such as a column's name.
        effect: ``"helps"``, ``"no_difference"``, ``"hurts"``, ``"not_measured"`` or ``"advice"``.
    """

    key: str
    numbers: dict[str, float]
    words: dict[str, str]
    effect: str


@dataclasses.dataclass(frozen=True)
class WhyRecord(Record):
    """What was measured on one table, whole; saved as ``why.json``.

    Args:
        source: The table's name, as the user gave it.
        target: The target column's name.
        task: ``"classification"`` or ``"regression"``.
        metric: The metric's name: ``"accuracy"`` or ``"r2"``.
        rows: Rows that were used.
        training_rows: Of them, those trained on.
        validation_rows: Of them, those that the sweep and the target are measured on.
        held_out_rows: Of them, those that the final loss and metric are measured on.
        inputs: The names of the network's inputs, in their order.
        hidden_units: The width of each hidden layer.
        activation: The activation of the hidden layers; several with commas, "" if none was seen.
        batch_size: Rows a step.
        epochs: Epochs of each training.
        target_loss: The validation loss to which steps are counted.
        usable_tolerance: A learning rate is usable if its median loss is at most so many times the best.
        features: The numeric features before and after scaling, over the training rows.
        bowls: The loss over two weights, raw and scaled.
        curves: What was measured on the features and the linear model along an axis.
        measurements: What was measured on the features and the linear model.
        variants: Raw, scaled, raw_bn, scaled_bn, in this order.
        verdict: The sentences of the verdict, in their order.
        warnings: What was noticed or done to the data; one sentence each.
        command: The command that makes this record again.
        versions: Package to version.
        seed: The first seed.
        seconds: Wall time of it all.
        model: The name of the model that was given; "" for the network that is made of the table.
        diagnosis: What the doctor found in the network of scaled inputs and batch normalization; None where
            it was not asked.
    """

    version: ClassVar[int] = 2

    source: str
    target: str
    task: str
    metric: str
    rows: int
    training_rows: int
    validation_rows: int
    held_out_rows: int
    inputs: tuple[str, ...]
    hidden_units: tuple[int, ...]
    activation: str
    batch_size: int
    epochs: int
    target_loss: float
    usable_tolerance: float
    features: tuple[FeatureRecord, ...]
    bowls: tuple[Bowl, ...]
    curves: tuple[Curve, ...]
    measurements: tuple[Measurement, ...]
    variants: tuple[Variant, ...]
    verdict: tuple[Sentence, ...]
    warnings: tuple[str, ...]
    command: str
    versions: dict[str, str]
    seed: int
    seconds: float
    model: str = ""
    diagnosis: Diagnosis | None = None
