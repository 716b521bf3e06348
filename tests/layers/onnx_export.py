"""A model by Keras' own ONNX export, in ONNX Runtime; tests that import this skip where either is absent."""

import warnings

import keras
import pytest

_BACKEND = keras.backend.backend()
_EXPORTER = {"torch": "onnxscript", "tensorflow": "tf2onnx", "jax": "jax2onnx"}[_BACKEND]
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip(
    _EXPORTER, reason=f"Keras exports ONNX on {_BACKEND} by {_EXPORTER}, which is not installed"
)


def exported(model, path):
    """A function of NumPy arrays that runs the exported model."""
    with warnings.catch_warnings():
        # The exporters warn of their own code: tracing constants, deprecated functions of NumPy and ONNX.
        warnings.simplefilter("ignore")
        model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda x: session.run(None, {given.name: x})[0]
