"""The two files of `normwise why`: the report, and beside it the record that it was made from."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from normwise.core.errors import TableError
from normwise.core.why_record import WhyRecord
from normwise.report import why_report
from normwise.tables.atomic import atomic_path, check_creatable

PAGES = (".html", ".htm")


def record_beside(out: Path) -> Path:
    """The record's file.

    Example:
        >>> print(record_beside(Path("reports/why.html")))
        reports/why.json
    """
    return out.with_suffix(".json")


def check_why_files(out: Path, overwrite: bool) -> None:
    """Raises a TableError if the report or its record cannot be written: called before the work."""
    if out.suffix.lower() not in PAGES:
        raise TableError(
            f'{out} has the extension "{out.suffix}", and the report is a page. Expected a name such as'
            " why.html."
        )
    for file in (out, record_beside(out)):
        check_creatable(file, overwrite)


def write_why_files(record: WhyRecord, out: Path, overwrite: bool) -> None:
    """Writes both, whole; neither appears before both are written."""
    texts = {out: why_report(record), record_beside(out): record.to_json()}
    with ExitStack() as stack:
        for file, text in texts.items():
            temporary = stack.enter_context(atomic_path(file, overwrite))
            temporary.write_text(text, encoding="utf-8", newline="\n")
