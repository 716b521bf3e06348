"""Export: what an exported file holds, and by how much it was seen to differ from the model it came from."""

from __future__ import annotations

import dataclasses
import os

from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class TensorRecord(Record):
    """An input or output of an exported model.

    Args:
        name: Its name.
        dtype: Its type, as NumPy calls it.
        shape: Its sizes; None where any will do, as for the batch.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class ExportRecord(Record):
    """What `normwise.export` did.

    Args:
        path: The file.
        backend: The backend of Keras that the model was exported from.
        opset: The version of ONNX's operators that the file asks for.
        inputs: The inputs, in the model's order.
        outputs: The outputs, in the model's order.
        nodes: How many nodes the graph has by operator, those inside of loops and branches included.
        rows: The rows that Keras and ONNX Runtime were compared on.
        difference: The largest difference of an output, in units of the output's largest magnitude.
        folded: The normalizations that are gone, and into what; a line each.
        kept: Those that are still there, and why; a line each.

    Example:
        >>> row, label = TensorRecord("row", "float32", (None, 3)), TensorRecord("y", "float32", (None, 1))
        >>> record = ExportRecord("m.onnx", "jax", 21, (row,), (label,), {"Gemm": 1}, 16, 1e-7, (), ())
        >>> ExportRecord.from_json(record.to_json()) == record
        True
    """

    path: str
    backend: str
    opset: int
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]
    nodes: dict[str, int]
    rows: int
    difference: float
    folded: tuple[str, ...]
    kept: tuple[str, ...]

    def at(self, path: str | os.PathLike[str]) -> ExportRecord:
        """The same record of a file that stands elsewhere."""
        return dataclasses.replace(self, path=os.fspath(path))
