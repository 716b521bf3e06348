"""insert: batch normalization before the activations of a network that has none."""

from __future__ import annotations

from typing import Any

from normwise.core.errors import listing
from normwise.graph.changes import Change, InsertResult
from normwise.graph.clone import clone_functional, clone_sequential, require_built, require_graph
from normwise.graph.compiling import compile_like
from normwise.graph.kinds import is_linear, is_normalization
from normwise.graph.plan_insertion import Ends, Plan, plan_insertion
from normwise.graph.rebuild import rebuild
from normwise.graph.rewrite_calls import CallRewriter
from normwise.graph.state import copy_state
from normwise.graph.walk import every_layer, is_graph, is_sequential


def insert(model: Any, output: bool = False) -> InsertResult:
    """A copy of a model with a normwise.BatchNormalization before the activations behind linear layers.

    Linear layers are Dense and all convolutions. ``y = f(W·x + b)`` becomes ``y = f(BN(W·x))``:

    - an activation inside the layer is split off into a `keras.layers.Activation` behind the normalization;
      an activation that is a layer or an operation of its own gets the normalization before it;
    - the bias, which the subtraction of the mean takes away, is dropped; β stands in its place;
    - dropout between a linear layer and its activation goes behind the activation;
    - the output layers are left alone: those from which a way leads to an output of the model past no other
      layer with weights. With ``output=True`` they are normalized as well, as in Dense(2) → BN → softmax.

    Kernels, trainable flags and all other layers are kept, but the function is another one: train the new
    model. New layers are called ``<layer>_normalization`` and ``<layer>_activation``. Nested Sequential and
    Functional models are entered. A layer that is called several times shares one normalization. Recurrent
    layers and what wrappers such as TimeDistributed hold stay as they are. If the model is compiled, so is
    the new one, by a fresh optimizer.

    Args:
        model: A Sequential or Functional Keras model without normalization. It is left untouched.
        output: Whether the output layers are normalized too.

    Returns:
        The new model, and what was done as a list; printed, the list is a text.

    Raises:
        TypeError: If `model` is no Keras model.
        ValueError: If it is subclassed, not built, normalized already, or there is nothing to normalize.

    Example:
        >>> import keras, normwise
        >>> layers = [keras.layers.Dense(8, "tanh", name="hidden"), keras.layers.Dense(2, name="scores")]
        >>> result = normwise.insert(keras.Sequential([keras.Input((4,)), *layers]))
        >>> print(result)
        hidden: normalization behind it
        hidden: activation "tanh" split off
        hidden: bias dropped
        scores: left alone, an output layer
        >>> [layer.name for layer in result.model.layers]
        ['hidden', 'hidden_normalization', 'hidden_activation', 'scores']

    Source:
        Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.2: the normalization comes before the nonlinearity,
        and the bias can be ignored.
    """
    _check(model)
    inserter = _Inserter()
    new = inserter.model(model, Ends.NORMALIZED if output else Ends.KEPT)
    if not inserter.inserted:
        reasons = listing(inserter.changes) or "there is no Dense or convolution"
        raise ValueError(
            f'there is nothing to normalize in the model "{model.name}": {reasons}; expected a Dense or '
            "a convolution with an activation behind it, other than the output layer, which output=True takes"
        )
    copy_state(model, new)
    compile_like(new, model)
    return InsertResult(new, inserter.changes)


class _Inserter:
    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.inserted = 0
        # The old layer is kept beside the new one: ids are given anew once an object is gone.
        self._made: dict[int, tuple[Any, Any]] = {}

    def model(self, model: Any, ends: Ends) -> Any:
        plan = plan_insertion(model, ends)
        self.changes.extend(plan.changes)
        self.inserted += len(plan.jobs)
        if not is_sequential(model):
            rewriter = CallRewriter(model, plan)
            return clone_functional(
                model, lambda layer: rewriter.known(layer, self._new(layer, plan)), rewriter
            )
        # A Sequential model lists its layers, so that calling one is listing it.
        chain: list[Any] = []

        def emit(layer: Any, _: Any) -> Any:
            chain.append(layer)
            return object()

        rewriter, tensor = CallRewriter(model, plan, emit), object()
        for layer in model.layers:
            tensor = rewriter(rewriter.known(layer, self._new(layer, plan)), tensor)
        return clone_sequential(model, chain)

    def _new(self, layer: Any, plan: Plan) -> Any:
        if id(layer) not in self._made:
            self._made[id(layer)] = layer, self._make(layer, plan)
        return self._made[id(layer)][1]

    def _make(self, layer: Any, plan: Plan) -> Any:
        if is_graph(layer):
            return self.model(layer, plan.ends_of(layer))
        if id(layer) not in plan.jobs:
            return rebuild(layer)
        bare: dict[str, Any] = {"use_bias": False}
        if plan.jobs[id(layer)].split:
            # What is penalized is the activation's output, wherever that now is.
            bare |= {"activation": "linear", "activity_regularizer": None}
        return rebuild(layer, lambda config: {**config, **bare})


def _check(model: Any) -> None:
    require_graph(model, "normwise.insert")
    homes: dict[int, Any] = {}
    for layer in every_layer(model):
        if is_normalization(layer):
            raise ValueError(
                f'the model "{model.name}" is normalized already: "{layer.name}" is a '
                f"{type(layer).__name__}. normwise.insert takes a model without normalization; "
                "normwise.convert exchanges Keras' BatchNormalization for normwise's."
            )
        if is_graph(layer):
            if layer is not model:
                require_graph(layer, "normwise.insert", nested_in=model)
            require_built(layer)
            for inner in filter(is_linear, layer.layers):
                _check_home(inner, layer, homes.setdefault(id(inner), layer))


def _check_home(layer: Any, model: Any, first: Any) -> None:
    if first is not model:
        raise ValueError(
            f'the layer "{layer.name}" is in the model "{first.name}" as well as in "{model.name}": what '
            "comes behind it differs, and so would what is to become of it. Use it in one of them alone, "
            "several times if need be."
        )
