"""Compiling ahead: who waits for it, and who does not."""

import threading
import time

import pytest

from normwise.training.compiling import COMPILERS, compiling_ahead

LONG = 60
"""Seconds; no test waits for them."""


@pytest.fixture
def never():
    """Something to compile that is done when the test is."""
    done = threading.Event()
    yield lambda: done.wait(LONG)
    done.set()


def test_gives_what_was_made_or_raises():
    with compiling_ahead(lambda: None) as compiler:
        made, wrong = compiler.submit(lambda: 3), compiler.submit(lambda: 1 // 0)
        assert compiler.result(made) == 3
        with pytest.raises(ZeroDivisionError):
            compiler.result(wrong)


def test_ctrl_c_is_heard_while_something_is_compiled(never):
    def pressed():
        raise KeyboardInterrupt

    begun = time.perf_counter()
    with pytest.raises(KeyboardInterrupt), compiling_ahead(pressed) as compiler:
        compiler.result(compiler.submit(never))
    assert time.perf_counter() - begun < LONG / 2


def test_whoever_leaves_does_not_wait_and_the_queue_is_dropped(never):
    begun = time.perf_counter()
    with compiling_ahead(lambda: None) as compiler:
        made = [compiler.submit(never) for _ in range(COMPILERS + 1)]
    assert time.perf_counter() - begun < LONG / 2
    assert made[-1].cancelled()
