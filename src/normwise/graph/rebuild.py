"""A layer, an optimizer or a metric once more, from its configuration."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import keras


def rebuild(subject: Any, change: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> Any:
    """A new object of the same class and configuration, without the state.

    Functions and classes that the object holds are found although they are not registered with Keras.

    Args:
        subject: A Keras layer, operation, optimizer or metric.
        change: Makes another configuration of the object's, if given.

    Raises:
        ValueError: If the class cannot be rebuilt from what its get_config returns.
    """
    kind = type(subject)
    try:
        if isinstance(subject, keras.layers.Lambda):
            return _rebuild_lambda(subject)
        config = _with_lambdas(subject, _unbuilt(_config_of(subject)))
        if change is not None:
            config = change(config)
        with keras.saving.custom_object_scope(_held_by(subject)):
            return kind.from_config(config)
    except Exception as error:
        raise ValueError(
            f'the {kind.__name__} "{subject.name}" cannot be rebuilt from its configuration '
            f"({type(error).__name__}: {error}); expected {kind.__name__}.from_config(x.get_config()) to "
            f"give an equal one. Give the class a get_config that returns all arguments of its constructor."
        ) from error


def _config_of(subject: Any) -> Any:
    with warnings.catch_warnings():
        # What Keras says of loading it from a file; here it is not.
        warnings.filterwarnings("ignore", message="The object being serialized includes a `lambda`")
        return subject.get_config()


def _with_lambdas(subject: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the functions themselves in place of bytecode, whose globals are lost."""
    lambdas = {key: getattr(subject, key, None) for key in config}
    return {**config, **{key: f for key, f in lambdas.items() if getattr(f, "__name__", "") == "<lambda>"}}


def _unbuilt(config: Any) -> Any:
    """The configuration without the shapes that layers inside were built for.

    They are built when the layer that holds them is, as in the original: the paths of their variables say so.
    """
    if isinstance(config, list | tuple):
        return type(config)(_unbuilt(inner) for inner in config)
    if not isinstance(config, dict):
        return config
    left_out = "build_config" if "class_name" in config else None
    return {key: _unbuilt(inner) for key, inner in config.items() if key != left_out}


def _rebuild_lambda(layer: Any) -> Any:
    # In the configuration a lambda is bytecode: Keras does not load it unasked, and its globals are lost.
    return keras.layers.Lambda(
        layer.function,
        output_shape=layer._output_shape,
        mask=layer.mask,
        arguments=layer.arguments,
        name=layer.name,
        dtype=layer.dtype_policy,
    )


def _held_by(subject: Any) -> dict[str, Any]:
    layers = subject._flatten_layers() if isinstance(subject, keras.layers.Layer) else [subject]
    held = {}
    for owner in layers:
        for value in (owner, *vars(owner).values()):
            named = value if inspect.isfunction(value) or inspect.isclass(value) else type(value)
            if named.__module__.partition(".")[0] not in ("builtins", "keras"):
                held[named.__name__] = named
    return held
