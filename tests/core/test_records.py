"""Records go to JSON and back; what is not theirs is refused with its value."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import ClassVar

import numpy as np
import pytest

from normwise.core.errors import RecordError
from normwise.core.records import Record, encode


@dataclasses.dataclass(frozen=True)
class Inner(Record):
    value: float


@dataclasses.dataclass(frozen=True)
class Outer(Record):
    name: str
    count: int
    flag: bool
    inner: Inner
    many: tuple[Inner, ...] = ()
    table: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    maybe: str | None = None
    version: ClassVar[int] = 3


WHOLE = Outer("名 <b>\n", 2**60, True, Inner(1.5), (Inner(-0.0), Inner(1e-320)), {"a": (1.0, math.inf)}, "x")


def with_fields(**fields):
    return json.dumps(json.loads(WHOLE.to_json()) | fields)


@pytest.mark.parametrize("record", [WHOLE, Outer("", 0, False, Inner(-math.inf))])
@pytest.mark.parametrize("indent", [None, 2])
def test_round_trip(record, indent):
    assert Outer.from_json(record.to_json(indent)) == record


def test_nan_round_trip_and_strict_json():
    text = Inner(math.nan).to_json()
    assert json.loads(text, parse_constant=pytest.fail) == {"record": "Inner", "version": 1, "value": "NaN"}
    assert math.isnan(Inner.from_json(text).value)


def test_defaults_may_be_absent_and_older_versions_are_read():
    data = json.loads(WHOLE.to_json())
    del data["many"], data["maybe"]
    assert Outer.from_dict(data | {"version": 1}).many == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not the JSON of a Outer record"),
        ("[1]", r"expected a Outer record, found \[1\]"),
        ('{"record": "Inner", "version": 1}', "expected a Outer record, found 'Inner'"),
        (with_fields(version=4), "version 4; this normwise reads versions up to 3. Upgrade"),
        (with_fields(version="3"), "version '3'; expected a whole number"),
        (with_fields(version=0), "version 0; expected a whole number"),
        (with_fields(version=True), "version True; expected a whole number"),
        (with_fields(extra=1, also=2), r"unknown fields \['also', 'extra'\]"),
        ('{"record": "Outer", "version": 3, "name": "x"}', r"lacks the fields \['count', 'flag', 'inner'\]"),
        (with_fields(name=1), "Outer.name should be .*str.*, found 1"),
        (with_fields(count=1.5), "Outer.count should be .*int.*, found 1.5"),
        (with_fields(count=True), "Outer.count should be .*int.*, found True"),
        (with_fields(flag=1), "Outer.flag should be .*bool.*, found 1"),
        (with_fields(many={"a": 1}), r"Outer.many should be .*tuple.*, found {'a': 1}"),
        (with_fields(table={"a": ["x"]}), "Outer.table should be a number, found 'x'"),
        (with_fields(table={"a": [True]}), "Outer.table should be a number, found True"),
        (with_fields(maybe=3), "Outer.maybe should be .*str.*, found 3"),
        (with_fields(inner={"record": "Inner", "version": 9, "value": 1}), "Inner record has version 9"),
        (with_fields(inner=None), "expected a Inner record, found None"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(RecordError, match=message):
        Outer.from_json(text)


@pytest.mark.parametrize("value", [np.float64(1.0), 3, None, "x", [1, {"a": (2.0,)}]])
def test_plain_data_is_encoded(value):
    json.dumps(encode(value), allow_nan=False)


def test_other_data_is_not():
    with pytest.raises(TypeError, match=r"plain data only, not ndarray: array\(\[0\.\]\)"):
        encode({"a": np.zeros(1)})


def test_bytes_are_base64_text():
    @dataclasses.dataclass(frozen=True)
    class Packed(Record):
        values: bytes

    record = Packed(bytes(range(256)))
    assert Packed.from_json(record.to_json()) == record
    assert json.loads(Packed(b"abc").to_json())["values"] == "YWJj"
    for bad in ("YWJ", "YW!j", "é", 3, None, ["YWJj"]):
        with pytest.raises(
            RecordError, match=f"Packed.values should be base64 text, found {re.escape(repr(bad))}"
        ):
            Packed.from_dict({"record": "Packed", "version": 1, "values": bad})


def test_records_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        WHOLE.count = 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"record": ' + "9" * 5000 + "}"])
def test_json_that_python_does_not_read(text):
    with pytest.raises(RecordError, match="not the JSON of a Inner record"):
        Inner.from_json(text)


def test_numbers_beyond_float64():
    @dataclasses.dataclass(frozen=True)
    class Number(Record):
        x: float

    with pytest.raises(RecordError, match="fits in float64"):
        Number.from_json('{"record": "Number", "version": 1, "x": 1' + "0" * 400 + "}")
