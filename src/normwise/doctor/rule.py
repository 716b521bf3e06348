"""Rule: one defect, how it is told, and the words about it."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterator

from normwise.core.diagnosis import Confidence, Finding, Remedy, Severity
from normwise.core.evidence import Evidence

SECTIONS = (
    "What it detects",
    "Why it matters",
    "Example",
    "Remedy",
    "False alarms",
    "Sources",
)
"""The sections of a rule's docstring, in this order; each begins with ``## `` and its name on a line."""


class NotApplicableError(Exception):
    """Raised by a rule: the model, or its data, has nothing that the rule is about; the message says what."""


class NotKnownError(Exception):
    """Raised by a rule: what it asks of the training nobody has said; the message says what."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """One defect.

    Args:
        code: ``NRM`` and three digits, of which the first is the stage: 1 data, 2 activations and gradients,
            3 structure, 4 statistics. Never given to another rule.
        defect: Its name in kebab-case, for the defect and not for the remedy.
        severity: That of its findings, where `check` says nothing else.
        confidence: Of its findings.
        needs: The fields of `Evidence` that it looks at: where one is absent, the rule is skipped.
        check: Gives the findings of some evidence; raises `NotApplicableError` or `NotKnownError`.
        preview: Whether its threshold is not yet calibrated: it runs only where it is asked for.
        cheap: Whether it needs no more than what training itself computes, so that a callback can run it.
    """

    code: str
    defect: str
    severity: Severity
    confidence: Confidence
    needs: tuple[str, ...]
    check: Callable[[Evidence], Iterator[Finding]]
    preview: bool = False
    cheap: bool = True

    @property
    def text(self) -> str:
        """What the rule's file says of it, in Markdown."""
        return inspect.getdoc(sys.modules[self.check.__module__]) or ""

    @property
    def summary(self) -> str:
        """The first line of the text, without the defect's name."""
        return self.text.splitlines()[0].partition(": ")[2]

    def section(self, name: str) -> str:
        """One of the `SECTIONS` of the text."""
        return _sections(self.text)[name]

    def finding(
        self,
        *,
        layer: str,
        value: float,
        threshold: float,
        evidence: str,
        remedy: Remedy,
        unit: str = "",
        sample_size: float = 0,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
        columns: tuple[str, ...] = (),
    ) -> Finding:
        """A finding of this rule: the words that are the same for all are those of its docstring."""
        return Finding(
            self.code,
            self.defect,
            severity or self.severity,
            confidence or self.confidence,
            layer,
            float(value),
            float(threshold),
            unit,
            int(sample_size) if math.isfinite(sample_size) else 0,
            evidence,
            _plain(self.section("Why it matters")),
            remedy,
            _plain(self.section("False alarms")),
            _plain(self.section("Sources")),
            columns,
        )


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {name.strip(): body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _plain(text: str) -> str:
    """A paragraph on one line."""
    return re.sub(r"\s+", " ", text).strip()
