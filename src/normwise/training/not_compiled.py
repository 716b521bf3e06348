"""not_compiled: why a training is left to Keras' own fit, if it is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import keras

from normwise.core.errors import TrainingError, warn
from normwise.training.distribute import beyond_one_process
from normwise.training.keras_trainer import is_nnx_enabled, tree

_SAID: set[str] = set()


def not_compiled(model: Any, *data: Any) -> str | None:
    """The reason, as a clause after "because"; None if the epoch can be compiled."""
    return next(_reasons(model, data), None)


def _reasons(model: Any, data: Any) -> Iterator[str]:
    if keras.backend.backend() != "jax":
        yield f'the compiled epoch needs JAX, and the backend here is "{keras.backend.backend()}"'
    if is_nnx_enabled():
        yield "Keras runs in its NNX mode, whose variables are not passed through a step"
    for name in ("fit", "evaluate", "make_train_function", "make_test_function"):
        own = getattr(type(model), name)
        if own is not getattr(keras.Model, name) and not _is_called_from(own, model):
            yield f"{type(model).__name__} has a {name}() of its own"
    config: Any = jax.config
    if config.jax_disable_jit:
        yield "jax.disable_jit() is on"
    if config.jax_debug_nans or config.jax_debug_infs:
        yield "jax_debug_nans or jax_debug_infs is on, and looks at the results of single steps"
    if model.run_eagerly:
        yield "the model was compiled with run_eagerly=True"
    if not model.jit_compile:
        yield "the model was compiled with jit_compile=False, or has a layer that does not support it"
    if beyond_one_process():
        yield "its variables are spread over several processes by ModelParallel"
    if any(_is_sparse(leaf) for leaf in tree.flatten(data)):
        yield "the data are sparse"


def require_nothing_of_ours(reason: str, probes: Sequence[Any], checkpoint: Any) -> None:
    """That nothing was asked for which Keras' own fit does not have.

    Raises:
        TrainingError: If there are probes, or a checkpoint.
    """
    if checkpoint is not None:
        raise TrainingError(
            "checkpoint=… needs the compiled epoch, and this model is trained by Keras' own fit, because "
            f"{reason}. Use keras.callbacks.BackupAndRestore, which saves at the ends of epochs."
        )
    if probes:
        raise TrainingError(
            f"{len(probes)} probes were given, and this model is trained by Keras' own fit, because"
            f" {reason}; probes measure inside the compiled epoch. Remove that, or leave the probes out."
        )


def say_once(reason: str) -> None:
    """A warning, the first time that this reason is met in a process."""
    if reason not in _SAID:
        _SAID.add(reason)
        warn(f"This model is trained by Keras' own fit, because {reason}.")


def _is_called_from(method: Any, model: Any) -> bool:
    """Whether this is done for a method of the model, which then has asked for the compiled epoch itself."""
    frame, code = inspect.currentframe(), getattr(method, "__code__", None)
    while frame is not None:
        if frame.f_code is code and any(value is model for value in frame.f_locals.values()):
            return True
        frame = frame.f_back
    return False


def _is_sparse(leaf: Any) -> bool:
    module = type(leaf).__module__
    return module.startswith(("scipy.sparse", "jax.experimental.sparse")) or type(leaf).__name__ in (
        "SparseTensor",
        "RaggedTensor",
    )
