"""What the installed Keras 3 has: names, and the arguments that they take."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

_OF_LAYERS = frozenset(
    {"input_shape", "input_dim", "activity_regularizer", "trainable", "dtype", "autocast", "name"}
)
_MISSING = object()


@functools.cache
def exists(name: str) -> bool:
    """Whether Keras has it.

    Example:
        >>> exists("keras.layers.Dense"), exists("keras.layers.Highway")
        (True, False)
    """
    return _found(name) is not _MISSING


@functools.cache
def parameters(name: str) -> frozenset[str] | None:
    """The keywords that it takes; None where that cannot be told.

    Example:
        >>> "units" in parameters("keras.layers.Dense"), "init" in parameters("keras.layers.Dense")
        (True, False)
    """
    import keras

    found = _found(name)
    if not callable(found):
        return None
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return None
    given = frozenset(signature.parameters)
    if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        return given
    if (
        inspect.isclass(found)
        and issubclass(found, keras.layers.Layer)
        and found.__module__.startswith("keras")
    ):
        return None if issubclass(found, keras.Model) else given | _OF_LAYERS
    if inspect.isclass(found) and issubclass(found, keras.optimizers.Optimizer):
        return given
    return None


@functools.cache
def order(name: str) -> tuple[str, ...]:
    """The arguments that it takes, in their order.

    Example:
        >>> order("keras.optimizers.SGD")[:3]
        ('learning_rate', 'momentum', 'nesterov')
    """
    found = _found(name)
    return tuple(inspect.signature(found).parameters) if callable(found) else ()


def _found(name: str) -> Any:
    module, rest = name, list[str]()
    while module:
        try:
            found: Any = importlib.import_module(module)
            break
        except ImportError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
    else:
        return _MISSING
    for part in rest:
        found = getattr(found, part, _MISSING)
        if found is _MISSING:
            return _MISSING
    return found
