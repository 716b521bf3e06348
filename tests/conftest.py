"""What every test shares. The backend is JAX unless KERAS_BACKEND names another; keras is not imported."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("KERAS_BACKEND", "jax")
# Most of what the layers' tests take is XLA's compiler, on the same small programs in each worker, in each
# process that a test starts, and in each run. An entry's key is the program, the options and the compiler.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# Two workers with two threads each, on two cores: threads of scikit-learn and torch that wait in a loop take
# the time of those that they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A shell starts what runs in the background with Ctrl-C ignored, and the processes of tests would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A first example compiles, so no deadline; in CI the examples are the same every time.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def initial_weights_of_this_test() -> None:
    """Keras draws the same weights in each run: what fails once fails again."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of data sets that NORMWISE_DATA names; it is not part of the project."""
    named = os.environ.get("NORMWISE_DATA")
    if not named:
        pytest.skip(
            "NORMWISE_DATA is not set: it names a folder with the data sets, Adult in adult/adult.data"
        )
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"NORMWISE_DATA is {named}, which is not a folder")
    return folder
