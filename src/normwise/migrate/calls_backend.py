"""Functions of keras.backend that take more than another name."""

from __future__ import annotations

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.calls_layers import FORMATS
from normwise.migrate.site import Site


def last_axis(site: Site) -> cst.BaseExpression:
    """Functions of the backend whose axis was the last one where none was given."""
    short = site.old.rpartition(".")[2]
    call = site.call.with_changes(func=cst.parse_expression(site.keras(f"ops.{short}")))
    site.changed(f"K.{short} → keras.ops.{short}")
    if short == "expand_dims":
        call = arguments.renamed(call, "dim", "axis")
    if arguments.value(call, "axis", 1) is None and not arguments.starred(call):
        call = arguments.added(call, "axis", cst.parse_expression("-1"))
    return call


def set_dim_ordering(site: Site) -> cst.BaseExpression:
    """``K.set_image_dim_ordering("th")`` to ``K.set_image_data_format("channels_first")``."""
    given = next(iter(site.call.args), None)
    said = arguments.string(given.value) if given else None
    if given is None or said not in FORMATS or not isinstance(site.call.func, cst.Attribute):
        site.left("set_image_dim_ordering: take set_image_data_format('channels_first' or 'channels_last')")
        return site.call
    site.changed("set_image_dim_ordering → set_image_data_format")
    new = given.with_changes(value=arguments.quoted(given.value, FORMATS[said]))
    return arguments.with_method(arguments.replace(site.call, given, new), "set_image_data_format")


def compare_dim_ordering(site: Site) -> cst.BaseExpression:
    """``K.image_dim_ordering() == "th"``: both sides."""
    parent = site.facts.parent(site.original)
    plain = isinstance(parent, cst.Comparison) and len(parent.comparisons) == 1
    other = parent.comparisons[0].comparator if plain and isinstance(parent, cst.Comparison) else None
    if arguments.string(other) not in FORMATS or not isinstance(site.call.func, cst.Attribute):
        site.left(
            "image_dim_ordering: take image_data_format, which says 'channels_first' or 'channels_last'"
        )
        return site.call
    site.changed("image_dim_ordering → image_data_format")
    return arguments.with_method(site.call, "image_data_format")


def seeded(site: Site) -> cst.Call:
    """Lists ``K.random_normal`` in a function: of a layer that is compiled Keras 3 wants a seed generator."""
    at = site.facts.parent(site.original)
    while not isinstance(at, cst.FunctionDef | cst.Lambda | cst.Module):
        at = site.facts.parent(at)
    if site.old.startswith("keras.backend.") and not isinstance(at, cst.Module):
        site.left(
            f"{site.name} in a layer needs seed=…: write a layer that holds a keras.random.SeedGenerator"
        )
    return site.call


def set_value(site: Site) -> cst.BaseExpression:
    """``K.set_value(variable, value)`` to ``variable.assign(value)``."""
    if len(arguments.positional(site.call)) != 2 or len(site.call.args) != 2:
        site.left("set_value: take variable.assign(value)")
        return site.call
    variable, value = site.call.args
    site.changed("K.set_value → assign")
    return cst.Call(
        cst.Attribute(variable.value, cst.Name("assign")),
        [value.with_changes(comma=cst.MaybeSentinel.DEFAULT)],
    )
