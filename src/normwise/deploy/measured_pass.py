"""MeasuredPass: one pass over the data, in which some layers' inputs are measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.core.errors import TrainingError
from normwise.core.moments import Moments, merge
from normwise.deploy.statistics import Values
from normwise.graph.layer_calls import path_of
from normwise.graph.normalization_calls import normalization_calls_by
from normwise.graph.replaced import replaced
from normwise.layers.batch_normalization import BatchNormalization
from normwise.layers.input_moments import input_moments


class MeasuredPass:
    """The moments of what some layers take, batch after batch, the model being left as it is.

    All of the model computes as at inference, but for the open batch normalizations, which normalize by the
    batch as in training.

    Args:
        model: A built Keras model.
        measured: The layers whose inputs are measured.
        still_open: The layers that normalize by the batch.
        settled: Variables that have other values here than in the model.
    """

    def __init__(
        self, model: Any, measured: Sequence[Any], still_open: Sequence[Any], settled: Values
    ) -> None:
        self.model, self.settled, self.measured = model, settled, list(measured)
        self.batches = 0
        self._open = {id(layer) for layer in still_open}
        self._moments = {id(layer): _nothing(layer) for layer in measured}
        self._calls = {id(layer): 0 for layer in measured}
        self._most = {id(layer): 0.0 for layer in measured}
        self._fault = ""

    def take(self, batch: Any) -> None:
        """Lets the model compute a batch.

        Raises:
            TrainingError: If what a measured layer takes is not finite.
        """
        with keras.StatelessScope(self.settled), normalization_calls_by(self._call):
            self.model(batch, training=False)
        if self._fault:
            # Raised within the model, Keras would add the call's arguments to it.
            raise TrainingError(f"{self._fault} {_of_the_batch(batch)}")
        self.batches += 1

    def moments(self, layer: Any) -> Moments:
        """The moments of a measured layer's input over all batches.

        Raises:
            TrainingError: If a channel has fewer than two values.
        """
        found = self._moments[id(layer)]
        fewest = float(np.min(found.count))
        if fewest <= 1:
            raise TrainingError(
                f"layer {path_of(layer)} was given {fewest:g} value{'s' * (fewest != 1)} in channel "
                f"{int(np.argmin(found.count))} by {self.batches} batch{'es' * (self.batches != 1)}, and the "
                "variance m2/(m − 1) needs more than one; expected two rows or more"
            )
        if self._most[id(layer)] <= 1 and len(self.measured) > 1:
            raise TrainingError(
                f"each batch gave layer {path_of(layer)} one value a channel, which normalized by itself is "
                "0 for all layers behind it; expected batches of two rows or more, or sequential=True, which "
                "does not depend on them"
            )
        return found

    def calls(self, layer: Any) -> int:
        """How often a batch calls a measured layer."""
        return self._calls[id(layer)] // self.batches

    def _call(self, plain: Callable[..., Any], layer: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if id(layer) in self._moments and not self._fault:
            self._note(layer, input_moments(layer, inputs, kwargs.get("mask"), kwargs.get("sample_weight")))
        with _without_a_word(layer):
            return plain(layer, inputs, *args, **{**kwargs, "training": id(layer) in self._open})

    def _note(self, layer: Any, seen: Moments) -> None:
        bad = ~np.isfinite(seen.mean + seen.m2)
        if bad.any():
            what = "NaN" if np.isnan(seen.mean[bad]).any() else "infinity, or numbers too large to square"
            self._fault = (
                f"layer {path_of(layer)} is the first to be given what is not finite: {what} in channel "
                f"{int(np.argmax(bad))} of batch {self.batches} (both counted from 0)."
            )
        self._moments[id(layer)] = merge(self._moments[id(layer)], seen)
        self._calls[id(layer)] += 1
        self._most[id(layer)] = max(self._most[id(layer)], float(np.max(seen.count)))


def _without_a_word(layer: Any) -> AbstractContextManager[None]:
    """Within the block, a layer does not say that its batch, of one row, taught it nothing."""
    if isinstance(layer, BatchNormalization):
        return replaced(layer, "_taught_nothing", True)
    return nullcontext()


def _nothing(layer: Any) -> Moments:
    zeros = np.zeros(tuple(layer.moving_mean.shape))
    return Moments(zeros, zeros, zeros)


def _of_the_batch(batch: Any) -> str:
    for leaf in keras.tree.flatten(batch):
        values = np.asarray(ops.convert_to_numpy(leaf))
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            return (
                f"The batch itself holds {values[place]} in row {place[0]}: fill in or leave out such rows."
            )
    return "The batch itself is finite: look at the weights of the layers before it."
