"""Keras layers, one a file; importing this room loads Keras with the backend that the process has chosen."""

from __future__ import annotations

from normwise.layers._backend import require_backend

require_backend()

# Every layer of the room is imported here, which registers it with Keras: `load_model` counts on it.
from normwise.layers.batch_normalization import BatchNormalization  # noqa: E402
from normwise.layers.column_scaling import ColumnScaling  # noqa: E402
from normwise.layers.dropout import Dropout  # noqa: E402
from normwise.layers.feature_scaling import FeatureScaling  # noqa: E402
from normwise.layers.load_model import load_model  # noqa: E402
from normwise.layers.piecewise_linear_encoding import PiecewiseLinearEncoding  # noqa: E402
from normwise.layers.power_scaling import PowerScaling  # noqa: E402
from normwise.layers.quantile_scaling import QuantileScaling  # noqa: E402

__all__ = [
    "BatchNormalization",
    "ColumnScaling",
    "Dropout",
    "FeatureScaling",
    "PiecewiseLinearEncoding",
    "PowerScaling",
    "QuantileScaling",
    "load_model",
]
