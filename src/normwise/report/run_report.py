"""The report of a training run: a RunRecord in, one self-contained HTML file out."""

from __future__ import annotations

import os

from normwise.core.run_record import RunRecord
from normwise.report.html_page import html_page, write_page


def run_report(record: RunRecord) -> str:
    """The report of a run as one HTML page, in English and Chinese, light and dark.

    Everything stands in the page, Plotly's JavaScript too: it loads nothing, from nowhere. What comes from
    the data is escaped.

    Args:
        record: The run.

    Returns:
        The text of the page, about 2 MB, of which 1.5 MB are Plotly.
    """
    from normwise.report.figures_json import figures, figures_json
    from normwise.report.view import view

    return html_page("page.html.j2", figures_json(figures(record), record), view(record))


def write_run_report(record: RunRecord, path: str | os.PathLike[str]) -> None:
    """Write the report of a run; the file appears whole or not at all.

    Args:
        record: The run.
        path: The HTML file; one that exists is replaced.

    Raises:
        RunFolderError: If the file cannot be written.
    """
    write_page(run_report(record), path)
