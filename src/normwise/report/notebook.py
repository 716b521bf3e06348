"""How a record shows itself as the last line of a notebook's cell: its figure, a table, or its words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from html import escape
from typing import Any

from normwise.core.errors import RecordError
from normwise.core.measurement import Measurement
from normwise.core.why_record import Sentence
from normwise.report.plot import plot
from normwise.report.text import number, one_line
from normwise.report.why.sentences import sentence

PLACES = ("variant", "layer", "column")
"""Where a measurement is of; a table leaves out what none of its rows has."""
SHORT = 4
"""Longer lists are told by their length."""


def shown(record: Any) -> dict[str, Any]:
    """What a notebook shows of a record: MIME type to content, one of them for a terminal.

    Args:
        record: A record that `normwise.plot` draws, a `Measurement`, or a `Sentence`.

    Example:
        >>> found = shown(Measurement("condition_number", 9.0, "", 100, "largest over smallest", ""))
        >>> sorted(found)
        ['text/html', 'text/plain']
    """
    if isinstance(record, Measurement | Sentence):
        return {"text/plain": repr(record), "text/html": listed([record])}
    try:
        figure = plot(record)._repr_mimebundle_()
    except RecordError:  # it holds nothing that could be drawn
        figure = {}
    return {"text/plain": in_short(record), **figure}


def listed(records: Any) -> str | None:
    """Measurements as an HTML table, sentences as a list; None of anything else, or of nothing.

    Example:
        >>> "<td>9</td>" in (listed([Measurement("kappa", 9.0, "", 100, "", "")]) or "")
        True
        >>> listed([Sentence("advice_scale", {}, {}, "advice")])
        '<ul><li>Scale your inputs.</li></ul>'
        >>> listed((1, 2)) is None
        True
    """
    if records and all(isinstance(record, Measurement) for record in records):
        return _table(records)
    if records and all(isinstance(record, Sentence) for record in records):
        return f"<ul>{''.join(f'<li>{escape(sentence(record).en)}</li>' for record in records)}</ul>"
    return None


def in_short(record: Any) -> str:
    """A record on one line: how long its lists are, and not what is in them.

    Example:
        >>> in_short(Measurement("kappa", 9.0, "", 100, "", ""))
        "Measurement(name='kappa', value=9.0, unit='', sample_size=100, definition='', source='', layer='', \
column='', variant='')"
    """
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    told = (f"{name}={_short(value)}" for name, value in values.items())
    return f"{type(record).__name__}({', '.join(told)})"


def _table(records: Sequence[Measurement]) -> str:
    places = [place for place in PLACES if any(getattr(record, place) for record in records)]
    lines = [_line("th", ["name", *places, "value", "what it is"])]
    lines += [
        _line("td", [r.name, *(getattr(r, p) for p in places), _value(r), r.definition]) for r in records
    ]
    return f"<table>{''.join(lines)}</table>"


def _short(value: Any) -> str:
    if isinstance(value, tuple) and (len(value) > SHORT or any(map(dataclasses.is_dataclass, value))):
        return f"<{len(value)}>"
    return f"<{type(value).__name__}>" if dataclasses.is_dataclass(value) else repr(value)


def _value(record: Measurement) -> str:
    return f"{number(record.value)} {record.unit}".rstrip()


def _line(cell: str, texts: Sequence[str]) -> str:
    cells = (f"<{cell}>{escape(one_line(text)) if text else ''}</{cell}>" for text in texts)
    return f"<tr>{''.join(cells)}</tr>"
