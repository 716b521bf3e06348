"""The section's code runs and gives what it says; the decisions that it names exist."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from normwise.deploy.onnx_trace import EXPORTERS

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("\n## Export\n")[2].partition("\n## ")[0]
(CODE,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
NEEDED = ("onnx", "onnxruntime", EXPORTERS[keras.backend.backend()])
ABSENT = [name for name in NEEDED if importlib.util.find_spec(name) is None]


@pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}")
def test_the_code_gives_what_it_says(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = [line.removeprefix("# ") for line in CODE.splitlines() if line.startswith("# ")]
    assert done.stdout.splitlines() == said
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_decisions_that_are_named_exist():
    named = set(re.findall(r"\((decisions/[\w-]+\.md)\)", SECTION))
    assert len(named) == 2
    assert all((PAGE.parent / name).is_file() for name in named)
