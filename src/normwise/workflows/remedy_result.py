"""What apply_remedies gives back: the new model, and what was found and done as data."""

from __future__ import annotations

from typing import Any, NamedTuple

from normwise.core.diagnosis import Diagnosis
from normwise.core.remedies import AppliedRemedy, LeftFinding, Remedies


class RemedyResult(NamedTuple):
    """The mended model, and what was found in it before and after.

    Attributes:
        model: The new model; the given one, if nothing was done.
        before: The diagnosis of the given model.
        applied: The findings that something was done about, and what.
        left: Those that nothing was done about, and why.
        after: The diagnosis of the new model.

    Example:
        >>> clean = Diagnosis("net", 0, (), ())
        >>> print(RemedyResult(None, clean, (), (), clean))
        nothing was done
    """

    model: Any
    before: Diagnosis
    applied: tuple[AppliedRemedy, ...]
    left: tuple[LeftFinding, ...]
    after: Diagnosis

    @property
    def record(self) -> Remedies:
        """All of it but the model, with a JSON form."""
        return Remedies(self.before, self.applied, self.left, self.after)

    def __str__(self) -> str:
        done = [f"{a.finding.fingerprint} {a.finding.defect}: {a.done}" for a in self.applied]
        left = [f"{f.finding.fingerprint} {f.finding.defect}: left, {f.reason}" for f in self.left]
        return "\n".join([*(done or ["nothing was done"]), *left])
