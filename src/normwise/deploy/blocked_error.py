"""BlockedError: why an affine map cannot go where it was to go."""

from __future__ import annotations


class BlockedError(Exception):
    """A layer does not take an affine map, or does not let it pass; the text says which and why."""
