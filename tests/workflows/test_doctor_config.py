"""The doctor's part of pyproject.toml: found upwards, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from normwise.core.errors import NormwiseError
from normwise.workflows.doctor_config import DoctorConfig, fails, read_doctor_config

WHOLE = """
[tool.normwise.doctor]
select = ["NRM3"]
ignore = ["bias-before-normalization"]
preview = true
fail-on = "error"
per-layer-ignores = { "encoder/*" = ["nrm3"], "head" = ["bias-before-normalization"] }
"""


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_all_keys_are_read(tmp_path: Path) -> None:
    config = read_doctor_config(write(tmp_path, WHOLE))
    assert config == DoctorConfig(
        ("NRM3",),
        ("bias-before-normalization",),
        True,
        "error",
        {"encoder/*": ("NRM3",), "head": ("NRM301",)},
        tmp_path / "pyproject.toml",
    )


def test_a_file_above_is_found_past_one_that_says_nothing_of_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, '[tool.normwise.doctor]\nfail-on = "info"\n')
    inner = write(tmp_path / "inner", "[tool.ruff]\nline-length = 100\n")
    monkeypatch.chdir(inner)
    assert read_doctor_config().fail_on == "info"
    assert read_doctor_config().file == tmp_path / "pyproject.toml"


def test_the_nearest_counts_alone(tmp_path: Path) -> None:
    write(tmp_path, '[tool.normwise.doctor]\nfail-on = "info"\n')
    inner = write(tmp_path / "inner", "[tool.normwise.doctor]\npreview = true\n")
    config = read_doctor_config(inner)
    assert (config.preview, config.fail_on) == (True, "warning")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('selct = ["NRM3"]', 'has the unknown key "selct". Did you mean "select"?'),
        ('select = "NRM3"', "select is 'NRM3'; expected a list of codes, such as [\"NRM4\"]"),
        ("ignore = [3]", "ignore is [3]; expected a list of codes"),
        ('ignore = ["NRM999"]', 'ignore: "NRM999" is the code, or the beginning of the code, of no rule'),
        ('preview = "yes"', "preview is 'yes'; expected true or false"),
        ('fail-on = "warnin"', 'fail-on is "warnin", which is no severity. Did you mean "warning"?'),
        ('per-layer-ignores = ["NRM3"]', "per-layer-ignores is ['NRM3']; expected a table"),
        ('per-layer-ignores = {"a/*" = ["XYZ"]}', 'per-layer-ignores, "a/*": "XYZ" is the code'),
        ("= 3", "pyproject.toml cannot be read: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, line: str, message: str) -> None:
    folder = write(tmp_path, f"[tool.normwise.doctor]\n{line}\n")
    with pytest.raises(NormwiseError) as caught:
        read_doctor_config(folder)
    assert message in str(caught.value)
    assert str(folder / "pyproject.toml") in str(caught.value)


def test_the_doctor_itself_must_be_a_table(tmp_path: Path) -> None:
    with pytest.raises(NormwiseError, match="is 3; expected a table"):
        read_doctor_config(write(tmp_path, "[tool.normwise]\ndoctor = 3\n"))


def test_severities_from_the_worst_on() -> None:
    assert [fails(s, "error") for s in ("error", "warning", "info", "")] == [True, False, False, False]
    assert [fails(s, "info") for s in ("error", "warning", "info", "")] == [True, True, True, False]
