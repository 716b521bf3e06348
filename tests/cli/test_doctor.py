"""`normwise doctor` and `normwise explain`: exit statuses, options, refusals, through the shell."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console
from tests.cli.conftest import command, people, refused, write_csv

import normwise
from normwise.core.diagnosis import Diagnosis
from normwise.core.errors import ModelError
from normwise.core.remedies import Remedies
from normwise.doctor.registry import RULES
from normwise.workflows.doctor_model import doctor_model

BIAS = ("--select", "NRM301")
MODULE = """
import keras

class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""
ROWS = """
def boom():
    raise RuntimeError("the disk is gone")

def nothing():
    pass
"""
# Runs several commands in one process, each as the program would: its arguments, output and status as JSON.
MANY = """
import contextlib, io, json, sys, traceback
from normwise.cli.main import app

told = []
for arguments in json.load(sys.stdin):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app(arguments, prog_name="normwise")
        except SystemExit as end:
            status = end.code or 0
        except Exception:
            status = 1
            traceback.print_exc()
    out.flush(), err.flush()
    told.append([status, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()])
json.dump(told, sys.stdout)
"""


class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def save(folder: Path, name: str, *layers: keras.layers.Layer) -> Path:
    parts = [keras.Input((3,)), *layers, keras.layers.Dense(1, name="head")]
    model = keras.Sequential(parts, name=name)
    model.compile("sgd", "mse")
    file = folder / f"{name}.keras"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The object being serialized includes a `lambda`")
        model.save(file)
    return file


def edited(file: Path, name: str, change: Callable[[str, bytes], bytes]) -> Path:
    """A copy of an archive, each of its members changed."""
    copy = file.with_name(f"{name}.keras")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w") as new:
        for member in old.namelist():
            new.writestr(member, change(member, old.read(member)))
    return copy


def newer(member: str, data: bytes) -> bytes:
    if member == "metadata.json":
        return json.dumps({"keras_version": "99.1.0", "date_saved": ""}).encode()
    return data.replace(b'"units": 1', b'"units": 1, "unheard_of": 2')


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models and data; nobody writes into it."""
    folder = tmp_path_factory.mktemp("doctor")
    hidden = [keras.layers.Dense(4, name="hidden"), keras.layers.BatchNormalization(name="norm")]
    sick = save(folder, "sick", *hidden, keras.layers.ReLU())
    save(folder, "well", keras.layers.Dense(4, activation="relu", name="hidden"))
    save(folder, "custom", Twice())
    save(folder, "lambda", keras.layers.Lambda(lambda x: 2 * x, name="double"))
    save(folder, "activation", keras.layers.Dense(2, activation=lambda x: 2 * x))
    edited(sick, "newer", newer)
    edited(sick, "cut", lambda name, data: data[:100] if name.endswith(".h5") else data)
    (folder / "junk.keras").write_text("no model", encoding="utf-8")
    (folder / "own_layers.py").write_text(MODULE, encoding="utf-8")
    (folder / "own_rows.py").write_text(ROWS, encoding="utf-8")
    (folder / "broken_module.py").write_text("1 / 0", encoding="utf-8")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(64, 3)).astype("float32"), random.normal(size=64).astype("float32")
    np.savez(folder / "good.npz", x=x, y=y)
    np.savez(folder / "moved.npz", x=x + 5, y=y)
    np.savez(folder / "objects.npz", x=x.astype(object))
    np.savez(folder / "one.npz", x=x[:1], y=y[:1])
    np.savez(folder / "wide.npz", x=random.normal(size=(64, 4)), y=y)
    np.savez(folder / "nan.npz", x=np.where(np.arange(64)[:, None] == 5, np.nan, x), y=y)
    rows = [tuple(map(float, row)) for row in np.column_stack([x, y])]
    write_csv(folder / "good.csv", ("a", "b", "c", "price"), rows)
    return folder


def in_shell(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "normwise", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("doctor", "well.keras", *BIAS), 0, "1 check: "),
        (("doctor", "sick.keras", "good.npz", *BIAS), 1, "\nNRM301 bias-before-normalization"),
        (("doctor", "junk.keras"), 2, ""),
    ],
)
def test_exit_status(files: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    done = in_shell(files, *arguments)
    assert done.returncode == status, done.stderr
    assert said in done.stdout
    assert "\x1b" not in done.stdout
    assert bool(done.stderr) == (status == 2)


REFUSED = {
    ("nothing.keras",): 'nothing.keras cannot be loaded: there is no model file "nothing.keras"',
    ("junk.keras",): 'junk.keras cannot be loaded: "junk.keras" is no Keras model: a ".keras" file is a zip',
    ("good.npz",): 'good.npz cannot be loaded: "good.npz" is not a ".keras" file',
    ("newer.keras",): "it was saved by Keras 99.1.0, and this is Keras",
    ("cut.keras",): "cut.keras cannot be loaded: ",
    ("custom.keras",): 'it holds "Twice", which Keras does not know. Give the module that defines or'
    " registers what is unknown: --custom-objects MODULE.",
    ("custom.keras", "--custom-objects", "no_module"): 'the module "no_module" of custom objects cannot be'
    " imported: ModuleNotFoundError: No module named 'no_module'.",
    ("custom.keras", "--custom-objects", "broken_module"): "ZeroDivisionError: division by zero",
    ("lambda.keras",): 'it holds the Lambda layer "double", whose Python code stands in the file and would be'
    " run. Keras' safe mode refuses that. If you trust whoever made the file, allow it: --allow-lambda.",
    ("activation.keras",): "it holds a lambda where a layer takes a function, such as an activation",
    ("sick.keras", "wide.npz"): "4",
    ("sick.keras", "nan.npz"): "NaN",
    ("sick.keras", "good.csv", "--target", "prize"): 'Did you mean "price"?',
    ("sick.keras", "--select", "NRM999"): '"NRM999" is the code, or the beginning of the code, of no rule',
    ("sick.keras", "--fix", "safe", "--out", "fixed.h5"): "fixed.h5 is no name of a model's file",
    ("sick.keras", "--fix", "safe", "--out", "well.keras"): "well.keras exists and was kept",
    ("sick.keras", "good.npz", "--new-data", "moved.npz", "--fix", "safe", "--out", "f.keras"): "--new-data",
    (".",): ". is no run folder: it has no schema.json",
    ("sick.keras", "no.npz"): "no.npz does not exist. Did you mean",
    ("sick.keras", "objects.npz"): "objects.npz holds Python objects, or is no file of NumPy's",
    ("sick.keras", "own_rows:boom"): "own_rows:boom raised RuntimeError: the disk is gone",
    ("sick.keras", "own_rows:nothing"): "own_rows:nothing returned None",
    ("sick.keras", "broken_module:rows"): "cannot be imported: ZeroDivisionError: division by zero",
    ("sick.keras", "--new-data", "moved.npz"): "--new-data moved.npz has nothing to be compared with",
    ("sick.keras", "--ignore", "NRM"): "ignore=['NRM'] leave no rule to run",
}


@pytest.fixture(scope="module")
def refusals(files: Path) -> dict[tuple[str, ...], tuple[int, str, str]]:
    """What each command of `REFUSED` gave: all of them in one process, whose start they share."""
    asked = [["doctor", *arguments] for arguments in REFUSED]
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        cwd=files,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(REFUSED, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_run_is_one_sentence_and_2(
    refusals: dict[tuple[str, ...], tuple[int, str, str]], arguments: tuple[str, ...]
) -> None:
    status, out, err = refusals[arguments]
    assert status == 2, err
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert REFUSED[arguments] in line


def test_a_file_that_may_not_be_read_is_told_as_such(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.open

    def closed(file: Path, *arguments: Any, **options: Any) -> Any:
        if file.suffix == ".keras":
            raise PermissionError(13, "Permission denied", str(file))
        return plain(file, *arguments, **options)

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(ModelError, match=r"sick\.keras cannot be loaded: Permission denied$"):
        doctor_model(files / "sick.keras")


def test_custom_objects_of_a_module_are_known(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    result = command("doctor", "custom.keras", "--custom-objects", "own_layers", *BIAS)
    assert result.exit_code == 0, result.output
    assert str(files) not in sys.path


def test_a_lambda_that_is_allowed_is_told_in_capitals(files: Path) -> None:
    result = command("doctor", files / "lambda.keras", "--allow-lambda", *BIAS)
    assert result.exit_code == 0, result.output
    assert "PYTHON CODE THAT STANDS IN" in result.stderr


def test_json_is_the_record_and_quiet_says_nothing_of_a_clean_model(files: Path) -> None:
    result = command("doctor", files / "sick.keras", files / "good.npz", "--json", *BIAS)
    assert result.exit_code == 1
    diagnosis = Diagnosis.from_json(result.stdout)
    assert [finding.fingerprint for finding in diagnosis.findings] == ["NRM301:hidden"]
    assert diagnosis.rows == 64
    same = command("doctor", files / "sick.keras", files / "good.npz", "--format", "json", *BIAS)
    assert same.stdout == result.stdout
    quiet = command("doctor", files / "well.keras", "--quiet", *BIAS)
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_of_one_row_the_structure_is_examined_and_the_rest_is_skipped(files: Path) -> None:
    result = command("doctor", files / "sick.keras", files / "one.npz", "--fail-on", "never")
    assert result.exit_code == 0, result.output
    assert "sick, examined on 1 row\n" in result.stdout
    assert "one row was given: a mean and a variance need more; give some hundred" in result.stdout


def test_drift_is_told_of_new_data(files: Path) -> None:
    arguments = ("doctor", files / "sick.keras", files / "good.npz", "--select", "NRM104")
    assert "no new data were given" in command(*arguments).stdout
    result = command(*arguments, "--new-data", files / "moved.npz", "--fail-on", "info")
    assert result.exit_code == 1, result.output
    assert "NRM104" in result.stdout


def test_a_table_gives_its_columns(files: Path) -> None:
    result = command(
        "doctor",
        files / "sick.keras",
        files / "good.csv",
        "--target",
        "price",
        "--fail-on",
        "never",
        "--json",
    )
    assert result.exit_code == 0, result.output
    statuses = {check.code: check.status for check in Diagnosis.from_json(result.stdout).checks}
    assert statuses["NRM404"] != "skipped"


@pytest.mark.parametrize(
    ("options", "status"),
    [(("--fail-on", "error"), 0), (("--fail-on", "info"), 1), (("--fail-on", "never"), 0), ((), 1)],
)
def test_fail_on(files: Path, options: tuple[str, ...], status: int) -> None:
    assert command("doctor", files / "sick.keras", *BIAS, *options).exit_code == status


def test_pyproject_is_read_and_options_win(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = shutil.copy(files / "sick.keras", tmp_path)

    def status(text: str, *options: str) -> int:
        (tmp_path / "pyproject.toml").write_text(f"[tool.normwise.doctor]\n{text}\n", encoding="utf-8")
        return command("doctor", model, *options).exit_code

    select = 'select = ["NRM301"]\n'
    assert status(select) == 1
    assert status(select + 'fail-on = "error"') == 0
    assert status(select + 'fail-on = "error"', "--fail-on", "warning") == 1
    assert status(select + 'per-layer-ignores = {"hid*" = ["NRM3"]}') == 0
    assert status('ignore = ["NRM301"]', "--select", "NRM301") == 2  # what checks nothing is no pass
    assert status('ignore = ["NRM301"]', "--select", "NRM301", "--ignore", "NRM1") == 1
    (tmp_path / "pyproject.toml").write_text("[tool.normwise.doctor]\nselekt = []\n", encoding="utf-8")
    assert 'has the unknown key "selekt". Did you mean "select"?' in refused("doctor", model)


def test_fix_writes_a_mended_model_and_examines_it(files: Path, tmp_path: Path) -> None:
    out, before = tmp_path / "fixed.keras", (files / "sick.keras").read_bytes()
    arguments = ("doctor", files / "sick.keras", files / "good.npz", *BIAS, "--fix", "safe", "--out", out)
    result = command(*arguments)
    assert result.exit_code == 0, result.output
    assert "done  NRM301:hidden: " in result.stdout
    assert f"written to {out}" in result.stdout
    assert "1 check: 1 clean" in result.stdout
    assert (files / "sick.keras").read_bytes() == before
    x = np.load(files / "good.npz")["x"]
    old, new = (normwise.load_model(file).predict(x, verbose=0) for file in (files / "sick.keras", out))
    np.testing.assert_allclose(new, old, atol=1e-5)
    assert command("doctor", out, *BIAS).exit_code == 0
    assert "exists and was kept" in refused(*arguments)
    again = command(*arguments, "--overwrite", "--json")
    assert again.exit_code == 0
    assert [a.finding.code for a in Remedies.from_json(again.stdout).applied] == ["NRM301"]


def test_out_and_fix_go_together(files: Path) -> None:
    for options in (("--fix", "safe"), ("--out", "x.keras")):
        result = command("doctor", files / "sick.keras", *options)
        assert result.exit_code == 2
        assert "--fix and --out go together" in " ".join(result.stderr.split())
    result = command("doctor")
    assert result.exit_code == 2
    assert "expected MODEL.keras or a run folder" in " ".join(result.stderr.split())


def test_a_run_folder_knows_how_its_rows_are_encoded(run: Path, table: Path, tmp_path: Path) -> None:
    result = command("doctor", run, table, "--json", "--fail-on", "never")
    assert result.exit_code == 0, result.output
    assert Diagnosis.from_json(result.stdout).rows == len(people())
    assert "is a run folder, which knows its target" in refused("doctor", run, table, "--target", "bought")
    assert "arrays.npz gives arrays, and a run folder takes raw rows" in refused("doctor", run, "arrays.npz")
    no_target = write_csv(tmp_path / "t.csv", ("age", "city"), [row[:2] for row in people()])
    result = command("doctor", run, no_target, "--fail-on", "never")
    assert 'the table has no column "bought", the target' in result.stderr
    odd = write_csv(tmp_path / "o.csv", ("age", "city", "bought"), [*people(), (30, "Bern", "perhaps")])
    assert 'has "perhaps", which the network does not know; expected "no", "yes"' in refused(
        "doctor", run, odd
    )
    gaps = write_csv(tmp_path / "g.csv", ("age", "city", "bought"), [*people(), (30, "Bern", "")])
    result = command("doctor", run, gaps, "--fail-on", "never")
    assert "is the target and is missing in 1 rows; these were left out" in result.stderr


def test_a_mended_run_folder_is_whole(run: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "mended"
    result = command("doctor", run, table, "--fix", "safe", "--out", out, "--fail-on", "never")
    assert result.exit_code == 0, result.output
    assert {file.name for file in out.iterdir()} == {file.name for file in run.iterdir()}
    assert command("predict", out, table).exit_code == 0


def test_what_can_be_done_next_is_said(files: Path) -> None:
    told = command("doctor", files / "sick.keras", files / "good.npz", "--fail-on", "never").stdout
    assert "\nmore of a finding: normwise explain " in told
    (safe,) = [
        line for line in told.splitlines() if line.startswith("mended in a copy by --fix safe --out FI")
    ]
    assert "NRM301" in safe
    assert "the batch size is not known: say --batch-size" in told
    assert "mended in a copy" not in command("doctor", files / "well.keras", *BIAS).stdout


def test_a_fault_of_the_doctor_is_not_taken_for_a_finding(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(*_: object) -> None:
        raise RuntimeError("a fault of its own")

    monkeypatch.setattr("normwise.workflows.doctor_file.doctor_file", fault)
    result = command("doctor", files / "sick.keras")
    assert result.exit_code == 2
    assert "RuntimeError: a fault of its own" in result.stderr + capsys.readouterr().err


def test_the_rules_are_listed_and_explained() -> None:
    listed = command("doctor", "--list-checks")
    assert listed.exit_code == 0
    lines = listed.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [rule.code for rule in RULES]
    told = [command("explain", word).stdout for word in ("NRM301", "nrm301", "bias-before-normalization")]
    assert told[0] == told[1] == told[2]
    assert "Ioffe & Szegedy 2015" in told[0]
    assert "## False alarms" in told[0]
    assert "\x1b" not in told[0]
    assert 'there is no rule "bias-before-norm". Did you mean "bias-before-normalization"?' in refused(
        "explain", "bias-before-norm"
    )


def test_listing_and_explaining_load_no_keras() -> None:
    code = (
        "import sys\nfrom normwise.cli.main import app\n"
        "for words in (['doctor', '--list-checks'], ['explain', 'NRM301']):\n"
        "    app(words, standalone_mode=False)\n"
        "assert not {'keras', 'jax'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_on_a_terminal_the_list_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=60, no_color=True, _environ={"TERM": "xterm"})
    monkeypatch.setattr("normwise.cli.doctor_result.results", lambda: console)
    assert command("doctor", "--list-checks").exit_code == 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in stream.getvalue().splitlines()]
    assert max(map(len, lines)) <= 60
    assert [line.split()[0] for line in lines if line.startswith("NRM")] == [rule.code for rule in RULES]


def test_on_a_terminal_a_rule_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=60, _environ={"TERM": "xterm"})
    monkeypatch.setattr("normwise.cli.explain.results", lambda: console)
    assert command("explain", "NRM301").exit_code == 0
    told = stream.getvalue()
    assert "\x1b" in told
    assert "## " not in told
    assert "bias-before-normalization" in told
    assert "Ioffe & Szegedy 2015" in told
