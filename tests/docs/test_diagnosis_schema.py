"""The published schema of a diagnosis is that of the records, and what is written fits it."""

from __future__ import annotations

import copy
import json

import pytest
from tests.doctor.records import CLEAN, WHOLE
from tools.diagnosis_schema import FILE, as_text, diagnosis_schema


def test_the_file_is_made_of_the_records() -> None:
    assert FILE.read_text(encoding="utf-8") == as_text(), "run python tools/diagnosis_schema.py"


def test_every_field_is_described() -> None:
    schema = diagnosis_schema()
    for record in (schema, *schema["$defs"].values()):
        for name, field in record.get("properties", {}).items():
            assert name in ("record", "version") or field["description"].endswith("."), name


def test_what_is_written_fits_and_what_is_wrong_does_not() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema, a validator, is not installed")
    kind = jsonschema.Draft202012Validator
    kind.check_schema(diagnosis_schema())
    validator = kind(json.loads(FILE.read_text(encoding="utf-8")))
    whole = json.loads(WHOLE.to_json())
    for good in (whole, json.loads(CLEAN.to_json())):
        assert list(validator.iter_errors(good)) == []

    def broken(change: str) -> list[str]:
        bad = copy.deepcopy(whole)
        exec(change, {"bad": bad})
        return [error.message for error in validator.iter_errors(bad)]

    assert broken("bad['findings'][0]['severity'] = 'fatal'") == [
        "'fatal' is not one of ['error', 'warning', 'info']"
    ]
    assert broken("bad['findings'][0]['code'] = 'X1'") == [r"'X1' does not match '^NRM\\d{3}$'"]
    assert broken("del bad['checks']") == ["'checks' is a required property"]
    assert broken("bad['more'] = 1")[0].startswith("Additional properties are not allowed ('more'")
    assert len(broken("bad['findings'][0]['value'] = 'much'")) == 1
    assert broken("bad['findings'][0]['remedy']['safety'] = 'perhaps'")
