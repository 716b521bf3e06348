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


def nesterov(site: Site) -> cst.Call:
    """``SGD(0.1, 0.9, True)`` as Keras 3 has it; in Keras 1 and 2 the third was the decay."""
    given = arguments.positional(site.call)
    third = given[2].value if len(given) > 2 else None
    if not isinstance(third, cst.Name) or third.value not in ("True", "False"):
        return site.call
    return arguments.positions_named(site.call, ("learning_rate", "momentum", "nesterov"), 2)


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
    kind, call = site.name.rpartition(".")[2], site.call
    known = arguments.keyword(call, "learning_rate") or arguments.positional(call)
    if arguments.starred(call) or (known and kind != "Adagrad"):
        return call
    given = _defaults(site, kind) or {}
    if site.facts.of_tensorflow() and given and not known:
        site.note(
            f"the learning rate of {kind} was {RATES[kind]} by default in TensorFlow 1; that of 2 is taken"
        )
    for name, value in given.items():
        if arguments.keyword(call, name) is None and not (known and name == "learning_rate"):
            site.changed(f"the default {name} of {kind} is said")
            call = arguments.added(call, name, cst.parse_expression(value))
    return call


def _defaults(site: Site, kind: str) -> dict[str, str] | None:
    """What an optimizer took by default; None where that is as today, and always was."""
    if kind in RATES_TODAY or site.facts.modern():
        return None
    later = site.facts.of_tensorflow()
    given = {"learning_rate": "0.001" if later else RATES[kind]}
    if kind == "Adagrad":  # Its sums began at 0; in TensorFlow 2 and today they begin at 0.1.
        given["initial_accumulator_value"] = "0.1" if later else "0.0"
    return given


def named_optimizer(site: Site) -> cst.Call:
    """``optimizer="adadelta"`` to one with the learning rate that this meant."""
    found = arguments.keyword(site.call, "optimizer") or next(iter(arguments.positional(site.call)), None)
    said = arguments.string(found.value) if found else None
    if found is not None and isinstance(found.value, cst.Name):
        meant = arguments.string(site.facts.value_of(found.value, site.original))
        if any(k.lower() == (meant or "").lower() and k not in RATES_TODAY for k in RATES):
            site.left(
                f'the optimizer "{meant}" has another default learning rate today: give '
                "the optimizer itself, with learning_rate"
            )
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
