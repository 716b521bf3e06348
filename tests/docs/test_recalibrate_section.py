"""The section's code gives what it says, and the decisions that it names exist."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"
SECTION = re.search(
    r"^## Recalibrate\n.*?(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)
assert SECTION is not None
TEXT = SECTION.group()
BLOCKS = "\n".join(re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE))


def failures(examples):
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test)


def test_the_code_gives_what_the_section_says():
    found = failures(BLOCKS)
    assert found.failed == 0
    assert found.attempted > 15


def test_another_text_would_be_seen():
    first = "\n".join(BLOCKS.splitlines()[:2])
    assert failures(f"{first}\n>>> normwise.RecalibrateCallback(None).result is None\nFalse\n").failed == 1


def test_decisions_that_are_named_exist():
    named = re.findall(r"\((decisions/[\w-]+\.md)\)", TEXT)
    assert len(named) == 4
    assert all((PAGE.parent / name).is_file() for name in named)
