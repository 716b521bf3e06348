"""compiling_ahead: threads that compile what will be needed while the training goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

COMPILERS = 2
"""Programs compiled at a time: the whole batches' first, then what they leave time for."""
LISTEN_SECONDS = 0.1


class Compiler:
    """Threads that compile, and how the main thread waits for them.

    Args:
        threads: The threads.
        between: Called now and then while somebody waits; what it raises ends the waiting.
    """

    def __init__(self, threads: Executor, between: Callable[[], None]) -> None:
        self._threads, self._between = threads, between

    def submit(self, make: Callable[[], T]) -> Future[T]:
        return self._threads.submit(make)

    def result(self, made: Future[T]) -> T:
        """What was made, as soon as it is."""
        while not wait([made], LISTEN_SECONDS).done:
            self._between()
        return made.result()


@contextmanager
def compiling_ahead(between: Callable[[], None]) -> Iterator[Compiler]:
    """Within the block, threads that compile; whoever leaves it does not wait for them.

    XLA cannot be told to give up a program, so one that is being compiled is finished unheard; those in the
    queue are dropped.
    """
    threads = ThreadPoolExecutor(COMPILERS, thread_name_prefix="normwise-compile")
    try:
        yield Compiler(threads, between)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
