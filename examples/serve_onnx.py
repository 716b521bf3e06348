"""Serves raw rows by ONNX Runtime and NumPy alone, from what `normwise export RUN --out FOLDER` wrote.

    python serve_onnx.py FOLDER < rows.jsonl

A row is a line such as {"age": 31, "city": "Basel", "since": null}, with null for what is missing.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime


def date_parts(text):
    date = datetime.fromisoformat(text)
    date = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    return [date.timestamp() // 1 / 86400, date.month, date.day, date.isoweekday(), date.hour]


def numbers(column, value):
    """The number, or the parts of the date, and whether it is missing where training saw that too."""
    missing = [float(value is None)] * bool(column["missing"])
    if column["kind"] == "date":
        parts = [np.nan] * 5 if value is None else date_parts(value)
        return parts[: 4 if column["dtype"] == "Date" else 5] + missing
    return [np.nan if value is None else float(value) - column["origin"], *missing]


def code(column, value):
    """2 and above are known categories, 1 is missing, 0 any other; −1 what training never saw."""
    if value is None or str(value) not in column["categories"]:
        seen = column["rare"] if value is not None else column["missing"]
        return int(value is None) if seen or column["encoding"] == "embedding" else -1
    return column["categories"].index(str(value)) + 2


def inputs(columns, row):
    """What the network reads of a row: an array an input."""
    of = {way: [c for c in columns if c["encoding"] == way] for way in ("scaled", "one-hot", "embedding")}
    values = {
        "numeric": np.float32([[x for c in of["scaled"] for x in numbers(c, row[c["name"]])]]),
        "one_hot_codes": np.int32([[code(c, row[c["name"]]) for c in of["one-hot"]]]),
        "embedding_codes": np.int32([[code(c, row[c["name"]]) for c in of["embedding"]]]),
    }
    return {name: array for name, array in values.items() if array.size}


def main(folder):
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    for line in sys.stdin:
        ((output,),) = session.run(None, inputs(schema["columns"], json.loads(line)))
        if schema["task"] == "regression":
            answer = {"prediction": float(output[0]) * schema["target_std"] + schema["target_mean"]}
        else:
            answer = dict(zip(schema["classes"], output.astype(float).tolist(), strict=True))
        print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
