"""Training: the epoch as one compiled program, with the semantics of Keras' `Model.fit`."""

from __future__ import annotations

from normwise.training.fit import fit

__all__ = ["fit"]
