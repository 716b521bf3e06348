"""model_of_file: a Keras model of the user's from its file, or an error that says what went wrong first."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import keras

from normwise.core.errors import ModelError
from normwise.layers.load_model import load_model

UNREADABLE = (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile)
"""What Keras raises of a file that it cannot load."""


def model_of_file(file: Path, in_python: str, *, compile: bool = True) -> keras.Model:
    """The model.

    Args:
        file: A ``.keras`` file.
        in_python: The call by which a model with code of its own can be given itself, for the message.
        compile: Whether it is compiled as it was saved; inference does not need it.

    Raises:
        ModelError: If it cannot be loaded.
    """
    try:
        with warnings.catch_warnings():
            # What the optimizer had gathered is of use for more training alone.
            warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
            return load_model(file, compile=compile)
    except UNREADABLE as error:
        cause = first_cause(error)
        own_code = "deserialization" in cause or "Could not locate" in cause
        hint = f" In Python a model with code of its own can be given itself: {in_python}."
        raise ModelError(f"{file} cannot be loaded: {cause}{hint * own_code}") from error


def first_cause(error: BaseException) -> str:
    """What went wrong first, without the configuration that Keras shows behind it."""
    while error.__context__ is not None:
        error = error.__context__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error.args[0]) if error.args else type(error).__name__
    return text.partition(" Full object config")[0].partition("\n")[0]
