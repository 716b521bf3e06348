"""onnx_trace: a model as an ONNX graph, by Keras' own exporter."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from normwise.core.errors import ModelError, listing
from normwise.deploy.onnx_max_pool import with_runnable_max_pools
from normwise.deploy.onnx_one_hot import with_one_hot_of_keras

EXPORTERS = {"jax": "jax2onnx", "torch": "onnxscript", "tensorflow": "tf2onnx"}
"""The package that Keras exports ONNX with, by backend."""


def require_packages() -> None:
    """Refuses to begin without the packages that export and check.

    Raises:
        ModelError: If one is not installed, or the backend has none.
    """
    backend = keras.backend.backend()
    if backend not in EXPORTERS:
        raise ModelError(
            f'Keras runs on "{backend}", from which it exports no ONNX; expected one of {listing(EXPORTERS)}.'
            " Save the model, and load it with KERAS_BACKEND set to one of them."
        )
    needed = ("onnx", "onnxruntime", EXPORTERS[backend])
    absent = [name for name in needed if importlib.util.find_spec(name) is None]
    if absent:
        raise ModelError(
            f"exporting ONNX from {backend} needs {listing(needed)}, of which {listing(absent)} cannot be "
            "imported here. Install what is missing by: pip install 'normwise[onnx]'"
        )


def onnx_trace(model: Any) -> Any:
    """The ONNX model of a Keras model that was called before, as Keras exports it.

    Raises:
        ModelError: If the exporter fails.
    """
    import onnx

    with tempfile.TemporaryDirectory(prefix="normwise-") as folder:
        file = Path(folder) / "model.onnx"
        try:
            with _silence():
                model.export(file, format="onnx", verbose=False)
        except Exception as error:
            # Whatever an exporter trips over: they raise errors of every kind.
            raise ModelError(
                f'Keras\' exporter on {keras.backend.backend()} cannot export the model "{model.name}": '
                f"{_first_line(error)}. Expected layers of which each operation has its like in ONNX. Try "
                "another KERAS_BACKEND: each has an exporter of its own."
            ) from error
        exported = onnx.load(file)
    # What the exporters have wrong, as far as it is known; each is seen to be right by the comparison.
    return with_one_hot_of_keras(with_runnable_max_pools(exported))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]:.300}"


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporters warn and log of their own code: traced constants, deprecated functions of theirs."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
