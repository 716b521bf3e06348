"""diagnose: what is wrong with the normalization of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from normwise.core.diagnosis import Diagnosis
from normwise.doctor.engine import examine
from normwise.doctor.registry import selected
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
        ModelError: If it is no Keras model, or not built.
        TrainingError: If the data are empty, do not fit the model, or hold NaN or infinity.
        TableError: If a table, or a file, cannot be read.
        NormwiseError: If `select` or `ignore` holds what is no rule.

    Example:
        >>> import keras
        >>> from keras import layers
        >>> hidden = [layers.Dense(8, name="hidden"), layers.BatchNormalization()]
        >>> model = keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)], name="net")
        >>> [(f.code, f.layer) for f in diagnose(model, select=["NRM301"]).findings]
        [('NRM301', 'hidden')]
    """
    rules = selected(select, ignore, preview=preview)
    evidence = gather_evidence(model, x, y, new_x=new_x, batch_size=batch_size, rows=rows)
    return examine(evidence, rules, ignored_layers)
