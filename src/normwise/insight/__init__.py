"""Insight: what normalization changes, one measurement a file; each returns records."""

from __future__ import annotations

from normwise.insight.bowl import bowl
from normwise.insight.condition_number import condition_numbers
from normwise.insight.covariate_shift import covariate_shift
from normwise.insight.depth import moments_by_depth
from normwise.insight.descent import descent_steps
from normwise.insight.feature_spread import feature_spread
from normwise.insight.hessian_eigenvalues import hessian_eigenvalues
from normwise.insight.inference_gap import inference_gap
from normwise.insight.initialization_scales import initialization_scales
from normwise.insight.linear_descent import linear_descent_steps
from normwise.insight.logistic_descent import logistic_descent_steps
from normwise.insight.loss_along_gradient import loss_along_gradient
from normwise.insight.loss_surface import loss_surface, surface_descent_steps
from normwise.insight.saturation import saturation
from normwise.insight.scale_invariance import scale_invariance
from normwise.insight.sensitivity import sensitivity
from normwise.insight.share_of_first_gradient import share_of_first_gradient
from normwise.insight.smoothness import smoothness, smoothness_at, smoothness_curves
from normwise.insight.usable_range import usable_range
from normwise.insight.variance_inflation import variance_inflation

__all__ = [
    "bowl",
    "condition_numbers",
    "covariate_shift",
    "descent_steps",
    "feature_spread",
    "hessian_eigenvalues",
    "inference_gap",
    "initialization_scales",
    "linear_descent_steps",
    "logistic_descent_steps",
    "loss_along_gradient",
    "loss_surface",
    "moments_by_depth",
    "saturation",
    "scale_invariance",
    "sensitivity",
    "share_of_first_gradient",
    "smoothness",
    "smoothness_at",
    "smoothness_curves",
    "surface_descent_steps",
    "usable_range",
    "variance_inflation",
]
