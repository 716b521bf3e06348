"""One process, one backend: the environment variable chooses it, JAX where it does not."""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
# Keras' own conversions to NumPy, on torch, under NumPy 2.
_KERAS = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.filterwarnings(_KERAS))
