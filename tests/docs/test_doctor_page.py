"""The doctor's page: its code gives what it says, its configuration is read, what it names exists."""

import doctest
import re
from pathlib import Path

import pytest

from normwise.workflows.doctor_config import read_doctor_config

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE))
(CONFIGURATION,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def failures(examples):
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test)


def test_the_code_gives_what_the_page_says():
    found = failures(BLOCKS)
    assert found.failed == 0
    assert found.attempted > 12


def test_another_text_would_be_seen():
    assert (
        failures(">>> import normwise\n>>> normwise.DoctorCallback().diagnosis is None\nFalse\n").failed == 1
    )


def test_the_configuration_is_read(tmp_path):
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION, encoding="utf-8")
    config = read_doctor_config(tmp_path)
    assert config.select == ("NRM1", "NRM3", "NRM4")
    assert config.ignored_layers == {"encoder/*": ("NRM4",)}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(([\w/.-]+)\)", TEXT))))
def test_what_is_named_exists(name):
    assert (PAGE.parent / name).is_file()
