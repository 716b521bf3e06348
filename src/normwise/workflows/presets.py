"""Presets: the settings of a tabular network, as data."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Preset:
    """Every setting of a tabular network and its training.

    Args:
        hidden_units: Width of each hidden layer.
        activation: Keras' name of the activation behind each normalization.
        dropout: Rate of the dropout behind each activation.
        optimizer: ``"adam"``, or ``"nesterov"`` (SGD with momentum 0.9, decay 1e-6).
        learning_rate: Its learning rate.
        batch_size: Rows a step; a small table takes less, at least 16, so that an epoch has steps to take.
        epochs: Epochs at most.
        patience: Epochs without a lower validation loss before training stops; None trains them all and
            keeps the last weights.
        quantile_bins: Bins a numeric column is also encoded by, at most one for 100 rows; 0 for none.
        normalize_output: Whether the output is batch-normalized before its softmax, as the article does.
        use_bias: Whether the hidden layers have the bias that their normalization makes useless.
        kernel_initializer: Keras' name of the initializer of every dense layer.
        ensemble: Networks trained side by side, whose mean is the answer.
    """

    hidden_units: tuple[int, ...]
    activation: str
    dropout: float
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    patience: int | None
    quantile_bins: int
    normalize_output: bool
    use_bias: bool
    kernel_initializer: str
    ensemble: int = 1


PRESETS = {
    "default": Preset(
        hidden_units=(64, 64),
        activation="silu",
        dropout=0.3,
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=256,
        epochs=60,
        patience=8,
        quantile_bins=16,
        normalize_output=False,
        use_bias=False,
        kernel_initializer="glorot_uniform",
    ),
    "article": Preset(
        hidden_units=(64, 64),
        activation="tanh",
        dropout=0.5,
        optimizer="nesterov",
        learning_rate=0.1,
        batch_size=16,
        epochs=20,
        patience=None,
        quantile_bins=0,
        normalize_output=True,
        use_bias=True,
        kernel_initializer="random_uniform",
    ),
}
"""Preset name to settings; docs/decisions tells what the default was measured against."""
