"""The kernels' own tests, compiled to watch memory, undefined behaviour and threads."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "native"


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_without_python(sanitizer, tmp_path):
    if shutil.which("cmake") is None or not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        pytest.skip("a compiler and CMake are not both here")
    options = ["-DNORMWISE_TESTS=ON", f"-DNORMWISE_SANITIZE={sanitizer}"]
    subprocess.run(["cmake", "-S", SOURCES, "-B", tmp_path, *options], check=True, capture_output=True)
    built = subprocess.run(["cmake", "--build", tmp_path, "-j2"], check=False, capture_output=True, text=True)
    if "cannot find -l" in built.stderr or "cannot find lib" in built.stderr:
        pytest.skip(f"the compiler's library for -fsanitize={sanitizer} is not here")
    assert built.returncode == 0, built.stderr
    # What a child of a process with threads may do under the thread sanitizer is little.
    environment = {**os.environ, **({"NORMWISE_NO_FORK": "1"} if sanitizer == "thread" else {})}
    done = subprocess.run(
        [tmp_path / "kernel_tests"], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith(": 0 failures")
