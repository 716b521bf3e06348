"""What the built-in probes share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

EVERY = 50
"""Steps between two measurements, where its owner does not say: a probe then costs a few percent."""


@dataclasses.dataclass(frozen=True)
class BuiltIn:
    """A probe with its words.

    Args:
        every: It measures at step 0, and every so many steps from there.
    """

    every: int = EVERY
    name: ClassVar[str]
    unit: ClassVar[str] = ""
    definition: ClassVar[str]


def require(values: Mapping[str, Any], probe: BuiltIn, expected: str) -> Mapping[str, Any]:
    """The values, of which there must be some."""
    if not values:
        raise ValueError(
            f'the probe "{probe.name}" found nothing to measure in this model; expected {expected}. Leave the'
            " probe out, or write these parts of the model as layers."
        )
    return values


def by_channel(values: Any) -> Any:
    """The values as (values a channel, channels), the last axis being the channels'."""
    return values.reshape(-1, values.shape[-1])
