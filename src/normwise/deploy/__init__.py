"""Deploy: statistics put right, layers folded away, and what is left written for others to run."""

from __future__ import annotations

from normwise.deploy.recalibrate import recalibrate

__all__ = ["recalibrate"]
