"""record_model: the structure of a Keras model as a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras

from normwise.core.errors import ModelError, listing
from normwise.core.model_record import LayerRecord, ModelRecord, VariableRecord
from normwise.graph.error_text import error_text
from normwise.graph.layer_kinds import draws_noise, kind_of
from normwise.graph.layer_paths import layer_paths
from normwise.graph.noted_calls import Noted, noted_calls
from normwise.graph.walk import children

ROWS = 2
"""Of the symbols: `ops.shape(x)[0]` is then a number, as it is when the model runs."""


def record_model(model: Any, x: Any = None) -> ModelRecord:
    """The layers of a model and which call takes what.

    The model is called on symbols, not on numbers, and stays as it is. Input layers are no layers here: what
    they give is ``"input:NAME"``. The operations of a Functional model have their names; those that a `call`
    makes as it runs have the path of the layer that makes them, and the operation's name.

    Args:
        model: A built Keras model; it need not be compiled.
        x: Some rows, arrays in the structure that the model takes; only their shapes count, where the model
            leaves sizes open or, subclassed, does not know its own.

    Returns:
        The record; its `unseen` says what could not be seen.

    Raises:
        ModelError: If it is no Keras model, or not built.

    Example:
        >>> import keras
        >>> hidden = keras.layers.Dense(2, "relu", name="hidden")
        >>> model = keras.Sequential([keras.Input((3,), name="x"), hidden], name="net")
        >>> [(c.name, c.kind, c.function, c.takes, c.shape) for c in record_model(model).calls]
        [('hidden', 'linear', 'relu', ('input:x',), (2,))]
    """
    require_model(model)
    noted = _noted(model, x)
    optimizer = _optimizer(model)
    paths = layer_paths(model)
    layers = tuple(_layer(layer, holder, paths, model) for layer, holder in _held(model, paths))
    return ModelRecord(
        name=model.name,
        layers=layers,
        calls=tuple(noted.calls),
        optimizer="" if optimizer is None else type(optimizer).__name__,
        iterations=0 if optimizer is None else int(optimizer.iterations),
        loss=_loss_name(model),
        unseen=(*noted.unseen, *_same_paths(layers)),
    )


def require_model(model: Any) -> None:
    """Raises ModelError, unless it is a Keras model that is built."""
    if not isinstance(model, keras.Model):
        raise ModelError(f"expected a Keras model, got a {type(model).__name__}")
    if not model.built:
        raise ModelError(
            f'the model "{model.name}" is not built: it has no variables yet. Give it a keras.Input, or call'
            " it once on some rows, model(x[:1])."
        )


def _noted(model: Any, x: Any) -> Noted:
    failed = ""
    for symbols, inputs in (_own_symbols(model, x), _symbols_of(x)):
        if not inputs:
            continue
        try:
            return noted_calls(model, symbols, inputs)
        except Exception as error:  # whatever the user's code raises on symbols
            failed = f": {error_text(error)}"
    if not failed:
        failed = ", since the shapes of its inputs are not known: give some rows as x"
    return Noted(unseen=[f'the model "{model.name}" could not be called on symbols{failed}'])


def names_of_inputs(model: Any) -> list[str]:
    """The names of a Sequential or Functional model's inputs, in the order in which Keras flattens data."""
    return [tensor.name for tensor in keras.tree.flatten(_own_inputs(model))]


def _own_inputs(model: Any) -> Any:
    """The inputs of a model in the structure that it takes; an empty one of a subclassed model."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    struct = getattr(graph, "_inputs_struct", None)
    return [] if struct is None else struct


def _own_symbols(model: Any, x: Any) -> tuple[Any, dict[str, Any]]:
    """In the structure of the model's inputs, and by their names; sizes that are open are those of x."""
    struct = _own_inputs(model)
    tensors = keras.tree.flatten(struct)
    shapes = [array.shape for array in keras.tree.flatten(x)] if x is not None else []
    fits = [len(shape) for shape in shapes] == [len(tensor.shape) for tensor in tensors]
    made = [
        _symbol(_filled(tensor.shape, shape), tensor.dtype)
        for tensor, shape in zip(tensors, shapes if fits else [t.shape for t in tensors], strict=True)
    ]
    by_name = dict(zip(names_of_inputs(model), made, strict=True))
    return keras.tree.pack_sequence_as(struct, made), by_name


def _filled(shape: Any, sizes: Any) -> tuple[int | None, ...]:
    return tuple(size if own is None else own for own, size in zip(shape, sizes, strict=True))


def _symbols_of(x: Any) -> tuple[Any, dict[str, Any]]:
    if x is None:
        return None, {}
    symbols = keras.tree.map_structure(
        lambda a: _symbol(a.shape, keras.backend.standardize_dtype(a.dtype)), x
    )
    return symbols, dict(zip(input_names(x), keras.tree.flatten(symbols), strict=True))


def _symbol(shape: tuple[int | None, ...], dtype: str) -> Any:
    return keras.KerasTensor((ROWS, *shape[1:]), dtype="float32" if dtype == "float64" else dtype)


def input_names(x: Any) -> list[str]:
    """Names of the arrays of a subclassed model's input: the keys of a dictionary, or "x" with a place."""
    if isinstance(x, dict):
        return [str(key) for key in sorted(x)]
    leaves = keras.tree.flatten(x)
    return ["x"] if len(leaves) == 1 else [f"x[{i}]" for i in range(len(leaves))]


def _held(
    layer: Any, paths: dict[int, str], holder: str = "", seen: set[int] | None = None
) -> Iterator[tuple[Any, str]]:
    """All layers inside a layer, each once, with the path of what holds it."""
    seen = set() if seen is None else seen
    for child in children(layer):
        if id(child) not in seen:
            seen.add(id(child))
            if not isinstance(child, keras.layers.InputLayer):
                yield child, holder
            yield from _held(child, paths, paths[id(child)], seen)


def _layer(layer: Any, holder: str, paths: dict[int, str], model: Any) -> LayerRecord:
    trained = {id(variable) for variable in model.trainable_variables}
    path = paths[id(layer)]
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    return LayerRecord(
        path=path,
        class_name=type(layer).__name__,
        kind=kind_of(layer),
        trainable=bool(layer.trainable),
        variables=tuple(_variable(variable, path, id(variable) in trained, model) for variable in own),
        config=_plain_config(layer),
        holder=holder,
        draws=draws_noise(layer),
    )


def _variable(variable: Any, layer: str, trainable: bool, model: Any) -> VariableRecord:
    return VariableRecord(
        variable.name,
        f"{layer}/{variable.name}",
        tuple(int(size) for size in variable.shape),
        keras.backend.standardize_dtype(variable.dtype),
        trainable,
        _decay(variable, model) if trainable else 0.0,
    )


def _decay(variable: Any, model: Any) -> float:
    """λ of the optimizer, which it takes off apart from the gradient, and λ of the penalty λ·‖w‖²."""
    decay = float(getattr(getattr(variable, "regularizer", None), "l2", 0.0) or 0.0)
    optimizer = _optimizer(model)
    if getattr(optimizer, "weight_decay", None) and optimizer._use_weight_decay(variable):
        decay += float(optimizer.weight_decay)
    return decay


def _plain_config(layer: Any) -> dict[str, Any]:
    try:
        config = layer.get_config()
    except Exception:  # whatever a layer of the user's raises
        return {}
    plain = {name: value for name, value in config.items() if _is_plain(value)}
    return {**plain, "dtype": layer.dtype_policy.name}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(part) for part in value)
    return isinstance(value, (str, bool, int, float))


def _optimizer(model: Any) -> Any:
    """The optimizer, without what scales the loss for half precision."""
    optimizer = getattr(model, "optimizer", None)
    return getattr(optimizer, "inner_optimizer", optimizer)


def _loss_name(model: Any) -> str:
    loss = getattr(model, "loss", None) if model.compiled else None
    parts = [part for part in keras.tree.flatten(loss) if part is not None]
    return ", ".join(str(_name_of(part)) for part in parts)


def _name_of(loss: Any) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", str(loss)))


def _same_paths(layers: tuple[LayerRecord, ...]) -> list[str]:
    doubled = [path for path, count in Counter(layer.path for layer in layers).items() if count > 1]
    if not doubled:
        return []
    return [
        f"more than one layer has the path {listing(doubled)}: what is said of the one may be of the other;"
        " give the layers different names"
    ]
