"""CallRewriter: the calls of a model once more, with normalizations between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from normwise.graph.kinds import channel_axis, fused_activation, is_activation, is_dropout
from normwise.graph.plan_insertion import Job, Plan
from normwise.graph.walk import every_layer
from normwise.layers.batch_normalization import BatchNormalization


def _call(layer: Any, *args: Any, **kwargs: Any) -> Any:
    return layer(*args, **kwargs)


class CallRewriter:
    """Stands for each call of a new layer, and adds what the plan says for the old one.

    Args:
        model: The original model, whose names are taken.
        plan: Which of its layers get a normalization.
        emit: Makes one call of a layer; by default calls it.
    """

    def __init__(self, model: Any, plan: Plan, emit: Callable[..., Any] = _call) -> None:
        self._emit = emit
        self._plan = plan
        self._names = {layer.name for layer in every_layer(model)}
        self._jobs: dict[int, Job] = {}
        self._behind: dict[int, list[Any]] = {}
        # By the id of a normalized tensor: itself (ids are given anew once an object is gone), and the
        # dropouts that were passed over on the way to its activation.
        self._waiting: dict[int, tuple[Any, list[tuple[Any, dict[str, Any]]]]] = {}

    def known(self, old: Any, new: Any) -> Any:
        """Say which layer a new one stands for; gives the new one."""
        if id(old) in self._plan.jobs:
            self._jobs[id(new)] = self._plan.jobs[id(old)]
        return new

    def __call__(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """One call of the original model, with the new layer and the new inputs."""
        if id(layer) in self._jobs:
            return self._normalized(layer, self._emit(layer, *args, **kwargs))
        waiting = self._waiting.get(id(args[0])) if args else None
        if waiting is None:
            return self._emit(layer, *args, **kwargs)
        if is_dropout(layer):
            waiting[1].append((layer, kwargs))
            return args[0]
        tensor = self._emit(layer, *args, **kwargs)
        if is_activation(layer):
            for dropout, arguments in self._waiting.pop(id(args[0]))[1]:
                tensor = self._emit(dropout, tensor, **arguments)
        return tensor

    def _normalized(self, layer: Any, tensor: Any) -> Any:
        job = self._jobs[id(layer)]
        if id(layer) not in self._behind:
            self._behind[id(layer)] = self._make_behind(job)
        for following in self._behind[id(layer)]:
            tensor = self._emit(following, tensor)
        if not job.split:
            self._waiting[id(tensor)] = tensor, []
        return tensor

    def _make_behind(self, job: Job) -> list[Any]:
        old = job.layer
        normalization = BatchNormalization(
            axis=channel_axis(old), name=self._free_name(f"{old.name}_normalization"), dtype=old.dtype_policy
        )
        if not job.split:
            return [normalization]
        activation = keras.layers.Activation(
            fused_activation(old),
            activity_regularizer=old.activity_regularizer,
            name=self._free_name(f"{old.name}_activation"),
            dtype=old.dtype_policy,
        )
        return [normalization, activation]

    def _free_name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._names:
            name, number = f"{wanted}_{number}", number + 1
        self._names.add(name)
        return name
