"""normwise: the normalization toolkit that Keras 3 lacks, from the raw column to the deployed model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from normwise.graph.convert import convert as convert
    from normwise.graph.insert import insert as insert
    from normwise.layers.batch_normalization import BatchNormalization as BatchNormalization
    from normwise.layers.column_scaling import ColumnScaling as ColumnScaling
    from normwise.layers.dropout import Dropout as Dropout
    from normwise.layers.feature_scaling import FeatureScaling as FeatureScaling
    from normwise.layers.load_model import load_model as load_model
    from normwise.layers.power_scaling import PowerScaling as PowerScaling
    from normwise.layers.quantile_scaling import QuantileScaling as QuantileScaling
    from normwise.report.plot import plot as plot
    from normwise.training.fit import fit as fit
    from normwise.workflows.tabular_classifier import TabularClassifier as TabularClassifier
    from normwise.workflows.tabular_regressor import TabularRegressor as TabularRegressor

# Public name to the module that holds it: `import normwise` alone loads neither keras nor jax (PEP 562).
_HOMES = {
    "fit": "normwise.training.fit",
    "BatchNormalization": "normwise.layers.batch_normalization",
    "ColumnScaling": "normwise.layers.column_scaling",
    "Dropout": "normwise.layers.dropout",
    "FeatureScaling": "normwise.layers.feature_scaling",
    "PowerScaling": "normwise.layers.power_scaling",
    "QuantileScaling": "normwise.layers.quantile_scaling",
    "load_model": "normwise.layers.load_model",
    "plot": "normwise.report.plot",
    "TabularClassifier": "normwise.workflows.tabular_classifier",
    "TabularRegressor": "normwise.workflows.tabular_regressor",
    "convert": "normwise.graph.convert",
    "insert": "normwise.graph.insert",
}
_ROOMS = ("core", "graph", "layers", "report", "scaling", "tables", "training", "workflows")

__all__ = [
    "BatchNormalization",
    "ColumnScaling",
    "Dropout",
    "FeatureScaling",
    "PowerScaling",
    "QuantileScaling",
    "TabularClassifier",
    "TabularRegressor",
    "__version__",
    "convert",
    "fit",
    "insert",
    "load_model",
    "plot",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"normwise.{name}")
    raise AttributeError(f"module 'normwise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
