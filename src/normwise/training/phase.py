"""Phase: what training and validation differ in, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

State = tuple[list[Any], ...]
"""The variables' values, a list a kind, in the order that Keras' step takes them."""

KEPT_BYTES = 256 * 2**20
"""A state of at most so many bytes outlives the program that takes it: the model has it if that fails."""


def is_kept(state: State) -> bool:
    """Whether there is room for the state beside the one that a program makes of it.

    Example:
        >>> is_kept(([shape_of((1000, 1000), "float32")],)), is_kept(([shape_of((10**5, 1000), "float32")],))
        (True, False)
    """
    leaves = [leaf for kind in state for leaf in kind]
    return bool(sum(leaf.size * leaf.dtype.itemsize for leaf in leaves) <= KEPT_BYTES)


def shape_of(shape: Any, dtype: Any) -> Any:
    """A shape and a dtype, as JAX takes them in place of an array."""
    struct: Any = jax.ShapeDtypeStruct
    return struct(shape, jax.dtypes.canonicalize_dtype(dtype))


@dataclasses.dataclass(frozen=True)
class Phase:
    """One of Keras' two loops.

    Args:
        name: ``"train"`` or ``"test"``, as in `train_step` and `on_train_batch_end`.
        kinds: The kinds of variables that the step takes and gives back.
        stop_flag: The model's attribute by which a callback ends the loop.
    """

    name: str
    kinds: tuple[str, ...]
    stop_flag: str

    def take_state(self, model: Any) -> State:
        """The state, off the model; the model keeps a way to have it back (`jax_state_sync`)."""
        asked = dict.fromkeys(self.kinds, True)
        state: State = model._get_jax_state(**asked, purge_model_variables=True)
        self.give_state(model, state)
        return state

    def shapes(self, model: Any) -> State:
        """The shapes and dtypes of the state."""
        lists = {
            "trainable_variables": model.trainable_variables,
            "non_trainable_variables": model.non_trainable_variables,
            "optimizer_variables": model.optimizer.variables if model.optimizer else [],
            "metrics_variables": model.metrics_variables,
        }
        return tuple([shape_of(v.shape, v.dtype) for v in lists[kind]] for kind in self.kinds)

    def give_state(self, model: Any, state: State) -> None:
        """Leave a state where `jax_state_sync` finds it, which callbacks call when they need the model."""
        # Keras looks closely at what is set on a model, and this is set after every call of a program.
        object.__setattr__(model, "_jax_state", dict(zip(self.kinds, state, strict=True)))
        model._jax_state_synced = False

    @contextmanager
    def kept_on_failure(self, model: Any, kept: State | None) -> Iterator[None]:
        """Within the block a state is given up; whatever is raised, the model has the one that was kept."""
        try:
            yield
        except BaseException:
            if kept is not None:
                self.give_state(model, kept)
            raise


TRAIN = Phase(
    "train",
    ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"),
    "stop_training",
)
TEST = Phase(
    "test", ("trainable_variables", "non_trainable_variables", "metrics_variables"), "stop_evaluating"
)
