"""doctor_model: a Keras model from its file, and what is missing if it cannot be loaded."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

from normwise.core.errors import ModelError, listing
from normwise.layers.load_model import load_model
from normwise.workflows.model_file import UNREADABLE, first_cause

LAMBDA = "Lambda"


def doctor_model(file: Path, modules: Sequence[str] = (), *, allow_lambda: bool = False) -> keras.Model:
    """The model.

    Args:
        file: A ``.keras`` file.
        modules: Modules that register custom objects, or define them: they are imported first.
        allow_lambda: Whether Lambda layers may run the Python code that the file brings.

    Raises:
        ModelError: If it cannot be loaded; the message names the custom objects that are unknown, and tells a
            Lambda layer and a file of a newer Keras.
    """
    objects = {name: found for module in modules for name, found in _objects(module).items()}
    try:
        with warnings.catch_warnings(), keras.saving.custom_object_scope(objects):
            # What the optimizer had gathered is of use for more training alone.
            warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
            return load_model(file, safe_mode=not allow_lambda)
    except UNREADABLE as error:
        raise ModelError(f"{file} cannot be loaded: {_what(file, error, objects, allow_lambda)}") from error


def _objects(module: str) -> dict[str, Any]:
    """The classes and functions that a module of the user's defines; it may register others as well."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
    except Exception as error:  # the user's code may raise anything
        raise ModelError(
            f'the module "{module}" of custom objects cannot be imported: {type(error).__name__}: {error}.'
            f" It is looked for in {here} and where Python looks."
        ) from error
    finally:
        sys.path.remove(here)
    return {
        name: thing
        for name, thing in vars(found).items()
        if callable(thing) and getattr(thing, "__module__", None) == found.__name__
    }


def _what(file: Path, error: BaseException, objects: dict[str, Any], allow_lambda: bool) -> str:
    cause = first_cause(error)
    saved = _saved(file)
    if saved is None:
        return cause
    version, config = saved
    if not allow_lambda and "`Lambda`" in cause:
        return _of_lambdas(config)
    if "{'value': [" in cause:
        return (
            "it holds a lambda where a layer takes a function, such as an activation, which Keras saves but"
            " cannot load. Give the function a name, register it, and save the model again."
        )
    if unknown := sorted(set(_unknown(config, objects))):
        return (
            f"it holds {listing(unknown)}, which Keras does not know. Give the module that defines or"
            " registers what is unknown: --custom-objects MODULE."
        )
    if _numbers(version) > _numbers(keras.__version__):
        return (
            f"it was saved by Keras {version}, and this is Keras {keras.__version__}, which does not know all"
            f" that is in it ({cause}). Install that Keras, or save the model again with this one."
        )
    return cause


def _of_lambdas(config: Any) -> str:
    names = sorted(
        str(part["config"].get("name"))
        for part in _parts(config)
        if part.get("class_name") == LAMBDA and isinstance(part.get("config"), dict)
    )
    which = f"the Lambda layer{'s' * (len(names) > 1)} {listing(names)}"
    return (
        f"it holds {which}, whose Python code stands in the file and would be run. Keras' safe mode refuses"
        " that. If you trust whoever made the file, allow it: --allow-lambda."
    )


def _saved(file: Path) -> tuple[str, Any] | None:
    """The version of Keras that saved a file, and the model's configuration; None where it has none."""
    try:
        with zipfile.ZipFile(file) as archive:
            metadata = json.loads(archive.read("metadata.json"))
            return str(metadata["keras_version"]), json.loads(archive.read("config.json"))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """All objects in a configuration that name a class."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _parts(value)


def _unknown(config: Any, objects: dict[str, Any]) -> Iterator[str]:
    for part in _parts(config):
        name = part["config"] if part["class_name"] == "function" else part["class_name"]
        of_keras = str(part.get("module") or "").split(".")[0] == "keras"
        registered = part.get("registered_name") or name
        if (
            isinstance(name, str)
            and not of_keras
            and not (name.startswith("__") and name.endswith("__"))
            and name not in objects
            and keras.saving.get_registered_object(str(registered)) is None
        ):
            yield name


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version.

    Example:
        >>> _numbers("3.15.1"), _numbers("3.16.0.dev2")
        ((3, 15, 1), (3, 16, 0))
    """
    numbers = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
