"""One self-contained HTML page: rendered from a template of this package, and written whole or not at all."""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from normwise.core.errors import RunFolderError

PLOTLY = "plotly-cartesian.min.js"
"""Plotly.js 4.1.1 of two dimensions, as released (docs/decisions/0108)."""


def html_page(
    template: str, figures: str, variables: Mapping[str, Any], more: Sequence[str] = (), **data: str
) -> str:
    """A page with Plotly's JavaScript, the common style and script, and the figures.

    Args:
        template: Its file in ``report/page``.
        figures: The figures, as `figures_json` gives them.
        variables: What the template shows; escaped, unless it is `Markup`.
        more: Names of further files, without ending: of style (``.css``) and of script (``.js``).
        data: JSON that may stand inside a script element, by the template's name for it.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("normwise.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("page", *more)
    page = environment.get_template(template).render(
        **variables,
        style=Markup("\n".join(_package_file(f"{name}.css") for name in names)),
        script=Markup("\n".join(_package_file(f"{name}.js") for name in names)),
        plotly=Markup(_package_file(PLOTLY)),
        figures=Markup(figures),
        **{name: Markup(text) for name, text in data.items()},
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def write_page(page: str, path: str | os.PathLike[str]) -> None:
    """Write a page; the file appears whole or not at all.

    Raises:
        RunFolderError: If the file cannot be written.
    """
    target = Path(path)
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
