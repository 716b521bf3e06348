"""The rooms without Keras load without it, and without the table engines that the user may not have."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["core", "tables", "scaling"])
def test_importing_loads_no_heavy_package(room):
    program = f"import sys, normwise.{room}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # scikit-learn loads pandas itself, where it is installed.
    heavy = {"keras", "jax", "torch", "tensorflow"} | ({"pandas", "sklearn"} if room != "scaling" else set())
    assert not heavy & set(done.stdout.split())


def test_public_names_exist():
    import normwise.scaling
    import normwise.tables

    for room in (normwise.tables, normwise.scaling):
        assert all(hasattr(room, name) for name in room.__all__)
        assert sorted(room.__all__, key=str.lower) == sorted(set(room.__all__), key=str.lower)
