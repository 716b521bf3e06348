"""Probes for `normwise.fit(…, probes=[…])`: what is measured inside the compiled epoch every so often."""

from __future__ import annotations

from normwise.training.probes.gradient_norms import GradientNorms
from normwise.training.probes.loss import Loss
from normwise.training.probes.normalization import NormalizationStatistics
from normwise.training.probes.pre_activations import PreActivations
from normwise.training.probes.saturation import Saturation
from normwise.training.probes.weights import UpdateRatios, WeightNorms

__all__ = [
    "GradientNorms",
    "Loss",
    "NormalizationStatistics",
    "PreActivations",
    "Saturation",
    "UpdateRatios",
    "WeightNorms",
]
