"""Checkpoint: a training that goes on where it was killed, as if it had not been."""

from __future__ import annotations

import os
import time
from typing import Any

import jax
import keras
import numpy as np

from normwise.core.errors import RecordError, TrainingError, warn
from normwise.training.checkpoint_file import Saved
from normwise.training.checkpoint_folder import FINISHED, RUNNING, CheckpointFolder
from normwise.training.distribute import require_same
from normwise.training.generators import generator_states, set_generator_states
from normwise.training.keras_trainer import EpochBatches
from normwise.training.phase import TRAIN
from normwise.training.plain_history import give_history, plain_history
from normwise.training.same_training import describe_training, differences

SHARE = 100
"""One part of so many of the time is spent on writing, at most."""


class Checkpoint:
    """The state of a training in a folder.

    A checkpoint is of a moment within an epoch, after `on_epoch_begin`: callbacks that exchange the weights
    at the ends of epochs have then given them back.

    Args:
        folder: Where the files are; made if it is not there.
        model: A compiled, built Keras model, which receives the state found there.
        batches: Its batches.
        callbacks: A `keras.callbacks.CallbackList`, whose History goes on.
        shuffle: As in `Model.fit`.
        epochs: `initial_epoch` and `epochs`, as in `Model.fit`.

    Raises:
        RecordError: If a file there is damaged, newer than this version, or of another training.
        RunFolderError: If the folder cannot be made or written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        model: Any,
        batches: EpochBatches,
        callbacks: Any,
        shuffle: Any,
        epochs: tuple[int, int],
    ) -> None:
        self.model, self.batches = model, batches
        self.history = getattr(callbacks, "_history", None) or keras.callbacks.History()
        self.folder = CheckpointFolder(folder, describe_training(model, batches, shuffle, epochs[0]))
        self.epochs, self.epoch, self.taken = epochs[1], epochs[0], 0
        self._states: dict[str, Any] = {}
        self._seconds, self._written = 0.0, 0.0
        self._found = self.folder.read(RUNNING)
        found = self._found.facts if self._found else {"epoch": -1, "step": -1}
        require_same("the epoch and step of the checkpoint they found", [found["epoch"], found["step"]])
        if self._found:
            self._check(self._found.facts)
            self._give_variables(self._found)

    def finished(self) -> bool:
        """Whether this very training ended before; the model and its History are then as it left them."""
        saved = self.folder.read(FINISHED)
        found = saved is not None and saved.facts["epochs"] == self.epochs
        require_same("whether the training was finished before", [int(found)])
        if saved is None or not found:
            return False
        self._give_variables(saved)
        give_history(self.history, saved.facts["history"])
        set_generator_states(saved.facts["generators"])
        return True

    def begin(self, epoch: int) -> int:
        """After `on_train_begin`: the epoch to begin with, `epoch` where nothing was found."""
        if self._found is None:
            return epoch
        give_history(self.history, self._found.facts["history"])
        return int(self._found.facts["epoch"])

    def begin_epoch(self, epoch: int) -> int:
        """After `on_epoch_begin`: the step of this epoch to begin with."""
        found, self._found, self.epoch = self._found, None, epoch
        if found is None:
            self.taken = self.batches.taken
            if self.taken == 0:
                self._states = generator_states()
            self._write_if_due(0)
            return 0
        # Once more: on_epoch_begin may have changed what a callback sets once an epoch.
        self._give_variables(found)
        self._states, self.taken = found.facts["generators"], found.facts["taken"]
        set_generator_states(self._states)
        self.batches.go_on_after(self.taken)
        return int(found.facts["step"])

    def chunk_done(self, step: int) -> None:
        """Writes, if it is time, what it takes to go on with `step` of this epoch."""
        # The batches of a stream cannot be passed over without making them all.
        if self.batches.rows_only:
            self._write_if_due(step)

    def finish(self) -> None:
        """After `on_train_end`."""
        self._write(FINISHED, generator_states(), 0)
        # The first process writes; nobody is to look for the file before it is there.
        require_same("the epoch they ended in", [self.epoch])

    def _write_if_due(self, step: int) -> None:
        if time.monotonic() - self._written >= SHARE * self._seconds:
            self.model.jax_state_sync()
            self._write(RUNNING, self._states, step)

    def _write(self, name: str, states: dict[str, Any], step: int) -> None:
        begun = time.monotonic()
        facts = {
            "versions": _versions(),
            "epochs": self.epochs,
            "epoch": self.epoch,
            "step": step,
            "taken": self.taken,
            "generators": states,
            "history": plain_history(self.history),
        }
        arrays = {k: [np.asarray(v.value) for v in _variables(self.model, k)] for k in TRAIN.kinds}
        self.folder.write(name, Saved(facts, arrays))
        self._written = time.monotonic()
        self._seconds = self._written - begun

    def _check(self, facts: dict[str, Any]) -> None:
        if facts["epoch"] >= self.epochs:
            raise RecordError(
                f"the training in {self.folder.path} is in epoch {facts['epoch'] + 1} already, and epochs is "
                f"{self.epochs}. Raise epochs, or name another folder."
            )
        other = differences(facts["versions"], _versions())
        if other:
            warn(
                f"The training in {self.folder.path} goes on with other versions ({', '.join(other)}), "
                "and may differ in the last bits from one that was not interrupted."
            )

    def _give_variables(self, saved: Saved) -> None:
        for kind in TRAIN.kinds:
            for variable, value in zip(_variables(self.model, kind), saved.arrays[kind], strict=True):
                variable.assign(value)


def require_no_backup(callbacks: Any) -> None:
    """That nothing else decides how the training goes on.

    Raises:
        TrainingError: If Keras' BackupAndRestore is among the callbacks.
    """
    given = getattr(callbacks, "callbacks", callbacks)
    given = given if isinstance(given, (list, tuple)) else [given]
    if any(isinstance(one, keras.callbacks.BackupAndRestore) for one in given):
        raise TrainingError(
            "checkpoint=… and keras.callbacks.BackupAndRestore would both say where the training goes on. "
            "Expected one of the two."
        )


def _variables(model: Any, kind: str) -> list[Any]:
    found: list[Any] = model.optimizer.variables if kind == "optimizer_variables" else getattr(model, kind)
    return found


def _versions() -> dict[str, str]:
    return {"keras": keras.__version__, "jax": jax.__version__}
