"""Bad input through the command line: the error names the value, and nothing is lost or half-written."""

from __future__ import annotations

import json
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import ODD_NAMES, QUICK, command, people, refused, write_csv
from typer.testing import Result

NOBODY = 65534


def refused_fit(file: Path, *options: object, target: str = "bought") -> str:
    """The error of a fit that is refused; nothing may appear beside the table."""
    before = sorted(os.listdir(file.parent))
    message = refused("fit", file, "--target", target, "--out", file.parent / "run", *options)
    assert sorted(os.listdir(file.parent)) == before
    return message


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def older_run(table: Path) -> Path:
    """What looks like a run folder, beside the table."""
    out = table.parent / "run"
    out.mkdir()
    for name in ("schema.json", "model.keras"):
        (out / name).write_text("an older run")
    return out


def warned(result: Result, *words: str) -> str:
    """The one warning that holds all the words."""
    lines = [line for line in result.stderr.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("warning: ")
    return lines[0]


def test_the_helpers_can_fail(trained: tuple[Path, Result]) -> None:
    with pytest.raises(AssertionError):
        refused("--version")
    with pytest.raises(AssertionError):
        warned(trained[1], "no such words")


def test_missing_file(table: Path) -> None:
    message = refused_fit(table.with_name("poeple.csv"))
    assert "poeple.csv does not exist" in message
    assert 'Did you mean "people.csv"?' in message


def test_unknown_extension(tmp_path: Path) -> None:
    message = refused_fit(write(tmp_path / "people.xlsx", "a,bought\n1,2\n"))
    assert 'people.xlsx has the unknown extension ".xlsx"' in message
    assert "--format csv" in message


def test_empty_file(tmp_path: Path) -> None:
    assert "people.csv is empty (0 bytes)" in refused_fit(write(tmp_path / "people.csv", ""))


def test_header_only(tmp_path: Path) -> None:
    message = refused_fit(write(tmp_path / "people.csv", "age,bought\n"))
    assert 'people.csv has a header ("age", "bought") and no rows below it' in message


def test_ragged_rows(tmp_path: Path) -> None:
    message = refused_fit(write(tmp_path / "people.csv", "age,bought\n1,yes\n2\n3,no\n"))
    assert "people.csv" in message
    assert "line 3" in message


def test_not_utf8(tmp_path: Path) -> None:
    message = refused_fit(write(tmp_path / "people.csv", b"age,bought\n1,caf\xe9\n2,no\n"))
    assert "0xe9" in message.lower()
    assert "--encoding" in message


def test_the_encoding_that_was_offered_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "people.csv", b"age,bought\n" + b"1,caf\xe9\n" * 3)
    assert 'a single class, "café", in all 3 rows' in refused_fit(file, "--encoding", "latin-1")


def test_unknown_encoding(table: Path) -> None:
    assert '"utf-88" is not a text encoding' in refused_fit(table, "--encoding", "utf-88")


def test_absent_target(table: Path) -> None:
    message = refused_fit(table, target="buoght")
    assert 'no column "buoght" to predict. Did you mean "bought"?' in message


def test_no_target_named(table: Path) -> None:
    message = refused("fit", table, "--out", table.parent / "run")
    assert "Give --target COLUMN" in message
    assert '"age", "city", "bought"' in message
    assert not (table.parent / "run").exists()


def test_target_of_one_class(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "people.csv", ("age", "bought"), [(i, "yes") for i in range(30)])
    assert 'a single class, "yes", in all 30 rows' in refused_fit(file)


def test_class_with_a_single_row(tmp_path: Path) -> None:
    rows = [(age, bought) for age, _, bought in people(30)]
    file = write_csv(tmp_path / "people.csv", ("age", "bought"), [*rows, (1, "perhaps")])
    message = refused_fit(file)
    assert '"perhaps" has a single row (of 31)' in message


def test_missing_targets_are_dropped_and_counted(troubled: tuple[Path, Result]) -> None:
    folder, result = troubled
    warned(result, '"level" is the target', "missing in 7 of 10000 rows", "left out")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (record["rows"], record["dropped_rows"]) == (9993, 7)


def test_no_target_left(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "people.csv", ("age", "bought"), [(1, ""), (2, "NA"), (3, "")])
    assert "all of its 3 rows are missing" in refused_fit(file)


def test_duplicate_column_names(tmp_path: Path) -> None:
    message = refused_fit(write(tmp_path / "people.csv", "age,age,bought\n1,2,yes\n2,3,no\n"))
    assert '"age" occur more than once' in message


def test_empty_column_is_dropped_and_named(troubled: tuple[Path, Result]) -> None:
    line = warned(troubled[1], '"nothing" was excluded')
    assert "rows are missing" in line


def test_only_empty_columns(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "people.csv", ("age", "bought"), [("", "yes"), ("", "no")] * 10)
    message = refused_fit(file)
    assert "no column is left to learn from" in message
    assert '"age": all of its' in message


@pytest.mark.parametrize("value", ["inf", "-inf"])
def test_infinity_is_refused(tmp_path: Path, value: str) -> None:
    rows = [*people(40), (value, "Bern", "no"), (value, "Bern", "yes")] * 2
    file = write_csv(tmp_path / "people.csv", ("age", "city", "bought"), rows)
    message = refused_fit(file)
    assert 'column "age" holds' in message
    assert f"infinite values (the first, {value}, in data row" in message


def test_infinite_target_is_refused(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "people.csv", ("age", "bought"), [(i, i + 0.5) for i in range(40)] + [(1, "inf")]
    )
    assert 'column "bought" holds 1 infinite values (the first, inf, in data row 41)' in refused_fit(file)


def test_words_in_a_number_column_are_named(troubled: tuple[Path, Result]) -> None:
    line = warned(troubled[1], '"income"', "count as missing")
    assert "unknown" in line or "n.a." in line
    schema = json.loads((troubled[0] / "schema.json").read_text(encoding="utf-8"))
    income = next(c for c in schema["columns"] if c["name"] == "income")
    assert income["kind"] == "numeric"


def test_dates_become_numbers(troubled: tuple[Path, Result]) -> None:
    schema = json.loads((troubled[0] / "schema.json").read_text(encoding="utf-8"))
    joined = next(c for c in schema["columns"] if c["name"] == "joined")
    assert (joined["kind"], joined["encoding"]) == ("date", "scaled")


def test_identifiers_are_excluded_with_the_reason(troubled: tuple[Path, Result]) -> None:
    line = warned(troubled[1], '"id" was excluded: an identifier')
    assert "different values in" in line
    assert "set its kind to categorical" in line


def test_an_identifier_can_be_kept(tmp_path: Path) -> None:
    rows = [(f"id-{i}", *row) for i, row in enumerate(people())]
    file = write_csv(tmp_path / "people.csv", ("id", "age", "city", "bought"), rows)
    options = ("--target", "bought", "--out", tmp_path / "run", *QUICK, "--kind", "id=categorical")
    result = command("fit", file, *options)
    assert result.exit_code == 0, result.output
    schema = json.loads((tmp_path / "run" / "schema.json").read_text(encoding="utf-8"))
    assert schema["columns"][0]["kind"] == "categorical"
    assert "excluded" not in result.stderr


def test_unknown_kind_and_unknown_column_of_a_kind(table: Path) -> None:
    assert 'unknown kind "number"' in refused_fit(table, "--kind", "age=number")
    assert 'no column "agee" to set a kind for. Did you mean "age"?' in refused_fit(
        table, "--kind", "agee=numeric"
    )


def test_class_weights_of_numbers(table: Path) -> None:
    message = refused_fit(table, "--class-weight", "balanced", "--task", "regression", target="age")
    assert 'column "age" is a target of numbers, which has no classes to weigh' in message


# --- predict -------------------------------------------------------------------------------------------


def refused_prediction(run: Path, file: Path) -> str:
    out = file.with_name("predictions.csv")
    message = refused("predict", run, file, "--out", out)
    assert not out.exists()
    return message


def test_predict_without_a_column(run: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "new.csv", ("agee", "city"), [(40, "Bern")])
    message = refused_prediction(run, file)
    assert '"age"' in message
    assert 'Did you mean "agee"?' in message or '"agee"' in message


def test_predict_with_further_and_reordered_columns(run: Path, tmp_path: Path) -> None:
    rows = [(age, city) for age, city, _ in people(40)]
    plain = write_csv(tmp_path / "plain.csv", ("age", "city"), rows)
    turned = write_csv(tmp_path / "turned.csv", ("city", "shoe", "age"), [(c, 42, a) for a, c in rows])
    first, second = command("predict", run, plain), command("predict", run, turned)
    assert first.stdout == second.stdout
    assert first.stdout.count("\n") == 41
    warned(second, 'not in the training table: "shoe"')
    assert "shoe" not in first.stderr


def test_predict_with_a_retyped_column(run: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "new.csv", ("age", "city"), [("forty", "Bern"), ("fifty", "Bern")])
    message = refused_prediction(run, file)
    assert '"age"' in message
    assert "forty" in message


def test_predict_with_infinity(run: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "new.csv", ("age", "city"), [(40, "Bern"), ("inf", "Bern")])
    assert 'column "age" holds 1 infinite values (the first, inf, in data row 2)' in refused_prediction(
        run, file
    )


def test_predict_from_what_is_no_run_folder(tmp_path: Path, table: Path) -> None:
    assert f"no run folder {tmp_path / 'rnu'}" in refused("predict", tmp_path / "rnu", table)
    (tmp_path / "empty").mkdir()
    assert "it has no schema.json" in refused("predict", tmp_path / "empty", table)


def test_predict_from_a_newer_schema(run: Path, tmp_path: Path, table: Path) -> None:
    newer = tmp_path / "newer"
    newer.mkdir()
    text = (run / "schema.json").read_text(encoding="utf-8")
    (newer / "schema.json").write_text(text.replace('"version": 1', '"version": 99', 1), encoding="utf-8")
    (newer / "model.keras").write_bytes((run / "model.keras").read_bytes())
    assert "has version 99" in refused("predict", newer, table)


# --- output --------------------------------------------------------------------------------------------


def test_predictions_that_exist_are_kept_unless_told(run: Path, table: Path) -> None:
    out = write(table.with_name("old.csv"), "precious")
    message = refused("predict", run, table, "--out", out)
    assert "old.csv exists and was kept" in message
    assert "--overwrite" in message
    assert out.read_text() == "precious"
    assert command("predict", run, table, "--out", out, "--overwrite").exit_code == 0
    assert pl.read_csv(out).height == 120


def test_a_run_that_exists_is_kept_unless_told(run: Path, table: Path) -> None:
    out = older_run(table)
    message = refused_fit(table)
    assert "run exists and is kept" in message
    assert "--overwrite" in message
    assert (out / "schema.json").read_text() == "an older run"
    assert command("fit", table, "--target", "bought", "--out", out, "--overwrite", *QUICK).exit_code == 0
    assert set(os.listdir(out)) == set(os.listdir(run))


def test_a_failed_fit_keeps_the_older_run_despite_overwrite(table: Path) -> None:
    out = older_run(table)
    refused_fit(table, "--overwrite", target="nonsense")
    assert (out / "schema.json").read_text() == "an older run"


def test_a_run_folder_with_other_files_in_it_is_never_replaced(table: Path) -> None:
    out = older_run(table)
    write(out / "thesis.tex", "years of work")
    assert '"thesis.tex", which no run wrote' in refused_fit(table, "--overwrite")
    assert (out / "thesis.tex").read_text() == "years of work"


def test_what_is_no_run_folder_is_never_replaced(table: Path) -> None:
    out = table.parent / "run"
    out.mkdir()
    write(out / "thesis.tex", "years of work")
    assert "is no run folder (it has no schema.json)" in refused_fit(table, "--overwrite")
    assert (out / "thesis.tex").read_text() == "years of work"


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that may not be written; root may write everywhere, so it becomes nobody for the test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            try:
                os.seteuid(NOBODY)
            except OSError as error:
                pytest.skip(f"root may write everywhere, and cannot become another user here: {error}")
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_read_only_folder(run: Path, read_only_folder: Path) -> None:
    del run  # by now everything is imported: nobody may not be allowed to read the library
    out = read_only_folder / "run"
    assert f"cannot write {out}: Permission denied" in refused("fit", "--out", out)
    assert list(read_only_folder.iterdir()) == []


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 64 KiB."""
    with no_file_beyond(1 << 16):
        yield


@pytest.mark.parametrize("older", [False, True])
def test_full_disk_while_the_run_is_written(table: Path, full_disk: None, older: bool) -> None:
    del full_disk
    out = older_run(table) if older else table.parent / "run"
    message = refused_fit(table, "--overwrite", *QUICK)
    assert f"cannot write {out}" in message
    assert "File too large" in message
    assert out.exists() == older
    if older:
        assert (out / "schema.json").read_text() == "an older run"


def test_full_disk_while_the_report_is_written(table: Path) -> None:
    with no_file_beyond(1 << 20):  # the network is smaller, the report larger
        message = refused_fit(table, *QUICK)
    assert message.startswith(f"error: cannot write {table.parent / 'run'}: File too large. Nothing was left")
    assert ".run-" not in message


def test_full_disk_while_predictions_are_written(run: Path, tmp_path: Path, full_disk: None) -> None:
    del full_disk
    rows = [(age, city) for age, city, _ in people(2000)]
    out = tmp_path / "predictions.csv"
    message = refused("predict", run, write_csv(tmp_path / "new.csv", ("age", "city"), rows), "--out", out)
    assert f"{out} cannot be written" in message
    assert os.listdir(tmp_path) == ["new.csv"]


# --- names ---------------------------------------------------------------------------------------------


def test_odd_column_names_reach_schema_and_report(troubled: tuple[Path, Result]) -> None:
    folder, result = troubled
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    assert [c["name"] for c in schema["columns"][4:]] == list(ODD_NAMES)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in report
    assert "&lt;script&gt;alert(1)" in report
    assert "年龄" in report
    assert "\x1b" not in report + result.output


def test_odd_column_names_in_messages(tmp_path: Path) -> None:
    rows = [(*("inf" for _ in ODD_NAMES), "ab"[i % 2]) for i in range(20)]
    for name in ODD_NAMES:
        file = write_csv(tmp_path / "odd.csv", (name, "bought"), [(row[0], row[-1]) for row in rows])
        message = refused_fit(file)
        shown = name.replace("\n", "↵").replace("\x1b", "�")
        assert f'column "{shown}" holds' in message


def test_predict_with_odd_column_names(troubled: tuple[Path, Result], tmp_path: Path) -> None:
    header = ("id", "nothing", "income", "joined", *ODD_NAMES)
    row = ("id-1", "", 2000.5, "2024-05-05", *(0.5 for _ in ODD_NAMES))
    file = write_csv(tmp_path / "new.csv", header, [row, row])
    result = command("predict", troubled[0], file)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "prediction,probability of high,probability of low"
