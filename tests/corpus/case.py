"""Case: a network with its data, and what a doctor must and may find in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

STRENGTHS = ("mild", "strong")
"""Beyond the threshold by a factor that no noise of the data takes back, and far beyond it."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """What `normwise.diagnose` is given.

    Args:
        model: The network.
        x: Its data.
        y: Their targets.
        arguments: Further arguments.
    """

    model: Any
    x: Any
    y: Any
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Case:
    """A labelled case. The label is what the defect is, not what a rule says of it.

    Args:
        name: Unlike all others: ``"NRM403/dense/strong"``, ``"NRM403/dense/twin"``, ``"clean/one-hot"``.
        architecture: Of `tests.corpus.architectures`, or another word.
        rule: The code of the defect that was put in; "" is a clean case.
        strength: Of `STRENGTHS`; "" is a clean case.
        build: Makes the network and its data, always the same ones.
        expected: Codes that must be found.
        ill: Names of layers, the last part of their paths, that have the defect: each must be named.
        sound: Names of layers without it: none of these may be named by a finding of `rule`.
        allowed: Codes that may be found besides, since they are true of it too, and why.
    """

    name: str
    architecture: str
    rule: str
    strength: str
    build: Callable[[], Problem]
    expected: frozenset[str] = frozenset()
    ill: frozenset[str] = frozenset()
    sound: frozenset[str] = frozenset()
    allowed: Mapping[str, str] = dataclasses.field(default_factory=dict)
