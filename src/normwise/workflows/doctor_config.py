"""DoctorConfig: what ``[tool.normwise.doctor]`` of a pyproject.toml asks of `normwise doctor`."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from normwise.core.diagnosis import SEVERITIES
from normwise.core.errors import NormwiseError, did_you_mean
from normwise.doctor.registry import selected
from normwise.workflows.chosen_rules import layer_ignores, words

FILE, TABLE = "pyproject.toml", "[tool.normwise.doctor]"
NEVER = "never"
FAIL_ON = (*SEVERITIES, NEVER)
"""From which severity on a finding makes a check fail."""


@dataclasses.dataclass(frozen=True)
class DoctorConfig:
    """What a project wants of the doctor.

    Args:
        select: Codes, beginnings of codes, or defects that are looked for; () is all.
        ignore: Likewise, those that are not.
        preview: Whether rules in preview are run too.
        fail_on: From which severity on a finding makes the check fail; ``"never"`` is from none.
        ignored_layers: A pattern of layers' paths to the codes, or beginnings of codes, ignored there.
        file: The file it is from; None where there is none.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    preview: bool = False
    fail_on: str = "warning"
    ignored_layers: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    file: Path | None = None


def read_doctor_config(folder: Path | None = None) -> DoctorConfig:
    """The configuration of the nearest pyproject.toml that has one, in a folder or above it.

    ```toml
    [tool.normwise.doctor]
    select = ["NRM3", "NRM4"]
    ignore = ["last-batch-of-one"]
    preview = false
    fail-on = "error"
    per-layer-ignores = { "encoder/*" = ["NRM4"] }
    ```

    Args:
        folder: Where the search begins; the working folder by default.

    Returns:
        What it asks for; the defaults where no file has the table.

    Raises:
        NormwiseError: If a file cannot be read, or the table has an unknown key or a wrong value.
    """
    start = (folder or Path.cwd()).absolute()
    for place in (start, *start.parents):
        file = place / FILE
        table = _table(file) if file.is_file() else None
        if table is not None:
            return _config(table, file)
    return DoctorConfig()


def fails(severity: str, fail_on: str) -> bool:
    """Whether a finding of a severity makes a check fail; "" is no finding.

    Example:
        >>> fails("warning", "warning"), fails("info", "warning"), fails("error", "never"), fails("", "info")
        (True, False, False, False)
    """
    if not severity or fail_on == NEVER:
        return False
    return SEVERITIES.index(severity) <= SEVERITIES.index(fail_on)


def checked_fail_on(word: str, where: str) -> str:
    """The word, one of `FAIL_ON`.

    Raises:
        NormwiseError: If it is none.
    """
    if word not in FAIL_ON:
        raise NormwiseError(f'{where} is "{word}", which is no severity. {did_you_mean(word, FAIL_ON)}')
    return word


def _table(file: Path) -> Any:
    try:
        data: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NormwiseError(f"{file} cannot be read: {error}") from error
    for key in ("tool", "normwise", "doctor"):
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _config(table: Any, file: Path) -> DoctorConfig:
    where = f"{file}, {TABLE}"
    if not isinstance(table, dict):
        raise NormwiseError(f"{where} is {table!r}; expected a table")
    fields: dict[str, Any] = {"file": file}
    for key, value in table.items():
        if key not in _KEYS:
            raise NormwiseError(f'{where} has the unknown key "{key}". {did_you_mean(key, _KEYS)}')
        field, read = _KEYS[key]
        fields[field] = read(value, f"{where}, {key}")
    return DoctorConfig(**fields)


def _rules(value: Any, where: str) -> tuple[str, ...]:
    """A list of words that each fit a rule."""
    given = words(value, where)
    try:
        selected(ignore=given)
    except NormwiseError as error:
        raise NormwiseError(f"{where}: {error}") from error
    return given


def _switch(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise NormwiseError(f"{where} is {value!r}; expected true or false")
    return value


def _severity(value: Any, where: str) -> str:
    return checked_fail_on(str(value), where)


_KEYS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "select": ("select", _rules),
    "ignore": ("ignore", _rules),
    "preview": ("preview", _switch),
    "fail-on": ("fail_on", _severity),
    "per-layer-ignores": ("ignored_layers", layer_ignores),
}
