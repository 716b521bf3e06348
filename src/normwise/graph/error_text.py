"""error_text: what an error that a model raised says, without what Keras puts around it."""

from __future__ import annotations

import re


def error_text(error: BaseException) -> str:
    """The kind of the error and the first line of what was said first, at most 200 characters of it.

    Example:
        >>> by_keras = "Exception encountered when calling Own.call().\\n\\n\\x1b[1mtoo wide\\x1b[0m"
        >>> error_text(ValueError(by_keras))
        'ValueError: too wide'
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines()]
    said = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return f"{type(error).__name__}: {said[0]:.200}" if said else type(error).__name__
