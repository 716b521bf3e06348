"""The page's code gives what it says, where the epoch is compiled; the decisions that it names exist."""

import doctest
import re
from pathlib import Path

import keras
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the page is about the compiled epoch")


def failures(examples):
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test)


@on_jax
def test_the_code_gives_what_the_page_says():
    assert all(block.startswith(">>>") for block in BLOCKS)
    found = failures("\n".join(BLOCKS))
    assert found.failed == 0
    assert found.attempted > 10


@on_jax
def test_another_text_would_be_seen(capsys):
    assert failures("\n".join(BLOCKS).replace("step 1 of epoch 1", "step 2 of epoch 1")).failed == 1
    assert "step 1 of epoch 1" in capsys.readouterr().out


def test_decisions_that_are_named_exist():
    named = re.findall(r"\((decisions/[\w-]+\.md)\)", TEXT)
    assert len(named) == 3
    assert all((PAGE.parent / name).is_file() for name in named)
