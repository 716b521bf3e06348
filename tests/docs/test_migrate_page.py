"""The page has each row of the table of changes, the options of the command, and decisions that exist."""

import re
from pathlib import Path

from typer.testing import CliRunner

from normwise.cli.main import app
from normwise.migrate.changes import CHANGES

PAGE = Path(__file__).parents[2] / "docs" / "migrate.md"
TEXT = PAGE.read_text(encoding="utf-8")
TABLE = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in TEXT.partition("| of | old | new | Keras |")[2].splitlines()[2:]
    if line
]


def test_the_table_has_each_row_with_its_version():
    assert len(TABLE) == len(CHANGES)
    for cells, change in zip(TABLE, CHANGES, strict=True):
        assert change.old in " ".join(cells)
        assert change.new in " ".join(cells)
        assert cells[-1] == change.version


def test_the_options_are_those_of_the_command():
    said = set(re.findall(r"^\| `(--[a-z-]+)", TEXT, re.MULTILINE))
    shown = CliRunner().invoke(app, ["migrate", "--help"], env={"COLUMNS": "200"}).output
    assert said == set(re.findall(r"--[a-z][a-z-]+", shown.partition("Options")[2])) - {"--help"}


def test_both_outputs_of_the_listing_are_whole():
    lines = [line.strip() for line in TEXT.splitlines()]
    for epoch in range(1, 21):
        assert lines.count(f"Epoch {epoch}/20") == 2
    assert sum(line.startswith("adult.test: loss ") for line in lines) == 2
