"""Keys of logs, and files that callbacks and models write."""

from __future__ import annotations

import re

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.facts import Facts
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
    if said is None or not said.endswith("acc") or site.facts.measures_acc():
        return None
    if said not in ("acc", "val_acc") or not site.facts.measures_accuracy():
        site.left(
            f'"{said}": the key is that of the metric, "accuracy" or "acc"; which one cannot be seen here'
        )
        return None
    return arguments.quoted(node, said.replace("acc", "accuracy"))


def checkpoint_file(site: Site) -> cst.Call:
    """Keras 3 wants ``.keras`` or ``.h5`` of a model, and ``.weights.h5`` of weights."""
    only = _weights_only(site.call)
    positions = arguments.positional(site.call)
    period = arguments.keyword(site.call, "period") or (positions[6] if len(positions) > 6 else None)
    if period is not None and site.code(period.value) == "1":
        site.changed("period=1 is the default")
        site.call = arguments.without(site.call, period)
    elif period is not None:
        site.left(f"period={site.code(period.value)}: give save_freq, which counts batches")
    found = arguments.keyword(site.call, "filepath") or next(iter(arguments.positional(site.call)), None)
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


def file_name(site: Site) -> cst.Call:
    """The file of ``save``, ``save_weights`` and of loading, renamed where the script saves it."""
    found = arguments.keyword(site.call, "filepath") or next(iter(arguments.positional(site.call)), None)
    said = arguments.string(found.value) if found else None
    if found is None:
        return site.call
    if said is None:
        if site.name == ".save_weights" and isinstance(found.value, cst.Name | cst.BinaryOperation):
            site.note("the file of save_weights must end in .weights.h5")
        return site.call
    new = renamed_files(site.facts).get(said, said)
    if new == said:
        return site.call
    site.changed(f"{said} → {new}")
    return arguments.replace(site.call, found, found.with_changes(value=arguments.quoted(found.value, new)))


def renamed_files(facts: Facts) -> dict[str, str]:
    """The files that a script saves under a name that Keras 3 refuses, and their new names."""
    found: dict[str, str] = {}
    for call in facts.saves:
        said = arguments.string(arguments.value(call, "filepath", 0))
        method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
        if said is None or (method == "save" and not facts.is_model(call)):
            continue
        if method == "save":
            new = said if said.endswith(".hdf5") else _model_name(said)
        else:
            weights = method == "save_weights" or _weights_only(call)
            new = weights_name(said) if weights else _model_name(said)
        if new != said:
            found[said] = new
    return found


def _weights_only(call: cst.Call) -> bool:
    given = arguments.value(call, "save_weights_only", 4)
    return isinstance(given, cst.Name) and given.value == "True"


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
