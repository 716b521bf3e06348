"""Records: frozen dataclasses with a versioned JSON form, so that what was measured outlives the process."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import types
import typing
from typing import Any, ClassVar, Self

from normwise.core.errors import RecordError

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclasses.dataclass(frozen=True)
class Record:
    """Base of everything that rooms hand to each other and that is saved.

    The JSON form is ``{"record": class name, "version": n, …fields}``. Floats that JSON lacks are the
    strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``; bytes, which hold many numbers, are base64 text.
    Nothing is pickled.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Point(Record):
        ...     x: float
        ...     tags: tuple[str, ...] = ()
        >>> print(Point(math.inf, ("a",)).to_json())
        {"record": "Point", "version": 1, "x": "Infinity", "tags": ["a"]}
        >>> Point.from_json(Point(2.0).to_json())
        Point(x=2.0, tags=())
    """

    version: ClassVar[int] = 1

    def to_json(self, indent: int | None = None) -> str:
        """The record as JSON text."""
        return json.dumps(encode(self), ensure_ascii=False, allow_nan=False, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote.

        Raises:
            RecordError: If the text is not JSON, is of another record, was written by a newer version, or
                lacks or adds a field, or holds one of another type.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            # Not JSON, a number of more digits than Python reads, or brackets without end.
            raise RecordError(f"this is not the JSON of a {cls.__name__} record: {error}") from error
        return cls.from_dict(data)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The record in a decoded JSON object; `from_json` says what it raises."""
        if not isinstance(data, dict) or data.get("record") != cls.__name__:
            found = data.get("record") if isinstance(data, dict) else data
            raise RecordError(f"expected a {cls.__name__} record, found {found!r:.80}")
        version = data.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise RecordError(
                f"this {cls.__name__} record has version {version!r}; expected a whole number from 1"
            )
        if version > cls.version:
            raise RecordError(
                f"this {cls.__name__} record has version {version!r}; this normwise reads versions up to "
                f"{cls.version}. Upgrade normwise to read it."
            )
        known = {f.name: f for f in dataclasses.fields(cls)}
        given = {k: v for k, v in data.items() if k not in ("record", "version")}
        if unknown := sorted(set(given) - set(known)):
            raise RecordError(
                f"the {cls.__name__} record has unknown fields {unknown}; known: {sorted(known)}"
            )
        required = {
            name
            for name, f in known.items()
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        if absent := sorted(required - set(given)):
            raise RecordError(f"the {cls.__name__} record lacks the fields {absent}")
        hints = typing.get_type_hints(cls)
        return cls(**{name: _decode(v, hints[name], f"{cls.__name__}.{name}") for name, v in given.items()})


def encode(value: Any) -> Any:
    """A record, or plain data that holds records, as data that `json.dumps` takes."""
    if isinstance(value, Record):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"record": type(value).__name__, "version": value.version, **fields}
    if isinstance(value, dict):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(v) for v in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if value is None or isinstance(value, (str, bool, int, float)):
        return _encode_float(value) if isinstance(value, float) else value
    raise TypeError(f"a record holds plain data only, not {type(value).__name__}: {value!r:.80}")


def _encode_float(value: float) -> float | str:
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _decode(value: Any, hint: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _decode_union(value, arguments, where)
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_dict(value)
    if hint in (float, bytes):
        return _decode_float(value, where) if hint is float else _decode_bytes(value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_decode(v, arguments[0], where) for v in value)
    if origin is dict and isinstance(value, dict):
        return {k: _decode(v, arguments[1], where) for k, v in value.items()}
    if hint is Any or (hint in (str, bool, int) and type(value) is hint):
        return value
    raise RecordError(f"{where} should be {hint}, found {value!r:.80}")


def _decode_union(value: Any, arguments: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    (only,) = [a for a in arguments if a is not type(None)]
    return _decode(value, only, where)


def _decode_bytes(value: Any, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError) as error:
        raise RecordError(f"{where} should be base64 text, found {value!r:.80}") from error


def _decode_float(value: Any, where: str) -> float:
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise RecordError(
                f"{where} should be a number that fits in float64, found {value!r:.80}"
            ) from error
    raise RecordError(f"{where} should be a number, found {value!r:.80}")
