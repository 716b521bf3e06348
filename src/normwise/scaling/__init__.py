"""Scaling: features brought to one scale, by scikit-learn estimators that become layers of the network."""

from normwise.scaling.column_scaler import ColumnScaler
from normwise.scaling.load_scaler import load_scaler
from normwise.scaling.max_abs_scaler import MaxAbsScaler
from normwise.scaling.min_max_scaler import MinMaxScaler
from normwise.scaling.power_scaler import PowerScaler
from normwise.scaling.quantile_scaler import QuantileScaler
from normwise.scaling.robust_scaler import RobustScaler
from normwise.scaling.standard_scaler import StandardScaler

__all__ = [
    "ColumnScaler",
    "MaxAbsScaler",
    "MinMaxScaler",
    "PowerScaler",
    "QuantileScaler",
    "RobustScaler",
    "StandardScaler",
    "load_scaler",
]
