"""A fitted scaler goes to JSON and comes back whole, or an error says why not."""

import copy
import functools
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from tests.scaling.every_scaler import ALL

from normwise.core.errors import NormwiseWarning, RecordError, TableError
from normwise.scaling import (
    ColumnScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
    load_scaler,
)

ARGUED = {
    "standard, argued": lambda: StandardScaler(False, True, True, 2.5, "null"),
    "min-max, argued": lambda: MinMaxScaler((-1, 2.5), clip=True),
    "robust, argued": lambda: RobustScaler((1, 99), True, 3.0),
    "uniform, argued": lambda: QuantileScaler(7, infinite="null"),
    "power, argued": lambda: PowerScaler(standardize=False),
    "columns, argued": lambda: ColumnScaler(
        {("age", "c"): MinMaxScaler((-1, 1)), "x": None}, {"float": QuantileScaler(5)}, PowerScaler()
    ),
}
FRAME = pd.DataFrame(
    {
        "age": [1.0, 2.0, np.nan, 0.5, 9.0],
        "名 <b>": [1e6, 1e6 + 1, 3e-20, 0.1, 0.3],
        "c": [4.0] * 5,
        "x": [-0.5, 1 / 3, 0.1, 1e-300, 2.0],
    }
)
LATER = pd.DataFrame({"age": [9.0, np.nan], "名 <b>": [1.0, 77.0], "c": [5.0, 4.0], "x": [0.2, 5.0]})


@functools.cache
def fitted(name):
    with pytest.warns(NormwiseWarning, match='"c"'):
        return (ALL | ARGUED)[name]().fit(FRAME)


@pytest.fixture(params=ALL | ARGUED)
def scaler(request):
    return fitted(request.param)


@pytest.fixture
def saved(scaler, tmp_path):
    scaler.save(tmp_path / "scaler.json")
    return tmp_path / "scaler.json"


def changed(path, **fields):
    data = json.loads(path.read_text("utf-8"))
    data.update(fields)
    path.write_text(json.dumps(data), "utf-8")
    return path


def assert_equal(a, b, name):
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        assert a.dtype == b.dtype, name
        assert np.array_equal(a, b, equal_nan=True), name
    elif name.endswith("statistics_"):
        assert a.to_json() == b.to_json()
    else:
        assert repr(a) == repr(b), name


def public(scaler):
    return {name: value for name, value in vars(scaler).items() if not name.startswith("_")}


def test_round_trip_is_exact(scaler, saved):
    loaded = type(scaler).load(saved)
    assert public(loaded).keys() == public(scaler).keys()
    for name, value in public(scaler).items():
        if name == "scalers_":
            for key, part in value.items():
                for inner, its in public(part).items():
                    assert_equal(its, getattr(loaded.scalers_[key], inner), inner)
        else:
            assert_equal(value, getattr(loaded, name), name)
    assert loaded.transform(LATER).equals(scaler.transform(LATER))
    inverse = scaler.transform(FRAME)
    assert loaded.inverse_transform(inverse).equals(scaler.inverse_transform(inverse))
    assert repr(clone(loaded)) == repr(clone(scaler))
    loaded.save(saved, overwrite=True)
    assert type(scaler).load(saved).transform(LATER).equals(scaler.transform(LATER))


def test_a_difference_would_be_seen():
    a = StandardScaler().fit([[1.0], [2.0]])
    for name in ("mean_", "statistics_", "clip"):
        other = copy.deepcopy(a).fit([[1.0], [2.0 + 1e-15]]).set_params(clip=3.0)
        with pytest.raises(AssertionError):
            assert_equal(getattr(a, name), getattr(other, name), name)


def test_whatever_scaler_it_is(scaler, saved):
    loaded = load_scaler(saved)
    assert type(loaded) is type(scaler)
    assert loaded.transform(LATER).equals(scaler.transform(LATER))


def test_what_is_learned_in_parts_goes_on_after_loading(tmp_path):
    x = np.random.default_rng(0).random((9000, 2))
    for make in (
        StandardScaler,
        RobustScaler,
        lambda: ColumnScaler({0: QuantileScaler(9)}, default=MinMaxScaler()),
    ):
        scaler = make().partial_fit(x[:8000])
        scaler.save(tmp_path / "s.json", overwrite=True)
        loaded = type(scaler).load(tmp_path / "s.json").partial_fit(x[8000:])
        assert np.array_equal(loaded.transform(x), scaler.partial_fit(x[8000:]).transform(x))
        assert loaded.merge(scaler).statistics_.rows == 18000


def test_without_names(tmp_path):
    StandardScaler().fit([[1.0], [2.0]]).save(tmp_path / "s.json")
    loaded = StandardScaler.load(tmp_path / "s.json")
    assert not hasattr(loaded, "feature_names_in_")
    assert loaded.transform([[1.0]]).tolist() == [[-1.0]]


@pytest.mark.parametrize(
    "scaler",
    [
        QuantileScaler(np.int64(10)),
        MinMaxScaler(np.array([0, 2])),
        MinMaxScaler((np.int64(-1), np.float32(1))),
        StandardScaler(clip=np.float32(3), with_mean=np.False_),
        RobustScaler([10, 90]),
    ],
)
def test_arguments_of_numpy(scaler, tmp_path):
    x = np.random.default_rng(0).random((30, 2))
    scaler.fit(x).save(tmp_path / "s.json")
    assert np.array_equal(load_scaler(tmp_path / "s.json").transform(x), scaler.transform(x))
    if hasattr(scaler, "merge"):
        assert np.array_equal(scaler.merge(load_scaler(tmp_path / "s.json")).data_min_, scaler.data_min_)


def test_an_existing_file_is_kept(scaler, saved):
    before = saved.read_bytes()
    with pytest.raises(TableError, match=r"scaler\.json exists and was kept"):
        scaler.save(saved)
    scaler.save(saved, overwrite=True)
    assert saved.read_bytes() == before


@pytest.mark.parametrize("name", ALL)
def test_not_fitted(name, tmp_path):
    with pytest.raises(NotFittedError):
        ALL[name]().save(tmp_path / "s.json")
    assert not list(tmp_path.iterdir())


def test_of_another_scaler(saved, scaler):
    other = MinMaxScaler if isinstance(scaler, StandardScaler) else StandardScaler
    name = type(scaler).__name__
    with pytest.raises(
        RecordError, match=rf"scaler\.json holds a {name}, not a {other.__name__}\. Load it with {name}\.load"
    ):
        other.load(saved)


# Version 1 knew two scalers, and neither clip nor infinite.

FIRST_STATISTICS = {
    "record": "ColumnStatistics",
    "version": 1,
    "names": ["age", "c", "none"],
    "rows": 3,
    "nulls": [0, 0, 0],
    "nans": [0, 0, 3],
    "positive_infinities": [0, 0, 0],
    "negative_infinities": [0, 0, 0],
    "counts": [3.0, 3.0, 0.0],
    "means": [2.0, 4.0, 0.0],
    "m2s": [2.0, 0.0, 0.0],
    "minima": [1.0, 4.0, "NaN"],
    "maxima": [3.0, 4.0, "NaN"],
}


@pytest.mark.parametrize(
    ("scaler", "parameters", "expected"),
    [
        ("MinMaxScaler", {"feature_range": [0, 1]}, [[0.5, 0.0, 0.0]]),
        ("MinMaxScaler", {"feature_range": [-1, 3.5]}, [[1.25, -1.0, -1.0]]),
        ("StandardScaler", {}, [[0.0, 0.0, 0.0]]),
    ],
)
def test_files_of_the_first_version(scaler, parameters, expected, tmp_path):
    first = {
        "record": "ScalerRecord",
        "version": 1,
        "scaler": scaler,
        "parameters": parameters,
        "named": True,
    }
    (tmp_path / "s.json").write_text(json.dumps({**first, "statistics": FIRST_STATISTICS}))
    loaded = load_scaler(tmp_path / "s.json")
    assert (
        loaded.transform(pd.DataFrame([[2.0, 4.0, 5.0]], columns=["age", "c", "none"])).to_numpy().tolist()
        == expected
    )
    assert loaded.infinite == "raise"
    assert not loaded.clip


# Files that are none


def test_newer(saved, scaler):
    with pytest.raises(
        RecordError, match=r"scaler\.json: .*version 3; this normwise reads .* up to 2\. Upgrade"
    ):
        type(scaler).load(changed(saved, version=3))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"extra": 1}, r"unknown fields \['extra'\]"),
        ({"named": "yes"}, "named should be"),
        ({"statistics": None}, "expected a ColumnStatistics record, found None"),
        ({"parameters": {"strange": [1.0]}}, "strange|takes no arguments|'columns'"),
        ({"parameters": {"infinite": {"a": 1}}}, "infinite must be|'columns'"),
        ({"parameters": 5}, "parameters should be"),
        ({"learned": [1]}, "learned should be"),
        ({"record": "Point"}, "expected a ScalerRecord record, found 'Point'"),
        ({"version": True}, "has version True"),
    ],
)
def test_malformed(saved, scaler, fields, message):
    with pytest.raises(RecordError, match=message) as caught:
        type(scaler).load(changed(saved, **fields))
    assert "scaler.json" in str(caught.value)


def test_of_a_scaler_that_is_unknown(saved):
    with pytest.raises(
        RecordError, match=r'scaler\.json holds a "StandartScaler"\. Did you mean "StandardScaler"\?'
    ):
        load_scaler(changed(saved, scaler="StandartScaler"))


def mutations(value, path=()):
    """Every leaf of plain data, and what could stand in its place."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from mutations(part, (*path, key))
    elif isinstance(value, list):
        yield path, value[:-1] if value else [1]
        yield path, [*value, *(value[-1:] or [1])]
        if value:
            yield from mutations(value[0], (*path, 0))
    for other in ("text", None, -1, 10**400, [], {}, True, "NaN"):
        yield path, other


def replaced(data, path, value):
    if not path:
        return value
    data = copy.copy(data)
    data[path[0]] = replaced(data[path[0]], path[1:], value)
    return data


def loaded_or_refused(path):
    try:
        return load_scaler(path), ""
    except RecordError as error:
        return None, str(error)


@pytest.mark.parametrize("name", ["standard", "robust", "uniform", "log1p", "columns-of-all"])
def test_any_change_is_refused_or_gives_finite_numbers(name, tmp_path):
    """A file is refused by a RecordError that names it, or is a scaler that scales; no other error."""
    frame = FRAME.assign(c=[4.0, 5.0, 6.0, 6.0, 9.0])
    ALL[name]().fit(frame).save(tmp_path / "s.json")
    data = json.loads((tmp_path / "s.json").read_text("utf-8"))
    refused = 0
    for path, value in mutations(data):
        if path and path[0] in ("record", "version", "scaler", "named"):
            continue
        (tmp_path / "s.json").write_text(json.dumps(replaced(data, path, value)), "utf-8")
        loaded, said = loaded_or_refused(tmp_path / "s.json")
        if loaded is None:
            assert "s.json" in said
            refused += 1
            continue
        if loaded.n_features_in_ != 4:
            continue  # it knows of a further column
        scaled = loaded.transform(frame.set_axis(list(loaded.feature_names_in_), axis=1)).to_numpy()
        assert np.isfinite(np.delete(scaled, 2, axis=0)).all(), (path, value)
    assert refused > 100


@pytest.mark.parametrize(
    ("learned", "message"),
    [
        (
            {"quantiles": [[1.0, 2.0, 3.0]], "rank_error": [0.0]},
            r"rank_error has the shape \(1,\); expected \(2,\)",
        ),
        ({"quantiles": [[1.0, 2.0, 3.0]] * 3, "rank_error": [0.0] * 2}, r"quantiles has the shape \(3, 3\)"),
        ({"quantiles": [[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]], "rank_error": [0.0] * 2}, r"shape \(3, 2\)"),
        (
            {"quantiles": [[1.0, 2.0, 3.0], [6.0, 5.0, 4.0]], "rank_error": [0.0] * 2},
            r'"x1" are \[6.0, 5.0, 4.0\]',
        ),
        (
            {"quantiles": [[1.0, 2.0, 99.0], [4.0, 5.0, 6.0]], "rank_error": [0.0] * 2},
            r'"x0" are .* from 1.0 to 3.0',
        ),
        (
            {"quantiles": [[1.0, "NaN", 3.0], [4.0, 5.0, 6.0]], "rank_error": [0.0] * 2},
            r'"x0" are \[1.0, nan, 3.0\]',
        ),
        ({"quantiles": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "rank_error": [0.0, "NaN"]}, "rank_error"),
        ({"quantiles": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "rank_error": [0.0, -0.5]}, "rank_error"),
        ({"rank_error": [0.0, 0.0]}, "quantiles"),
        ({}, "rank_error"),
    ],
)
def test_quantiles_that_cannot_be(learned, message, tmp_path):
    RobustScaler().fit([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]).save(tmp_path / "s.json")
    with pytest.raises(RecordError, match=message) as caught:
        RobustScaler.load(changed(tmp_path / "s.json", learned=learned))
    assert "s.json does not hold a usable RobustScaler: " in str(caught.value)


def changed_part(data, **fields):
    learned = copy.deepcopy(data["learned"])
    learned["parts"][0].update(fields)
    return {"learned": learned}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: changed_part(d, scaler="Pickle"), '"Pickle" is no scaler of columns'),
        (lambda d: changed_part(d, scaler="ColumnScaler"), '"ColumnScaler" is no scaler of columns'),
        (lambda d: changed_part(d, columns=[7]), r"the scalers have the columns \[7"),
        (lambda d: changed_part(d, columns=[-1]), r"the scalers have the columns \[-1"),
        (lambda d: changed_part(d, columns=[True]), r"the scalers have the columns \[True"),
        (lambda d: changed_part(d, learned={}), "rank_error"),
        (
            lambda d: changed_part(d, parameters={"n_quantiles": 20, "output": "other"}),
            'output must be "uniform" or "normal", got \'other\'',
        ),
        (
            lambda d: {"learned": {**d["learned"], "where": [0, 0, 2, 3]}},
            r"that are scaled are \[0, 0, 2, 3\]",
        ),
        (lambda d: {"learned": {**d["learned"], "where": [0, 1, 2, 99]}}, "index out of range"),
        (
            lambda d: {"learned": {**d["learned"], "features": ["a", "b", "c", "x"]}},
            r"of \['a', 'b', 'c', 'x'\]",
        ),
        (lambda d: {"parameters": {**d["parameters"], "kinds": []}}, "items"),
        (lambda d: {"parameters": {**d["parameters"], "default": {"scaler": "os"}}}, '"os" is no scaler'),
    ],
)
def test_columns_that_cannot_be(change, message, tmp_path):
    file = tmp_path / "s.json"
    fitted("columns-of-all").save(file)
    with pytest.raises(RecordError, match=message) as caught:
        ColumnScaler.load(changed(file, **change(json.loads(file.read_text("utf-8")))))
    assert "s.json does not hold a usable ColumnScaler: " in str(caught.value)


@pytest.mark.parametrize(
    ("scaler", "field", "value", "message"),
    [
        ("standard", "means", [1.0], "statistics of 4 columns have {'means': 1} values"),
        ("standard", "m2s", ["NaN", 1.0, 0.0, 1.0], "cannot be scaled"),
        ("standard", "means", ["NaN", 1.0, 4.0, 1.0], "cannot be scaled"),
        ("min-max", "maxima", ["Infinity", 1e6, 4.0, 1.0], "cannot be scaled"),
        ("min-max", "minima", [5e9, 1e6, 4.0, 1.0], "have the minimum 5000000000.0 above the maximum"),
        ("max-abs", "counts", [-1.0, 1.0, 4.0, 1.0], "have counts=-1.0"),
    ],
)
@pytest.mark.filterwarnings("ignore::normwise.core.errors.NormwiseWarning")
def test_statistics_that_cannot_be(scaler, field, value, message, tmp_path):
    fitted = ALL[scaler]().fit(FRAME)
    fitted.save(tmp_path / "s.json")
    statistics = json.loads((tmp_path / "s.json").read_text("utf-8"))["statistics"]
    with pytest.raises(RecordError, match=message) as caught:
        type(fitted).load(changed(tmp_path / "s.json", statistics=statistics | {field: value}))
    assert "s.json" in str(caught.value)


def test_no_json_and_no_file(tmp_path):
    (tmp_path / "s.json").write_text("{")
    for load in (StandardScaler.load, load_scaler):
        with pytest.raises(RecordError, match=r"s\.json: this is not the JSON of a ScalerRecord record"):
            load(tmp_path / "s.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RecordError, match=r"b\.json cannot be read as a saved scaler: .*0xff"):
        StandardScaler.load(tmp_path / "b.json")
    with pytest.raises(
        RecordError, match=r"no\.json cannot be read as a saved scaler: No such file .*\. Expected"
    ):
        StandardScaler.load(tmp_path / "no.json")
