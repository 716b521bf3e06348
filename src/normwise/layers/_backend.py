"""A sentence in place of the traceback that Keras gives when its backend is not installed."""

from __future__ import annotations

_PACKAGES = ("tensorflow", "torch", "jax", "openvino")


def require_backend() -> None:
    """Import Keras, and say what to set if the backend it was told to use is not installed.

    Raises:
        ImportError: If the backend's package is absent.
    """
    try:
        import keras  # noqa: F401
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        raise ImportError(
            f"Keras could not be imported: its backend here is {package!r}, which is not installed. Keras "
            "takes TensorFlow unless told otherwise. Set the environment variable KERAS_BACKEND=jax (or "
            'torch) before the first import of keras, in Python: os.environ["KERAS_BACKEND"] = "jax". '
            f"Or install {package}.",
            name=package,
        ) from error
