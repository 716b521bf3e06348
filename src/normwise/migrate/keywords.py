"""Keywords that Keras 3 does not take, and those that cannot be seen: listed."""

from __future__ import annotations

from typing import cast

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.facts import KERAS_1, KERAS_1_METHODS
from normwise.migrate.known import parameters
from normwise.migrate.rows import ARGUMENTS
from normwise.migrate.site import Site

CHECKED_METHODS = (".fit", ".compile", ".predict", ".evaluate", ".train_on_batch", ".test_on_batch")


def list_starred(site: Site) -> None:
    """``Dense(3, **settings)``: old words in settings that can be seen are listed, others only noted."""
    short, method = site.name.rpartition(".")[2], site.name.startswith(".")
    old = {row.old for row in ARGUMENTS if site.name in row.where}
    old |= KERAS_1_METHODS if method else KERAS_1
    for arg in site.call.args:
        words = _words(site.facts.value_of(arg.value, site.original)) if arg.star == "**" else None
        if words is not None and words & old:
            named = ", ".join(sorted(words & old))
            site.left(f"{named}: given to {short} by a star, and not renamed there")
        elif arg.star and words is None:
            site.note(f"what is given to {short} by a star cannot be seen, nor renamed")


def _words(node: cst.BaseExpression) -> set[str] | None:
    """The keys of a dictionary that can be seen."""
    if isinstance(node, cst.Dict):
        keys = {arguments.string(e.key) for e in node.elements if isinstance(e, cst.DictElement)}
        return {key for key in keys if key is not None}
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "dict":
        return {a.keyword.value for a in node.args if a.keyword}
    return None


def list_unknown(site: Site, call: cst.Call) -> None:
    """Lists keywords that Keras 3 does not take."""
    if site.name.startswith("."):
        method = f".{call.func.attr.value}" if isinstance(call.func, cst.Attribute) else ""
        takes = parameters(f"keras.Model{method}") if method in CHECKED_METHODS else None
    else:
        takes = parameters(site.name)
    words = [a.keyword.value for a in call.args if a.keyword]
    padding = arguments.text(call, "padding")
    if site.name.startswith("keras.layers.") and padding not in (None, "valid", "same", "causal"):
        site.left(f'padding: Keras 3 has no "{padding}"')
    for word in words if takes is not None else []:
        said = any(word in why and line == site.facts.line(site.original) for line, why in site.log.left)
        if word not in cast(frozenset[str], takes) and not said:
            site.left(f"{site.name.lstrip('.')} takes no {word}; what to write instead is not known here")
