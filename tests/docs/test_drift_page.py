"""The examples of the drift page print what it shows."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "drift.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def failures(examples):
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test)


def test_the_code_gives_what_the_page_says():
    assert all(block.startswith(">>>") for block in BLOCKS)
    assert failures("\n".join(BLOCKS)) == doctest.TestResults(failed=0, attempted=13)


def test_another_number_would_be_seen(capsys):
    assert failures("\n".join(BLOCKS).replace("dose 0.971", "dose 0.972")).failed == 1
    assert "dose 0.971" in capsys.readouterr().out
