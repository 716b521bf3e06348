"""The READMEs' code runs as it stands, and what they point at is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh.md"]


def code_of(name: str) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    return str(code)


def test_code_is_the_same_but_for_its_comments() -> None:
    first, *others = (ast.dump(ast.parse(code_of(name))) for name in READMES)
    assert others == [first]


def test_code(tmp_path: Path) -> None:
    code = code_of(READMES[0])
    file = tmp_path / "snippet.py"
    file.write_text(code + "\nprint(model.count_params(), 'parameters')\n", encoding="utf-8")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "val_accuracy" in done.stdout
    # Dense 30·64, batch normalization 4·64 + 1, Dense 64·2 + 2; scaling has none.
    assert "2370 parameters" in done.stdout


@pytest.mark.parametrize("name", READMES)
def test_links(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_both_languages_show_the_same_commands() -> None:
    blocks = [
        [
            line.split("#")[0].strip()
            for line in re.findall(r"^(?:\./run|\.venv).*$", text, flags=re.MULTILINE)
        ]
        for text in ((ROOT / name).read_text(encoding="utf-8") for name in READMES)
    ]
    assert blocks[0] == blocks[1] != []
