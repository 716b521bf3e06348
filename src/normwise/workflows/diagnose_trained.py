"""diagnose_trained: what the doctor finds in a network that was just trained, for its report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.diagnosis import Diagnosis
from normwise.core.errors import NormwiseError
from normwise.workflows.diagnose import diagnose
from normwise.workflows.encode_table import encode_table
from normwise.workflows.tabular_estimator import TabularEstimator
from normwise.workflows.train_network import batch_size_for


def diagnose_estimator(
    estimator: TabularEstimator,
    features: pl.DataFrame,
    targets: NDArray[Any],
    note: Callable[[str], None],
) -> Diagnosis | None:
    """The diagnosis of a fitted estimator's network; None, and a note, where it could not be made.

    Args:
        estimator: The classifier or regressor.
        features: The rows that it was fitted on.
        targets: Their class numbers, or targets in their unit.
        note: Told why there is no diagnosis.
    """
    schema = estimator.schema_
    training = features.height - estimator.validation_rows_
    # As many rows as were trained on, so that the last batch of an epoch is as large as it was.
    chosen = np.linspace(0, features.height - 1, training).astype(np.intp)
    x = encode_table(features[chosen], schema.columns).inputs()
    y = targets[chosen]
    if schema.task == "regression":
        y = ((y - schema.target_mean) / schema.target_std).astype(np.float32)
    return diagnosed(estimator.model_, x, y, batch_size_for(training, estimator.resolved_preset()), note)


def diagnosed(model: Any, x: Any, y: Any, batch_size: int, note: Callable[[str], None]) -> Diagnosis | None:
    """The diagnosis; None, and a note, where it could not be made: it must not cost what was trained."""
    try:
        return diagnose(model, x, y, batch_size=batch_size)
    except KeyboardInterrupt:
        note("the diagnosis was interrupted and left out")
    except NormwiseError as error:
        note(f"the network could not be diagnosed: {error}")
    return None
