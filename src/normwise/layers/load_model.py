"""load_model: Keras' loader in safe mode, with normwise's layers known."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import keras

OWN_OPTIMIZERS = ("torch", "tensorflow")
"""Backends whose own class Keras writes down as the optimizer, and imports when it loads the file."""


def load_model(path: str | os.PathLike[str], *, safe_mode: bool = True, compile: bool = True) -> keras.Model:
    """Load a ``.keras`` file that may hold normwise's layers, without running code that the file brings.

    `keras.saving.load_model` knows these layers only once `normwise.layers` was imported, as it is here.

    Args:
        path: A file that ``model.save("….keras")`` wrote.
        safe_mode: As Keras has it: False lets Lambda layers run the Python code that the file brings.
        compile: As Keras has it: False leaves out how the model was compiled. What was compiled on torch can
            be loaded without torch so, and only so.

    Returns:
        The model, compiled as it was saved, or not at all.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is an HDF5 file (``.h5``), whose loading is not safe from files of others, or of
            another kind, or no zip archive; or if it was compiled on a backend that is not installed.

    Example:
        >>> import tempfile, normwise
        >>> model = keras.Sequential([keras.Input((2,)), normwise.FeatureScaling([1.0, 2.0], [1.0, 1.0])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.keras")
        ...     normwise.load_model(f"{folder}/model.keras").layers[0].center
        [1.0, 2.0]
    """
    file = Path(path)
    if file.suffix.lower() in (".h5", ".hdf5"):
        raise ValueError(
            f'"{file}" is an HDF5 file, which normwise does not load: the format is a legacy of Keras 2 '
            'without a safe mode. Load it with keras.saving.load_model and save it as ".keras".'
        )
    if not file.exists():
        raise FileNotFoundError(
            f'there is no model file "{file}"; expected a file that model.save("….keras") wrote'
        )
    if file.suffix.lower() != ".keras":
        raise ValueError(f'"{file}" is not a ".keras" file, the only kind of model file that normwise loads')
    if file.is_file():
        with file.open("rb") as stream:  # of a name, is_zipfile would say no where it may not be read
            if not zipfile.is_zipfile(stream):
                raise ValueError(
                    f'"{file}" is no Keras model: a ".keras" file is a zip archive, and this is none'
                )
    try:
        return keras.saving.load_model(file, safe_mode=safe_mode, compile=compile)
    except (TypeError, ModuleNotFoundError) as error:
        first: BaseException = error
        while first.__context__ is not None:
            first = first.__context__
        backend = first.name if isinstance(first, ModuleNotFoundError) else None
        if not compile or backend not in OWN_OPTIMIZERS:
            raise
    raise ValueError(
        f'"{file}" was compiled on {backend}, which is not installed here. Install it, or load the file with '
        "compile=False and save it again."
    )
