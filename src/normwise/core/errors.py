"""The errors of normwise, as a tree.

    NormwiseError
    ├── TableError            the table cannot be read or used as it is      (also a ValueError)
    │   └── ColumnError       a named column is absent, doubled or of the wrong kind
    ├── RecordError           a saved record is malformed, or newer than this version   (also a ValueError)
    ├── ModelError            a model cannot be loaded, or is not of the kind asked for    (also a ValueError)
    ├── RunFolderError        a run folder cannot be written or read          (also an OSError)
    ├── TrainingError         a model cannot be trained on these data so      (also a ValueError)
    ├── ScriptError           a script cannot be read or rewritten            (also a ValueError)
    ├── SettingError          an environment variable says what none of its values is   (also a ValueError)
    └── NotFiniteError        a loss stopped being a number                   (also a FloatingPointError)

Warnings are `NormwiseWarning`, a `UserWarning`.

Every message says what happened, with the values; what was expected; what to do.
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable

LONGEST_NAME = 60
"""A name with more characters than this is cut in a message."""


class NormwiseError(Exception):
    """The root of every error that normwise raises on purpose."""


class TableError(NormwiseError, ValueError):
    """A table cannot be read, or cannot be used for what was asked."""


class ColumnError(TableError):
    """A named column is absent, doubled, or not of the kind that was expected."""


class RecordError(NormwiseError, ValueError):
    """A saved record is malformed, or was written by a newer version."""


class ModelError(NormwiseError, ValueError):
    """A model cannot be loaded from its file, or is not of the kind that was asked for."""


class RunFolderError(NormwiseError, OSError):
    """A run folder cannot be written or read."""


class TrainingError(NormwiseError, ValueError):
    """A model cannot be trained as it was asked: by its arguments, or because the data do not fit it."""


class ScriptError(NormwiseError, ValueError):
    """A script cannot be read, or is not of a kind that can be rewritten."""


class SettingError(NormwiseError, ValueError):
    """An environment variable says what none of its values is."""


class NotFiniteError(NormwiseError, FloatingPointError):
    """A loss stopped being finite while a model was trained."""


class NormwiseWarning(UserWarning):
    """Something was done to the data, or noticed in it, that its owner should know."""


def warn(message: str) -> None:
    """A NormwiseWarning that points at the line of the caller, outside of this library and scikit-learn."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in ("normwise", "sklearn"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, NormwiseWarning, stacklevel=level)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names what was probably meant, or lists what there is.

    Example:
        >>> did_you_mean("incme", ["age", "income"])
        'Did you mean "income"?'
        >>> did_you_mean("zzz", ["age", "income"])
        'There are: "age", "income".'
        >>> did_you_mean("zzz", [])
        'There are none.'
    """
    names = [str(n) for n in known]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:
        folded = {n.casefold().strip(): n for n in names}
        close = [folded[name.casefold().strip()]] if name.casefold().strip() in folded else []
    if close:
        return f'Did you mean "{_cut(close[0])}"?'
    return f"There are: {listing(names)}." if names else "There are none."


def listing(values: Iterable[object], limit: int = 8) -> str:
    """Values in quotes, cut with a count where there are many; long ones are cut at `LONGEST_NAME`.

    Example:
        >>> listing(["a", "b", "c"], limit=2)
        '"a", "b" and 1 more'
    """
    items = [str(v) for v in values]
    shown = ", ".join(f'"{_cut(v)}"' for v in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
