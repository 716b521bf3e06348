"""examples/why.ipynb: every cell runs in IPython's shell, and what it ends with shows itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "examples" / "why.ipynb"
# A process of its own, as a notebook's kernel is; what is shown goes to standard output, a line a cell.
KERNEL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
import plotly.io
shell = InteractiveShell.instance()
plotly.io.renderers.default = "plotly_mimetype"  # what Plotly finds out itself in a notebook
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        with capture_output() as captured:
            done = shell.run_cell("".join(cell["source"]))
        done.raise_error()
        shown = captured.outputs[0].data if captured.outputs else {}  # a figure puts itself there
        if not shown and done.result is not None:
            shown = shell.display_formatter.format(done.result)[0]
        print(json.dumps([captured.stderr, {kind: len(str(content)) for kind, content in shown.items()}]))
"""
FIGURE, TABLE = "application/vnd.plotly.v1+json", "text/html"


def cells(kind: str) -> list[dict[str, object]]:
    return [c for c in json.loads(FILE.read_text("utf-8"))["cells"] if c["cell_type"] == kind]


def test_notebook_is_kept_without_outputs() -> None:
    """They would be megabytes, and of the machine that ran it last."""
    assert all((c["outputs"], c["execution_count"]) == ([], None) for c in cells("code"))


@pytest.mark.slow
def test_every_cell_runs_and_shows_something() -> None:
    pytest.importorskip("IPython", reason="`./run test-all` installs IPython")
    done = subprocess.run(
        [sys.executable, "-c", KERNEL, str(FILE)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, *rest = (json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))
    assert first == ["", {}]
    assert len(rest) == len(cells("code")) - 1
    for said, shown in rest:
        assert said == ""
        assert (FIGURE in shown) != (TABLE in shown)
        assert shown.get("text/plain", 0) < 20_000
