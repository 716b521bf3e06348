"""Differences of two JSON values, so that a page holds each figure once, and its changes."""

from __future__ import annotations

from typing import Any

Patch = list[tuple[list[str | int], Any]]


def differences(base: Any, other: Any) -> Patch:
    """The places where `other` differs from `base`, each with the value that stands there.

    Example:
        >>> differences({"a": [1, 2], "b": "x"}, {"a": [1, 3], "b": "x"})
        [(['a', 1], 3)]
    """
    if isinstance(base, dict) and isinstance(other, dict) and base.keys() == other.keys():
        return [([key, *path], value) for key in base for path, value in differences(base[key], other[key])]
    if isinstance(base, list) and isinstance(other, list) and len(base) == len(other):
        pairs = zip(base, other, strict=True)
        return [([i, *p], value) for i, (a, b) in enumerate(pairs) for p, value in differences(a, b)]
    return [] if base == other and isinstance(base, bool) == isinstance(other, bool) else [([], other)]
