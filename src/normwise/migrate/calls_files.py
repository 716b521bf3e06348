"""Keys of logs, and files that callbacks and models write."""

from __future__ import annotations

import re

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.site import Site


def accuracy_key(site: Site) -> cst.Call:
    """``monitor="val_acc"`` to ``"val_accuracy"``, where the metric is called accuracy."""
    found = arguments.keyword(site.call, "monitor") or next(
        (a for a in arguments.positional(site.call) if arguments.string(a.value) in ("acc", "val_acc")), None
    )
    new = accuracy(site, found.value) if found else None
    if found is None or new is None:
        return site.call
    site.changed(f"{arguments.string(found.value)} → {arguments.string(new)}")
    return arguments.replace(site.call, found, found.with_changes(value=new))


def accuracy(site: Site, node: cst.BaseExpression) -> cst.SimpleString | None:
    """The key of the accuracy today, or None where it is not one of the old keys."""
    said = arguments.string(node)
    if said not in ("acc", "val_acc") or not site.facts.measures_accuracy():
        return None
    return arguments.quoted(node, said.replace("acc", "accuracy"))


def checkpoint_file(site: Site) -> cst.Call:
    """Keras 3 wants ``.keras`` or ``.h5`` of a model, and ``.weights.h5`` of weights."""
    found = arguments.keyword(site.call, "filepath") or next(iter(arguments.positional(site.call)), None)
    weights = arguments.value(site.call, "save_weights_only")
    only = isinstance(weights, cst.Name) and weights.value == "True"
    if (period := arguments.keyword(site.call, "period")) is not None:
        site.left(f"period={site.code(period.value)}: give save_freq, which counts batches")
    if found is None:
        return site.call
    path = site.facts.value_of(found.value, site.original)
    said = arguments.string(path)
    if said is None:
        site.note(
            "the file of ModelCheckpoint must end in .keras, or in .weights.h5 where it saves weights alone"
        )
        return site.call
    new = _accuracy_in(site, weights_name(said) if only else _model_name(said))
    if new == said:
        return site.call
    if path is not found.value:
        ending = ".weights.h5" if only else ".keras"
        site.left(f'the file of ModelCheckpoint is "{said}", which must end in {ending}')
        return site.call
    site.changed(f"{said} → {new}")
    return arguments.replace(site.call, found, found.with_changes(value=arguments.quoted(found.value, new)))


def _accuracy_in(site: Site, name: str) -> str:
    """``{val_acc:.2f}`` in a file's name."""
    if not site.facts.measures_accuracy():
        return name
    return re.sub(r"\{(val_)?acc([:}])", r"{\1accuracy\2", name)


def weights_file(site: Site) -> cst.Call:
    """Weights are saved as ``.weights.h5``; what is loaded is renamed where the script saves it."""
    found = arguments.keyword(site.call, "filepath") or next(iter(arguments.positional(site.call)), None)
    said = arguments.string(found.value) if found else None
    if found is None:
        return site.call
    if said is None:
        if site.name == ".save_weights" and isinstance(found.value, cst.Name | cst.BinaryOperation):
            site.note("the file of save_weights must end in .weights.h5")
        return site.call
    new = weights_name(said)
    if new == said or said not in site.facts.saved:
        return site.call
    site.changed(f"{said} → {new}")
    return arguments.replace(site.call, found, found.with_changes(value=arguments.quoted(found.value, new)))


def weights_name(name: str) -> str:
    """The name of a file of weights, as Keras 3 wants it.

    Example:
        >>> weights_name("net.h5"), weights_name("net.weights.h5"), weights_name("weights.hdf5")
        ('net.weights.h5', 'net.weights.h5', 'weights.weights.h5')
    """
    if name.endswith(".weights.h5"):
        return name
    for ending in (".weights.hdf5", ".hdf5", ".h5", ".hdf", ".hf5"):
        name = name.removesuffix(ending)
    return f"{name}.weights.h5"


def _model_name(name: str) -> str:
    if name.endswith((".keras", ".h5")):
        return name
    return f"{name.removesuffix('.hdf5')}.keras"
