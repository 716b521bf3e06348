"""The page's example prints what it says."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "training-data.md"


@pytest.mark.parametrize(("change", "failed"), [(("", ""), 0), (("'val_loss'", "'other'"), 1)])
def test_the_example(change, failed, capsys):
    text = (
        PAGE.read_text(encoding="utf-8").replace(*change) if change[0] else PAGE.read_text(encoding="utf-8")
    )
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner(verbose=False).run(test)
    assert (result.failed, result.attempted) == (failed, 14)
