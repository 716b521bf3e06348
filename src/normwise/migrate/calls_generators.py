"""Training, evaluating and predicting by generators."""

from __future__ import annotations

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.site import Site

_GENERATORS = ("flow", "flow_from_directory", "flow_from_dataframe")
_SAMPLES = {
    "samples_per_epoch": "steps_per_epoch",
    "nb_val_samples": "validation_steps",
    "val_samples": "steps",
}
_FIT_GENERATOR = (
    "generator",
    "steps_per_epoch",
    "epochs",
    "verbose",
    "callbacks",
    "validation_data",
    "validation_steps",
    "class_weight",
    "max_queue_size",
    "workers",
    "use_multiprocessing",
)
_GONE_WITH_GENERATORS = (
    "max_queue_size",
    "workers",
    "use_multiprocessing",
    "max_q_size",
    "nb_worker",
    "pickle_safe",
)


def fit_generator(site: Site) -> cst.Call:
    """``fit_generator(…)`` to ``fit(…)``; what stood at a place is given by its name."""
    return _generator(site, "fit", _FIT_GENERATOR, None)


def evaluate_generator(site: Site) -> cst.Call:
    """``evaluate_generator(…)`` to ``evaluate(…)``, which shows nothing unless it is told."""
    return _generator(site, "evaluate", ("generator", "steps", "max_queue_size", "workers"), "0")


def predict_generator(site: Site) -> cst.Call:
    """``predict_generator(…)`` to ``predict(…)``, which shows nothing unless it is told."""
    return _generator(site, "predict", ("generator", "steps", "max_queue_size", "workers"), "0")


def _generator(site: Site, method: str, names: tuple[str, ...], verbose: str | None) -> cst.Call:
    call, facts = site.call, site.facts
    counts = len(arguments.positional(call)) > 1
    if counts and not (facts.early or facts.late or facts.of_tensorflow() or facts.modern()):
        site.left(
            f"{method}_generator with a number in the second place: Keras 1 counted samples there, Keras 2 "
            f"steps; call {method} with steps"
        )
        return call
    call = arguments.positions_named(
        call, [_of_keras_1(n, method) for n in names] if site.facts.early else names, 1
    )
    call = arguments.renamed(call, "generator", "x")
    counted = _counted(site, call)
    if counted is None:
        return site.call
    for name in _GONE_WITH_GENERATORS:
        if found := arguments.keyword(counted, name):
            counted = arguments.without(counted, found)
    if verbose is not None and arguments.keyword(counted, "verbose") is None:
        counted = arguments.added(counted, "verbose", cst.Integer(verbose))
    assert isinstance(counted.func, cst.Attribute)
    site.changed(f"{method}_generator → {method}")
    return counted.with_changes(func=counted.func.with_changes(attr=cst.Name(method)))


def _of_keras_1(name: str, method: str) -> str:
    """Keras 1 counted samples where Keras 2 counts steps."""
    if name == "steps_per_epoch":
        return "samples_per_epoch"
    if name == "validation_steps":
        return "nb_val_samples"
    return "val_samples" if name == "steps" and method != "fit" else name


def _counted(site: Site, call: cst.Call) -> cst.Call | None:
    """Samples become steps where the generator's batch size can be seen; None where it cannot."""
    for old, new in _SAMPLES.items():
        found = arguments.keyword(call, old)
        if found is None:
            continue
        source = arguments.value(call, "validation_data") if old == "nb_val_samples" else call.args[0].value
        if old == "nb_val_samples" and isinstance(source, cst.Tuple):
            call = arguments.without(call, found)
            continue
        size = _batch_size(site, source)
        if size is None:
            site.left(
                f"{old}: give {new}, the samples divided by the generator's batch size, which cannot be seen "
                "here, and call fit, evaluate or predict"
            )
            return None
        site.log.modules.add("math")
        steps = cst.parse_expression(f"math.ceil({site.code(found.value)} / {size})")
        site.changed(f"{old} → {new}")
        call = arguments.replace(call, found, arguments.named(found.with_changes(value=steps), new))
    return call


def _batch_size(site: Site, source: cst.BaseExpression | None) -> str | None:
    """Of ``datagen.flow(x, y, batch_size=b)``, also by way of a variable: b, or 32 where it is not said."""
    made = site.facts.value_of(source, site.original) if source is not None else None
    if not isinstance(made, cst.Call) or not isinstance(made.func, cst.Attribute):
        return None
    if made.func.attr.value not in _GENERATORS or arguments.starred(made):
        return None
    given = arguments.value(made, "batch_size", 2 if made.func.attr.value == "flow" else None)
    if given is None:
        return "32"
    return site.code(given) if isinstance(given, cst.Integer | cst.Name) else f"({site.code(given)})"
