"""raise_not_finite: at which step and in which layer a loss stopped being a number, and what is watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import keras
import numpy as np

from normwise.core.errors import NotFiniteError
from normwise.graph.replaced import layer_calls_by
from normwise.training.buffers import Buffer
from normwise.training.loop import NotFinite
from normwise.training.phase import State
from normwise.training.program import Programs, Result, Watch

ADVICE = "A lower learning rate, normalized inputs or clipped gradients (clipnorm) are what helps most often."


def what_to_watch(model: Any, callbacks: Any) -> Watch:
    """A loss that is not finite ends a training, except where it may pass.

    An optimizer that scales its loss leaves such a step out; a `train_step` of somebody's own may call
    anything "loss". There the weights must have stopped being finite, too.
    """
    if stops_by_itself(callbacks):
        return "loss"
    own_step = type(model).train_step is not keras.Model.train_step
    return (
        "weights" if own_step or isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) else "loss"
    )


def stops_by_itself(callbacks: Any) -> bool:
    """Whether a callback ends the training at such a loss."""
    return any(isinstance(c, keras.callbacks.TerminateOnNaN) for c in callbacks.callbacks)


def raise_not_finite(programs: Programs, epoch: int) -> NotFinite:
    """A function that finds the cause, leaves the model as before the step, and raises NotFiniteError."""

    def found(result: Result, kept: State | None, buffer: Buffer, start: int) -> None:
        step = int(result.done) - 1
        text = (
            f"the loss of step {buffer.first + step} of epoch {epoch + 1} is not finite "
            "(both counted from step 0 and epoch 1)"
        )
        # Of several processes each has but its part.
        if kept is None or jax.process_count() > 1:
            raise NotFiniteError(f"{text}. {ADVICE}")
        before = kept if step == start else programs.start(kept, buffer.data, start, step).state
        programs.phase.give_state(programs.model, before)
        programs.model.jax_state_sync()
        batch = jax.tree.map(lambda leaf: leaf[step], buffer.data)
        raise NotFiniteError(
            f"{text}: {_cause(programs.model, batch)}. The model has the weights from before that step. "
            f"{ADVICE}"
        )

    return found


def _cause(model: Any, batch: Any) -> str:
    """The first thing that is not finite on the way from the batch to the loss."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    for variable in model.weights:
        if not _finite(variable.value):
            return f'the step before made the variable "{variable.path}" not finite'
    try:
        with keras.StatelessScope(), _outputs_seen() as seen:
            y_pred = model(x, training=True) if model._call_has_training_arg else model(x)
    except Exception as error:  # A step of somebody's own may call the model otherwise, or not at all.
        return f"in which layer cannot be told, since the model could not be called on x ({error})"
    for layer, inputs, outputs in seen:
        if not _finite(outputs) and _finite(inputs):
            return f'the output of layer "{layer.path}" is the first that is not finite'
    # A model may fill in what x lacks, and a loss leave out what y lacks: so these come last.
    for name, values, result in (("x", x, y_pred), ("y", y, None)):
        if not _finite(values) and (result is None or not _finite(result)):
            return f"{name} itself holds NaN or infinite values in this batch"
    return "every layer's output is finite, so it is the loss function, or a penalty added to it"


@contextmanager
def _outputs_seen() -> Iterator[list[tuple[Any, Any, Any]]]:
    """Within the block, every layer that is called, as they return, with inputs and outputs."""
    seen: list[tuple[Any, Any, Any]] = []

    def call(plain: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = plain(layer, *args, **kwargs)
        seen.append((layer, args, outputs))
        return outputs

    with layer_calls_by(call):
        yield seen


def _finite(values: Any) -> bool:
    arrays = [np.asarray(leaf) for leaf in jax.tree.leaves(values) if hasattr(leaf, "dtype")]
    return all(bool(np.isfinite(a.astype(np.float32)).all()) for a in arrays if a.dtype.kind in "fV")
