"""Records that show themselves: in a real IPython shell, lazily, and only what they are."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.report.page_reader import PageReader
from tests.report.records import HOSTILE, feature
from tests.report.why_records import bare, bowl, measured, percentiles, ranges, whole

from normwise.core.measurement import Measurement
from normwise.report.notebook import in_short, listed, shown

FIGURE = "application/vnd.plotly.v1+json"
RECORDS = {
    "WhyRecord": whole(),
    "Bowl": bowl("raw", 3.0),
    "Curve": ranges("loss_range", 1.0),
    "Series": percentiles("dense", 1.0, 0),
    "FeatureRecord": feature("age"),
}


@pytest.fixture(name="renderer")
def _renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Plotly finds out itself in a notebook."""
    import plotly.io

    monkeypatch.setattr(plotly.io.renderers, "default", plotly.io.renderers.default)
    plotly.io.renderers.default = "plotly_mimetype"


@pytest.mark.usefixtures("renderer")
@pytest.mark.parametrize("name", RECORDS)
def test_record_shows_its_figure_and_one_line(name: str) -> None:
    found = shown(RECORDS[name])
    assert set(found) == {FIGURE, "text/plain"}
    assert found[FIGURE]["data"]
    assert found["text/plain"].startswith(f"{name}(")
    assert len(found["text/plain"]) < 1000


@pytest.mark.usefixtures("renderer")
def test_record_without_a_figure_shows_one_line() -> None:
    assert set(shown(bare())) == {"text/plain"}


def test_measurements_are_a_table_of_what_they_have() -> None:
    found = (measured("share", 0.25, "raw", column="age"), measured("kappa", 9e9, "raw"))
    reader = PageReader(listed(found) or "")
    assert reader.problems == []
    head, share, kappa = (
        "namevariantcolumnvaluewhat it is",
        "sharerawage0.25what share is",
        "kapparaw9·10⁹what kappa is",
    )
    assert reader.text == head + share + kappa
    assert "layer" not in reader.text
    assert listed(()) is listed([1]) is listed([found[0], 1]) is None


def test_a_verdict_is_its_sentences() -> None:
    reader = PageReader(listed(whole().verdict) or "")
    assert reader.tags == ["ul"] + ["li"] * len(whole().verdict)
    assert "Scale your inputs." in reader.text
    assert set(shown(whole().verdict[0])) == {"text/html", "text/plain"}


def test_names_in_a_table_are_escaped() -> None:
    hostile = tuple(Measurement(n, 1.0, n, 5, n, n, n, n, n) for n in HOSTILE)
    reader = PageReader(listed(hostile) or "")
    assert set(reader.tags) == {"table", "tr", "th", "td"}
    assert "<script>alert(1)</script>" in reader.text


def test_the_line_tells_how_long_lists_are() -> None:
    assert in_short(bowl("raw", 2.0)).startswith("Bowl(columns=('fnlwgt', 'age'), hessian=(4.0, 0.6")
    assert "features=<5>" in in_short(whole())
    assert "flat=<360>" in in_short(percentiles("dense", 1.0, 0))


def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


FAKE = """
import sys, types
class Formatter:
    def __init__(self): self.known = {}
    def for_type_by_name(self, module, name, show): self.known[module, name] = show
    def for_type(self, kind, show): self.known[kind] = show
bundles, html = Formatter(), Formatter()
display = types.SimpleNamespace(mimebundle_formatter=bundles, formatters={"text/html": html})
shell = types.SimpleNamespace(display_formatter=display)
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
import normwise
"""


def test_importing_in_a_notebook_names_the_records_and_loads_nothing() -> None:
    code = (
        FAKE
        + "print(len(bundles.known), len(html.known), [m for m in ('numpy', 'plotly') if m in sys.modules])"
    )
    assert run(code) == ["7 2 []"]


def test_the_names_are_those_of_classes() -> None:
    code = FAKE + (
        "import importlib\n"
        "for module, name in bundles.known: assert getattr(importlib.import_module(module), name).from_json"
    )
    assert run(code) == []


NO_SHELL = "import sys, types; sys.modules['IPython'] = types.SimpleNamespace(get_ipython=lambda: None)"


@pytest.mark.parametrize("shell", ["", NO_SHELL])
def test_importing_elsewhere_is_as_ever(shell: str) -> None:
    assert run(f"{shell}\nimport normwise; print(normwise.__version__)") == ["0.1.0"]


SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import plotly.io; plotly.io.renderers.default = "plotly_mimetype"
import normwise
from tests.report.why_records import bowl, measured
format = lambda value: sorted(shell.display_formatter.format(value)[0])
print(format(bowl("raw", 3.0)))
print(format(measured("kappa", 2.0)), format((measured("kappa", 2.0),)), format([measured("kappa", 2.0)]))
print(format((1, 2)), format([]), format({}))
"""


@pytest.mark.slow
def test_a_real_shell_shows_them() -> None:
    pytest.importorskip("IPython", reason="`./run test-all` installs IPython")
    assert run(SHELL) == [
        str([FIGURE, "text/plain"]),
        " ".join([str(["text/html", "text/plain"])] * 3),
        " ".join([str(["text/plain"])] * 3),
    ]
