"""What stands beside the progress bar: as much as fits on one line."""

from __future__ import annotations

import pytest

from normwise.cli.epoch_fields import epoch_fields
from normwise.workflows.training_progress import EpochReport

LOGS = {"accuracy": 0.9, "loss": 0.3, "val_accuracy": 0.91, "val_loss": 0.25}


def test_validation_values_rate_and_time_left() -> None:
    report = EpochReport(11, 60, LOGS, seconds=15.0, rows_per_second=12_345.6)
    epoch, rest = epoch_fields(report, first_epoch=5.0, width=100)
    assert epoch == "epoch 11/60"
    assert rest == "val loss 0.2500  val accuracy 0.9100  12,346 rows/s  0:49 left"


def test_training_values_where_there_is_no_validation() -> None:
    logs = {"loss": 0.3, "mean_absolute_error": 0.4}
    report = EpochReport(1, 60, logs, seconds=5.0, rows_per_second=10.0)
    assert epoch_fields(report, 5.0, 100)[1] == "loss 0.3000  mae 0.4000  10 rows/s"


@pytest.mark.parametrize("width", [10, 30, 50, 60, 70, 80, 110])
def test_it_never_outgrows_the_line(width: int) -> None:
    report = EpochReport(11, 60, LOGS, seconds=15.0, rows_per_second=12_345.6)
    epoch, rest = epoch_fields(report, first_epoch=5.0, width=width)
    assert len(epoch) + len(rest) <= max(width, len(epoch))


def test_an_80_column_terminal_shows_loss_metric_and_time_left() -> None:
    report = EpochReport(11, 60, LOGS, seconds=15.0, rows_per_second=1_234_567.0)
    _, rest = epoch_fields(report, first_epoch=5.0, width=70)
    assert rest.startswith("val loss 0.2500  val accuracy 0.9100")
    assert rest.endswith("0:49 left")
