"""Optimizers, training, predicting and callbacks whose call takes more than other names."""

from __future__ import annotations

import re

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.calls_layers import FORMATS
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


def compile_metrics(site: Site) -> cst.Call:
    """Adds ``metrics=["accuracy"]`` where `fit` was to show it."""
    receiver = site.facts.receiver(site.original)
    if receiver not in site.facts.shown or arguments.keyword(site.call, "metrics"):
        return site.call
    quote = site.quote()
    site.changed("show_accuracy → metrics")
    return arguments.added(site.call, "metrics", cst.parse_expression(f"[{quote}accuracy{quote}]"))


def show_accuracy(site: Site) -> cst.BaseExpression:
    """Drops the argument, which is said in `compile`; an `evaluate` without it gave the loss alone."""
    found = arguments.keyword(site.call, "show_accuracy")
    receiver = site.facts.receiver(site.original)
    shown = receiver in site.facts.shown
    if found is not None:
        if shown and receiver not in site.facts.compiles:
            site.left("show_accuracy: add metrics=['accuracy'] where this model is compiled")
            return site.call
        return arguments.without(site.call, found)
    if site.name == ".evaluate" and shown and not arguments.starred(site.call):
        site.changed("evaluate without show_accuracy gave the loss alone")
        return cst.Subscript(site.call, [cst.SubscriptElement(cst.Index(cst.Integer("0")))])
    return site.call


def default_epochs(site: Site) -> cst.Call:
    """Lists a `fit` that leaves the number of epochs to a default which is another today."""
    words = {a.keyword.value for a in site.call.args if a.keyword}
    told = "epochs" in words or len(arguments.positional(site.call)) > 3 or arguments.starred(site.call)
    if site.facts.early and site.facts.is_model(site.original) and not told:
        site.left(
            "fit without nb_epoch: Keras 1 trained 10 epochs, Keras 0 100, Keras 3 trains 1; give epochs"
        )
    return site.call


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
    call = site.call
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


def predict_classes(site: Site) -> cst.BaseExpression:
    """By the width of the last layer: the largest of several, or whether the only one is above a half."""
    layers = site.facts.model(site.original)
    several = _several(site, layers)
    if several is None:
        site.left(
            "predict_classes: the last layer cannot be seen; take predict(…).argmax(axis=-1) of several "
            "outputs, (predict(…) > 0.5).astype('int32') of one"
        )
        return site.call
    site.changed("predict_classes → predict")
    predicted = _method(site.call, "predict")
    if several:
        return cst.Call(cst.Attribute(predicted, cst.Name("argmax")), cst.parse_expression("f(axis=-1)").args)  # type: ignore[attr-defined]
    above = cst.Comparison(
        predicted,
        [cst.ComparisonTarget(cst.GreaterThan(), cst.Float("0.5"))],
        lpar=[cst.LeftParen()],
        rpar=[cst.RightParen()],
    )
    kind = cst.SimpleString(f"{site.quote()}int32{site.quote()}")
    return cst.Call(cst.Attribute(above, cst.Name("astype")), [cst.Arg(kind)])


def _several(site: Site, layers: list[cst.Call]) -> bool | None:
    for layer in reversed(layers):
        name = (site.facts.new_name(layer.func) or "").rpartition(".")[2]
        said = arguments.text(layer, "activation") or (
            arguments.string(arguments.value(layer, "activation", 0)) if name == "Activation" else None
        )
        if said == "softmax" or name == "Softmax":
            return True
        if name == "Dense":
            positions = arguments.positional(layer)
            old = len(positions) > 1 and site.facts.number(positions[1].value) is not None
            width = arguments.value(layer, "units", 1 if old else 0) or arguments.value(layer, "output_dim")
            number = site.facts.number(width)
            return None if number is None else number > 1
        if name not in ("Activation", "BatchNormalization", "Dropout"):
            return None
    return None


def predict_proba(site: Site) -> cst.Call:
    """``predict_proba(…)`` of a Keras model to ``predict(…)``."""
    if not site.facts.is_model(site.original):
        return site.call
    site.changed("predict_proba → predict")
    return _method(site.call, "predict")


def _method(call: cst.Call, name: str) -> cst.Call:
    assert isinstance(call.func, cst.Attribute)
    return call.with_changes(func=call.func.with_changes(attr=cst.Name(name)))


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


def add_weight(site: Site) -> cst.Call:
    """``add_weight("kernel", (3, 4))`` of Keras 2, whose first argument was the name."""
    given = arguments.positional(site.call)
    if not given or arguments.string(given[0].value) is None:
        return site.call
    site.changed("add_weight: the name is given by its name")
    return arguments.positions_named(site.call, ("name", "shape", "dtype", "initializer", "regularizer"), 0)


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


def last_axis(site: Site) -> cst.BaseExpression:
    """Functions of the backend whose axis was the last one where none was given."""
    short = site.old.rpartition(".")[2]
    call = site.call.with_changes(func=cst.parse_expression(site.keras(f"ops.{short}")))
    site.changed(f"K.{short} → keras.ops.{short}")
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
    return _method(arguments.replace(site.call, given, new), "set_image_data_format")


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
    return _method(site.call, "image_data_format")


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
