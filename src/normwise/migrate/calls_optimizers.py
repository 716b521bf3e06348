"""Optimizers: schedules for decay, and defaults that were others."""

from __future__ import annotations

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.site import Site

RATES = {
    "SGD": "0.01",
    "RMSprop": "0.001",
    "Adagrad": "0.01",
    "Adadelta": "1.0",
    "Adam": "0.001",
    "Adamax": "0.002",
    "Nadam": "0.002",
}
"""The learning rates that Keras 1 and 2 took where none was given."""
RATES_TODAY = {"SGD": "0.01", "Adam": "0.001", "RMSprop": "0.001"}


def decay(site: Site) -> cst.Call:
    """``decay=d`` to the schedule lr / (1 + d·update), with the same values."""
    found, call = arguments.keyword(site.call, "decay"), site.call
    if found is None:
        return call
    if site.facts.sets_rate:
        site.left(
            "decay beside something that sets the learning rate: Keras 3 has either a schedule or a value"
        )
        return call
    if site.code(found.value) in ("0", "0.", "0.0"):
        site.changed("decay=0 is dropped")
        return arguments.without(call, found)
    rate = arguments.keyword(call, "learning_rate") or next(iter(arguments.positional(call)), None)
    start = site.code(rate.value) if rate else RATES[site.name.rpartition(".")[2]]
    call = arguments.without(call, found)
    schedule = cst.parse_expression(
        f"{site.keras('optimizers.schedules.InverseTimeDecay')}"
        f"({start}, decay_steps=1, decay_rate={site.code(found.value)})"
    )
    site.changed("decay → keras.optimizers.schedules.InverseTimeDecay")
    if rate is None:
        return arguments.added(call, "learning_rate", schedule)
    at = next(a for a in call.args if a.value is rate.value)
    return arguments.replace(call, at, at.with_changes(value=schedule))


def default_rate(site: Site) -> cst.Call:
    """Says the learning rate that an optimizer took by default, where that was another in Keras 1 and 2."""
    kind = site.name.rpartition(".")[2]
    known = arguments.keyword(site.call, "learning_rate") or arguments.positional(site.call)
    given = None if known or arguments.starred(site.call) else _defaults(site, kind)
    if given is None:
        return site.call
    site.changed(f"the default learning rate of {kind} is said")
    call = site.call
    for name, value in given.items():
        if arguments.keyword(call, name) is None:
            call = arguments.added(call, name, cst.parse_expression(value))
    return call


def _defaults(site: Site, kind: str) -> dict[str, str] | None:
    """What an optimizer took by default; None where that is as today, and always was."""
    if kind in RATES_TODAY or site.facts.modern():
        return None
    if site.facts.of_tensorflow():
        site.note(
            f"the learning rate of {kind} was {RATES[kind]} by default in TensorFlow 1; that of 2 is taken"
        )
        return {"learning_rate": "0.001"}
    # Adagrad's sums began at 0; they begin at 0.1 today.
    return {"learning_rate": RATES[kind]} | (
        {"initial_accumulator_value": "0.0"} if kind == "Adagrad" else {}
    )


def named_optimizer(site: Site) -> cst.Call:
    """``optimizer="adadelta"`` to one with the learning rate that this meant."""
    found = arguments.keyword(site.call, "optimizer") or next(iter(arguments.positional(site.call)), None)
    said = arguments.string(found.value) if found else None
    kind = next((k for k in RATES if k.lower() == (said or "").lower()), None)
    given = None if kind is None else _defaults(site, kind)
    if found is None or given is None:
        return site.call
    inside = ", ".join(f"{name}={value}" for name, value in given.items())
    new = cst.parse_expression(f"{site.keras(f'optimizers.{kind}')}({inside})")
    site.changed(f"the default learning rate of {kind} is said")
    return arguments.replace(site.call, found, found.with_changes(value=new))


def epsilon_none(site: Site) -> cst.Call:
    """``epsilon=None`` meant the default."""
    found = arguments.keyword(site.call, "epsilon")
    if found is None or site.code(found.value) != "None":
        return site.call
    site.changed("epsilon=None is the default")
    return arguments.without(site.call, found)
