"""The lines of a text file, one by one or in blocks of whole lines, in memory for one block."""

from __future__ import annotations

import codecs
from collections.abc import Callable

BLOCK_BYTES = 4 << 20
"""A text file is read in blocks of about this many bytes."""


class TextLines:
    r"""The lines of a text, which end in ``\n``, ``\r`` or ``\r\n``; what was handed out once is gone.

    Args:
        read: Gives so many of the text's next bytes, and none at its end.
        decoder: Of the text's encoding.

    Example:
        >>> import io
        >>> utf_8 = codecs.getincrementaldecoder("utf-8")()
        >>> lines = TextLines(io.BytesIO(b"a\r\nb\rc").read, utf_8)
        >>> lines.line(), lines.number, lines.block(), lines.block(), lines.block(), lines.number
        ('a\r\n', 1, 'b\r', 'c', '', 3)
    """

    def __init__(self, read: Callable[[int], bytes], decoder: codecs.IncrementalDecoder) -> None:
        self.number = 0
        self._read = read
        self._decoder = decoder
        self._text = ""
        self._at = 0
        self._ended = False

    def line(self) -> str:
        """The next line with its end; nothing at the end of the text."""
        while True:
            end = _line_end(self._text, self._at, self._ended)
            if end or self._ended:
                return self._take(end or len(self._text), 1)
            self._fill()

    def block(self) -> str:
        """The lines that are in memory and whole, or those of the next block; nothing at the end."""
        while True:
            end = len(self._text) if self._ended else _last_line_end(self._text)
            if end > self._at or self._ended:
                return self._take(end, count_lines(self._text, self._at, end))
            self._fill()

    def put_back(self, text: str) -> None:
        """Puts lines that were handed out in front of the others again."""
        self.number -= count_lines(text, 0, len(text))
        self._text = text + self._text[self._at :]
        self._at = 0

    def _take(self, end: int, lines: int) -> str:
        part = self._text[self._at : end]
        self._at = end
        self.number += lines if part else 0
        return part

    def _fill(self) -> None:
        rest = self._text[self._at :]
        # Reading as much as there is already keeps the time for an endless line proportional to its length.
        chunk = self._read(max(BLOCK_BYTES, len(rest)))
        self._text, self._at = rest + self._decoder.decode(chunk, final=not chunk), 0
        self._ended = not chunk


def count_lines(text: str, start: int, end: int) -> int:
    """How many lines there are; a last one need not have an end."""
    ends = text.count("\n", start, end)
    if "\r" in text:
        ends += text.count("\r", start, end) - text.count("\r\n", start, end)
    return ends + (end > start and text[end - 1] not in "\r\n")


def _line_end(text: str, start: int, ended: bool) -> int:
    """Where the next line ends, 0 where that is not known yet."""
    found = [at for at in (text.find("\n", start), text.find("\r", start)) if at >= 0]
    end = min(found, default=-1)
    if end >= 0 and text[end] == "\r":
        if end + 1 == len(text) and not ended:
            return 0
        end += text.startswith("\n", end + 1)
    return end + 1


def _last_line_end(text: str) -> int:
    """Where the last whole line ends. A carriage return at the very end may be half of a line's end."""
    return max(text.rfind("\n"), text.rfind("\r", 0, max(0, len(text) - 1))) + 1
