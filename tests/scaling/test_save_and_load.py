"""A fitted scaler goes to JSON and comes back whole, or an error says why not."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from normwise.core.errors import NormwiseWarning, RecordError, TableError
from normwise.scaling import MinMaxScaler, StandardScaler


@pytest.fixture(params=[StandardScaler, lambda: MinMaxScaler((-1, 2.5))])
def scaler(request):
    frame = pd.DataFrame({"age": [1.0, 2.0, np.nan], "名 <b>": [1e6, 1e6 + 1, 3e-20], "c": [4.0, 4.0, 4.0]})
    with pytest.warns(NormwiseWarning, match='"c"'):
        return request.param().fit(frame)


@pytest.fixture
def saved(scaler, tmp_path):
    scaler.save(tmp_path / "scaler.json")
    return tmp_path / "scaler.json"


def changed(path, **fields):
    data = json.loads(path.read_text("utf-8"))
    data.update(fields)
    path.write_text(json.dumps(data), "utf-8")
    return path


def test_round_trip_is_exact(scaler, saved):
    loaded = type(scaler).load(saved)
    assert loaded.get_params() == scaler.get_params()
    for name, value in vars(scaler).items():
        if name != "feature_range":
            assert np.array_equal(np.asarray(getattr(loaded, name), object), np.asarray(value, object)) or (
                np.array_equal(getattr(loaded, name), value, equal_nan=True)
            ), name
    frame = pd.DataFrame({"age": [9.0], "名 <b>": [1.0], "c": [5.0]})
    assert loaded.transform(frame).equals(scaler.transform(frame))


def test_without_names(tmp_path):
    StandardScaler().fit([[1.0], [2.0]]).save(tmp_path / "s.json")
    loaded = StandardScaler.load(tmp_path / "s.json")
    assert not hasattr(loaded, "feature_names_in_")
    assert loaded.transform([[1.0]]).tolist() == [[-1.0]]


def test_an_existing_file_is_kept(scaler, saved):
    before = saved.read_bytes()
    with pytest.raises(TableError, match=r"scaler\.json exists and was kept"):
        scaler.save(saved)
    scaler.save(saved, overwrite=True)
    assert saved.read_bytes() == before


def test_not_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        StandardScaler().save(tmp_path / "s.json")
    assert not list(tmp_path.iterdir())


def test_of_another_scaler(saved, scaler):
    other = MinMaxScaler if isinstance(scaler, StandardScaler) else StandardScaler
    name = type(scaler).__name__
    with pytest.raises(
        RecordError, match=rf"holds a {name}, not a {other.__name__}\. Load it with {name}\.load"
    ):
        other.load(saved)


def test_newer(saved, scaler):
    with pytest.raises(RecordError, match=r"version 2; this normwise reads versions up to 1\. Upgrade"):
        type(scaler).load(changed(saved, version=2))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"extra": 1}, r"unknown fields \['extra'\]"),
        ({"named": "yes"}, "named should be"),
        ({"statistics": None}, "expected a ColumnStatistics record, found None"),
        ({"parameters": {"strange": [1.0]}}, "strange|takes no arguments"),
        ({"record": "Point"}, "expected a ScalerRecord record, found 'Point'"),
    ],
)
def test_malformed(saved, scaler, fields, message):
    with pytest.raises(RecordError, match=message) as caught:
        type(scaler).load(changed(saved, **fields))
    assert "scaler.json" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("means", [1.0], "statistics of 3 columns have {'means': 1} values"),
        ("maxima", ["Infinity", 1.0, 4.0], "cannot be scaled"),
        ("m2s", ["NaN", 1.0, 0.0], "cannot be scaled"),
    ],
)
def test_statistics_that_cannot_be(saved, scaler, field, value, message):
    if (field, type(scaler)) == ("m2s", MinMaxScaler):
        return  # it does not use them
    if (field, type(scaler)) == ("maxima", StandardScaler):
        return
    statistics = json.loads(saved.read_text("utf-8"))["statistics"]
    with pytest.raises(RecordError, match=message):
        type(scaler).load(changed(saved, statistics=statistics | {field: value}))


def test_no_json_and_no_file(tmp_path):
    (tmp_path / "s.json").write_text("{")
    with pytest.raises(RecordError, match=r"s\.json: this is not the JSON of a ScalerRecord record"):
        StandardScaler.load(tmp_path / "s.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RecordError, match=r"b\.json cannot be read as a saved scaler: .*0xff"):
        StandardScaler.load(tmp_path / "b.json")
    with pytest.raises(RecordError, match=r"no\.json cannot be read as a saved scaler: .*No such file"):
        StandardScaler.load(tmp_path / "no.json")
