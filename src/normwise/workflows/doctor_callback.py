"""DoctorCallback: the doctor's cheap rules at the ends of epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from normwise.core.diagnosis import Diagnosis
from normwise.core.errors import NormwiseError, warn
from normwise.workflows.chosen_rules import chosen_rules, layer_ignores
from normwise.workflows.diagnose import diagnose

ROWS = 256
"""Rows that are looked at; more make the shares of units finer, and each look dearer."""


class DoctorCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Examines a model while it is trained, by `normwise.fit` or Keras' `Model.fit`, and warns.

    At the ends of epochs the rules that need no more than what training itself computes look at the same few
    rows. A finding is told once, when it first appears, as a `NormwiseWarning`; what was already told is
    silent from then on. Where the network cannot be examined, that is told once, and the training goes on.

    A look takes a few forward passes and a gradient of at most 256 rows, and nothing of the training changes:
    the weights, the moving statistics and the seeds are as without it. The first look compiles, which may
    take seconds; the page on the doctor has figures.

    Args:
        x: The data of the training, as `normwise.diagnose` takes them; a few hundred rows are drawn.
        y: The targets; of a table, the name of their column.
        every: Epochs from look to look; the first is after so many.
        select: Codes, beginnings of codes, or defects that are looked for; () is all.
        ignore: Likewise, those that are not.
        preview: Whether rules in preview are run too.
        batch_size: Rows a step of the training.
        ignored_layers: A pattern of layers' paths to the codes, or beginnings of codes, ignored there.

    Raises:
        ValueError: If `every` is below 1.
        NormwiseError: If a code fits no rule, or none of the rules that are left is cheap.

    Attributes:
        diagnosis: That of the last look, a `Diagnosis`; None before the first.
        epochs: Each finding's fingerprint to the epoch, from 1, at whose end it first appeared.

    Example:
        >>> import numpy as np, warnings
        >>> x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
        >>> layers = [keras.layers.Dense(8, name="hidden"), keras.layers.BatchNormalization()]
        >>> model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)], name="net")
        >>> model.compile("sgd", "mse")
        >>> callback = DoctorCallback(x, x[:, 0], select=["NRM301"])
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     _ = model.fit(x, x[:, 0], epochs=2, verbose=0, callbacks=[callback])
        >>> [str(warning.message).partition(":")[0] for warning in told]
        ['epoch 1, NRM301 bias-before-normalization, hidden']
        >>> callback.epochs
        {'NRM301:hidden': 1}
    """

    def __init__(
        self,
        x: Any = None,
        y: Any = None,
        every: int = 1,
        *,
        select: Sequence[str] = (),
        ignore: Sequence[str] = (),
        preview: bool = False,
        batch_size: int | None = None,
        ignored_layers: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every={every} is out of its range; expected a whole number from 1")
        self.x, self.y, self.every, self.batch_size = x, y, every, batch_size
        self.ignored_layers = layer_ignores(ignored_layers)
        chosen = chosen_rules(select, ignore, preview=preview)
        self.codes = tuple(rule.code for rule in chosen if rule.cheap)
        if not self.codes:
            raise NormwiseError(
                f"{', '.join(rule.code for rule in chosen)} would not be looked at while training, as more is"
                " computed for it than training does; expected one rule more, or normwise.diagnose afterwards"
            )
        self.diagnosis: Diagnosis | None = None
        self.epochs: dict[str, int] = {}
        self._refused: set[str] = set()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks, where it is time to."""
        if (epoch + 1) % self.every or not self.codes:
            return
        try:
            self.diagnosis = diagnose(
                self.model,
                self.x,
                self.y,
                batch_size=self.batch_size,
                rows=ROWS,
                # A rule in preview that is named in full is run.
                select=self.codes,
                ignored_layers=self.ignored_layers,
            )
        except NormwiseError as error:  # a look must not cost the training
            if str(error) not in self._refused:
                self._refused.add(str(error))
                warn(f"epoch {epoch + 1}: the network could not be examined: {error}")
            return
        for finding in self.diagnosis.findings:
            if finding.fingerprint not in self.epochs:
                self.epochs[finding.fingerprint] = epoch + 1
                where = finding.layer or "the whole model"
                warn(
                    f"epoch {epoch + 1}, {finding.code} {finding.defect}, {where}: {finding.evidence}"
                    f" {finding.remedy.text}"
                )
