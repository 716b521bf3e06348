"""Training: the epoch as one compiled program, with the semantics of Keras' `Model.fit`."""

from __future__ import annotations

from normwise.training.fit import fit
from normwise.training.fit_many import fit_many
from normwise.training.side_by_side import ManyFits

__all__ = ["ManyFits", "fit", "fit_many"]
