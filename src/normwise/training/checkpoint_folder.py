"""CheckpointFolder: the files of one training, which say so when another training comes upon them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax

from normwise.core.errors import RecordError, RunFolderError, warn
from normwise.training.checkpoint_file import NEW, Saved, read_saved, write_saved
from normwise.training.same_training import differences

RUNNING, FINISHED = "running.npz", "finished.npz"
SHOWN = 5
"""So many differences are named."""


class CheckpointFolder:
    """The folder that `checkpoint=` names. Of several processes the first one writes, and all read.

    Args:
        path: Made if it is not there.
        training: What must be the same to go on, by `describe_training`.

    Raises:
        RunFolderError: If the folder cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], training: dict[str, Any]) -> None:
        self.path, self.training, self._refused = Path(path), training, False
        self._writes = jax.process_index() == 0
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name in (RUNNING, FINISHED):
                if self._writes:
                    (self.path / f"{name}{NEW}").unlink(missing_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"the folder {self.path} for the checkpoint cannot be made: {error.strerror or error}. "
                "Name another one."
            ) from error

    def read(self, name: str) -> Saved | None:
        """The file, or None if there is none.

        Raises:
            RecordError: If it is damaged, newer than this version, or of another training.
        """
        saved = read_saved(self.path / name)
        if saved is None:
            return None
        found = differences(saved.facts["training"], self.training)
        if found:
            more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise RecordError(
                f"{self.path} holds the checkpoint of another training: {', '.join(found[:SHOWN])}{more}. "
                "Name another folder, or remove this one to train from the beginning."
            )
        return saved

    def write(self, name: str, saved: Saved) -> None:
        """Writes the file; if it cannot, and there is one from before, it warns once and goes on.

        Raises:
            RunFolderError: If it cannot be written, and there is none from before.
        """
        if not self._writes:
            return
        saved = Saved({"training": self.training, **saved.facts}, saved.arrays)
        try:
            write_saved(self.path / name, saved)
        except OSError as error:
            text = f"the checkpoint {self.path / name} cannot be written: {error.strerror or error}."
            if not (self.path / RUNNING).exists():
                raise RunFolderError(f"{text} Make room, or name another folder.") from error
            if not self._refused:
                self._refused = True
                warn(f"{text} The training goes on, the last checkpoint is kept, and writing is tried again.")
