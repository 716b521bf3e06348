"""CASES: every labelled case, the seeded ones and the clean ones."""

from __future__ import annotations

from functools import partial

from tests.corpus.case import STRENGTHS, Case
from tests.corpus.defects import DEFECTS, TWIN, Defect
from tests.corpus.healthy import HEALTHY


def seeded(defect: Defect, architecture: str) -> list[Case]:
    """The defect in an architecture at each strength, and the clean twin."""
    name = f"{defect.code}/{architecture}"
    cases = [
        Case(
            f"{name}/{strength}",
            architecture,
            defect.code,
            strength,
            partial(defect.seed, architecture, strength),
            frozenset({defect.code}),
            *defect.where(architecture, strength),
            defect.allowed,
        )
        for strength in STRENGTHS
    ]
    twin = partial(defect.seed, architecture, TWIN)
    return [*cases, Case(f"{name}/{TWIN}", architecture, "", "", twin, allowed=defect.twin_allowed)]


CASES: tuple[Case, ...] = (
    *(case for defect in DEFECTS for name in defect.architectures for case in seeded(defect, name)),
    *(Case(f"clean/{h.name}", h.architecture, "", "", h.build, allowed=h.allowed) for h in HEALTHY),
)
