"""gather_evidence: all that the doctor's rules look at, from a model and some rows."""

from __future__ import annotations

import dataclasses
import math
from numbers import Integral
from typing import Any

import keras

from normwise.core.errors import TrainingError
from normwise.core.evidence import ActivationEvidence, Evidence, InputEvidence, TrainingFacts
from normwise.core.model_record import ModelRecord
from normwise.graph.error_text import error_text
from normwise.graph.layer_paths import layer_paths
from normwise.graph.record_model import record_model, require_model
from normwise.graph.walk import every_layer
from normwise.insight._data_loss import data_loss
from normwise.insight._evidence_pass import numbers
from normwise.insight._passes import Passes
from normwise.insight.gradient_evidence import gradient_evidence
from normwise.insight.input_evidence import Place, input_evidence, places_of_inputs
from normwise.insight.loss_evidence import loss_evidence, most_switched
from normwise.insight.normalization_evidence import Taken, normalization_evidence
from normwise.workflows.diagnose_data import read_data
from normwise.workflows.input_drift import input_drift
from normwise.workflows.input_values import arrays_of_inputs, require_finite
from normwise.workflows.not_measured import with_what_was_not_measured
from normwise.workflows.probed_rows import ProbedRows, probed_rows

ROWS = 1024
MOST_VALUES = 2**28
"""So many values a pass computes in all layers together at most: where they would be more, rows are fewer."""
LEAST_ROWS = 16
CALLS_TO_COMPILE = 32
"""A model of fewer calls is computed sooner than it is compiled."""
DRAWS = 3
"""Passes with dropout on."""
ONE_ROW = "one row was given: a mean and a variance need more; give some hundred"
MEASURED = ("inputs", "normalizations", "activations", "gradients", "loss")


def gather_evidence(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    new_x: Any = None,
    batch_size: int | None = None,
    rows: int = ROWS,
    gradients: bool = True,
) -> Evidence:
    """What the doctor's rules look at, measured once.

    The model is left as it is, to the bit: its weights, statistics, seeds, optimizer and metrics.

    Args:
        model: A built Keras model; for the loss and its gradients, a compiled one.
        x: What `normwise.fit` takes as x, or what `normwise.workflows.diagnose_data.read_data` reads.
        y: Its targets, or the name of their column.
        new_x: Data that the model meets later, as x.
        batch_size: Rows a step of the training.
        rows: So many are probed at most; fewer, at least 16, where all layers together compute more than 2²⁸
            values of them.
        gradients: Whether the gradient of the loss is taken, which is half of the time.

    Returns:
        The evidence; `absent` says what was not measured, and why.

    Raises:
        ModelError: If it is no Keras model, or not built.
        TrainingError: If the data are empty, do not fit the model, or hold NaN or infinity.
        TableError: If a table cannot be read.
    """
    require_model(model)
    if x is None:
        record = record_model(model)
        absent = dict.fromkeys((*MEASURED, "drift"), "no data were given")
        return Evidence(record, TrainingFacts(batch_size), absent={**absent, **_no_calls(record)})
    rows = _count(rows)
    probed = probed_rows(model, *read_data(x, y, model, rows), rows, batch_size)
    record = record_model(model, probed.x)
    probed = probed.fewer(_affordable(record, probed.count))
    evidence = Evidence(
        record,
        TrainingFacts(batch_size or probed.batch_size, probed.rows),
        absent={"drift": "no new data were given", **_no_calls(record)},
        rows=probed.count,
    )
    if new_x is not None:
        later = probed_rows(model, *read_data(new_x, y, model, rows, new=True), rows, batch_size, new=True)
        evidence = dataclasses.replace(
            evidence, drift=input_drift(model, record, probed, later), absent=_no_calls(record)
        )
    return _measured(model, evidence, probed, gradients)


def _measured(model: Any, evidence: Evidence, probed: ProbedRows, gradients: bool) -> Evidence:
    """The evidence with what passes of the rows through the model tell."""
    record, absent = evidence.model, dict(evidence.absent)
    places = places_of_inputs(record)
    arrays = arrays_of_inputs(model, probed.x)
    require_finite(arrays, probed, {place.name for place in places if place.scaled_by})
    if probed.count < 2:
        absent.update(dict.fromkeys(MEASURED, ONE_ROW))
        return dataclasses.replace(evidence, absent=absent)
    passes = _Passes(model, record, probed, places)
    passes.run()
    # Of operations that a `call` makes as it runs nothing is told: there the input is looked at as given.
    places = tuple(
        place._replace(call="", scaled_by="") if place.call and place.name not in passes.inputs else place
        for place in places
    )
    inputs = tuple(
        passes.inputs[place.name] if place.call else input_evidence(place, arrays[place.name], probed.columns)
        for place in places
        if (place.name in passes.inputs if place.call else place.name in arrays)
    )
    require_finite(arrays, probed, {one.name for one in inputs if all(map(math.isfinite, one.means))})
    if not record.calls:
        absent["inputs"] = absent["calls"]
    paths = layer_paths(model)
    layers = {paths[id(layer)]: layer for layer in every_layer(model)}
    normalizations = normalization_evidence(
        record, layers, probed.count, passes.in_training, passes.noisy, passes.at_inference
    )
    evidence = dataclasses.replace(
        evidence,
        inputs=inputs,
        normalizations=normalizations,
        activations=tuple(passes.activations),
        absent=absent,
    )
    evidence = with_what_was_not_measured(evidence)
    evidence = _with_loss(model, evidence, probed, passes, layers)
    return _with_gradients(model, evidence, probed) if gradients else evidence


def _with_loss(
    model: Any, evidence: Evidence, probed: ProbedRows, passes: _Passes, layers: dict[str, Any]
) -> Evidence:
    loss = data_loss(model) if probed.y is not None else "no targets were given"
    if isinstance(loss, str):
        return _without(evidence, loss, "loss", "gradients")
    try:
        found = loss_evidence(
            *(probed.y, loss, passes.outputs),
            lambda path: passes.switched_outputs(layers[path]),
            *(evidence.normalizations, probed.count),
            most_switched(evidence.model, probed.count),
        )
    except Exception as error:  # whatever a loss raises on targets that do not fit it
        return _without(evidence, _raised("the loss of these targets", error), "loss", "gradients")
    return dataclasses.replace(evidence, loss=found)


def _with_gradients(model: Any, evidence: Evidence, probed: ProbedRows) -> Evidence:
    loss = data_loss(model)
    if "gradients" in evidence.absent or isinstance(loss, str):
        return evidence
    if not model.trainable_variables:
        return _without(evidence, f'the model "{model.name}" has no trainable variables', "gradients")
    try:
        found = gradient_evidence(model, probed.x, probed.y, loss, _owners(model))
    except Exception as error:  # a layer without a derivative, or one that cannot be traced
        return _without(evidence, _raised("the gradient of the loss", error), "gradients")
    return dataclasses.replace(evidence, gradients=found)


def _without(evidence: Evidence, reason: str, *measured: str) -> Evidence:
    return dataclasses.replace(evidence, absent={**evidence.absent, **dict.fromkeys(measured, reason)})


class _Passes:
    """The passes through the model that several measurements share."""

    def __init__(
        self, model: Any, record: ModelRecord, probed: ProbedRows, places: tuple[Place, ...]
    ) -> None:
        self._model, self._probed = model, probed
        self._calls = {call.name for call in record.calls}
        self._places = {place.call: place for place in places if place.call}
        self._passes = Passes(
            model,
            probed.x,
            set(self._places),
            compiled=len(record.calls) >= CALLS_TO_COMPILE,
            own_mode={call.layer for call in record.calls if call.inference},
        )
        self.inputs: dict[str, InputEvidence] = {}
        self.activations: list[ActivationEvidence] = []
        self.in_training: dict[str, Taken] = {}
        self.noisy: list[dict[str, Taken]] = []
        self.at_inference: dict[str, Taken] = {}
        self.outputs: tuple[Any, Any] = (None, None)

    def run(self) -> None:
        """In training without and with noise, and at inference."""
        first = self._first()
        # One inside of an attention is no call of the record, which counts the attention as one.
        self.activations = [one for one in first.activations if not self._calls or one.call in self._calls]
        for name, given in first.seen.items():
            self._input(self._places[name], given)
        self.in_training = first.normalizations
        self.noisy = [self.in_training]
        if self.in_training and self._passes.has_noise:
            self.noisy = [self._passes.run(training=True, noise=True).normalizations for _ in range(DRAWS)]
        later = self._passes.run(training=False)
        self.at_inference = later.normalizations
        self.outputs = (first.outputs, later.outputs)

    def switched_outputs(self, layer: Any) -> Any:
        """What the model gives at inference, with one batch normalization by the batch."""
        return self._passes.run(training=False, by_batch=[layer]).outputs

    def _first(self) -> Any:
        try:
            return self._passes.run(training=True)
        except Exception as error:  # whatever the user's layers raise
            what = f'the call of the model "{self._model.name}" on {self._probed.count} rows of x'
            raise TrainingError(f"{_raised(what, error)}; expected rows that it takes") from error

    def _input(self, place: Place, given: Any) -> None:
        if keras.ops.is_tensor(given):
            self.inputs[place.name] = input_evidence(place, numbers(given), self._probed.columns)


def _count(rows: Any) -> int:
    if not isinstance(rows, Integral) or isinstance(rows, bool) or rows < 1:
        raise TrainingError(f"rows={rows!r} is no number of rows; expected a whole number from 1")
    return int(rows)


def _affordable(record: ModelRecord, rows: int) -> int:
    values = sum(math.prod(abs(size) for size in call.shape) for call in record.calls)
    return min(rows, max(LEAST_ROWS, MOST_VALUES // max(values, 1)))


def _no_calls(record: ModelRecord) -> dict[str, str]:
    return {} if record.calls else {"calls": (*record.unseen, "the model has no calls")[0]}


def _owners(model: Any) -> dict[int, str]:
    paths = layer_paths(model)
    return {
        id(variable): paths[id(layer)]
        for layer in every_layer(model)
        for variable in layer._trainable_variables
    }


def _raised(what: str, error: Exception) -> str:
    return f"{what} raised {error_text(error)}"
