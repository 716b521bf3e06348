"""The small parts: options, backend, console, the words beside the bar."""

from __future__ import annotations

import _thread
import io
import logging
import time
from collections.abc import Callable

import pytest
import typer
from rich.console import Console
from rich.progress import Progress

from normwise.cli.backend import choose_backend
from normwise.cli.clear_errors import clear_errors
from normwise.cli.console import line, literal
from normwise.cli.fit_progress import FitProgress
from normwise.cli.options import column_kinds
from normwise.cli.warning_lines import WarningLines
from normwise.core.errors import NormwiseError


def test_a_kind_without_a_name() -> None:
    with pytest.raises(typer.BadParameter, match='"=numeric" is not NAME=KIND'):
        column_kinds(["=numeric"])


def test_jax_is_chosen_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND")
    assert choose_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "jaxx")
    with pytest.raises(NormwiseError, match=r'KERAS_BACKEND is "jaxx".*Did you mean "jax"'):
        choose_backend()


def test_a_backend_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NormwiseError, match='KERAS_BACKEND is "torch", which is not installed'):
        choose_backend()


def test_errors_of_the_backend_are_not_silenced() -> None:
    choose_backend()
    logger = logging.getLogger("jax._src.xla_bridge")
    assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.ERROR)


def test_words_of_the_data_cannot_steer_the_terminal() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=200)
    line(console, "[red]x[/red] \x1b[2J a\nb 年龄", label="warning: ", style="yellow")
    assert "[red]x[/red]" in written.getvalue()
    assert "\x1b[2J" not in written.getvalue()
    assert written.getvalue().count("\n") == 1
    assert "年龄" in literal("年龄")


def test_a_warning_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    warn = WarningLines(Console(file=written))
    for message in ("a", "b", "a"):
        warn(message)
    assert written.getvalue() == "warning: a\nwarning: b\n"
    assert capsys.readouterr().err == ""


def test_the_bar_moves_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=60, no_color=True)
    monkeypatch.setattr("normwise.cli.fit_progress.messages", lambda: console)
    monkeypatch.setattr("normwise.cli.fit_progress.is_live", lambda _: True)
    with FitProgress(quiet=False, built_in=False) as progress:
        for done in (0.25, 0.75, 1.5):
            progress.part(done, 2)
            assert isinstance(progress.shown, Progress)
            assert progress.shown.tasks[0].total == 2
            progress.shown.refresh()
            assert "━" in written.getvalue()
            assert progress.shown.tasks[0].completed == done
    assert progress.shown is None


def test_other_errors_keep_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), clear_errors():
        _ = 1 / 0
    with pytest.raises(typer.Exit) as end, clear_errors():
        raise KeyboardInterrupt
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == "aborted; nothing was written.\n"


class _Interrupted:
    """Ctrl-C arrives while this is finalized."""

    def __del__(self) -> None:
        raise KeyboardInterrupt


def _finalized(behind: Callable[[], None]) -> None:
    kept = _Interrupted()
    del kept
    behind()


def test_an_interrupt_amid_a_finalizer_comes_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end, clear_errors():
        _finalized(lambda: time.sleep(10))
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == "aborted; nothing was written.\n"


def test_an_interrupt_amid_a_finalizer_is_not_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), clear_errors():
        _finalized(_thread.interrupt_main)
    time.sleep(0.1)
    assert capsys.readouterr().err == "aborted; nothing was written.\n"


def test_other_errors_of_a_finalizer_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("sys.unraisablehook", seen.append)

    class Broken:
        def __del__(self) -> None:
            raise ValueError("17")

    with clear_errors():
        broken = Broken()
        del broken
    assert [str(each.exc_value) for each in seen] == ["17"]
