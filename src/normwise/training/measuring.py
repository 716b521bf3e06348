"""Measuring: probes inside the compiled epoch, between its steps.

    i ← start;   while i < stop and the loss is finite:
        where a probe is due at i: its values, of the state and the batch before step i
        i ← steps from i up to the next i at which a probe is due, or stop

The steps in between are the program that a training without probes runs, so they cost what they cost there,
and give the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from normwise.core.errors import TrainingError, did_you_mean
from normwise.core.probe import Probe, Series
from normwise.training.phase import State
from normwise.training.traced_step import TracedStep

Steps = Callable[[State, Any, Any, Any], tuple[State, Any, Any, Any]]
"""Takes a state, stacked batches, start and stop; gives the state, the last logs, where it ended, and whether
the loss
is finite."""
PARTS = ("name", "every", "unit", "definition", "measure")
Measure = Callable[..., Any]
"""Gives the values of the probes that are due together."""


class Measuring:
    """What probes are asked, and what they found so far.

    Args:
        model: A compiled, built Keras model.
        probes: The probes.

    Attributes:
        epoch_first: The number of the epoch's first step, from 0 over all epochs.
        found: What was found up to the last call of the program.
    """

    def __init__(self, model: Any, probes: Sequence[Probe]) -> None:
        _check(probes)
        self.model = model
        self.groups = _together(probes)
        self.epoch_first = self._taken = 0
        self.found = Found(self.groups)

    def begin_epoch(self) -> None:
        """The steps to come are those of a new epoch."""
        self.epoch_first = self._taken

    def go_on_after(self, steps: int) -> None:
        """So many steps were taken before this call of `fit`: a checkpoint has them, the probes have not."""
        self._taken = steps

    def take(self, kept: Any, steps: int) -> None:
        """Adds what one call of the program found, after so many steps of the epoch."""
        self._taken = self.epoch_first + steps
        self.found.take(kept)

    def measures(self) -> list[Measure]:
        """For each number of steps between two measurements, a function of a state and a batch."""
        return [self._measure(probes) for probes in self.groups.values()]

    def _measure(self, probes: list[Probe]) -> Measure:
        def measure(state: State, batch: Any) -> Any:
            step = TracedStep(self.model, state, batch)
            return [self._values(probe, step) for probe in probes]

        return measure

    def _values(self, probe: Probe, step: TracedStep) -> list[Any]:
        values = probe.measure(step)
        # A list, for a dictionary would be put in alphabetical order.
        self.found.places[probe.name] = tuple(values)
        return [jnp.asarray(value, jnp.float32) for value in values.values()]

    def interleave(
        self, steps: Steps, measures: Sequence[Measure], arguments: tuple[Any, ...], first: Any, most: int
    ) -> tuple[Any, ...]:
        """Steps with the probes between them.

        Args:
            steps: The steps without probes.
            measures: What `measures` gives, as functions of a state, stacked batches and the place of one.
            arguments: What `steps` takes: the state, stacked batches, start and stop.
            first: The number of the step that is at place 0 of the batches.
            most: How many steps at most a call takes.

        Returns:
            What `steps` gives, and for each of `measures` how often it measured, at which steps, and what.
        """
        state, data, start, stop = arguments
        # Traced once each, although looked at twice.
        steps, measures = jax.jit(steps, inline=True), [jax.jit(m, inline=True) for m in measures]
        logs, _, finite = jax.eval_shape(steps, *arguments)[1:]
        kept = [
            _room(most // every + 2, jax.eval_shape(measure, state, data, start))
            for every, measure in zip(self.groups, measures, strict=True)
        ]

        def going(carry: Any) -> Any:
            return (carry[0] < stop) & jnp.any(carry[3])

        def body(carry: Any) -> Any:
            i, state, _, _, kept = carry
            kept = [
                _kept_if_due(every, measure, room, (state, data, i), first + i)
                for every, measure, room in zip(self.groups, measures, kept, strict=True)
            ]
            due = jnp.stack([((first + i) // every + 1) * every for every in self.groups]).min() - first
            state, logs, i, finite = steps(state, data, i, jnp.minimum(due, stop))
            return i, state, logs, finite, kept

        blank = (jax.tree.map(_zeros, logs), jnp.ones(finite.shape, bool), kept)
        done, state, logs, finite, kept = lax.while_loop(going, body, (start, state, *blank))
        return state, logs, done, finite, kept


class Found(Mapping[str, Series]):
    """What probes found so far: the probe's name, and "name/place" where it measures in several, to a
    `Series`.

    Args:
        groups: The probes by the number of steps between two measurements.

    Attributes:
        places: The probe's name to the places in which it measures.
    """

    def __init__(self, groups: Mapping[int, list[Probe]]) -> None:
        self._groups = groups
        self._probes = {probe.name: probe for probes in groups.values() for probe in probes}
        self._parts: dict[str, list[Any]] = {name: [] for name in self._probes}
        self.places: dict[str, tuple[str, ...]] = {}

    def take(self, kept: Any) -> None:
        """Adds what one call of the program gave."""
        for probes, (count, steps, values) in zip(self._groups.values(), kept, strict=True):
            taken = int(count)
            for probe, found in zip(probes, values, strict=True):
                part = (np.asarray(steps)[:taken], [np.asarray(v)[:taken] for v in found])
                self._parts[probe.name].append(part)

    def of_member(self, member: int) -> Found:
        """What was found in one of several models that are trained together."""
        found = Found(self._groups)
        found.places = self.places
        for name, parts in self._parts.items():
            found._parts[name] = [(steps, [v[:, member] for v in values]) for steps, values in parts]
        return found

    def _keys(self) -> dict[str, tuple[str, int]]:
        """Each key with the probe's name and which of its places it is."""
        return {
            f"{name}/{place}" if place else name: (name, i)
            for name in self._probes
            for i, place in enumerate(self.places.get(name, ()))
        }

    def __getitem__(self, key: str) -> Series:
        keys = self._keys()
        if key not in keys:
            raise KeyError(f'no probe found "{key}". {did_you_mean(key, keys)}')
        name, i = keys[key]
        probe, parts = self._probes[name], self._parts[name]
        values = np.concatenate([values[i] for _, values in parts])
        steps = np.concatenate([steps for steps, _ in parts])
        return Series(
            name=name,
            place=self.places[name][i],
            unit=probe.unit,
            definition=probe.definition,
            steps=tuple(steps.tolist()),
            shape=values.shape[1:],
            flat=tuple(values.ravel().tolist()),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())


def _kept_if_due(every: int, measure: Measure, room: Any, arguments: Any, step: Any) -> Any:
    def put(room: Any) -> Any:
        count, steps, values = room
        values = jax.tree.map(lambda all, one: all.at[count].set(one), values, measure(*arguments))
        return count + 1, steps.at[count].set(step), values

    return lax.cond(step % every == 0, put, lambda room: room, room)


def _room(capacity: int, shapes: Any) -> Any:
    values = jax.tree.map(lambda shape: jnp.zeros((capacity, *shape.shape), shape.dtype), shapes)
    return jnp.int32(0), jnp.zeros(capacity, jnp.int32), values


def _zeros(leaf: Any) -> Any:
    return jnp.zeros(leaf.shape, leaf.dtype)


def _together(probes: Sequence[Probe]) -> dict[int, list[Probe]]:
    """Probes that are due at the same steps share one pass over the batch."""
    return {every: [p for p in probes if p.every == every] for every in {p.every: None for p in probes}}


def _check(probes: Sequence[Probe]) -> None:
    if not isinstance(probes, (list, tuple)):
        raise TrainingError(f"probes is a {type(probes).__name__}; expected a list of probes, as [Loss()]")
    for probe in probes:
        if isinstance(probe, type) or not all(hasattr(probe, part) for part in PARTS):
            raise TrainingError(
                f"{probe!r} is no probe; expected an object with {', '.join(PARTS)}, as"
                " normwise.training.probes.Loss()"
            )
    names = [probe.name for probe in probes]
    for probe in probes:
        if names.count(probe.name) > 1:
            raise TrainingError(
                f'two probes have the name "{probe.name}"; expected different ones, for what they found is'
                " looked up by them"
            )
        if not isinstance(probe.every, int) or probe.every < 1:
            raise TrainingError(
                f'the probe "{probe.name}" measures every {probe.every!r} steps; expected a whole number'
                " from 1"
            )
