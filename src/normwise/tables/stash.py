"""Our own errors on their way through an engine that knows only its own."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict

_KEPT = 64
_errors: OrderedDict[str, BaseException] = OrderedDict()


def stash(error: BaseException) -> RuntimeError:
    """An error to raise inside an engine: its text names `error`, which `stashed` finds again.

    Polars turns what a Python source raises into an error of its own that holds the text alone.

    Example:
        >>> carrier = stash(KeyError("line 3"))
        >>> stashed(ValueError(f"ComputeError: {carrier}"))
        KeyError('line 3')
    """
    key = secrets.token_hex(8)
    _errors[key] = error
    while len(_errors) > _KEPT:
        _errors.popitem(last=False)
    return RuntimeError(f"{error} [normwise:{key}]")


def stashed(error: BaseException) -> BaseException | None:
    """The error that was stashed and whose name `error` carries, None where there is none."""
    found = re.search(r"\[normwise:([0-9a-f]{16})\]", str(error))
    return _errors.pop(found[1], None) if found else None
