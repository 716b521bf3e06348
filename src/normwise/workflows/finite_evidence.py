"""finite_evidence, require_finite_weights: of NaN and infinity nothing may be called clean."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from normwise.core.errors import ModelError, listing
from normwise.core.evidence import Evidence

JUDGED = ("moving_mean", "moving_variance")
"""Variables that rules judge themselves."""


def require_finite_weights(model: Any) -> None:
    """Nothing, if the weights of a model are finite, or it is no model; moving statistics are not looked at.

    Raises:
        ModelError: If not.
    """
    if not isinstance(model, keras.Model) or not model.built:
        return
    bad = [v.path for v in model.weights if v.name not in JUDGED and not _is_finite(v)]
    if bad:
        raise ModelError(
            f'{len(bad)} of the {len(model.weights)} variables of the model "{model.name}" hold NaN or'
            f" infinity, {listing(bad, 3)}: its training has diverged, and nothing can be measured. Take the"
            " weights of before; without data the structure alone is examined."
        )


def finite_evidence(evidence: Evidence) -> Evidence:
    """The evidence without what normalizations and activations took, where that was not finite.

    A comparison with NaN is false, and a rule that compares would call it clean.
    """
    first = next(
        (one.call for one in evidence.normalizations if not np.isfinite((*one.mean, *one.variance)).all()),
        next((one.call for one in evidence.activations if not np.isfinite((one.mean, one.std)).all()), None),
    )
    if first is None:
        return evidence
    reason = f"what {first} takes of these rows is NaN or infinite: values outgrow {keras.config.floatx()}"
    absent = {**evidence.absent, **dict.fromkeys(("normalizations", "activations"), reason)}
    return dataclasses.replace(evidence, normalizations=(), activations=(), absent=absent)


def _is_finite(variable: Any) -> bool:
    if not keras.backend.is_float_dtype(variable.dtype):
        return True
    values = np.asarray(keras.ops.convert_to_numpy(variable.value))
    if values.dtype.kind != "f":  # bfloat16 is none of NumPy's own types
        values = values.astype(np.float32)
    return bool(np.isfinite(values).all())
