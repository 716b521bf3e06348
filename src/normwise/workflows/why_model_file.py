"""A Keras model of the user's for `why`: loaded, and refused where it is no network for a table."""

from __future__ import annotations

from pathlib import Path

import keras

from normwise.core.errors import ModelError
from normwise.graph.clone import require_graph
from normwise.graph.walk import is_built_graph
from normwise.workflows.model_file import model_of_file

EXPECTED = {
    "input": "of shape (features,): a table has rows of numbers",
    "output": "of shape (units,): a number of each class of the target column, or its number",
}


def read_why_model(model: keras.Model | Path) -> keras.Model:
    """The model of a file, or the one that is given: with one input and one output, each a vector a row.

    Raises:
        ModelError: If it cannot be loaded, is subclassed, or has other inputs or outputs.
    """
    found = model_of_file(model, "why_table(…, model=model)") if isinstance(model, Path) else model
    named = str(model) if isinstance(model, Path) else f'the model "{found.name}"'
    try:
        require_graph(found, "normwise why")
    except (TypeError, ValueError) as error:
        raise ModelError(str(error)) from error
    if not is_built_graph(found):
        raise ModelError(
            f'the Sequential model "{found.name}" is not built, so that the width of its input is unknown;'
            " expected one that begins with keras.Input((features,))"
        )
    for what, tensors in (("input", found.inputs), ("output", found.outputs)):
        shapes = [tuple(tensor.shape[1:]) for tensor in tensors]
        if len(shapes) != 1 or len(shapes[0]) != 1 or shapes[0][0] is None:
            raise ModelError(
                f"{named} has {len(shapes)} {what}{'s' * (len(shapes) != 1)} of shape"
                f" {', '.join(map(str, shapes))} a row; expected one {what}, {EXPECTED[what]}"
            )
    if not keras.backend.is_float_dtype(found.inputs[0].dtype):
        raise ModelError(
            f"{named} takes {found.inputs[0].dtype}, and scaled numbers are fractions;"
            " expected an input of floats"
        )
    return found
