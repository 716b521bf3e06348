"""Evidence: all that the doctor's rules know of a model and its data, measured once and shared by them."""

from __future__ import annotations

import dataclasses
import math

from normwise.core.column_statistics import Floats
from normwise.core.drift import Drift
from normwise.core.model_record import ModelRecord
from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class InputEvidence(Record):
    """The columns, or channels, of an input, as the first layer that learns takes them.

    Args:
        name: The input's name.
        rows: How many rows were looked at.
        values: How many values of a column: rows, times the positions of an image or a sequence.
        positions: Values of a column a row.
        scaled_by: The path of the layer that scales the input, behind which this was measured: a scaling
            layer, or a normalization; of an operation such as ``x / 255`` its name; "" where there is none.
        columns: Names of the columns; "0", "1", … where they have none.
        means: Mean of each column.
        stds: Standard deviation of each column, of the population.
        minima: Least value.
        maxima: Greatest value.
        lower_quartiles: Quantile 0.25.
        medians: Quantile 0.5.
        upper_quartiles: Quantile 0.75.
        tails: Quantile 0.999.
        distinct: How many different values, at most 3 are counted: 2 is a column of two values.
        condition_number: κ of E[xxᵀ], largest over smallest eigenvalue, of the columns that vary; NaN where
            it was not computed.
        condition_number_scaled: The same of the columns standardized.
    """

    name: str
    rows: int
    values: int
    positions: int
    scaled_by: str
    columns: tuple[str, ...]
    means: Floats
    stds: Floats
    minima: Floats
    maxima: Floats
    lower_quartiles: Floats
    medians: Floats
    upper_quartiles: Floats
    tails: Floats
    distinct: tuple[int, ...]
    condition_number: float
    condition_number_scaled: float


@dataclasses.dataclass(frozen=True)
class NormalizationEvidence(Record):
    """One call of a batch normalization: what it takes, its statistics and its weights, channel by channel.

    Args:
        call: The name of the call.
        layer: The path of the layer.
        by_batch: Whether it normalizes by the batch in training; one that is frozen, or called with
            ``training=False``, does not.
        values: How many values of a channel in all probed rows.
        values_per_row: How many of a row: the positions.
        epsilon: ε.
        momentum: Of the moving average.
        debiased: Whether the moving statistics have no part of their initial values.
        gamma: γ, 1 where the layer has none.
        beta: β, 0 where it has none.
        moving_mean: The moving mean.
        moving_variance: The moving variance.
        mean: Mean of what it takes in training, all rows in one batch, dropout and noise off.
        variance: Its variance, divided by m.
        noisy_mean: The same with dropout and noise on, as the moving average sees it.
        noisy_variance: Its variance; the mean of several draws.
        inference_mean: Mean of what it takes at inference.
        inference_variance: Its variance.
        rectified: Whether a ReLU alone takes what it gives.
        independent_per_row: How many independent values of a channel a row is worth, since positions of an
            image are alike: the variance over all values, by the variance between rows of a row's mean, the
            median over the channels that vary; at least 1, at most `values_per_row`. NaN where it was not
            measured.
    """

    call: str
    layer: str
    by_batch: bool
    values: float
    values_per_row: float
    epsilon: float
    momentum: float
    debiased: bool
    gamma: Floats
    beta: Floats
    moving_mean: Floats
    moving_variance: Floats
    mean: Floats
    variance: Floats
    noisy_mean: Floats
    noisy_variance: Floats
    inference_mean: Floats
    inference_variance: Floats
    rectified: bool = False
    independent_per_row: float = math.nan


@dataclasses.dataclass(frozen=True)
class ActivationEvidence(Record):
    """One call of an activation function, in training, dropout and noise off, all rows in one batch.

    Args:
        call: The name of the call.
        layer: The path of the layer.
        function: Its name, such as ``"tanh"``.
        units: How many units, or channels.
        values: How many values of a unit.
        beyond_five: Share of the pre-activations with |z| ≥ 5.
        saturated: Share of the outputs in the function's flat part, as `normwise.core.saturation` has it; NaN
            where it has none.
        dead: Share of the units whose outputs have a 95th percentile below 1e-5; NaN where it is not a ReLU.
        mean: Mean of the pre-activations.
        std: Their standard deviation.
    """

    call: str
    layer: str
    function: str
    units: int
    values: int
    beyond_five: float
    saturated: float
    dead: float
    mean: float
    std: float


@dataclasses.dataclass(frozen=True)
class GradientEvidence(Record):
    """The gradient of the loss by one trainable variable, dropout and noise off, all rows in one batch.

    Args:
        variable: The variable's path.
        layer: The path of its layer.
        name: The variable's own name.
        norm: ‖∂L/∂w‖, the root of the sum of squares.
        rms: The root of the mean of squares.
        weight_norm: ‖w‖.
    """

    variable: str
    layer: str
    name: str
    norm: float
    rms: float
    weight_norm: float


@dataclasses.dataclass(frozen=True)
class LossEvidence(Record):
    """The loss of the same rows in training and at inference, dropout and noise off, without penalties.

    Args:
        rows: How many rows.
        in_training: Batch normalizations by the batch: all rows.
        at_inference: All by their moving statistics.
        switched: Path of a batch normalization to the loss with this one alone by the batch: of the 16 whose
            statistics are furthest off, of fewer in a network that takes long, and none where the losses
            differ by a tenth or less.
        of_constant: Of the mean of the targets, told for every row; NaN where outputs have another shape than
            targets, as probabilities have for numbers of classes.
    """

    rows: int
    in_training: float
    at_inference: float
    switched: dict[str, float]
    of_constant: float = math.nan


@dataclasses.dataclass(frozen=True)
class TrainingFacts(Record):
    """How the model is trained, as far as it is known.

    Args:
        batch_size: Rows a step; None where nobody said.
        rows: Rows of the training data; None where they are not known.
        replicas: Over how many devices a batch is parted, each with statistics of its own.
    """

    batch_size: int | None = None
    rows: int | None = None
    replicas: int = 1


@dataclasses.dataclass(frozen=True)
class Evidence(Record):
    """What rules look at.

    Args:
        model: The model's structure.
        training: How it is trained.
        inputs: Its inputs, those of numbers.
        drift: How far new data moved from these.
        normalizations: The calls of batch normalizations.
        activations: The calls of activation functions.
        gradients: The gradients, in the order of the variables.
        loss: The losses in both modes.
        absent: What was not measured, by the name of the field here, and why.
        rows: How many rows were probed; 0 without data.
    """

    model: ModelRecord
    training: TrainingFacts = TrainingFacts()
    inputs: tuple[InputEvidence, ...] = ()
    drift: Drift | None = None
    normalizations: tuple[NormalizationEvidence, ...] = ()
    activations: tuple[ActivationEvidence, ...] = ()
    gradients: tuple[GradientEvidence, ...] = ()
    loss: LossEvidence | None = None
    absent: dict[str, str] = dataclasses.field(default_factory=dict)
    rows: int = 0
