"""The section's code runs and gives what it says; the decisions that it names exist."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("\n## Fold\n")[2].partition("\n## ")[0]
(CODE,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


def test_the_code_gives_what_it_says(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = [line.removeprefix("# ") for line in CODE.splitlines() if line.startswith("# ")]
    assert done.stdout.splitlines() == said
    assert (tmp_path / "folded.keras").is_file()


def test_decisions_that_are_named_exist():
    named = set(re.findall(r"\((decisions/[\w-]+\.md)\)", SECTION))
    assert len(named) == 5
    assert all((PAGE.parent / name).is_file() for name in named)
