"""Members: models of one architecture, each from a seed of its own, and their variables side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import keras
import numpy as np

from normwise.graph.clone import clone_functional, clone_sequential
from normwise.graph.compiling import compile_like
from normwise.graph.rebuild import rebuild
from normwise.graph.walk import is_functional
from normwise.training.keras_trainer import EpochBatches
from normwise.training.phase import State
from normwise.training.seeded import numpy_state, seeded


def built_again(model: Any) -> Any:
    """A model of the same architecture with weights drawn anew, compiled as the other one is.

    Raises:
        ValueError: If a layer or the model cannot be rebuilt from its configuration, or the class has a
            compile of its own.
    """
    if type(model).compile is not keras.Model.compile:
        raise ValueError(
            f"{type(model).__name__} has a compile() of its own, whose arguments are not known: no other"
            " model can be compiled like it. Expected a class with Keras' compile(). Train the seeds one"
            " by one."
        )
    if type(model) is keras.Sequential:
        new = clone_sequential(model, [rebuild(layer) for layer in model.layers])
    elif is_functional(model):
        new = clone_functional(model, rebuild)
    else:
        new = rebuild(model)
    compile_like(new, model)
    return new


class Member:
    """One of the models, and NumPy's generator as its own training would find it.

    Args:
        model: The architecture.
        seed: As in `keras.utils.set_random_seed`.
        learning_rate: What its optimizer's is set to; None leaves it.
        batches: The batches, by which it is built.
    """

    def __init__(self, model: Any, seed: int, learning_rate: float | None, batches: EpochBatches) -> None:
        with seeded(seed):
            self.model = built_again(model)
            if learning_rate is not None:
                self.model.optimizer.learning_rate = learning_rate
            # As Keras' fit does, which draws from NumPy's generator once for it.
            self.model._symbolic_build(iterator=batches)
            batches.reset()
            self._random = [np.random.get_state()]

    def rows(self, batches: EpochBatches) -> Any:
        """The rows of its next epoch in their order, (rows,)."""
        with numpy_state(self._random):
            parts = list(batches.data_adapter._get_iterator(lambda _, indices: indices, 0))
        if isinstance(parts[0], slice):
            return np.arange(parts[0].start, parts[-1].stop, dtype=np.int32)
        return np.concatenate(parts).astype(np.int32)


def together(models: Sequence[Any], kinds: Sequence[str]) -> State:
    """The variables of all models, a list a kind, each (members, …)."""
    states = [[[v.value for v in variables_of(model, kind)] for kind in kinds] for model in models]
    return tuple(
        [jnp.stack(values) for values in zip(*kind, strict=True)] for kind in zip(*states, strict=True)
    )


def variables_of(model: Any, kind: str) -> list[Any]:
    """A model's variables of one of the kinds of `Phase`."""
    return list(model.optimizer.variables if kind == "optimizer_variables" else getattr(model, kind))


def give_back(models: Sequence[Any], kinds: Sequence[str], state: State) -> None:
    """Puts variables side by side into their models."""
    for kind, values in zip(kinds, state, strict=True):
        for j, value in enumerate(values):
            for i, array in enumerate(np.asarray(value)):
                variables_of(models[i], kind)[j].assign(array)
