"""ReadAhead: the items of an iterator, made by a thread while the consumer is at work."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class _End:
    """What the thread leaves behind last: why it ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(Generic[T]):
    """An iterator whose items a thread makes ahead of time, at most so many; its errors come out here.

    The thread ends with the items, with an error among them, and with `close`.

    Args:
        items: The iterator; only the thread touches it.
        ahead: How many items wait at most, besides the one that is being made.

    Example:
        >>> list(ReadAhead(iter("abc"), 2))
        ['a', 'b', 'c']
    """

    def __init__(self, items: Iterator[T], ahead: int) -> None:
        self._items = items
        self._waiting: queue.Queue[T | _End] = queue.Queue(ahead)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="normwise reads ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._closed.is_set():
            raise StopIteration
        item = self._waiting.get()
        if not isinstance(item, _End):
            return item
        self.close()
        if item.error is not None:
            raise item.error
        raise StopIteration

    def close(self) -> None:
        """Ends the thread and waits for that; once closed it gives no more items."""
        self._closed.set()
        # Whoever waits for room gets it, once: then the thread looks whether it is closed.
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._thread.join()

    def _work(self) -> None:
        error = None
        try:
            for item in self._items:
                self._waiting.put(item)
                del item
                if self._closed.is_set():
                    break
        except BaseException as raised:
            error = raised
        finally:
            getattr(self._items, "close", lambda: None)()
        if not self._closed.is_set():
            self._waiting.put(_End(error))
