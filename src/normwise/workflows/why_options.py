"""What `why_table` may be told, and who hears of it while it runs."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

EPOCHS, QUICK_EPOCHS = 30, 10
SEEDS, QUICK_SEEDS = 5, 3
SWEEP_SEEDS = FEWEST_SEEDS = 3
SWEEP_SHARE = 0.2
"""The share of the epochs that each learning rate of the sweep is trained for."""
LEARNING_RATES = tuple(round(10.0 ** (k / 3), 6) for k in range(-12, 4))
QUICK_LEARNING_RATES = tuple(round(10.0 ** (k / 2), 6) for k in range(-8, 3))
"""0.0001 to 10, three a decade, or two."""


@dataclasses.dataclass(frozen=True)
class WhyOptions:
    """What `why_table` may be told.

    Args:
        target: The target column; the built-in table's by default.
        task: ``"classification"`` or ``"regression"``; told from the target by default.
        format: The table's format, where its file name does not tell.
        encoding: The text encoding of a CSV file.
        held_out: The share of the rows that the final loss and metric are measured on.
        seed: The first seed; the others follow it.
        column_kinds: Column name to kind, where the inferred one is not right.
        seeds: How many seeds each variant is trained from.
        epochs: Epochs of each training.
        quick: Fewer seeds, epochs and learning rates, where they are not given.
        hidden_units: The width of each hidden layer, where no model is given.

    Raises:
        ValueError: If there are fewer than three seeds, which have no spread, or no epoch.
    """

    target: str | None = None
    task: str | None = None
    format: str | None = None
    encoding: str = "utf-8"
    held_out: float = 0.2
    seed: int = 0
    column_kinds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seeds: int | None = None
    epochs: int | None = None
    quick: bool = False
    hidden_units: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        if self.seeds is not None and self.seeds < FEWEST_SEEDS:
            raise ValueError(
                f"seeds={self.seeds} is out of its range; expected at least {FEWEST_SEEDS}: the spread over"
                " the seeds tells a difference from chance"
            )
        if self.epochs is not None and self.epochs < 1:
            raise ValueError(f"epochs={self.epochs} is out of its range; expected at least 1")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out={self.held_out} is out of its range; expected above 0 and below 1")

    def all_seeds(self) -> tuple[int, ...]:
        """The seeds each variant is trained from."""
        count = self.seeds or (QUICK_SEEDS if self.quick else SEEDS)
        return tuple((self.seed + i) % 2**32 for i in range(count))

    def sweep_seeds(self) -> tuple[int, ...]:
        """The seeds each learning rate of the sweep is trained from."""
        return self.all_seeds()[:SWEEP_SEEDS]

    def all_epochs(self) -> int:
        """Epochs of each training."""
        return self.epochs or (QUICK_EPOCHS if self.quick else EPOCHS)

    def sweep_epochs(self) -> int:
        """Epochs of each learning rate of the sweep."""
        return max(1, round(SWEEP_SHARE * self.all_epochs()))

    def learning_rates(self) -> tuple[float, ...]:
        """The learning rates of the sweep, in rising order."""
        return QUICK_LEARNING_RATES if self.quick else LEARNING_RATES

    def command(self, table: Path | None, model: keras.Model | Path | None = None) -> str:
        """The command line that says the same; of a model in memory, with the file that is still to be saved.

        Example:
            >>> WhyOptions(target="a b", seeds=5).command(Path("t.csv"))
            "normwise why t.csv --target 'a b' --seeds 5"
            >>> WhyOptions(target="y").command(Path("t.csv"), Path("churn.keras"))
            'normwise why churn.keras t.csv --target y'
        """
        named = ("target", "task", "format", "encoding", "held_out", "seed", "seeds", "epochs")
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        file = f"{model.name}.keras" if model is not None and not isinstance(model, Path) else model
        parts = ["normwise", "why", *(str(path) for path in (file, table) if path is not None)]
        for name in named:
            if (value := getattr(self, name)) != defaults[name]:
                parts += [f"--{name.replace('_', '-')}", str(value)]
        for column, kind in self.column_kinds.items():
            parts += ["--kind", f"{column}={kind}"]
        return shlex.join([*parts, *(["--quick"] if self.quick else [])])


class WhyListener:
    """What hears of it while it runs; every method may be overridden, none has to be."""

    def stage(self, what: str) -> None:
        """A stage begins."""

    def progress(self, done: int, total: int) -> None:
        """So many of all epochs, of all variants, are over."""

    def warning(self, message: str) -> None:
        """Something was done to the data, or noticed in it."""
