"""fold: the model without its normalization layers, whose work its linear layers do at inference."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers

from normwise.core.errors import ModelError, listing, warn
from normwise.deploy.einsum_maps import bias_axes, own_weights, scale_and_shift
from normwise.deploy.fold_difference import fold_difference, outputs_of, tolerance_of
from normwise.deploy.fold_result import FoldResult
from normwise.deploy.linear_maps import Weights, is_quantized
from normwise.deploy.normalization_maps import never_updated
from normwise.deploy.plan_folding import FoldingPlan, graphs_of, plan_folding
from normwise.deploy.sample_rows import as_called, sample_rows
from normwise.graph.clone import (
    can_be_cloned,
    clone_calls,
    clone_sequential,
    require_built,
    require_graph,
)
from normwise.graph.kinds import fused_activation
from normwise.graph.rebuild import rebuild
from normwise.graph.state import copy_state
from normwise.graph.walk import every_layer, first_argument, is_sequential, nodes
from normwise.layers.dropout import Dropout


def fold(model: Any, x: Any = None) -> FoldResult:
    """A plain Keras model that gives at inference what a model does, without its normalization layers.

    At inference a batch normalization is ``y = s·x + t`` per channel, ``s = γ/√(σ² + ε)``, ``t = β − μ·s``.
    The linear layer before it can do that as well, ``s·(W·x + b) + t = (s·W)·x + (s·b + t)``, or the linear
    layers after it, ``W·(s·x + t) + b = (W·s)·x + (W·t + b)``. In this order it is tried, through layers that
    commute with the map; where neither goes, one layer that scales and shifts stands in its place. All of
    that is computed in float64 and rounded once.

    - Normalizations: Keras' and normwise's `BatchNormalization`, `keras.layers.Normalization`, and
      `normwise.FeatureScaling` without clipping and missing values. All others are kept.
    - Linear layers: `Dense`, `EinsumDense`, all convolutions, transposed, depthwise and separable ones too;
      after a normalization those that pad with 0 or are transposed only where t = 0.
    - In between: dropout and noise, `Identity`, linear `Activation`, pooling (by the largest where s ≥ 0),
      `Flatten`, `Reshape`, `Permute`, `RepeatVector`, `Concatenate`, cropping, nearest `UpSampling`, and zero
      padding where t = 0.

    The given model is left untouched. Names, sharing and trainable flags are kept. A layer with new weights
    loses its regularizers and constraints, which were for other numbers, and its LoRA matrices, which are
    added up. The new model is for inference, and not compiled. Folding twice is folding once.

    Args:
        model: A Sequential or Functional model, built; models nested in it are folded inside.
        x: Rows, as the model is called on them, of which at most 256 are taken, evenly spread. On these both
            models are compared: a normalization whose folding makes them differ by more than the precision
            accounts for (1e-4 of the largest output in float32, 1e-10 in float64) is kept, with the
            difference as the reason.

    Returns:
        The new model, the normalizations that are gone and into what, those that are kept and why; printed,
        a line for each.

    Raises:
        TypeError: If `model` is no Keras model.
        ValueError: If it is subclassed, or a layer cannot be rebuilt from its configuration.
        ModelError: If a model is not built; if a normalization has NaN, infinite numbers or a negative
            variance; if a layer is quantized; if `x` does not fit the inputs or has no rows, or the outputs
            on it are not finite.

    Warns:
        NormwiseWarning: If no batch has ever reached the statistics of a normalization.

    Example:
        >>> import keras, normwise
        >>> dense = keras.layers.Dense(3, use_bias=False, name="dense")
        >>> norm = keras.layers.BatchNormalization(name="norm", moving_mean_initializer="ones")
        >>> result = normwise.fold(keras.Sequential([keras.Input((2,)), dense, norm]))
        >>> print(result)
        norm (BatchNormalization): into dense before it
        >>> [layer.name for layer in result.model.layers], result.model.layers[0].use_bias
        (['dense'], True)

    Source:
        Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 2, step 11: normalization with fixed statistics is a
        linear transform of each activation.
    """
    _check(model)
    new, plan = _folded(model, {})
    _warn_of_fresh_statistics(model)
    difference = None
    if x is not None:
        # Not all at once: what a layer gives for a whole table may not fit into memory.
        new, plan, difference = _measured(model, new, plan, as_called(model, sample_rows(model, x)))
    return FoldResult(new, plan.folded, plan.kept, difference)


def _check(model: Any) -> None:
    require_graph(model, "normwise.fold", instead="Build it by keras.Model(inputs, outputs).")
    for layer in every_layer(model):
        if can_be_cloned(layer):
            require_built(layer)
        if is_quantized(layer):
            raise ModelError(
                f'the layer "{layer.name}" of class {type(layer).__name__} is quantized '
                f'("{layer.quantization_mode}"), so that its weights cannot be rescaled; expected floats. '
                "Fold first, then quantize the folded model."
            )


def _warn_of_fresh_statistics(model: Any) -> None:
    fresh = [layer.name for layer in every_layer(model) if never_updated(layer)]
    if fresh:
        warn(
            f"no batch has ever reached the moving statistics of {len(fresh)} of the layers of "
            f'"{model.name}": {listing(fresh)}. Folded is what they compute now; train the model, or put the '
            "statistics right by normwise.recalibrate, and fold then."
        )


def _measured(model: Any, new: Any, plan: FoldingPlan, x: Any) -> tuple[Any, FoldingPlan, float]:
    """The folded model without the foldings that make it differ on `x`."""
    expected, allowed = outputs_of(model, x), tolerance_of(model)
    left: dict[str, str] = {}
    while (error := fold_difference(expected, new, x)) > allowed:
        paths = [record.layer for record in plan.folded]
        if not paths:
            raise ModelError(
                f'a copy of the model "{model.name}" gives other outputs than the model itself, by '
                f"{error:.3g} of the largest; expected layers that compute the same from the same weights. "
                "Look for one whose get_config leaves out an argument, or that draws random numbers at "
                "inference."
            )
        path, by = _first_that_differs(model, paths, left, expected, allowed, x)
        left[path] = f"folded, it makes the outputs differ by {by or error:.3g} of the largest on x"
        new, plan = _folded(model, left)
    return new, plan, error


def _first_that_differs(
    model: Any, paths: list[str], left: dict[str, str], expected: list[Any], allowed: float, x: Any
) -> tuple[str, float | None]:
    """The normalization with which, those before it being folded and those behind it not, outputs differ."""
    good, bad, by = 0, len(paths), None
    while bad - good > 1:
        middle = (good + bad) // 2
        some, _ = _folded(model, {**left, **dict.fromkeys(paths[middle:], "")})
        error = fold_difference(expected, some, x)
        if error > allowed:
            bad, by = middle, error
        else:
            good = middle
    return paths[bad - 1], by


def _folded(model: Any, left_alone: dict[str, str]) -> tuple[Any, FoldingPlan]:
    plan = plan_folding(model, left_alone)
    return _Folder(plan, model).run(), plan


class _Folder:
    """Makes the model of a plan: which layer became which, so that a shared layer stays one layer."""

    def __init__(self, plan: FoldingPlan, model: Any) -> None:
        self._plan, self._model = plan, model
        # The old layer is kept beside the new one: ids are given anew once an object is gone.
        self._made: dict[int, tuple[Any, Any]] = {}
        self._alone: list[tuple[Any, Weights]] = []
        self._names = {
            id(graph): {n.operation.name for n in nodes(graph) if not self._is_replaced(n)}
            for _, graph in graphs_of(model)
        }

    def run(self) -> Any:
        new = self._graph(self._model)
        for old, made in self._made.values():
            if id(old) in self._plan.weights:
                _assign(made, self._plan.weights[id(old)])
                made.trainable = old.trainable
            elif not can_be_cloned(old) and isinstance(old, layers.Layer):
                copy_state(old, made)
        for made, weights in self._alone:
            _assign(made, weights)
        return new

    def _is_replaced(self, node: Any) -> bool:
        return id(node) in self._plan.gone or id(node) in self._plan.maps

    def _graph(self, graph: Any) -> Any:
        if not is_sequential(graph):
            return clone_calls(graph, lambda node, args, kwargs: self._call(graph, node, args, kwargs))
        by_layer = {id(node.operation): node for node in nodes(graph)}
        chain = [self._standing(graph, by_layer[id(layer)]) for layer in graph.layers]
        return clone_sequential(graph, [layer for layer in chain if layer is not None])

    def _call(self, graph: Any, node: Any, args: Any, kwargs: Any) -> Any:
        layer = self._standing(graph, node)
        if layer is None:
            return first_argument(args, kwargs)
        if self._is_replaced(node):
            # What stands for a normalization takes neither its mask nor its training.
            return layer(first_argument(args, kwargs))
        return layer(*args, **kwargs)

    def _standing(self, graph: Any, node: Any) -> Any:
        """The layer that stands for a call; None if there is none."""
        old = node.operation
        if not self._is_replaced(node):
            return self._layer(old)
        activation = fused_activation(old)
        if id(node) in self._plan.maps:
            return self._scale_and_shift(graph, node, activation)
        if activation is None:
            return None
        return layers.Activation(activation, name=self._free_name(graph, old.name), dtype=old.dtype_policy)

    def _scale_and_shift(self, graph: Any, node: Any, activation: Any) -> Any:
        old, affine = node.operation, self._plan.maps[id(node)]
        shape = first_argument(node.arguments.args, node.arguments.kwargs).shape
        # A map of one number for all has one for each place of the last axis.
        axes = [axis + 1 for axis, size in enumerate(affine.sizes) if size != 1] or [len(shape) - 1]
        made = scale_and_shift(
            shape,
            axes,
            activation=activation,
            name=self._free_name(graph, old.name),
            dtype=old.dtype_policy,
            trainable=old.trainable,
        )
        self._alone.append((made, own_weights(affine, shape, axes)))
        return made

    def _layer(self, layer: Any) -> Any:
        if id(layer) not in self._made:
            self._made[id(layer)] = layer, self._make(layer)
        return self._made[id(layer)][1]

    def _make(self, layer: Any) -> Any:
        if can_be_cloned(layer):
            return self._graph(layer)
        if id(layer) in self._plan.weights:
            bias = self._plan.weights[id(layer)]["bias"]
            return rebuild(layer, lambda config: _with_bias(layer, bias, config))
        if type(layer) is Dropout:
            # The same at inference, and the model loads without normwise.
            return layers.Dropout.from_config(layer.get_config())
        return rebuild(layer)

    def _free_name(self, graph: Any, wanted: str) -> str:
        name, number, taken = wanted, 1, self._names[id(graph)]
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name)
        return name


def _with_bias(layer: Any, bias: Any, config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with a bias, and without what was meant for the old numbers."""
    rules = [name for name in config if name.endswith(("_regularizer", "_constraint"))]
    named = {"bias_axes": bias_axes(layer, bias)} if type(layer) is layers.EinsumDense else {"use_bias": True}
    without = dict.fromkeys(rules + [name for name in config if name.startswith("lora_")])
    return {**config, **without, **named}


def _assign(layer: Any, weights: Weights) -> None:
    """Gives a layer its weights, rounded once to the precision of each."""
    for name, values in weights.items():
        variable = getattr(layer, name)
        # The bias of an EinsumDense has no axes before the first along which it varies.
        sizes = values.shape[values.ndim - len(variable.shape) :]
        variable.assign(np.broadcast_to(values.reshape(sizes), variable.shape))
