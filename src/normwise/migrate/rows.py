"""Arguments of a call by the rows of the table: their places, their names, their values."""

from __future__ import annotations

from normwise.migrate import arguments, calls_training
from normwise.migrate.changes import CHANGES
from normwise.migrate.known import order
from normwise.migrate.site import Site

ARGUMENTS = [c for c in CHANGES if c.kind == "argument"]
SIGNATURES = [c for c in CHANGES if c.kind == "signature"]
VALUES = [c for c in CHANGES if c.kind == "value"]


def named_by_place(site: Site) -> None:
    """Arguments that stood at a place which is another's now are given by their names."""
    if site.facts.modern():
        return
    for row in SIGNATURES:
        if site.name not in row.where:
            continue
        names = row.old.split(", ")
        today = order(site.name)
        start = next(i for i, name in enumerate(names) if name != today[i])
        if site.facts.of_tensorflow():
            names = list(today)
        if len(arguments.positional(site.call)) > start:
            site.changed(f"arguments from place {start + 1} on → {', '.join(names[start:])}")
            site.call = arguments.positions_named(site.call, names, start)


def renamed(site: Site) -> None:
    """Keywords that are called otherwise, or dropped."""
    for row in ARGUMENTS:
        found = arguments.keyword(site.call, row.old) if site.name in row.where else None
        if found is None:
            continue
        if row.old == "schedule_decay" and site.code(found.value) != "0.004":
            continue
        if row.new and arguments.keyword(site.call, row.new) is not None:
            continue  # both are given: the old one is listed as unknown
        site.changed(f"{row.old} → {row.new}" if row.new else f"{row.old} is dropped")
        if row.note:
            site.note(row.note)
        if row.new:
            site.call = arguments.renamed(site.call, row.old, row.new)
        else:
            site.call = arguments.without(site.call, found)


def revalued(site: Site) -> None:
    """Strings that are others."""
    for row in VALUES:
        if site.name not in row.where:
            continue
        found = arguments.keyword(site.call, row.argument)
        given = arguments.positional(site.call)
        if found is None and row.argument == "loss" and len(given) > 1:
            found = given[1]
        if found is not None and row.old in calls_training.strings(found.value):
            site.changed(f"'{row.old}' → '{row.new}'")
            new = found.with_changes(value=calls_training.with_string(found.value, row.old, row.new))
            site.call = arguments.replace(site.call, found, new)
