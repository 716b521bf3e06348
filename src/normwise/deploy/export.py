"""export: a model as an ONNX file that was compared with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.core.errors import ModelError, listing
from normwise.core.export_record import ExportRecord
from normwise.deploy.fold import fold as fold_model
from normwise.deploy.onnx_difference import onnx_difference
from normwise.deploy.onnx_trace import onnx_trace, require_packages
from normwise.deploy.onnx_values import count_nodes, name_values, tensors
from normwise.deploy.sample_rows import as_called, sample_rows
from normwise.deploy.tensor_names import input_names, output_names
from normwise.graph.clone import require_graph
from normwise.graph.walk import every_layer
from normwise.tables.atomic import atomic_path, check_creatable

TOLERANCE = 1e-4
"""The largest difference that is allowed, in units of an output's largest magnitude: that of `fold`."""

LARGEST_BYTES = 2**31 - 1
"""What a file of protocol buffers can hold, and so an ONNX model in one file."""

RECORD = "normwise.export"
"""The key of the file's metadata that holds the record of the export as JSON."""


def export(
    model: Any,
    path: str | os.PathLike[str],
    x: Any = None,
    *,
    fold: bool = True,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> ExportRecord:
    """Writes a model as an ONNX file, by Keras' own exporter, if ONNX Runtime then computes what Keras does.

    The model is folded first, so that its linear layers do what its normalizations did. What is exported
    from the folded model is run in ONNX Runtime, and compared with the *given* model on the same rows, as one
    batch and the first of them alone. Only a file whose outputs differ by at most 1e-4 of the largest
    magnitude of each output appears, whole; any number of rows can be run by it.

    Inputs and outputs have the names that they have in Keras: their keys, where they are a dictionary, else
    the names of their layers. The file's metadata hold, under ``"normwise.export"``, the record that this
    returns as JSON.

    Args:
        model: A Sequential or Functional model, built, of float32.
        path: The file to write, its name ending in ``.onnx``.
        x: Rows to compare on, as the model is called on them; of more than 256, as many, evenly spread.
            Without them 16 rows are drawn: standard normal numbers, and 0 or 1 for integers and for what an
            `Embedding` reads.
        fold: Whether to fold first.
        metadata: Further keys and texts for the file's metadata.
        overwrite: Whether a file that exists is replaced.

    Returns:
        What is in the file, how far it is from Keras, and what became of the normalizations.

    Raises:
        TypeError: If `model` is no Keras model.
        ValueError: If it is subclassed.
        ModelError: If a package of ``normwise[onnx]`` is absent; if the model is not of float32, or has a
            fixed batch size; if the exporter or ONNX Runtime fails; if they
            differ by more; if an output is not finite on the rows; if the folding is refused; if
            `metadata` holds anything but texts.
        TableError: If the file exists, or cannot be written.

    Example:
        >>> import keras, normwise
        >>> parts = [keras.Input((2,), name="row"), keras.layers.Dense(3), keras.layers.BatchNormalization()]
        >>> model = keras.Sequential([*parts, keras.layers.Dense(1, name="price")])
        >>> record = normwise.export(model, "price.onnx")                                # doctest: +SKIP
        >>> [(tensor.name, tensor.shape) for tensor in (*record.inputs, *record.outputs)]  # doctest: +SKIP
        [('row', (None, 2)), ('price', (None, 1))]
    """
    file = Path(path)
    if file.suffix != ".onnx":
        raise ModelError(f"{file} is no name of an ONNX file; expected one that ends in .onnx")
    _check_metadata(metadata or {})
    require_packages()
    check_creatable(file, overwrite)
    _check(model)
    rows = sample_rows(model, x)
    expected = _outputs(model, rows)
    if not all(np.isfinite(y).all() for y in expected):
        if fold:
            fold_model(model)  # which names the normalization, where that is why
        raise _not_finite(model, rows, expected)
    folding = fold_model(model, as_called(model, rows)) if fold else None
    proto = onnx_trace(folding.model if folding else model)
    _require_all(proto, model)
    name_values(proto, input_names(model), output_names(model))
    difference = _checked(model, proto, rows, expected)
    record = ExportRecord(
        path=str(file),
        backend=keras.backend.backend(),
        opset=next(opset.version for opset in proto.opset_import if opset.domain in ("", "ai.onnx")),
        inputs=tensors(proto.graph.input),
        outputs=tensors(proto.graph.output),
        nodes=count_nodes(proto),
        rows=len(rows[0]),
        difference=difference,
        folded=_lines(folding.folded if folding else ()),
        kept=_lines(folding.kept if folding else ()),
    )
    _write(proto, file, {**(metadata or {}), RECORD: record.at(file.name).to_json()}, overwrite)
    return record


def _check_metadata(metadata: Mapping[str, str]) -> None:
    for key, text in metadata.items():
        if not (isinstance(key, str) and isinstance(text, str)):
            raise ModelError(
                f"metadata has {text!r:.80} under {key!r:.80}; an ONNX file holds texts alone: expected a"
                " str under a str, such as json.dumps(value)"
            )


def _check(model: Any) -> None:
    require_graph(model, "normwise.export", instead="Build it by keras.Model(inputs, outputs).")
    if not model.built:
        raise ModelError(f'the model "{model.name}" is not built; begin it with keras.Input(shape)')
    for layer in every_layer(model):
        dtype = layer.compute_dtype
        if dtype != "float32" and ("float" in dtype or dtype == "complex64"):
            raise ModelError(
                f'the layer "{layer.name}" computes in {dtype}; Keras exports float32 alone. Build the model '
                'again under keras.config.set_dtype_policy("float32"), and set_weights(model.get_weights()).'
            )
    for name, tensor in zip(input_names(model), model.inputs, strict=True):
        if tensor.shape[0] is not None:
            raise ModelError(
                f'the input "{name}" has the fixed batch size {tensor.shape[0]}; expected any. Build it '
                "by keras.Input(shape) without batch_size."
            )


def _outputs(model: Any, rows: list[NDArray[Any]]) -> list[NDArray[Any]]:
    outputs = keras.tree.flatten(model(as_called(model, rows), training=False))
    return [np.asarray(keras.ops.convert_to_numpy(y)) for y in outputs]


def _not_finite(model: Any, rows: list[NDArray[Any]], outputs: list[NDArray[Any]]) -> ModelError:
    wrong = {
        name: f"{(~np.isfinite(y)).sum()} of {y.size}"
        for name, y in zip(output_names(model), outputs, strict=True)
        if not np.isfinite(y).all()
    }
    name, count = next(iter(wrong.items()))
    return ModelError(
        f'the output "{name}" of the model "{model.name}" has {count} values that are not finite on the '
        f"{len(rows[0])} rows to compare Keras and ONNX Runtime on; expected numbers. Hand over other "
        "rows as x."
    )


def _require_all(proto: Any, model: Any) -> None:
    """An input that nothing reads is left out by some exporters."""
    for what, found, wanted in (
        ("inputs", proto.graph.input, input_names(model)),
        ("outputs", proto.graph.output, output_names(model)),
    ):
        if len(found) != len(wanted):
            raise ModelError(
                f"Keras' exporter on {keras.backend.backend()} made an ONNX model with {len(found)} {what} "
                f"of a model with {len(wanted)}: {listing(wanted)}. Leave out what no output depends on."
            )


def _checked(model: Any, proto: Any, rows: list[NDArray[Any]], expected: list[NDArray[Any]]) -> float:
    difference, where = onnx_difference(proto, rows, expected)
    if difference > TOLERANCE:
        raise ModelError(
            f'ONNX Runtime differs from Keras on the model "{model.name}" by {difference:.3g} of the largest '
            f"magnitude ({where}); allowed is {TOLERANCE:g}. Nothing was written. Try another KERAS_BACKEND: "
            "each has an exporter of its own."
        )
    return difference


def _lines(records: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(record) for record in records)


def _write(proto: Any, file: Path, metadata: Mapping[str, str], overwrite: bool) -> None:
    for key, text in metadata.items():
        proto.metadata_props.add(key=key, value=text)
    if (size := proto.ByteSize()) > LARGEST_BYTES:
        raise ModelError(f"the ONNX model has {size} bytes; one file can hold {LARGEST_BYTES}")
    with atomic_path(file, overwrite) as temporary:
        temporary.write_bytes(proto.SerializeToString())
