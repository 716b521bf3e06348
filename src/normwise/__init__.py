"""normwise: the normalization toolkit that Keras 3 lacks, from the raw column to the deployed model."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from normwise.deploy.export import export as export
    from normwise.deploy.fold import fold as fold
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
    from normwise.workflows.apply_remedies import apply_remedies as apply_remedies
    from normwise.workflows.assert_healthy import assert_healthy as assert_healthy
    from normwise.workflows.diagnose import diagnose as diagnose
    from normwise.workflows.doctor_callback import DoctorCallback as DoctorCallback
    from normwise.workflows.recalibrate_callback import RecalibrateCallback as RecalibrateCallback
    from normwise.workflows.recalibrate_model import recalibrate as recalibrate
    from normwise.workflows.tabular_classifier import TabularClassifier as TabularClassifier
    from normwise.workflows.tabular_regressor import TabularRegressor as TabularRegressor
    from normwise.workflows.why_options import WhyOptions as WhyOptions
    from normwise.workflows.why_table import why_table as why_table

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
    "DoctorCallback": "normwise.workflows.doctor_callback",
    "RecalibrateCallback": "normwise.workflows.recalibrate_callback",
    "recalibrate": "normwise.workflows.recalibrate_model",
    "assert_healthy": "normwise.workflows.assert_healthy",
    "apply_remedies": "normwise.workflows.apply_remedies",
    "convert": "normwise.graph.convert",
    "diagnose": "normwise.workflows.diagnose",
    "export": "normwise.deploy.export",
    "fold": "normwise.deploy.fold",
    "insert": "normwise.graph.insert",
    "WhyOptions": "normwise.workflows.why_options",
    "why_table": "normwise.workflows.why_table",
}
# Records that show themselves in a notebook (docs/decisions/0106): by name, so that nothing is loaded for it.
_SHOWN = {
    "Bowl": "normwise.core.measurement",
    "Curve": "normwise.core.measurement",
    "FeatureRecord": "normwise.core.run_record",
    "Measurement": "normwise.core.measurement",
    "Sentence": "normwise.core.why_record",
    "Series": "normwise.core.probe",
    "WhyRecord": "normwise.core.why_record",
}
_ROOMS = (
    "core",
    "deploy",
    "doctor",
    "graph",
    "insight",
    "layers",
    "report",
    "scaling",
    "tables",
    "training",
    "workflows",
)

__all__ = [
    "BatchNormalization",
    "ColumnScaling",
    "DoctorCallback",
    "Dropout",
    "FeatureScaling",
    "PowerScaling",
    "QuantileScaling",
    "RecalibrateCallback",
    "TabularClassifier",
    "TabularRegressor",
    "WhyOptions",
    "__version__",
    "apply_remedies",
    "assert_healthy",
    "convert",
    "diagnose",
    "export",
    "fit",
    "fold",
    "insert",
    "load_model",
    "plot",
    "recalibrate",
    "why_table",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"normwise.{name}")
    raise AttributeError(f"module 'normwise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})


def _show_in_notebooks() -> None:
    """Tells IPython, where it is running, how records are shown."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return

    def shown(record: Any) -> Any:
        return importlib.import_module("normwise.report.notebook").shown(record)

    def listed(records: Any) -> Any:
        return importlib.import_module("normwise.report.notebook").listed(records)

    formatter = shell.display_formatter
    for name, module in _SHOWN.items():
        formatter.mimebundle_formatter.for_type_by_name(module, name, shown)
    for kind in (list, tuple):  # of anything but measurements or sentences IPython keeps its own
        formatter.formatters["text/html"].for_type(kind, listed)


_show_in_notebooks()
