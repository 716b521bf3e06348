"""How a diagnosis is told: piped, on a terminal, quietly, as JSON."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.doctor.records import BIAS, CLEAN, SCALE, WHOLE

from normwise.cli import doctor_result
from normwise.cli.doctor_result import show_diagnosis, show_remedies
from normwise.core.diagnosis import Diagnosis
from normwise.core.remedies import AppliedRemedy, LeftFinding, Remedies

TEXT = """\
net, examined on 500 rows

errors: 1

NRM101 unscaled-features  inputs  (measured)
  evidence  The columns' standard deviations differ by a factor of [red]∞[/red].
  columns   area, <b>age</b>, c, d, e and 2 more
  why       Gradient descent takes 1.15 κ steps.
  remedy    Scale the inputs. (manual)

warnings: 1

NRM301 bias-before-normalization  net/dense  (exact)
  evidence  net/dense has 64 biases, and only net/norm takes what it gives.
  why       The bias learns nothing, since its gradient is 0 but for rounding.
  remedy    Leave out the bias of net/dense: use_bias=False. (safe)
            fixed = normwise.apply_remedies(model, diagnosis).model
            fixed.summary()

information: 1

NRM403 small-batch  the whole model  (exact)
  evidence  A batch has 12 rows.
  why       The variance is noisy.
  remedy    Take larger batches. (manual)

not seen  net/odd calls a bare function.
9 checks: 1 clean, 3 found, 3 skipped, 1 not applicable, 1 failed
failed NRM404: ValueError: a fault of the rule
skipped NRM104: no new data were given
skipped NRM203, NRM204: no targets were given
not applicable NRM305: no normalization is called twice
1 finding left out, as the configuration ignores them
more of a finding: normwise explain NRM101
mended in a copy by --fix safe --out FIXED.keras: NRM301
"""


def test_piped_it_is_plain_lines(capfd: pytest.CaptureFixture[str]) -> None:
    show_diagnosis(WHOLE)
    assert capfd.readouterr().out == TEXT


def test_a_clean_one_says_what_was_looked_at(capfd: pytest.CaptureFixture[str]) -> None:
    show_diagnosis(CLEAN)
    assert capfd.readouterr().out == (
        "net, examined on no rows: the structure alone\n\n"
        "1 check: 1 clean, 0 found, 0 skipped, 0 not applicable, 0 failed\n"
    )


def test_quiet_says_findings_alone(capfd: pytest.CaptureFixture[str]) -> None:
    show_diagnosis(CLEAN, quiet=True)
    assert capfd.readouterr().out == ""
    show_diagnosis(WHOLE, quiet=True)
    told = capfd.readouterr().out
    assert "NRM301" in told
    assert "checks" not in told
    assert "examined" not in told


def test_json_is_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(doctor_result, "write_text", written.append)
    show_diagnosis(WHOLE, as_json=True)
    assert Diagnosis.from_json("".join(written)) == WHOLE


def test_what_was_mended_is_told_before_the_second_diagnosis(capfd: pytest.CaptureFixture[str]) -> None:
    applied = (AppliedRemedy(BIAS, "use_bias=False."),)
    left = (LeftFinding(SCALE, 'it is unsafe: safety="all" does it'),)
    show_remedies(Remedies(WHOLE, applied, left, CLEAN), Path("fixed.keras"))
    assert capfd.readouterr().out == (
        "net, mended\n"
        "done  NRM301:net/dense: use_bias=False.\n"
        "left  NRM101:inputs: it is unsafe: --fix all does it\n"
        "written to fixed.keras\n\n"
        "the mended model, examined again:\n"
        "net, examined on no rows: the structure alone\n\n"
        "1 check: 1 clean, 0 found, 0 skipped, 0 not applicable, 0 failed\n"
    )
    show_remedies(Remedies(CLEAN, (), (), CLEAN), Path("fixed.keras"), quiet=True)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("width", [40, 100])
def test_on_a_terminal_words_are_broken_and_code_is_not(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    stream = io.StringIO()
    options = {"highlight": False, "markup": False, "emoji": False, "_environ": {"TERM": "xterm"}}
    console = Console(file=stream, force_terminal=True, width=width, no_color=True, **options)
    monkeypatch.setattr(doctor_result, "results", lambda: console)
    show_diagnosis(WHOLE)
    lines = stream.getvalue().splitlines()
    code = "fixed = normwise.apply_remedies(model, diagnosis).model"
    assert any(code in line for line in lines)
    plain = [line.replace("\x1b[2m", "").replace("\x1b[0m", "").replace("\x1b[1m", "") for line in lines]
    told = [line for line in plain if line.startswith("  ") and code not in line]
    assert max(len(line) for line in told) <= width
    assert all(line[12] != " " for line in told)
