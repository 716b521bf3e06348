"""The diagnosis of what was just trained: on the rows of the training, and never at the cost of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.doctor.records import WHOLE

from normwise.core.errors import TrainingError
from normwise.core.run_record import TableSchema
from normwise.workflows import diagnose_trained
from normwise.workflows.diagnose_trained import diagnose_estimator, diagnosed
from normwise.workflows.infer_columns import infer_columns
from normwise.workflows.presets import PRESETS


class Estimator:
    """What is asked of a fitted estimator."""

    model_ = "the network"
    validation_rows_ = 3

    def __init__(self, frame: pl.DataFrame, task: str) -> None:
        columns = infer_columns(frame, {})
        self.schema_ = TableSchema(columns, "y", task, (), "Float64", None, 10.0, 4.0)  # type: ignore[arg-type]

    def resolved_preset(self) -> Any:
        return PRESETS["default"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_as_many_rows_as_were_trained_on(monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        diagnose_trained, "diagnose", lambda *given, **how: asked.append((given, how)) or WHOLE
    )
    frame = pl.DataFrame({"a": np.arange(23.0)})
    targets = np.arange(23) % 2
    notes: list[str] = []
    assert diagnose_estimator(Estimator(frame, task), frame, targets, notes.append) == WHOLE  # type: ignore[arg-type]
    ((model, x, y), how) = asked[0]
    assert model == "the network"
    assert [len(part) for part in (*x.values(), y)] == [20, 20]
    expected = targets[np.linspace(0, 22, 20).astype(int)]
    np.testing.assert_allclose(y, expected if task == "classification" else (expected - 10) / 4)
    assert how == {"batch_size": 16}
    assert notes == []


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (KeyboardInterrupt(), "the diagnosis was interrupted and left out"),
        (TrainingError("of this and that"), "the network could not be diagnosed: of this and that"),
    ],
)
def test_what_goes_wrong_costs_the_diagnosis_alone(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, note: str
) -> None:
    def raises(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(diagnose_trained, "diagnose", raises)
    notes: list[str] = []
    assert diagnosed(None, None, None, 16, notes.append) is None
    assert notes == [note]
