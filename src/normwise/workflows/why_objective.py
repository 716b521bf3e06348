"""What a model's outputs are, and by which loss it learns: its own, where that fits the target."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from normwise.core.errors import ModelError, listing
from normwise.graph.last_activation import last_activation
from normwise.workflows.training_target import Target
from normwise.workflows.why_outputs import Outputs

SPARSE, CATEGORICAL, BINARY = (
    f"{kind}_crossentropy" for kind in ("sparse_categorical", "categorical", "binary")
)
LOGITS = ("logit", "logits")
LOSSES: dict[Outputs, tuple[str, ...]] = {
    "logits": (SPARSE, CATEGORICAL),
    "probabilities": (SPARSE, CATEGORICAL),
    "logit": (BINARY,),
    "probability": (BINARY,),
    "number": ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh"),
}
"""The losses by which outputs may be learned; the first is taken where a model has none."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """What a model's outputs are, and by which loss it learns them.

    Args:
        outputs: What they are.
        loss: The loss, of class numbers or of numbers, (rows,).
        name: The loss' name.
    """

    outputs: Outputs
    loss: Any
    name: str


def objective_of(model: keras.Model, named: str, target: Target) -> Objective:
    """Of a model with one output, (units,), on a target.

    Args:
        model: The model.
        named: What messages call it.
        target: The target.

    Raises:
        ModelError: If the model's outputs or its loss do not fit the target.
    """
    outputs = _outputs(model, named, target)
    given = _only(model.loss) if model.compiled else None
    if given is None:
        return Objective(outputs, _usual_loss(outputs), LOSSES[outputs][0])
    loss = keras.losses.get(given)
    name = _name(loss)
    _require_fitting(named, name, bool(getattr(loss, "_fn_kwargs", {}).get("from_logits")), outputs, target)
    return Objective(outputs, _of_class_numbers(loss, model) if name == CATEGORICAL else loss, name)


def _usual_loss(outputs: Outputs) -> keras.losses.Loss:
    if outputs == "number":
        return keras.losses.MeanSquaredError()
    kinds = keras.losses.SparseCategoricalCrossentropy, keras.losses.BinaryCrossentropy
    return kinds[outputs in ("logit", "probability")](from_logits=outputs in LOGITS)


def _outputs(model: keras.Model, named: str, target: Target) -> Outputs:
    width, last, classes = model.outputs[0].shape[-1], last_activation(model), len(target.classes)
    if not classes:
        if width != 1:
            raise ModelError(
                f'{named} gives {width} numbers a row, and column "{target.name}" is one'
                " number; expected a model with 1 output. If these are classes, give --task classification."
            )
        kinds: dict[str, Outputs] = {"linear": "number"}
        why = "the target is standardized and below 0 as often as above"
    elif width == classes:
        kinds = {"softmax": "probabilities", "linear": "logits"}
        why = f"each of the {classes} classes gets a probability"
    elif (width, classes) == (1, 2):
        kinds = {"sigmoid": "probability", "linear": "logit"}
        why = f'its output is the probability of "{target.classes[1]}"'
    else:
        wanted = "2 outputs, or 1" if classes == 2 else f"{classes} outputs"
        raise ModelError(
            f'{named} has {width} outputs, and column "{target.name}" has {classes} classes'
            f" ({listing(target.classes, 5)}); expected {wanted}"
        )
    if last not in kinds:
        raise ModelError(
            f'{named} ends with the activation "{last}"; expected {" or ".join(kinds)}, for {why}'
        )
    return kinds[last]


def _require_fitting(named: str, name: str, from_logits: bool, outputs: Outputs, target: Target) -> None:
    if name not in LOSSES[outputs]:
        hint = " To predict the classes as numbers, give --task regression." if target.classes else ""
        raise ModelError(
            f'{named} is compiled with the loss "{name}", by which its {outputs} cannot be compared on the'
            f' column "{target.name}"; expected {" or ".join(LOSSES[outputs])}, or a model that is not'
            f" compiled.{hint}"
        )
    wanted = outputs in LOGITS
    if outputs != "number" and from_logits != wanted:
        has = "no softmax or sigmoid" if wanted else "softmax or sigmoid"
        raise ModelError(
            f"{named} ends with {has}, and its loss {name} has from_logits={from_logits}; expected"
            f" from_logits={wanted}. Compile it so."
        )


def _only(loss: Any) -> Any:
    """The loss of the only output, which may be in a list or a dictionary."""
    values = list(loss.values()) if isinstance(loss, dict) else loss
    return values[0] if isinstance(values, (list, tuple)) and len(values) == 1 else values


def _name(loss: Any) -> str:
    function = getattr(loss, "fn", loss)
    return str(getattr(function, "__name__", type(function).__name__))


def _of_class_numbers(loss: Any, model: keras.Model) -> Callable[[Any, Any], Any]:
    classes = model.outputs[0].shape[-1]

    def of_class_numbers(y_true: Any, y_pred: Any) -> Any:
        return loss(keras.ops.one_hot(keras.ops.cast(y_true, "int32"), classes), y_pred)

    return of_class_numbers
