"""The JSON Schema of a diagnosis, made of its records; run, it writes docs/schemas anew."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

from normwise.core.diagnosis import Check, Diagnosis, Finding, Remedy
from normwise.core.records import Record

FILE = Path(__file__).parents[1] / "docs" / "schemas" / f"diagnosis-{Diagnosis.version}.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
WORDS: dict[tuple[type[Record], str], list[str]] = {
    (Remedy, "safety"): ["safe", "unsafe", "manual"],
    (Finding, "severity"): ["error", "warning", "info"],
    (Finding, "confidence"): ["exact", "measured", "heuristic"],
    (Check, "status"): ["clean", "found", "skipped", "not applicable", "failed"],
}
"""The fields that take one of a few words."""
PATTERNS = {"code": r"^NRM\d{3}$"}


def diagnosis_schema() -> dict[str, Any]:
    """The schema: of each record its fields, all of them and no others."""
    kinds = (Diagnosis, Finding, Remedy, Check)
    defined = {kind.__name__: _record(kind) for kind in kinds}
    return {
        "$schema": DIALECT,
        "title": "Diagnosis of normwise",
        **defined.pop("Diagnosis"),
        "$defs": defined | {"number": _number()},
    }


def as_text() -> str:
    """The file's text."""
    return json.dumps(diagnosis_schema(), indent=2, ensure_ascii=False) + "\n"


def _record(kind: type[Record]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    fields = [field.name for field in dataclasses.fields(kind)]
    described = _arguments(kind)
    properties: dict[str, Any] = {
        "record": {"const": kind.__name__},
        "version": {"const": kind.version},
    }
    for name in fields:
        shape = _value(hints[name])
        if (kind, name) in WORDS:
            shape = {"enum": WORDS[kind, name]}
        elif name in PATTERNS and kind is not Remedy:
            shape |= {"pattern": PATTERNS[name]}
        properties[name] = shape | {"description": described[name]}
    return {
        "type": "object",
        "description": (kind.__doc__ or "").splitlines()[0],
        "properties": properties,
        "required": ["record", "version", *fields],
        "additionalProperties": False,
    }


def _value(hint: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Record):
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if origin is tuple:
        return {"type": "array", "items": _value(arguments[0])}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_value(argument) for argument in arguments]}
    if hint is float:
        return {"$ref": "#/$defs/number"}
    return {"type": {str: "string", int: "integer", bool: "boolean", type(None): "null"}[hint]}


def _number() -> dict[str, Any]:
    words = {"enum": ["NaN", "Infinity", "-Infinity"]}
    return {"anyOf": [{"type": "number"}, words], "description": "A number, or the word for one JSON lacks."}


def _arguments(kind: type[Record]) -> dict[str, str]:
    """What the docstring says of each field."""
    said: dict[str, str] = {}
    name = ""
    for line in (kind.__doc__ or "").partition("Args:\n")[2].splitlines():
        text = line.strip()
        if not text or (text.endswith(":") and line.startswith("    ") and not line.startswith("     ")):
            break
        if line.startswith(" " * 8) and not line.startswith(" " * 9):
            name, _, text = text.partition(": ")
        said[name] = f"{said.get(name, '')} {text}".strip()
    return said


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(as_text(), encoding="utf-8")
