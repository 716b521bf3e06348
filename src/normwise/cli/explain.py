"""`normwise explain`: the whole story of a rule of the doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from normwise.cli.clear_errors import clear_errors
from normwise.cli.console import results, write_text


def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A code such as NRM301, or the name of a defect.")
    ],
) -> None:
    """Tell what a rule of the doctor detects, why it matters, its remedy, false alarms and sources.

    Examples:

    - `normwise explain NRM301`

    - `normwise explain bias-before-normalization`
    """
    with clear_errors():
        from normwise.doctor.explain import explain as story

        text = story(code)
        console = results()
        if console.is_terminal:
            from rich.markdown import Markdown

            console.print(Markdown(text))
        else:
            write_text(text if text.endswith("\n") else f"{text}\n")
