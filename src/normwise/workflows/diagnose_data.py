"""read_data: rows from what `normwise.fit` does not take: NumPy's files, folders of images, a function."""

from __future__ import annotations

import importlib
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from normwise.core.errors import TableError, did_you_mean, listing
from normwise.graph.error_text import error_text
from normwise.workflows.probed_rows import SEED

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def read_data(source: Any, y: Any, model: Any, rows: int, *, new: bool = False) -> tuple[Any, Any]:
    """x and y of a source that is a path or a name; all else is handed on as it is.

    Args:
        source: A ``.npy`` file of x; a ``.npz`` file with the arrays x and, if it has targets, y; a folder
            with a folder of images for each class, which are read in the size and the channels that the model
            takes, as numbers from 0 to 255; ``"module:function"``, a function that is called without
            arguments and returns x, or x and y.
        y: Targets that were given apart: they count.
        model: The model that takes the rows.
        rows: So many images are read at most, drawn by a fixed seed.
        new: Whether these are later data: the targets of the others are not theirs.

    Raises:
        TableError: If the source cannot be read.
    """
    if not isinstance(source, (str, os.PathLike)):
        return source, y
    found = _read(os.fspath(source), model, rows)
    if found is None:
        return source, y
    x, own = found
    return x, own if y is None or new else y


def _read(source: str, model: Any, rows: int) -> tuple[Any, Any] | None:
    path = Path(source)
    if path.suffix in (".npy", ".npz"):
        return _arrays(path)
    if path.is_dir() and (files := _images(path)):
        return _pictures(path, files, model, rows)
    module, colon, function = source.partition(":")
    if colon and not path.exists() and all(part.isidentifier() for part in (*module.split("."), function)):
        return _called(module, function)
    return None


def _arrays(path: Path) -> tuple[Any, Any]:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        beside = [file.name for file in path.parent.glob("*.np[yz]")]
        raise TableError(f"{path} does not exist. {did_you_mean(path.name, beside)}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TableError(_unreadable(path, error)) from error
    if path.suffix == ".npy":
        return loaded, None
    with loaded:
        if "x" not in loaded.files:
            raise TableError(
                f'{path} holds the arrays {listing(loaded.files)}; expected "x" and, if it has targets, "y".'
                f" {did_you_mean('x', loaded.files)}"
            )
        try:
            return loaded["x"], loaded["y"] if "y" in loaded.files else None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise TableError(_unreadable(path, error)) from error


def _unreadable(path: Path, error: Exception) -> str:
    if "allow_pickle" in str(error):  # NumPy takes every file that it does not know for a pickle
        return (
            f"{path} holds Python objects, or is no file of NumPy's; expected arrays of numbers, as"
            f" numpy.save{'z' * (path.suffix == '.npz')} writes them"
        )
    return f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*") if path.suffix.lower() in IMAGES)


def _pictures(folder: Path, files: list[Path], model: Any, rows: int) -> tuple[Any, Any]:
    names = sorted({file.parent.name for file in files})
    some = np.arange(len(files))
    if len(files) > rows:
        some = np.sort(np.random.default_rng(SEED).choice(len(files), rows, replace=False))
    files = [files[i] for i in some]
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise TableError(
            f'{folder} holds images, and the model "{model.name}" takes {shape}; expected one input of images'
        )
    first = keras.config.image_data_format() == "channels_first"
    height, width, channels = (*shape[2:], shape[1]) if first else shape[1:]
    if height is None or width is None:
        given = _picture(files[0], "rgb", None)
        height, width = height or given.shape[-3 + first], width or given.shape[-2 + first]
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}.get(channels or 3)
    if mode is None:
        raise TableError(
            f"{folder} holds images, and the model takes {channels} channels; expected 1, 3 or 4"
        )
    x = np.stack([_picture(file, mode, (height, width)) for file in files])
    y = np.array([names.index(file.parent.name) for file in files])
    return x, np.eye(len(names), dtype="float32")[y] if _wants_one_hot(model) else y


def _picture(file: Path, mode: str, size: tuple[int, int] | None) -> Any:
    try:
        image = keras.utils.load_img(file, color_mode=mode, target_size=size, interpolation="bilinear")
    except ImportError as error:
        raise TableError(f"{file} is an image, which Pillow reads: pip install pillow") from error
    except (OSError, ValueError) as error:
        raise TableError(f"{file} cannot be read as an image: {error}") from error
    return keras.utils.img_to_array(image)


def _wants_one_hot(model: Any) -> bool:
    loss = getattr(model, "loss", None)
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    return name in ("categorical_crossentropy", "categorical_focal_crossentropy", "CategoricalCrossentropy")


def _called(module: str, function: str) -> tuple[Any, Any]:
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # the user's code may raise anything
        raise TableError(f'the module "{module}" cannot be imported: {error_text(error)}') from error
    finally:
        sys.path.remove(here)
    made = getattr(loaded, function, None)
    if not callable(made):
        known = [name for name, thing in vars(loaded).items() if callable(thing) and name[0] != "_"]
        raise TableError(
            f'the module "{module}" has no function "{function}". {did_you_mean(function, known)}'
        )
    try:
        given = made()
    except Exception as error:  # likewise
        raise TableError(f"{module}:{function} raised {error_text(error)}; expected x, or x and y") from error
    if given is None:
        raise TableError(f"{module}:{function} returned None; expected x, or x and y")
    if isinstance(given, tuple) and len(given) in (2, 3):
        return given[0], given[1]
    return given, None
