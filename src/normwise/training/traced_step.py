"""TracedStep: a training step as probes see it, computed as far as they read it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras

from normwise.core.probe import ActivationSeen, NormalizationSeen
from normwise.graph.layer_calls import Calls, calls_noted
from normwise.training.phase import State


class TracedStep:
    """The step that a state and a batch are about to take; see `normwise.core.probe.StepSeen`.

    Nothing of it goes into the training: what it draws from seed generators and does to statistics is
    dropped.

    Args:
        model: A compiled, built Keras model.
        state: The variables before the step, as `TRAIN` orders them.
        data: The batch, as Keras' step takes it.
    """

    def __init__(self, model: Any, state: State, data: Any) -> None:
        self.model, self.state, self.data = model, state, data

    @property
    def loss(self) -> Any:
        return self._pass[0]

    @property
    def gradients(self) -> Mapping[str, Any]:
        return self._by_path(self._pass[1])

    @property
    def activations(self) -> tuple[ActivationSeen, ...]:
        return tuple(self._pass[2].activations)

    @property
    def normalizations(self) -> tuple[NormalizationSeen, ...]:
        return tuple(self._pass[2].normalizations)

    @property
    def variables(self) -> Mapping[str, Any]:
        return self._by_path(self.state[0])

    @functools.cached_property
    def variables_after(self) -> Mapping[str, Any]:
        return self._by_path(self.model.train_step(self.state, self.data)[1][0])

    def predict(self, x: Any) -> Any:
        return self.model.stateless_call(self.state[0], self.state[1], x, training=False)[0]

    @functools.cached_property
    def _pass(self) -> tuple[Any, list[Any], Calls]:
        """The loss, its gradients, and what the layers took and gave."""
        trainable, others, optimizer, metrics = self.state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(self.data)
        seen = Calls()

        def loss_of(values: Any) -> Any:
            with calls_noted() as calls:
                scaled, aux = self.model.compute_loss_and_updates(
                    values, others, metrics, x, y, sample_weight, training=True, optimizer_variables=optimizer
                )
            seen.activations, seen.normalizations = calls.activations, calls.normalizations
            return scaled, (aux[0], _arrays(calls))

        try:
            (_, (loss, arrays)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        except Exception as error:
            if type(self.model).train_step is keras.Model.train_step:
                raise
            raise ValueError(_no_loss(self.model, error)) from error
        scale = self._loss_scale(optimizer)
        return loss, [g.astype(jnp.float32) / scale for g in gradients], _with_arrays(seen, arrays)

    def _loss_scale(self, values: Any) -> Any:
        """What an optimizer multiplies the loss with, so that small gradients survive half precision."""
        mapping = list(zip(self.model.optimizer.variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return self.model.optimizer.scale_loss(1.0)

    def _by_path(self, values: Any) -> dict[str, Any]:
        return {v.path: value for v, value in zip(self.model.trainable_variables, values, strict=True)}


def _arrays(calls: Calls) -> Any:
    return (
        [(seen.inputs, seen.outputs) for seen in calls.activations],
        [(seen.inputs, seen.moving_mean, seen.moving_variance) for seen in calls.normalizations],
    )


def _with_arrays(calls: Calls, arrays: Any) -> Calls:
    """The notes with arrays that are valid outside of the differentiation."""
    return Calls(
        [
            dataclasses.replace(seen, inputs=i, outputs=o)
            for seen, (i, o) in zip(calls.activations, arrays[0], strict=True)
        ],
        [
            dataclasses.replace(seen, inputs=i, moving_mean=m, moving_variance=v)
            for seen, (i, m, v) in zip(calls.normalizations, arrays[1], strict=True)
        ],
    )


def _no_loss(model: Any, error: Exception) -> str:
    return (
        f"{type(model).__name__} has a train_step of its own, and a probe asked for the loss, the gradients"
        " or what layers take and give, for which it calls compute_loss_and_updates; that raised"
        f" {type(error).__name__}: {error}. Give the class a compute_loss_and_updates that gives the loss of"
        " train_step, or probe the weights alone (WeightNorms, UpdateRatios)."
    )
