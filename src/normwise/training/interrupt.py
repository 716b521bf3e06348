"""interrupt: the first Ctrl-C waits for the program in flight to give its state back, the second does not."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def interrupt_between_chunks() -> Iterator[Callable[[], None]]:
    """Within the block, the first Ctrl-C is kept until the given function is called, or the block ends; the
    second is not kept.

    Yields:
        A function that raises KeyboardInterrupt if Ctrl-C was pressed.
    """
    pressed: list[int] = []

    def raise_if_pressed() -> None:
        if pressed:
            pressed.clear()
            raise KeyboardInterrupt

    # Only Python's own handler is put off: whoever set another one means it.
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield raise_if_pressed
        return

    def keep(signum: int, frame: Any) -> None:
        del frame
        pressed.append(signum)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, keep)
    try:
        yield raise_if_pressed
        raise_if_pressed()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def interruptible(wait: Callable[[], T]) -> T:
    """What the function gives, once it does; Ctrl-C is heard meanwhile.

    Waiting for a device does not return to Python before the device is done, waiting for a thread does.
    """
    if threading.current_thread() is not threading.main_thread():
        return wait()
    return _waiters().submit(wait).result()


@cache
def _waiters() -> ThreadPoolExecutor:
    # One that waits for a program that was given up must not keep the next from being waited for.
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="normwise-wait")
