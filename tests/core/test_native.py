"""Which path is taken: what the switches may say, and what is said of them."""

import subprocess
import sys

import pytest

from normwise.core import native as switch
from normwise.core.errors import SettingError


@pytest.fixture(autouse=True)
def built(monkeypatch):
    """As if the kernels were built, here as on a machine without a compiler."""
    for name in ("NORMWISE_KERNELS", "NORMWISE_SIMD"):
        monkeypatch.delenv(name, raising=False)
    extension = type(sys)("_native")
    monkeypatch.setattr(switch, "_native", extension)
    return extension


def test_on_off_and_what_is_neither(built, monkeypatch):
    assert switch.native() is built
    monkeypatch.setenv("NORMWISE_KERNELS", "off")
    assert switch.native() is None
    monkeypatch.setenv("NORMWISE_KERNELS", "onn")
    with pytest.raises(SettingError, match='NORMWISE_KERNELS must be "on" or "off", got \'onn\''):
        switch.native()


@pytest.mark.parametrize("name", ["AVX2", "sse", ""])
def test_vectors_that_there_are_not(name, built, monkeypatch):
    """Else a misspelt name would run on the slowest without a word."""
    monkeypatch.setenv("NORMWISE_SIMD", name)
    with pytest.raises(
        SettingError, match=f"NORMWISE_SIMD must be one of baseline, avx2, avx512, got {name!r}"
    ):
        switch.native()
    monkeypatch.setenv("NORMWISE_SIMD", "avx2")
    assert switch.native() is built


def test_a_program_that_calls_kernels_runs_with_the_switch_off_and_not_without_kernels(built, monkeypatch):
    monkeypatch.setenv("NORMWISE_KERNELS", "off")
    assert switch.called_native() is built
    monkeypatch.setattr(switch, "_native", None)
    with pytest.raises(
        RuntimeError, match=r"installation has none; make the program with NORMWISE_KERNELS=off"
    ):
        switch.called_native()


@pytest.mark.parametrize("name", ["NORMWISE_KERNELS", "NORMWISE_SIMD"])
def test_the_command_line_says_what_is_wrong(name, monkeypatch):
    monkeypatch.setenv(name, "fast")
    done = subprocess.run(
        [sys.executable, "-m", "normwise", "--version"], capture_output=True, text=True, check=False
    )
    if name == "NORMWISE_SIMD" and "none are built" in done.stdout:
        pytest.skip("the kernels are not built here")
    assert done.returncode == 2
    assert f"{name} must be" in done.stderr
    assert "'fast'" in done.stderr
    assert "Traceback" not in done.stderr
