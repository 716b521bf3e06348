"""diagnose: what is wrong with the normalization of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from normwise.core.diagnosis import Diagnosis
from normwise.core.errors import TrainingError
from normwise.doctor.engine import examine
from normwise.training.check_arguments import check_batch_size
from normwise.workflows.chosen_rules import chosen_rules, layer_ignores
from normwise.workflows.finite_evidence import finite_evidence, require_finite_weights
from normwise.workflows.gather_evidence import ROWS, gather_evidence


def diagnose(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    new_x: Any = None,
    batch_size: int | None = None,
    rows: int = ROWS,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    preview: bool = False,
    ignored_layers: Mapping[str, tuple[str, ...]] | None = None,
) -> Diagnosis:
    """What is wrong with the normalization of a network, with evidence and remedy.

    Rules look at the structure of the model, and at what was measured when rows went through it: its inputs,
    what normalizations and activation functions take, the gradient, and the loss in training and at
    inference. The model is left as it is, to the bit.

    Args:
        model: A built Keras model; for the loss and its gradients, a compiled one.
        x: What `normwise.fit` takes as x: arrays, frames, files of tables, a `keras.utils.PyDataset`, a
            `tf.data.Dataset`, a torch `DataLoader`, a generator; or a ``.npy`` or ``.npz`` file, a folder of
            images, ``"module:function"``. Best are training rows. Without it, rules look at the structure.
        y: Targets, or the name of their column; without them nothing is said of loss and gradient.
        new_x: Data that the model meets later, to be compared with x.
        batch_size: Rows a step of the training.
        rows: So many are probed at most: of arrays and tables drawn from all, always the same ones, of what
            comes in batches the first. Fewer of a large network on large images.
        select: Codes of rules, beginnings of codes, or names of defects: no others are run.
        ignore: Likewise, those that are not run.
        preview: Whether rules are run whose threshold is not yet calibrated.
        ignored_layers: A pattern of layers' paths, such as ``"encoder/*"``, to the codes ignored there.

    Returns:
        The findings, the worst first, and of each rule whether it was run.

    Raises:
        ModelError: If it is no Keras model, or not built; with data, if weights hold NaN or infinity.
        TrainingError: If the data are empty, do not fit the model, or hold NaN or infinity.
        TableError: If a table, or a file, cannot be read.
        NormwiseError: If `select`, `ignore` or `ignored_layers` holds what is no rule, or no rule is left.

    Example:
        >>> import keras
        >>> from keras import layers
        >>> hidden = [layers.Dense(8, name="hidden"), layers.BatchNormalization()]
        >>> model = keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)], name="net")
        >>> [(f.code, f.layer) for f in diagnose(model, select=["NRM301"]).findings]
        [('NRM301', 'hidden')]
    """
    rules, ignored = chosen_rules(select, ignore, preview=preview), layer_ignores(ignored_layers)
    check_batch_size(batch_size)
    if x is None and new_x is not None:
        raise TrainingError("new_x has nothing to be compared with: x is None; expected the rows of before")
    if x is not None:
        require_finite_weights(model)
    evidence = gather_evidence(
        model,
        x,
        y,
        new_x=new_x,
        batch_size=batch_size,
        rows=rows,
        gradients=any("gradients" in rule.needs for rule in rules),
    )
    return examine(finite_evidence(evidence), rules, ignored)
