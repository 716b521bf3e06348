"""Walking and rewriting Keras models: convert and insert."""

from __future__ import annotations

from normwise.graph.changes import Change, InsertResult
from normwise.graph.convert import convert
from normwise.graph.insert import insert

__all__ = ["Change", "InsertResult", "convert", "insert"]
