"""What a training tells while it runs, and how Ctrl-C ends it without losing what it learnt."""

from __future__ import annotations

import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras


@dataclasses.dataclass(frozen=True)
class EpochReport:
    """Where a training is after an epoch.

    Args:
        epoch: Epochs done.
        epochs: Epochs at most.
        logs: Metric name to its value in this epoch.
        seconds: Wall time since the training began.
        rows_per_second: Training rows a second, over the last epoch.
    """

    epoch: int
    epochs: int
    logs: dict[str, float]
    seconds: float
    rows_per_second: float


class TrainingProgress(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls a listener after every epoch, and ends the training at the next batch once it is asked to.

    Args:
        on_epoch: Called with an `EpochReport`.
        on_interrupt: Called once, when the training is about to end because it was asked to.
        rows: Training rows an epoch.
        on_part: Called within epochs too, with how many epochs are done, such as 2.25, and how many there
            are.
    """

    def __init__(
        self,
        on_epoch: Callable[[EpochReport], None],
        on_interrupt: Callable[[], None],
        rows: int,
        on_part: Callable[[float, int], None] | None = None,
    ) -> None:
        super().__init__()
        self.on_epoch, self.on_interrupt, self.rows, self.on_part = on_epoch, on_interrupt, rows, on_part
        self.epoch = 0
        self.interrupted = False

    def on_train_begin(self, logs: Any = None) -> None:
        self.start = self.last = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.on_part is not None and self.params["steps"]:
            self.on_part(self.epoch + (batch + 1) / self.params["steps"], self.params["epochs"])
        self._stop_if_asked()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        now = time.perf_counter()
        rate = self.rows / max(now - self.last, 1e-9)
        self.last = now
        values = {name: float(value) for name, value in (logs or {}).items()}
        self.on_epoch(EpochReport(epoch + 1, self.params["epochs"], values, now - self.start, rate))
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        # Said here and not in the signal's handler, which may run in the middle of anything.
        if self.interrupted and not self.model.stop_training:
            self.model.stop_training = True
            self.on_interrupt()


@contextmanager
def stopping_gently(progress: TrainingProgress) -> Iterator[None]:
    """Within the block, the first Ctrl-C ends the training gently; the second is a KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def gently(signum: int, frame: Any) -> None:
        del signum, frame
        progress.interrupted = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, gently)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within the block, which is short, Ctrl-C does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
