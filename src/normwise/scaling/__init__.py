"""Scaling: features brought to one scale, by scikit-learn estimators that become layers of the network."""

from normwise.scaling.min_max_scaler import MinMaxScaler
from normwise.scaling.standard_scaler import StandardScaler

__all__ = ["MinMaxScaler", "StandardScaler"]
