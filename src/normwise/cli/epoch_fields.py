"""The words beside the progress bar, as many as fit."""

from __future__ import annotations

from normwise.workflows.training_progress import EpochReport

SHORT = {"mean_absolute_error": "mae"}


def epoch_fields(report: EpochReport, first_epoch: float, width: int) -> tuple[str, str]:
    """``epoch 3/60``, and beside it loss, metric, rows a second, time left; as many of them as fit.

    Args:
        report: Where the training is.
        first_epoch: Seconds of the first epoch: it compiles, so the time left is told from the others.
        width: Characters that there are.
    """
    epoch = f"epoch {report.epoch}/{report.epochs}"
    parts = _values(report.logs)
    left = _time_left(report, first_epoch)
    rate = f"{report.rows_per_second:,.0f} rows/s"
    for kept in ([*parts, rate, left], [*parts, left], [*parts[:1], left], parts[:1], []):
        rest = "  ".join(part for part in kept if part)
        if len(epoch) + len(rest) <= width:
            break
    return epoch, rest


def _values(logs: dict[str, float]) -> list[str]:
    """Loss and metric: on the validation rows where there are any."""
    validated = {name: value for name, value in logs.items() if name.startswith("val_")}
    prefix = "val " if validated else ""
    values = validated or logs
    named = {name.removeprefix("val_"): value for name, value in values.items()}
    return [
        f"{prefix}{SHORT.get(name, name)} {value:.4f}"
        for name, value in sorted(named.items(), key=_loss_first)
    ]


def _loss_first(item: tuple[str, float]) -> bool:
    return item[0] != "loss"


def _time_left(report: EpochReport, first_epoch: float) -> str:
    if report.epoch < 2:
        return ""
    each = (report.seconds - first_epoch) / (report.epoch - 1)
    seconds = round(each * (report.epochs - report.epoch))
    return f"{seconds // 60}:{seconds % 60:02d} left"
