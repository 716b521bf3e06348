"""data_loss: the loss that a model is compiled with, of targets and outputs, without penalties.

Of Keras' internals this leans on `Trainer._compile_loss`, of which it makes another one, so that the model's
own stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DataLoss = Callable[[Any, Any], Any]


def data_loss(model: Any) -> DataLoss | str:
    """The loss as a function of y and of what the model gives; or why there is none, a sentence."""
    import keras

    if not model.compiled:
        return f'the model "{model.name}" is not compiled: it has no loss'
    if type(model).compute_loss is not keras.Model.compute_loss:
        return f'the model "{model.name}" has a compute_loss of its own, which is not called here'
    own = model._compile_loss
    if own is None or model.loss is None:
        return f'the model "{model.name}" is compiled without a loss'
    twin: DataLoss = type(own)(
        own._user_loss, own._user_loss_weights, output_names=getattr(model, "output_names", None)
    )
    return twin
