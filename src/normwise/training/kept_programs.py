"""programs_of: the compiled programs of a model, which keeps them for its next training."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import keras

from normwise.training.compiling import Compiler
from normwise.training.measuring import Measuring
from normwise.training.phase import Phase
from normwise.training.program import Programs, Watch

NAME = "_normwise_programs"


@dataclasses.dataclass(frozen=True, eq=False)
class _Kept:
    """What a model keeps; no dictionary, for Keras saves what it finds in those."""

    objects: tuple[Any, ...]
    settings: tuple[Any, ...]
    programs: dict[Any, Programs] = dataclasses.field(default_factory=dict)

    def of_same(self, other: _Kept) -> bool:
        same = len(self.objects) == len(other.objects) and self.settings == other.settings
        return same and all(a is b for a, b in zip(self.objects, other.objects, strict=True))


def programs_of(
    model: Any, phase: Phase, watch: Watch, compiler: Compiler, measuring: Measuring | None = None
) -> Programs:
    """The model's programs, as they are left from an earlier training where there was one.

    As Keras' own, they serve until the model is compiled again, or consists of other layers or variables.
    Programs with probes serve once.
    """
    if measuring is not None:
        return Programs(model, phase, watch, compiler, measuring)
    now = _now(model)
    kept = vars(model).get(NAME)
    if kept is None or not kept.of_same(now):
        kept = now
        # Keras looks closely at what is set on a model.
        object.__setattr__(model, NAME, kept)
    programs: Programs = kept.programs.setdefault((phase.name, watch), Programs(model, phase, watch))
    programs.begin(compiler)
    return programs


def _now(model: Any) -> _Kept:
    """What a program is made from, but for the shapes of the data."""
    steps = [getattr(step, "__func__", step) for step in (model.train_step, model.test_step)]
    optimizer = model.optimizer.variables if model.optimizer else []
    parts = [*model._flatten_layers(), *model.variables, *optimizer, *model.metrics_variables]
    frozen = tuple(variable.trainable for variable in model.variables)
    config: Any = jax.config
    precision = (config.jax_enable_x64, config.jax_default_matmul_precision, keras.config.floatx())
    # Compiling a model makes another configuration, be it equal.
    objects = (model._compile_config, keras.distribution.distribution(), *steps, *parts)
    return _Kept(objects, (frozen, precision))
