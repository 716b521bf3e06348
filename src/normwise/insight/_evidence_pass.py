"""evidence_pass: one pass of rows through a model that is left as it is, each call told as it is made."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from normwise.core.probe import ActivationSeen, NormalizationSeen
from normwise.insight._features import Floats
from normwise.insight._row_moments import RowMoments, row_moments

Told = Callable[[str, Any], None]
"""Is told the name of a call, as in a `normwise.core.model_record.CallRecord`, and what was seen of it."""
MomentsTold = Callable[[str, RowMoments, int], None]
"""Is told the name of a call of a batch normalization, the moments of what it took, and of how many rows."""


def numbers(values: Any) -> Floats:
    """An array of a backend in float64."""
    from keras import backend, ops

    if backend.standardize_dtype(values.dtype) in ("bfloat16", "float16"):
        values = ops.cast(values, "float32")  # NumPy itself has no bfloat16
    return np.asarray(ops.convert_to_numpy(values), np.float64)


def evidence_pass(
    model: Any,
    x: Any,
    *,
    training: bool,
    activation: Told | None = None,
    normalization: MomentsTold | None = None,
    wide: Callable[[Any], Any] = numbers,
    output: Told | None = None,
    outputs_of: Collection[str] = (),
    switched: Mapping[int, Any] | None = None,
) -> Any:
    """What the model gives for rows, all of them one batch.

    Args:
        model: A built model. To be called within `left_as_it_is`.
        x: The rows.
        training: Whether it computes as in training.
        activation: Told of each activation function what it took and gave: an `ActivationSeen`.
        normalization: Told of each batch normalization the moments of what it took.
        wide: What it took, as its moments are computed: in float64 on the host, or traced in float32.
        output: Told what those calls gave that
        outputs_of: names.
        switched: By the id of a layer, whether it computes as in training, whatever the others do; a traced
            truth value chooses.
    """
    import keras

    from normwise.graph.kinds import is_activation
    from normwise.graph.layer_calls import axes_of_statistics, called_with_training, calls_told
    from normwise.graph.layer_kinds import function_of
    from normwise.graph.layer_paths import layer_paths
    from normwise.graph.replaced import layer_calls_by

    switches = switched or {}
    paths = layer_paths(model)
    twice = False  # the layer that is being called tells the same a second time
    known: RowMoments | None = None  # what the layer that is being called takes
    wanted = {name.partition("#")[0] for name in outputs_of}
    activations, normalizations, layers = Names(), Names(), Names()

    def path(layer: Any) -> str:
        return paths.get(id(layer), str(layer.name))

    def on_activation(seen: ActivationSeen) -> None:
        if activation is not None and not twice:
            activation(activations.next(seen.path), seen)

    def on_normalization(seen: NormalizationSeen) -> None:
        nonlocal known
        if normalization is not None and not twice:
            moments = known or row_moments(wide(seen.inputs), seen.axes)
            normalization(normalizations.next(seen.path), moments, seen.inputs.shape[0])
        known = None

    def on_operation(operation: Any, taken: Any, given: Any) -> None:
        if is_activation(operation):
            on_activation(ActivationSeen(operation.name, function_of(operation), taken, given))
        if output is not None and operation.name in outputs_of:
            output(operation.name, given)

    def by_either(plain: Any, layer: Any, switch: Any, args: Any, kwargs: Any) -> Any:
        """By statistics that are those of the batch or the moving ones: one computation."""
        nonlocal known
        known = row_moments(wide(args[0]), axes_of_statistics(layer, args[0]))
        statistics = (layer.moving_mean, layer.moving_variance)
        before = [variable.value for variable in statistics]
        if normalizes_by_batch(layer):
            of_batch = (known.mean, known.m2 / known.size)
            for variable, value, own in zip(statistics, of_batch, before, strict=True):
                variable.assign(keras.ops.where(switch, value, own))
        try:
            return called_with_training(plain, layer, False, args, kwargs)
        finally:
            for variable, value in zip(statistics, before, strict=True):
                variable.assign(value)

    def by_both(plain: Any, layer: Any, switch: Any, args: Any, kwargs: Any) -> Any:
        """As in training and as at inference, of which the switch takes one."""
        nonlocal twice
        before = [(variable, variable.value) for variable in layer._non_trainable_variables]
        in_training = called_with_training(plain, layer, True, args, kwargs)
        # At inference, and when it is called again, it has its own statistics; the noise goes on.
        for variable, value in before:
            variable.assign(value)
        twice = True
        try:
            at_inference = called_with_training(plain, layer, False, args, kwargs)
        finally:
            twice = False
        return keras.tree.map_structure(functools.partial(keras.ops.where, switch), in_training, at_inference)

    def on_layer(plain: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        switch = switches.get(id(layer))
        if switch is None:
            given = plain(layer, *args, **kwargs)
        elif isinstance(switch, bool):
            given = called_with_training(plain, layer, switch, args, kwargs)
        elif is_plain_call(layer, args, kwargs):
            given = by_either(plain, layer, switch, args, kwargs)
        else:
            given = by_both(plain, layer, switch, args, kwargs)
        if path(layer) in wanted:
            name = layers.next(path(layer))
            if output is not None and name in outputs_of:
                output(name, given)
        return given

    with (
        calls_told(on_activation, on_normalization, path),
        _operations_told(on_operation),
        layer_calls_by(on_layer),
    ):
        return model(x, training=training)


def normalizes_by_batch(layer: Any) -> bool:
    """Whether a batch normalization takes the batch's statistics in training."""
    return bool(layer.trainable and getattr(layer, "statistics_trainable", True))


def is_plain_call(layer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a layer, in training, does to its batch what at inference it does by other statistics.

    Of Keras' internals this leans on `_keras_mask`.
    """
    import keras

    from normwise.layers.batch_normalization import BatchNormalization

    if type(layer) not in (keras.layers.BatchNormalization, BatchNormalization) or not args:
        return False
    masked = getattr(args[0], "_keras_mask", None) is not None or set(kwargs) - {"training"} or len(args) > 1
    special = layer.renorm or getattr(layer, "virtual_batch_size", None) is not None
    wide = all(v.dtype in ("float32", "float64") for v in (layer.moving_mean, layer.moving_variance))
    return wide and not masked and not special


class Names:
    """The names of calls, counted as `normwise.graph.layer_calls.by_call` does."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def next(self, path: str) -> str:
        """The name of a further call of a layer."""
        self._counts[path] = self._counts.get(path, 0) + 1
        return path if self._counts[path] == 1 else f"{path}#{self._counts[path]}"


@contextmanager
def _operations_told(tell: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Within the block, the operations in a model's graph are told of: what each took and gave."""
    import keras

    from normwise.graph.replaced import replaced

    plain = keras.Operation.__call__

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = plain(self, *args, **kwargs)
        if args and not isinstance(self, keras.layers.Layer):
            tell(self, args[0], given)
        return given

    with replaced(keras.Operation, "__call__", called):
        yield


def without_derivatives() -> Any:
    """Within the block, nothing is kept for derivatives."""
    import keras

    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()
