"""ReadAhead: a thread that makes items ahead, and that never outlives its reader."""

import threading
import time

import pytest

from normwise.training.read_ahead import ReadAhead

SECONDS = 20
"""Long beyond all that is waited for here."""


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "normwise reads ahead"]


def test_gives_every_item_in_order_and_ends():
    assert list(ReadAhead(iter(range(100)), 3)) == list(range(100))
    assert threads() == []


def test_makes_items_ahead_but_not_more_than_asked_for():
    made, asked = [], threading.Event()

    def items():
        for i in range(100):
            made.append(i)
            if len(made) == 5:
                asked.set()
            yield i

    ahead = ReadAhead(items(), 3)
    assert next(ahead) == 0
    # Item 0 was taken, 1 to 3 wait, and 4 is being handed over.
    assert asked.wait(SECONDS)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3, 4]
    ahead.close()
    assert threads() == []


def test_an_error_comes_out_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("the third")

    ahead = ReadAhead(items(), 3)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="the third"):
        next(ahead)
    assert list(ahead) == []
    assert threads() == []


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_closing_ends_the_thread_and_the_iterator(taken):
    closed = []

    def items():
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    ahead = ReadAhead(items(), 2)
    for _ in range(taken):
        next(ahead)
    ahead.close()
    assert threads() == []
    # An iterator that was never begun has nothing to end.
    assert closed == [True] or taken == 0
    assert list(ahead) == []
