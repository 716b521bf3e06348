"""The two files of `normwise why`: the report, and beside it the record that it was made from."""

from __future__ import annotations

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
    """Writes both, each whole or not at all; the record first, for the report can be made from it."""
    page = why_report(record)
    for file, text in ((record_beside(out), record.to_json()), (out, page)):
        with atomic_path(file, overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
