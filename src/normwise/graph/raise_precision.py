"""raise_precision: batch normalizations whose variables are float32 while they compute as before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from normwise.graph.clone import require_graph
from normwise.graph.layer_calls import keeps_statistics
from normwise.graph.reconfigure import reached, reconfigured

_MIXED = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}
"""By the dtype of a layer's variables, the policy with variables of float32 that computes in that dtype."""


class Raised(NamedTuple):
    """The model with statistics in float32.

    Attributes:
        model: The new model; the given one, if there was nothing to raise.
        policies: By the path of a layer, its old policy and its new one.
        left: By the path of a layer that is as it was, why.
    """

    model: Any
    policies: dict[str, tuple[str, str]]
    left: dict[str, str]


def raise_precision(model: Any, layers: Sequence[str]) -> Raised:
    """A copy of a model in which batch normalizations keep their variables in float32.

    Of a layer under the policy ``"bfloat16"`` or ``"float16"`` the new policy is ``"mixed_bfloat16"`` or
    ``"mixed_float16"``: it computes, takes and gives what it did. The values are those that were there; what
    a moving average lost to rounding has to be measured anew.

    Args:
        model: A Sequential or Functional model. It is left untouched.
        layers: The paths of the batch normalizations.

    Raises:
        ValueError: If the model is subclassed, or a layer cannot be rebuilt from its configuration.
    """
    require_graph(model, "normwise.apply_remedies")
    found = reached(model)
    policies: dict[str, tuple[str, str]] = {}
    left: dict[str, str] = {}
    for path in layers:
        layer = found.get(path)
        if layer is None:
            left[path] = f"{path} is inside of a layer that is no model itself, which is not entered"
        elif not keeps_statistics(layer) or layer.variable_dtype not in _MIXED:
            left[path] = (
                f"{path} is a {type(layer).__name__} with variables of {layer.variable_dtype}; expected a "
                "batch normalization in float16 or bfloat16"
            )
        else:
            policies[path] = layer.dtype_policy.name, _MIXED[layer.variable_dtype]
    if not policies:
        return Raised(model, policies, left)
    changes = {id(found[path]): {"dtype": new} for path, (_, new) in policies.items()}
    return Raised(reconfigured(model, changes), policies, left)
