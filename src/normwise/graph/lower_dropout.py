"""lower_dropout: dropout before a normalization, at a rate with which it hardly widens what that sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from keras import layers as keras_layers

from normwise.core.errors import ModelError
from normwise.core.model_record import ModelRecord
from normwise.graph.clone import require_graph
from normwise.graph.reconfigure import reached, reconfigured
from normwise.layers.dropout import Dropout

MARGIN = 0.8
"""The new excess of the variance, in parts of what is allowed: measured again, it is not at the threshold."""
_BY_THE_RATE = (
    *(keras_layers.Dropout, Dropout, keras_layers.GaussianDropout),
    *(keras_layers.SpatialDropout1D, keras_layers.SpatialDropout2D, keras_layers.SpatialDropout3D),
)


class Lowered(NamedTuple):
    """The model with less dropout.

    Attributes:
        model: The new model; the given one, if nothing was lowered.
        rates: By the path of a normalization, the paths of the dropouts before it with old and new rate.
        left: By the path of a normalization whose dropouts are as they were, why.
    """

    model: Any
    rates: dict[str, dict[str, tuple[float, float]]]
    left: dict[str, str]


def lowered_rate(rate: float, ratio: float, threshold: float) -> float:
    """The rate with which dropout widens a variance by less than a threshold.

    Dropout at the rate r multiplies a variance by ``1 + c·r/(1 − r)``, where c depends on the data and the
    weights alone. With the measured ratio R that is ``c = (R − 1)·(1 − r)/r``; the new rate makes of the
    excess c·r/(1 − r) 0.8 times the threshold's.

    Args:
        rate: r, in (0, 1).
        ratio: R, above 1.
        threshold: What the ratio is to stay below, above 1.

    Example:
        >>> round(lowered_rate(0.5, ratio=3.0, threshold=1.2), 4)  # c = 2: 2·q = 0.16, q = r/(1 − r) = 0.08
        0.0741

    Source:
        Li et al. 2018, "Understanding the Disharmony between Dropout and Batch Normalization by Variance
        Shift", arXiv:1801.05134, equations 6 to 8.
    """
    odds = rate / (1.0 - rate) * MARGIN * (threshold - 1.0) / (ratio - 1.0)
    return min(rate, odds / (1.0 + odds))


def lower_dropout(model: Any, record: ModelRecord, ratios: Mapping[str, tuple[float, float]]) -> Lowered:
    """A copy of a model with dropout at lower rates before some normalizations.

    Lowered are the dropouts whose noise a normalization sees: those before it, up to the one before that.
    All are lowered by what the strictest ratio asks for: with less noise in the first layers the share of the
    later ones grows, which their ratios, measured before, do not know. The weights are kept; since they were
    trained with more noise, training has to go on.

    Args:
        model: A Sequential or Functional model. It is left untouched.
        record: What it is made of.
        ratios: By the path of a normalization, or of the dropout itself, the measured variance ratio and
            what it is to stay below.

    Raises:
        ValueError: If the model is subclassed, or a layer cannot be rebuilt from its configuration.
    """
    require_graph(model, "normwise.apply_remedies")
    found = reached(model)
    dropouts: dict[str, dict[str, Any]] = {}
    left: dict[str, str] = {}
    for path in ratios:
        try:
            dropouts[path] = {name: _dropout(found, name) for name in _dropouts_before(record, path)}
        except ModelError as reason:
            left[path] = str(reason)
    if not dropouts:
        return Lowered(model, {}, left)
    strictest = max((ratios[path] for path in dropouts), key=lambda pair: (pair[0] - 1.0) / (pair[1] - 1.0))
    rates = {
        path: {
            name: (layer.rate, float(f"{lowered_rate(layer.rate, *strictest):.2g}"))
            for name, layer in layers.items()
        }
        for path, layers in dropouts.items()
    }
    changes = {id(found[name]): {"rate": new} for pairs in rates.values() for name, (_, new) in pairs.items()}
    return Lowered(reconfigured(model, changes), rates, left)


def _dropouts_before(record: ModelRecord, path: str) -> tuple[str, ...]:
    """The paths of the dropouts whose noise reaches a normalization; of a dropout, its own."""
    if record.layer(path).kind == "dropout":
        return (path,)
    found: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [name for call in record.calls if call.layer == path for name in call.takes]
    while waiting:
        call = record.call(waiting.pop())
        if call is None or call.name in seen or call.kind == "batch normalization":
            continue
        seen.add(call.name)
        if call.kind == "dropout":
            found[call.layer] = None
        waiting.extend(call.takes)
    if not found:
        raise ModelError(f"no dropout layer before {path} was found")
    return tuple(found)


def _dropout(found: dict[str, Any], path: str) -> Any:
    layer = found.get(path)
    if layer is None:
        raise ModelError(f"{path} is inside of a layer that is no model itself, which is not entered")
    if type(layer) not in _BY_THE_RATE:
        raise ModelError(f"{path} is a {type(layer).__name__}, whose rate says something else")
    if not 0.0 < layer.rate < 1.0:
        raise ModelError(f"{path} has the rate {layer.rate}; expected one between 0 and 1")
    return layer
