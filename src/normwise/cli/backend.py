"""The choice of Keras' backend, made before keras is imported."""

from __future__ import annotations

import importlib.util
import logging
import os

from normwise.core.errors import NormwiseError, did_you_mean

BACKENDS = ("jax", "torch", "tensorflow")


def choose_backend() -> str:
    """JAX where KERAS_BACKEND names no other; chatter of the backends below errors is silenced.

    Raises:
        NormwiseError: If KERAS_BACKEND names no backend that trains, or one that is not installed.
    """
    name = os.environ.get("KERAS_BACKEND") or "jax"
    if name not in BACKENDS:
        raise NormwiseError(
            f'the environment variable KERAS_BACKEND is "{name}", which is no backend to train on. '
            f"{did_you_mean(name, BACKENDS)}"
        )
    if importlib.util.find_spec(name) is None:
        raise NormwiseError(
            f'the environment variable KERAS_BACKEND is "{name}", which is not installed. '
            "Install it, or unset KERAS_BACKEND to use JAX."
        )
    os.environ["KERAS_BACKEND"] = name
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # scikit-learn's OpenMP threads would spin while they wait, and take the cores from what computes.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # JAX warns of every accelerator it sees and cannot use.
    logging.getLogger("jax._src.xla_bridge").setLevel(logging.ERROR)
    return name
