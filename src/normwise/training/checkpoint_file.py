"""A checkpoint as one file: JSON and arrays in an .npz, written whole or not at all, read without pickle."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from normwise.core.errors import RecordError

VERSION = 1
NEW = ".new"
"""Stands behind the name of a file that is being written; a process that is killed meanwhile leaves it."""


@dataclasses.dataclass(frozen=True)
class Saved:
    """What a checkpoint holds.

    Args:
        facts: Plain data, as JSON knows it.
        arrays: The values of the variables, a list a kind.
    """

    facts: dict[str, Any]
    arrays: dict[str, list[np.ndarray[Any, Any]]]


def write_saved(file: Path, saved: Saved) -> None:
    """Writes beside the file, waits for the disk, and renames: at any moment the old or the new one is there.

    Raises:
        OSError: If the system refuses: the disk is full, the folder read-only. The old file is kept.
    """
    members = {f"{kind}/{i}": leaf for kind, leaves in saved.arrays.items() for i, leaf in enumerate(leaves)}
    # NumPy's format knows no bfloat16 and gives back its bits without a name.
    dtypes = {kind: [leaf.dtype.name for leaf in leaves] for kind, leaves in saved.arrays.items()}
    text = json.dumps({"version": VERSION, "dtypes": dtypes, **saved.facts})
    beside = file.with_name(file.name + NEW)
    try:
        with beside.open("wb") as opened:
            np.savez(opened, allow_pickle=False, facts=np.array(text), **members)
            flush(opened)
        os.replace(beside, file)
        _flush_folder(file.parent)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def flush(opened: IO[bytes]) -> None:
    """Waits for the disk: a rename may otherwise outlive a power cut that the file's content does not."""
    opened.flush()
    os.fsync(opened.fileno())


def read_saved(file: Path) -> Saved | None:
    """What was written; None if there is no such file.

    Raises:
        RecordError: If the file is damaged, not a checkpoint, or of a newer version.
    """
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as members:
            facts = json.loads(str(members["facts"]))
            _check_version(file, facts.pop("version"))
            arrays = {
                kind: [_named(members[f"{kind}/{i}"], name) for i, name in enumerate(names)]
                for kind, names in facts.pop("dtypes").items()
            }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(
            f"the checkpoint {file} cannot be read: {error or type(error).__name__}. Expected a file that "
            "normwise.fit(checkpoint=…) wrote. Remove it to train from the beginning."
        ) from error
    return Saved(facts, arrays)


def _check_version(file: Path, version: Any) -> None:
    if not isinstance(version, int) or version > VERSION:
        raise RecordError(
            f"the checkpoint {file} has version {version!r}; this normwise reads versions up to {VERSION}. "
            "Upgrade normwise to read it, or remove the file to train from the beginning."
        )


def _named(array: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    return array if array.dtype.name == name else array.view(np.dtype(name))


def _flush_folder(folder: Path) -> None:
    # The rename itself is kept in the folder. Windows opens no folders, and needs no such thing.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
