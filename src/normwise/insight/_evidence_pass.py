"""evidence_pass: one pass of rows through a model that is left as it is, each call told as it is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from normwise.core.probe import ActivationSeen, NormalizationSeen
from normwise.insight._features import Floats
from normwise.insight._row_moments import RowMoments, row_moments
from normwise.insight._switched_layer import by_both, by_either, has_one_formula

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

    from normwise.graph.kinds import is_activation
    from normwise.graph.layer_calls import axes_of_statistics, called_with_training, calls_told
    from normwise.graph.layer_kinds import function_of
    from normwise.graph.layer_paths import layer_paths
    from normwise.graph.replaced import layer_calls_by

    switches = switched or {}
    paths = layer_paths(model)
    twice = False  # the layer that is being called tells the same a second time
    known: RowMoments | None = None  # what the layer that is being called takes
    activations, normalizations, layers = Names(), Names(), Names()

    def path(layer: Any) -> str:
        return paths.get(id(layer), str(layer.name))

    def on_activation(seen: ActivationSeen) -> None:
        if activation is not None and not twice:
            activation(activations.next(seen.path), seen)

    def on_normalization(seen: NormalizationSeen) -> None:
        if normalization is not None and not twice:
            moments = known or row_moments(wide(seen.inputs), seen.axes)
            normalization(normalizations.next(seen.path), moments, seen.inputs.shape[0])

    def on_operation(operation: Any, taken: Any, given: Any) -> None:
        if is_activation(operation):
            on_activation(ActivationSeen(operation.name, function_of(operation), taken, given))
        if output is not None and operation.name in outputs_of:
            output(operation.name, given)

    @contextmanager
    def again() -> Iterator[None]:
        nonlocal twice
        twice = True
        try:
            yield
        finally:
            twice = False

    def on_layer(plain: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal known
        switch = switches.get(id(layer))
        if switch is None:
            given = plain(layer, *args, **kwargs)
        elif isinstance(switch, bool):
            given = called_with_training(plain, layer, switch, args, kwargs)
        elif has_one_formula(layer, args, kwargs):
            known = row_moments(wide(args[0]), axes_of_statistics(layer, args[0]))
            given = by_either(plain, layer, switch, known, args, kwargs)
        else:
            given = by_both(plain, layer, switch, again(), args, kwargs)
        known = None
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
