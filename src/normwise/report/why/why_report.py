"""The report of what normalization changes: a WhyRecord in, one self-contained HTML file out."""

from __future__ import annotations

import os

from normwise.core.why_record import WhyRecord
from normwise.report.html_page import html_page, write_page


def why_report(record: WhyRecord) -> str:
    """The report as one HTML page, in English and Chinese, light and dark.

    Everything stands in the page, Plotly's JavaScript too: it loads nothing, from nowhere. What comes from
    the data is escaped.

    Args:
        record: What was measured.

    Returns:
        The text of the page, about 2 MB, of which 1.5 MB are Plotly.

    Raises:
        RecordError: If the verdict has a sentence that this version does not know.
    """
    from normwise.report.figures_json import figures_json, script_json
    from normwise.report.why.figures import why_figures
    from normwise.report.why.play import play_data
    from normwise.report.why.view import why_view

    figures = figures_json(why_figures(record), record)
    return html_page(
        "why.html.j2", figures, why_view(record), more=("why",), play=script_json(play_data(record))
    )


def write_why_report(record: WhyRecord, path: str | os.PathLike[str]) -> None:
    """Write the report; the file appears whole or not at all.

    Args:
        record: What was measured.
        path: The HTML file; one that exists is replaced.

    Raises:
        RecordError: If the verdict has a sentence that this version does not know.
        RunFolderError: If the file cannot be written.
    """
    write_page(why_report(record), path)
