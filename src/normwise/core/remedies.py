"""Remedies: what was done about findings, and what was left undone and why."""

from __future__ import annotations

import dataclasses

from normwise.core.diagnosis import Finding
from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class AppliedRemedy(Record):
    """A finding that something was done about.

    Args:
        finding: The finding.
        done: What was done, a sentence.
    """

    finding: Finding
    done: str


@dataclasses.dataclass(frozen=True)
class LeftFinding(Record):
    """A finding that nothing was done about.

    Args:
        finding: The finding.
        reason: Why, a sentence.
    """

    finding: Finding
    reason: str
