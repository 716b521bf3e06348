"""onnx_difference: by how much ONNX Runtime and Keras differ on given rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.core.errors import ModelError

Arrays = list[NDArray[Any]]


def onnx_difference(model: Any, rows: Arrays, expected: Arrays) -> tuple[float, str]:
    """The largest difference of an output, in units of its largest magnitude, and a sentence about where.

    The rows are run as one batch, and the first of them alone.

    Args:
        model: The ONNX model.
        rows: An array an input, in the order of the inputs.
        expected: An array an output: what Keras gives for them.

    Raises:
        ModelError: If ONNX Runtime cannot run the model.
    """
    session = _session(model)
    largest, where = 0.0, ""
    for batch in (len(rows[0]), 1):
        found = _run(session, [array[:batch] for array in rows])
        for output, y, wanted in zip(session.get_outputs(), found, expected, strict=True):
            error = _difference(y, wanted[:batch], np.abs(wanted).max(initial=0.0))
            if not error <= largest:
                largest, where = error, f'output "{output.name}", rows 0 to {batch - 1} as one batch'
    return largest, where


def _session(model: Any) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its warnings are about the exporters; what fails raises
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot load what Keras exported: {error}") from error


def _run(session: Any, rows: Arrays) -> Arrays:
    feed = {value.name: array for value, array in zip(session.get_inputs(), rows, strict=True)}
    try:
        found: Arrays = session.run(None, feed)
    except Exception as error:
        raise ModelError(
            f"ONNX Runtime cannot run what Keras exported on {len(rows[0])} rows: {error}. Try another "
            "KERAS_BACKEND: each has an exporter of its own."
        ) from error
    return found


def _difference(found: NDArray[Any], wanted: NDArray[Any], scale: float) -> float:
    if found.shape != wanted.shape:
        return float("inf")
    error = float(np.abs(found.astype(np.float64) - wanted).max(initial=0.0) / (scale or 1.0))
    return error if np.isfinite(error) else float("inf")
