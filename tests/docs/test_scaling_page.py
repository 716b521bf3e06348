"""The page's code gives what it says, and it names every scaler and public attribute."""

import doctest
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.scaling.every_scaler import ALL

import normwise.scaling
from normwise.tables import scan_table

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def failures(examples):
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test)


def test_the_code_gives_what_the_page_says():
    assert all(block.startswith(">>>") for block in BLOCKS)
    found = failures("\n".join(BLOCKS))
    assert found.failed == 0
    assert found.attempted > 15


def test_another_number_would_be_seen(capsys):
    assert failures("\n".join(BLOCKS).replace("(1.77, 1.77, 0.0)", "(1.77, 0.0, 0.0)")).failed == 1
    assert "(1.77, 1.77, 0.0)" in capsys.readouterr().out


@pytest.mark.parametrize("name", [n for n in normwise.scaling.__all__ if n.endswith("Scaler")])
def test_every_scaler_has_its_line(name):
    assert f"\n| `{name}` |" in TEXT


@pytest.mark.parametrize("name", ALL)
def test_every_attribute_is_named(name):
    documented = type(ALL[name]()).__doc__.partition("Attributes:")[2].partition("Raises:")[0]
    attributes = re.findall(r"^ {8}(\w+_):", documented, re.MULTILINE)
    assert len(attributes) > 4
    assert [a for a in attributes if f"`{a}`" not in TEXT and a not in TEXT] == []


def test_decisions_that_are_named_exist():
    links = re.findall(r"\((decisions/[^)]+)\)", TEXT)
    assert len(links) == 5
    assert all((PAGE.parent / link).is_file() for link in links)


def test_a_power_is_found_in_about_a_dozen_passes(tmp_path):
    file, passes = tmp_path / "a.parquet", []
    pl.DataFrame({"a": np.random.default_rng(0).lognormal(0.0, 2.0, 3000)}).write_parquet(file)
    frame = scan_table(file, progress=lambda done, total: passes.append(done == total))
    normwise.scaling.PowerScaler().fit(frame)
    assert 10 <= sum(passes) <= 14
    for page in (TEXT, (PAGE.parent / "cli.md").read_text(encoding="utf-8")):
        assert "about a dozen" in page
