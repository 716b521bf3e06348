"""Passes: rows through a model that is left as it is, in training and at inference, reduced as it computes.

On JAX a pass is one compiled program. Which batch normalizations go by the batch, and which layers draw
noise, are arguments of that program where nothing else in the model depends on `training`: then one program
does all passes.

Of Keras' internals this leans on `Layer._seed_generators` and `Layer._call_has_training_arg`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from normwise.core.evidence import ActivationEvidence
from normwise.core.probe import ActivationSeen
from normwise.insight._evidence_pass import evidence_pass, numbers, without_derivatives
from normwise.insight._quick_to_compile import quick_to_compile
from normwise.insight._row_moments import RowMoments
from normwise.insight.activation_evidence import activation_evidence, activation_sums, sums_on_host
from normwise.insight.normalization_evidence import Taken, taken_moments, taken_sums


class Pass(NamedTuple):
    """What a pass told.

    Attributes:
        activations: One record a call of an activation function, in their order.
        normalizations: By the name of the call, what a batch normalization took.
        seen: By the name of the call, what those calls gave that were asked for: tensors.
        outputs: What the model gave.
    """

    activations: list[ActivationEvidence]
    normalizations: dict[str, Taken]
    seen: dict[str, Any]
    outputs: Any


class Passes:
    """Passes of the same rows, all of them one batch.

    Args:
        model: A built model.
        x: The rows.
        outputs_of: Names of calls whose outputs are asked for.
        compiled: Whether a pass is compiled, where the backend is JAX; where it cannot be traced it is not.
        own_mode: Paths of layers that are called with ``training=False`` whatever the model is told: their
            calls stay as they are.
    """

    def __init__(
        self,
        model: Any,
        x: Any,
        outputs_of: Collection[str] = (),
        compiled: bool = False,
        own_mode: Collection[str] = (),
    ) -> None:
        import keras

        from normwise.graph.layer_calls import keeps_statistics
        from normwise.graph.layer_paths import layer_paths
        from normwise.graph.walk import every_layer

        layers = every_layer(model)
        self._model, self._x, self._outputs_of = model, x, outputs_of
        self._compiled = compiled and keras.backend.backend() == "jax"
        self._norms = [layer for layer in layers if keeps_statistics(layer) and layer._call_has_training_arg]
        self._noisy = [layer for layer in layers if layer._seed_generators and layer._call_has_training_arg]
        paths = layer_paths(model)
        self._own_mode = {id(layer) for layer in layers if paths[id(layer)] in own_mode}
        self._one_program = not self._own_mode and not any(map(self._needs_to_know, layers))
        self._seeds = [g.state for layer in layers for g in layer._seed_generators]
        self._states = [seed.value for seed in self._seeds]
        self._variables = [*model.trainable_variables, *model.non_trainable_variables]
        self._programs: dict[tuple[bool, bool], Any] = {}
        self._told: dict[str, ActivationSeen] = {}

    @property
    def has_noise(self) -> bool:
        """Whether dropout or the like may draw."""
        return bool(self._seeds)

    def run(self, *, training: bool, noise: bool = False, by_batch: Collection[Any] = ()) -> Pass:
        """One pass.

        Args:
            training: Whether the model computes as in training.
            noise: Whether dropout and the like draw, pass after pass other numbers.
            by_batch: Batch normalizations that go by the batch all the same.
        """
        ids = {id(layer) for layer in by_batch}
        # In a program such a layer has no switch.
        if self._compiled and not ids & self._own_mode:
            try:
                return self._finished(self._run_compiled(training, noise, by_batch))
            except (
                Exception
            ):  # whatever a layer raises that cannot be traced; if it is wrong, it raises again
                self._compiled = False
        switches = self._noise_switches([noise] * len(self._noisy))
        switches |= {id(layer): True for layer in self._norms if id(layer) in ids}
        return self._finished(self._computed(None, self._states, self._x, training, switches))

    def _needs_to_know(self, layer: Any) -> bool:
        """Whether a layer does something of its own with `training`, and is none that is switched."""
        from normwise.graph.layer_calls import LOOPS
        from normwise.graph.walk import children, is_graph

        if isinstance(layer, LOOPS):
            return True
        if not layer._call_has_training_arg or is_graph(layer):
            return False
        # Keras' Dense and its like take `training` for the sake of layers that are derived from them.
        plain = type(layer).__module__.startswith("keras.")
        return bool(children(layer)) or not (plain or layer in self._norms or layer in self._noisy)

    def _run_compiled(self, training: bool, noise: bool, by_batch: Collection[Any]) -> Any:
        import jax
        import keras

        key = (False, False) if self._one_program else (training, noise)
        if key not in self._programs:
            self._programs[key] = jax.jit(self._program(*key), compiler_options=quick_to_compile())
        ids = {id(layer) for layer in by_batch}
        flags = [[training or id(layer) in ids for layer in self._norms], [noise] * len(self._noisy)]
        tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, self._x)
        values = [variable.value for variable in self._variables]
        return self._programs[key](values, self._states, tensors, jax.tree.map(jax.numpy.asarray, flags))

    def _noise_switches(self, drawing: Sequence[Any]) -> dict[int, Any]:
        """Whether each layer that can draws; one with calls at inference is left to these where all draw."""
        return {
            id(layer): draws
            for layer, draws in zip(self._noisy, drawing, strict=True)
            if draws is False or id(layer) not in self._own_mode
        }

    def _program(self, training: bool, noise: bool) -> Any:
        def program(values: Any, states: Any, x: Any, flags: Any) -> Any:
            switches = {
                id(layer): flag
                for layer, flag in zip(self._norms, flags[0], strict=True)
                if id(layer) not in self._own_mode
            }
            switches |= self._noise_switches(flags[1] if self._one_program else [noise] * len(self._noisy))
            return self._computed(
                list(zip(self._variables, values, strict=True)), states, x, training, switches
            )

        return program

    def _computed(
        self, mapping: list[Any] | None, states: Any, x: Any, training: bool, switches: Mapping[int, Any]
    ) -> Any:
        """Sums of the activations, sums of the normalizations, what was asked for, outputs, noise states."""
        import keras

        # What is not traced is reduced in float64 on the host.
        wide = numbers if mapping is None else _float32_at_least
        activations: dict[str, Any] = {}
        normalizations: dict[str, Any] = {}
        seen: dict[str, Any] = {}

        def on_activation(name: str, told: ActivationSeen) -> None:
            values = dataclasses.replace(told, inputs=wide(told.inputs), outputs=wide(told.outputs))
            activations[name] = activation_sums(values)
            self._told[name] = dataclasses.replace(told, inputs=None, outputs=None)

        def on_normalization(name: str, moments: RowMoments, rows: int) -> None:
            normalizations[name] = taken_sums(moments, rows)

        mapping = [*(mapping or []), *zip(self._seeds, states, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope, without_derivatives():
            outputs = evidence_pass(
                self._model,
                x,
                training=training,
                activation=on_activation,
                normalization=on_normalization,
                wide=wide,
                output=lambda name, given: seen.update({name: given}),
                outputs_of=self._outputs_of,
                switched=switches,
            )
            states = [scope.get_current_value(seed) for seed in self._seeds]
        return activations, normalizations, seen, outputs, states

    def _finished(self, computed: Any) -> Pass:
        import keras

        activations, normalizations, seen, outputs, self._states = computed
        host = keras.tree.map_structure(_on_host, (activations, normalizations))
        return Pass(
            [
                activation_evidence(name, told, sums_on_host(host[0][name]))
                for name, told in self._told.items()
                if name in host[0]
            ],
            {name: taken_moments(host[1][name]) for name in normalizations},
            seen,
            outputs,
        )


def _float32_at_least(values: Any) -> Any:
    import keras

    from normwise.kernels.precision import at_least_float32

    return keras.ops.cast(values, at_least_float32(values.dtype))


def _on_host(values: Any) -> Any:
    return np.asarray(values, np.float64) if isinstance(values, np.ndarray | np.generic) else numbers(values)
