"""Commands run in this process, and the runs that several tests look at."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from normwise.cli.main import app

QUICK = ("--epochs", "2", "--batch-size", "2")
"""Of the 82 rows of `people` that are trained on, whole batches: a smaller last one is a program more."""
ODD_NAMES = (
    "[red]x[/red]",
    "<script>alert(1)</script>",
    "a,b",
    "two\nlines",
    "年龄",
    'quo"te',
    "\x1b[31mred",
)


def command(*arguments: object) -> Result:
    """Runs `normwise ARGUMENTS`; an exception that is no exit is raised here."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(*arguments: object) -> str:
    """Runs a command that must be refused: exit 2, one line `error: …`, no traceback. Returns that line."""
    result = command(*arguments)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    return lines[0]


def people(rows: int = 120) -> list[tuple[object, ...]]:
    """Age, city and a target that the age tells."""
    chance = random.Random(0)
    ages = [chance.randint(18, 80) for _ in range(rows)]
    return [(age, chance.choice(["Basel", "Bern"]), "yes" if age > 45 else "no") for age in ages]


def write_csv(path: Path, header: tuple[object, ...], rows: list[tuple[object, ...]]) -> Path:
    """A CSV file, every cell in quotes."""

    def line(cells: tuple[object, ...]) -> str:
        return ",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells)

    path.write_text("\n".join([line(header), *map(line, rows)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small sound table: age, city, bought."""
    return write_csv(tmp_path / "people.csv", ("age", "city", "bought"), people())


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run folder of the small sound table, and what the command said; nobody writes into it."""
    folder = tmp_path_factory.mktemp("trained")
    file = write_csv(folder / "people.csv", ("age", "city", "bought"), people())
    result = command("fit", file, "--target", "bought", "--out", folder / "run", *QUICK)
    assert result.exit_code == 0, result.output
    return folder / "run", result


@pytest.fixture(scope="session")
def run(trained: tuple[Path, Result]) -> Path:
    """The run folder of `trained`."""
    return trained[0]


def troubled_rows(rows: int = 10_000) -> Iterator[tuple[object, ...]]:
    """Rows with an identifier, an empty column, words among numbers, dates, odd names, 7 missing targets."""
    chance = random.Random(1)
    for i in range(rows):
        x = chance.gauss(50, 10)
        income = "unknown" if i in (3, 10) else "n.a." if i == 5 else round(1000 + 20 * x, 2)
        date = f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}"
        odd = tuple(round(chance.random(), 3) for _ in ODD_NAMES)
        yield (f"id-{i}", "", income, date, *odd, "" if i % 1429 == 7 else "high" if x > 50 else "low")


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run folder of a table with all in it that is reported and not refused."""
    folder = tmp_path_factory.mktemp("troubled")
    header = ("id", "nothing", "income", "joined", *ODD_NAMES, "level")
    file = write_csv(folder / "troubled.csv", header, list(troubled_rows()))
    # Of the 9993 rows 6795 are trained on, which are 45 whole batches of 151.
    quick = ("--epochs", "1", "--batch-size", "151")
    result = command("fit", file, "--target", "level", "--out", folder / "run", *quick)
    assert result.exit_code == 0, result.output
    return folder / "run", result
