"""Deploy: statistics put right, layers folded away, and what is left written for others to run."""

from __future__ import annotations

from normwise.deploy.export import export
from normwise.deploy.fold import fold
from normwise.deploy.fold_result import Folded, FoldResult, Kept
from normwise.deploy.recalibrate import recalibrate

__all__ = ["FoldResult", "Folded", "Kept", "export", "fold", "recalibrate"]
