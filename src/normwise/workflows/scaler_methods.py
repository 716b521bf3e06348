"""The scaler that a method's name and its options mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normwise.core.errors import NormwiseError, did_you_mean, listing
from normwise.scaling import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)
from normwise.scaling.scaler import Scaler

METHODS: dict[str, type[Scaler]] = {
    "standard": StandardScaler,
    "min-max": MinMaxScaler,
    "max-abs": MaxAbsScaler,
    "robust": RobustScaler,
    "quantile": QuantileScaler,
    "power": PowerScaler,
}
OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "feature-range": ("feature_range", ("min-max",)),
    "quantile-range": ("quantile_range", ("robust",)),
    "output": ("output", ("quantile",)),
    "clip": ("clip", ("min-max", "max-abs")),
    "clip-at": ("clip", ("standard", "robust")),
    "unbiased": ("unbiased", ("standard",)),
    "power": ("method", ("power",)),
    "infinite": ("infinite", tuple(METHODS)),
}
"""Option to the scaler's argument, and the methods that have it."""


def scaler_of_method(method: str, options: Mapping[str, Any]) -> Scaler:
    """A scaler, not fitted.

    Args:
        method: One of `METHODS`.
        options: Some of `OPTIONS` with their values.

    Raises:
        NormwiseError: If there is no such method, an option does not belong to it, or a value is none.

    Example:
        >>> scaler_of_method("min-max", {"feature-range": (-1, 1)})
        MinMaxScaler(feature_range=(-1, 1))
    """
    if method not in METHODS:
        raise NormwiseError(f'"{method}" is no method of scaling. {did_you_mean(method, METHODS)}')
    for option in options:
        _, belongs = OPTIONS[option]
        if method not in belongs:
            others = [f"--{name}" for name, (_, methods) in OPTIONS.items() if method in methods]
            raise NormwiseError(
                f"--{option} belongs to the method {' and '.join(belongs)}, not to {method}, whose options "
                f"are {listing(others)}. Leave it out."
            )
    scaler = METHODS[method](**{OPTIONS[name][0]: value for name, value in options.items()})
    try:
        scaler._require_parameters()
    except ValueError as error:
        raise NormwiseError(str(error)) from error
    return scaler
