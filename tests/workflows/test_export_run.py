"""Exported run folders: the network and the schema, and raw rows served by ONNX Runtime and NumPy alone."""

import datetime
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.layers.onnx_export import onnx, onnxruntime
from tests.reference.tolerance import assert_close

from normwise.core.errors import ModelError, RunFolderError
from normwise.core.run_record import TableSchema
from normwise.deploy.export import TOLERANCE
from normwise.workflows.drawn_rows import drawn_rows
from normwise.workflows.encode_table import encode_table
from normwise.workflows.export_run import export_run
from normwise.workflows.fit_table import FitOptions, fit_table
from normwise.workflows.predict_table import load_run, network_outputs

EXAMPLE = Path(__file__).parents[2] / "examples" / "serve_onnx.py"
ROWS = 2000
STREETS = 70  # more than are one-hot, and none of them rare
pytestmark = pytest.mark.filterwarnings("ignore::normwise.core.errors.NormwiseWarning")


def table(rows=ROWS, seed=0):
    """Numbers, far from 0 and with gaps; yes and no; dates and times with gaps; few and many categories."""
    random = np.random.default_rng(seed)
    age = random.normal(40, 10, rows)
    moments = [
        datetime.datetime(2020, 1, 1, 3) + datetime.timedelta(hours=int(h))
        for h in random.integers(0, 9999, rows)
    ]
    streets = [f"{n} street" for n in random.integers(0, STREETS, rows)]

    def gaps(values):
        return pl.Series(values).set(pl.Series(random.random(rows) < 0.1), None)

    return pl.DataFrame(
        {
            "age": gaps(age),
            "wealth": 1e8 + random.normal(0, 3, rows),
            "city": gaps(random.choice(["Basel", "Oslo", "Paris"], rows)),
            "level": pl.Series(random.integers(1, 4, rows)).cast(pl.String) + "0",
            "street": streets,
            "active": gaps(random.random(rows) < 0.5),
            "since": [moment.date() for moment in moments],
            "seen": gaps(moments),
            "income": np.where(age > 40, "high", "low"),
            "wage": 50_000 + 1_000 * age,
        }
    )


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Target to its run folder, the folder of its export, and the record."""
    found = {}

    def made(target):
        if target not in found:
            folder = tmp_path_factory.mktemp(target)
            other = {"income": "wage", "wage": "income"}[target]
            table().drop(other).write_parquet(folder / "t.parquet")
            kinds = {"level": "categorical"}
            settings = {"hidden_units": (4,), "epochs": 2}
            fit_table(
                folder / "t.parquet",
                folder / "run",
                FitOptions(target, column_kinds=kinds, settings=settings),
            )
            found[target] = folder / "run", folder / "onnx", export_run(folder / "run", folder / "onnx")
        return found[target]

    return made


@pytest.mark.parametrize("target", ["income", "wage"])
def test_the_network_computes_what_keras_does_on_a_table(exports, target):
    run, folder, record = exports(target)
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "schema.json"]
    assert record.path == str(folder / "model.onnx")
    assert record.difference <= TOLERANCE
    assert {t.name for t in record.inputs} == {"numeric", "one_hot_codes", "embedding_codes"}
    loaded = load_run(run)
    assert {c.encoding for c in loaded.schema.columns} >= {"scaled", "one-hot", "embedding"}
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    table_rows = encode_table(table(200, seed=1), loaded.schema.columns)
    for rows in (table_rows, drawn_rows(loaded.schema, 100)):
        (found,) = session.run(None, rows.inputs())
        assert_close(found, network_outputs(loaded.model, rows), TOLERANCE)


@pytest.mark.parametrize("target", ["income", "wage"])
def test_no_batch_normalization_is_left(exports, target):
    record = exports(target)[2]
    assert any(line.startswith("batch_normalization_1 ") for line in record.folded)
    assert not any("BatchNormalization" in line for line in record.kept)
    assert "BatchNormalization" not in record.nodes


@pytest.mark.parametrize("target", ["income", "wage"])
def test_the_schema_is_beside_it_and_in_it(exports, target):
    run, folder, _ = exports(target)
    schema = load_run(run).schema
    assert TableSchema.from_json((folder / "schema.json").read_text(encoding="utf-8")) == schema
    held = {entry.key: entry.value for entry in onnx.load(folder / "model.onnx").metadata_props}
    assert TableSchema.from_json(held["normwise.schema"]) == schema
    assert json.loads(held["normwise.export"])["path"] == "model.onnx"


def served(folder, rows):
    lines = "".join(json.dumps(row, default=str) + "\n" for row in rows.iter_rows(named=True))
    # Keras is not to be loaded, were it there.
    code = (
        "import sys, runpy; sys.modules['keras'] = None; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    arguments = [sys.executable, "-c", code, str(EXAMPLE), str(folder)]
    done = subprocess.run(arguments, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def odd_rows():
    """Rows of another table, with categories that are new and gaps where the training table had none."""
    rows = table(40, seed=2).drop("income", "wage")
    new = pl.DataFrame(
        {
            **rows[0].to_dict(as_series=False),
            "age": [None],
            "wealth": [None],
            "city": ["Atlantis"],
            "level": [None],
            "street": ["new street"],
            "active": [None],
            "since": [None],
            "seen": [None],
        },
        schema=rows.schema,
    )
    return pl.concat(
        [rows, new, new.with_columns(street=pl.lit(None, pl.String), city=pl.lit(None, pl.String))]
    )


def test_the_example_says_what_predict_says_of_classes(exports):
    run, folder, _ = exports("income")
    rows = odd_rows()
    expected = load_run(run).predict(rows)
    found = served(folder, rows)
    assert [list(row) for row in found] == [["high", "low"]] * len(rows)
    for name in ("high", "low"):
        assert_close([row[name] for row in found], expected[f"probability of {name}"].to_numpy(), TOLERANCE)
    assert [max(row, key=row.get) for row in found] == expected["prediction"].to_list()


def test_the_example_says_what_predict_says_of_numbers(exports):
    run, folder, _ = exports("wage")
    rows = odd_rows()
    expected = load_run(run).predict(rows)["prediction"].to_numpy()
    found = np.array([row["prediction"] for row in served(folder, rows)])
    spread = load_run(run).schema.target_std
    assert_close((found - expected) / spread + 1, np.ones(len(rows)), TOLERANCE)


def test_another_encoding_would_be_seen(exports):
    run, folder, _ = exports("income")
    rows = odd_rows()
    expected = load_run(run).predict(rows)["probability of high"].to_numpy()
    moved = served(folder, rows.with_columns(pl.col("age") + 5))
    with pytest.raises(AssertionError, match="relative error"):
        assert_close([row["high"] for row in moved], expected, TOLERANCE)


def test_what_is_there_is_kept_unless_it_is_an_older_export(exports):
    run, folder, _ = exports("income")
    with pytest.raises(RunFolderError, match=f"{folder} exists and is kept"):
        export_run(run, folder)
    with pytest.raises(RunFolderError, match=r"is no folder of an export \(it has no model\.onnx\)"):
        export_run(run, run, overwrite=True)
    before = (folder / "model.onnx").stat().st_ino
    export_run(run, folder, overwrite=True)
    assert (folder / "model.onnx").stat().st_ino != before
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(RunFolderError, match=r'also holds "mine\.txt", which no export wrote'):
        export_run(run, folder, overwrite=True)
    (folder / "mine.txt").unlink()


def test_a_refused_network_leaves_nothing(exports, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.import_module("normwise.deploy.export"), "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="ONNX Runtime differs from Keras"):
        export_run(exports("income")[0], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_drawn_rows_have_every_code_and_gaps(exports):
    rows = drawn_rows(load_run(exports("income")[0]).schema, 2000)
    assert rows.one_hot.min() == -1
    assert rows.embedded.min() == 0
    assert rows.embedded.max() == STREETS + 1
    assert 0.05 < np.isnan(rows.numeric).mean() < 0.15
