"""The report of a training run: a RunRecord in, one self-contained HTML file out."""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import tempfile
from pathlib import Path

from normwise.core.errors import RunFolderError
from normwise.core.run_record import RunRecord


def run_report(record: RunRecord) -> str:
    """The report of a run as one HTML page, in English and Chinese, light and dark.

    Everything stands in the page, Plotly's JavaScript too: it loads nothing, from nowhere. What comes from
    the data is escaped.

    Args:
        record: The run.

    Returns:
        The text of the page, about 5 MB, of which 4.8 MB are Plotly.
    """
    import jinja2
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    from normwise.report.figures_json import figures_json
    from normwise.report.view import view

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("normwise.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.j2").render(
        **view(record),
        style=Markup(_package_file("page.css")),
        script=Markup(_package_file("page.js")),
        plotly=Markup(get_plotlyjs()),
        figures=Markup(figures_json(record)),
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def write_run_report(record: RunRecord, path: str | os.PathLike[str]) -> None:
    """Write the report of a run; the file appears whole or not at all.

    Args:
        record: The run.
        path: The HTML file; one that exists is replaced.

    Raises:
        RunFolderError: If the file cannot be written.
    """
    target = Path(path)
    page = run_report(record)
    beside = ""
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
        os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, target)
    except OSError as error:
        if beside:
            with contextlib.suppress(OSError):
                os.unlink(beside)
        raise RunFolderError(
            f'the report cannot be written to "{target}": {error.strerror or error}. '
            f"Choose a folder that exists, can be written to, and has {len(page) // 2**20 + 1} MB free."
        ) from error


def _package_file(name: str) -> str:
    return (importlib.resources.files("normwise.report") / "page" / name).read_text("utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
