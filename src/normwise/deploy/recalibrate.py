"""recalibrate: the statistics of the data into the batch normalizations of a model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from keras import ops

from normwise.core.errors import TrainingError
from normwise.core.recalibration import RecalibratedLayer, Recalibration
from normwise.deploy.measured_pass import MeasuredPass
from normwise.deploy.open_layers import layers_with_statistics, open_layers
from normwise.deploy.statistics import Values, assign_all, statistics
from normwise.graph.layer_calls import path_of

Batches = Callable[[], Iterable[Any]]
"""Gives the batches of a pass, each what the model takes, from the beginning every time."""


class RecalibrateListener:
    """What hears of it while it runs; every method may be overridden, none has to be."""

    def progress(self, batches: int, done: int, passes: int) -> None:
        """So many batches of a pass are over, before which `done` of all `passes` were."""


def recalibrate(
    model: Any,
    batches: Batches,
    *,
    sequential: bool = False,
    also: Collection[Any] = (),
    listener: RecalibrateListener | None = None,
) -> Recalibration:
    """Sets the moving statistics of a model's batch normalizations to those of the data.

    See `normwise.recalibrate`, which takes data of all kinds; this takes batches.

    Args:
        model: A built Keras model.
        batches: Called for each pass over the data; gives an iterable of what the model takes.
        sequential: Whether the layers are settled one after the other, a pass each.
        also: Layers that are set although they are frozen, which takes ``sequential=True``: in one pass, what
            they give would be by their old statistics.
        listener: What hears of progress.

    Returns:
        Which layers were set, how far each moved, and which were skipped.

    Raises:
        ModelError: If the model is not built, or has no layer to recalibrate.
        TrainingError: If the data are empty, hold NaN, or have fewer than two values a channel.

    Example:
        >>> import keras
        >>> layer = keras.layers.BatchNormalization(name="norm")
        >>> model = keras.Sequential([keras.Input((1,)), layer])
        >>> rows = np.array([[1.0], [3.0], [8.0]], "float32")
        >>> found = recalibrate(model, lambda: [rows[:2], rows[2:]])
        >>> [float(v[0]) for v in (layer.moving_mean, layer.moving_variance)]  # 13 = (9 + 1 + 16)/(3 − 1)
        [4.0, 13.0]
        >>> found.layers[0].values, found.batches
        (3.0, 2)
    """
    layers_with_statistics(model)  # or an error, before any data are read
    begun = iter(batches())
    first = next(begun, None)
    if first is None:
        raise TrainingError("the data gave no batch; expected rows to take the statistics of")
    hear = listener or RecalibrateListener()
    layers, skipped = open_layers(model, first, also)
    groups = [[layer] for layer in layers] if sequential else [layers]
    found: list[RecalibratedLayer] = []
    settled: Values = []
    for done, group in enumerate(groups):
        still_open = [layer for later in groups[done:] for layer in later]
        measured = MeasuredPass(model, group, still_open, settled)
        for batch in itertools.chain([first], begun) if done == 0 else batches():
            measured.take(batch)
            hear.progress(measured.batches, done, len(groups))
        settled = settled + [pair for layer in group for pair in statistics(layer, measured.moments(layer))]
        found += [_moved(layer, measured) for layer in group]
    assign_all(settled)
    return Recalibration(tuple(found), tuple(skipped), sequential, len(groups), measured.batches)


def _moved(layer: Any, measured: MeasuredPass) -> RecalibratedLayer:
    moments = measured.moments(layer)
    std, old_mean = np.sqrt(moments.variance(ddof=1)), _numbers(layer.moving_mean)
    varies = std > 0
    with np.errstate(all="ignore"):
        shifts = (np.abs(moments.mean - old_mean) / std)[varies]
        ratios = (std / np.sqrt(_numbers(layer.moving_variance)))[varies]
    shifts, ratios = (_known(values) for values in (shifts, ratios))
    return RecalibratedLayer(
        path=path_of(layer),
        values=float(np.min(moments.count)),
        calls=measured.calls(layer),
        mean_shift=float(np.median(shifts)),
        largest_mean_shift=float(np.max(shifts)),
        std_ratio=float(np.median(ratios)),
        smallest_std_ratio=float(np.min(ratios)),
        largest_std_ratio=float(np.max(ratios)),
    )


def _known(values: Any) -> Any:
    """Those that are numbers: a statistic from before may have been NaN, a variance negative."""
    known = values[~np.isnan(values)]
    return known if known.size else np.array([np.nan])


def _numbers(variable: Any) -> Any:
    # By way of float32, since NumPy itself has no bfloat16.
    return np.asarray(ops.convert_to_numpy(ops.cast(variable.value, "float32")), np.float64)
