"""A script's file: read with its encoding and its ends of lines, and written so."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path
from typing import NamedTuple

from normwise.core.errors import ScriptError


class Script(NamedTuple):
    """The text of a script, and how its file spells it."""

    path: Path
    code: str
    encoding: str


def read_script(path: Path) -> Script:
    """Reads a script in the encoding that its first lines name; UTF-8 where they name none.

    Raises:
        ScriptError: If there is no such file, or it is none of Python.
    """
    if path.suffix.lower() == ".ipynb":
        raise ScriptError(
            f"{path} is a notebook. Expected a script: convert it first, by "
            f"`jupyter nbconvert --to script {path.name}`, and migrate the result."
        )
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ScriptError(f"{path} does not exist. Expected a Python script.") from error
    except OSError as error:
        raise ScriptError(f"{path} cannot be read: {error.strerror or error}.") from error
    if b"\0" in content:
        raise ScriptError(f"{path} has bytes that are no text. Expected a Python script.")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return Script(path, content.decode(encoding), encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise ScriptError(
            f"{path} is not in the encoding that it is read by: {error}. Save it as UTF-8, or name its "
            "encoding in its first line, such as # -*- coding: latin-1 -*-"
        ) from error
