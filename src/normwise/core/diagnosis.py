"""Diagnosis: what the doctor found, with evidence and remedy, and which checks were made."""

from __future__ import annotations

import dataclasses
from typing import Literal

from normwise.core.records import Record

SEVERITIES = ("error", "warning", "info")
"""From the worst on."""
Severity = Literal["error", "warning", "info"]
Confidence = Literal["exact", "measured", "heuristic"]


@dataclasses.dataclass(frozen=True)
class Remedy(Record):
    """What mends a finding.

    Args:
        action: What `normwise doctor --fix` does: ``"insert scaling"``, ``"drop bias"``, ``"recalibrate"``,
            ``"raise precision"``, ``"remove dropout"``; "" where it can do nothing.
        text: What to do, a sentence.
        code: The same as Python that runs, with `model`, `x` and `y` given; "" where it depends on code that
            is not at hand.
        safety: ``"safe"``: what the network computes stays the same, or its statistics are put right;
            ``"unsafe"``: it has to be trained again, or computes something else; ``"manual"``: nothing is
            done for the user.
    """

    action: str
    text: str
    code: str
    safety: str


@dataclasses.dataclass(frozen=True)
class Finding(Record):
    """One defect in one place.

    Args:
        code: The rule's code, such as ``"NRM301"``.
        defect: The rule's name, such as ``"bias-before-normalization"``.
        severity: ``"error"``, ``"warning"`` or ``"info"``.
        confidence: ``"exact"``: it follows from the structure or a count; ``"measured"`` on these rows;
            ``"heuristic"``.
        layer: The path of the layer; of data, of the input. "" is the whole model.
        value: The number that crossed the threshold.
        threshold: The threshold.
        unit: Their unit; "" for a bare number.
        sample_size: How many values it was measured on; 0 where it follows from the structure.
        evidence: One plain sentence with the numbers.
        why: Why it matters, a sentence or two.
        remedy: What mends it.
        false_alarms: When it is no defect.
        source: Where criterion and threshold are from.
        columns: The columns that it is of; () is no table, or all of them.
    """

    code: str
    defect: str
    severity: str
    confidence: str
    layer: str
    value: float
    threshold: float
    unit: str
    sample_size: int
    evidence: str
    why: str
    remedy: Remedy
    false_alarms: str
    source: str
    columns: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What tells the same finding again in a later diagnosis.

        Example:
            >>> remedy = Remedy("", "", "", "manual")
            >>> words = {"evidence": "", "why": "", "false_alarms": "", "source": ""}
            >>> f = Finding("NRM402", "last-batch-of-one", "error", "exact", "net/norm", 1.0, 2.0, "rows", 0,
            ...     remedy=remedy, **words)
            >>> f.fingerprint
            'NRM402:net/norm'
        """
        return f"{self.code}:{self.layer}"


@dataclasses.dataclass(frozen=True)
class Check(Record):
    """One rule, and what came of it.

    Args:
        code: The rule's code.
        defect: The rule's name.
        status: ``"clean"``, ``"found"``, ``"skipped"`` (what it needs was not measured), ``"not applicable"``
            (the model has nothing that it is about) or ``"failed"`` (the rule itself went wrong).
        reason: Why, of the last three; "" else.
        ignored: How many findings were left out because the user ignores them.
    """

    code: str
    defect: str
    status: str
    reason: str = ""
    ignored: int = 0


@dataclasses.dataclass(frozen=True)
class Diagnosis(Record):
    """What was found in a model: an empty `findings` is no proof of health, `checks` say what was looked at.

    Args:
        model: The model's name.
        rows: How many rows were probed; 0 without data.
        findings: The worst first, then in the order of the codes and of the layers.
        checks: One a rule, in the order of the codes.
        unseen: Parts of the model that could not be looked at, a sentence each.
    """

    model: str
    rows: int
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    unseen: tuple[str, ...] = ()

    def worst(self) -> str:
        """The worst severity among the findings; "" without any."""
        return min((f.severity for f in self.findings), key=SEVERITIES.index, default="")
