"""The composer: tabular estimators, and what the commands `fit` and `predict` do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normwise.workflows.predict_table import load_run as load_run
    from normwise.workflows.tabular_classifier import TabularClassifier as TabularClassifier
    from normwise.workflows.tabular_regressor import TabularRegressor as TabularRegressor

_HOMES = {
    "TabularClassifier": "tabular_classifier",
    "TabularRegressor": "tabular_regressor",
    "load_run": "predict_table",
}

__all__ = ["TabularClassifier", "TabularRegressor", "load_run"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"normwise.workflows.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'normwise.workflows' has no attribute {name!r}")
