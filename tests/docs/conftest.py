"""Keras' own conversions to NumPy, on torch and when it saves on JAX, warn under NumPy 2."""

import pytest

_KERAS = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.filterwarnings(_KERAS))
