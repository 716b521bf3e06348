"""Compiling, training and predicting whose call takes more than other names."""

from __future__ import annotations

import functools

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.site import Site


def compile_metrics(site: Site) -> cst.Call:
    """Adds ``metrics=["accuracy"]`` where `fit` was to show it."""
    receiver = site.facts.receiver(site.original)
    if receiver not in site.facts.shown or arguments.keyword(site.call, "metrics"):
        return site.call
    quote = site.quote()
    site.changed("show_accuracy → metrics")
    return arguments.added(site.call, "metrics", cst.parse_expression(f"[{quote}accuracy{quote}]"))


MODELS = ("keras.models.Model", "keras.Model")
_RESOLVED = {"loss": "losses", "metrics": "metrics", "optimizer": "optimizers"}


def known_words(site: Site) -> cst.Call:
    """Lists the losses, metrics and optimizers that Keras does not know by the name that they are given."""
    if site.facts.customs:
        return site.call
    for position, name in enumerate(("optimizer", "loss", "metrics")):
        given = arguments.value(site.call, name, position)
        for said in [] if given is None else strings(given):
            if name == "metrics" and said in ("acc", "accuracy", "ce", "crossentropy"):
                continue
            if not _resolves(_RESOLVED[name], said):
                site.left(f'{name}: Keras 3 knows no "{said}"')
    return site.call


def metrics_of_each(site: Site) -> cst.Call:
    """``metrics=["accuracy"]`` of a model with several outputs, which meant each of them: a list for each."""
    given = arguments.value(site.call, "metrics", 2)
    assert isinstance(site.original.func, cst.Attribute)
    made = site.facts.value_of(site.original.func.value, site.original)
    if not isinstance(made, cst.Call) or site.facts.new_name(made.func) not in MODELS or site.facts.modern():
        return site.call
    outputs = arguments.value(made, "outputs", 1) or arguments.value(made, "output")
    if not isinstance(given, cst.List) or not isinstance(outputs, cst.List) or len(outputs.elements) < 2:
        return site.call
    if not given.elements or any(isinstance(e.value, cst.List | cst.Tuple) for e in given.elements):
        return site.call
    if site.facts.of_tensorflow():
        site.left(f"metrics={site.code(given)} of several outputs: give a list for each of them")
        return site.call
    site.changed("metrics → a list for each output")
    each = ", ".join([site.code(given)] * len(outputs.elements))
    arg = next(a for a in site.call.args if a.value is given)
    return arguments.replace(site.call, arg, arg.with_changes(value=cst.parse_expression(f"[{each}]")))


def strings(node: cst.BaseExpression) -> list[str]:
    """The strings that it is, or has in a list, a tuple or the values of a dictionary."""
    if isinstance(node, cst.Dict):
        return [s for e in node.elements if isinstance(e, cst.DictElement) for s in strings(e.value)]
    if isinstance(node, cst.List | cst.Tuple):
        return [s for e in node.elements for s in strings(e.value)]
    said = arguments.string(node)
    return [] if said is None else [said]


def with_string(node: cst.BaseExpression, old: str, new: str) -> cst.BaseExpression:
    """With another string in place of one, also in a list, a tuple or the values of a dictionary."""
    if isinstance(node, cst.Dict | cst.List | cst.Tuple):
        elements = [e.with_changes(value=with_string(e.value, old, new)) for e in node.elements]
        return node.with_changes(elements=elements)
    return arguments.quoted(node, new) if arguments.string(node) == old else node


@functools.cache
def _resolves(module: str, said: str) -> bool:
    import keras

    try:
        getattr(keras, module).get(said)
    except ValueError:
        return False
    return True


def show_accuracy(site: Site) -> cst.BaseExpression:
    """Drops the argument, which is said in `compile`; an `evaluate` without it gave the loss alone."""
    found = arguments.keyword(site.call, "show_accuracy")
    receiver = site.facts.receiver(site.original)
    shown = receiver in site.facts.shown
    if found is not None:
        plain = isinstance(found.value, cst.Integer | cst.Name) and site.code(found.value) in _TRUTHS
        if site.name == ".evaluate" and not plain:
            site.left("show_accuracy: what evaluate returns depends on it; give True or False")
            return site.call
        if site.name == ".evaluate" and shown and site.code(found.value) in ("False", "0"):
            site.changed("evaluate without show_accuracy gave the loss alone")
            call = arguments.without(site.call, found)
            return cst.Subscript(call, [cst.SubscriptElement(cst.Index(cst.Integer("0")))])
        if shown and receiver not in site.facts.compiles:
            site.left("show_accuracy: add metrics=['accuracy'] where this model is compiled")
            return site.call
        return arguments.without(site.call, found)
    taken = isinstance(site.facts.parent(site.original), cst.Subscript)
    if site.name == ".evaluate" and shown and not taken and not arguments.starred(site.call):
        site.changed("evaluate without show_accuracy gave the loss alone")
        return cst.Subscript(site.call, [cst.SubscriptElement(cst.Index(cst.Integer("0")))])
    return site.call


_TRUTHS = ("True", "False", "1", "0")


def patience(site: Site) -> cst.Call:
    """``EarlyStopping("val_loss", 5)``: Keras 1 had the patience second, where Keras 2 put min_delta."""
    given = arguments.positional(site.call)
    if len(given) < 2 or isinstance(given[1].value, cst.Float) or site.facts.number(given[1].value) == 0:
        return site.call
    if site.facts.early:
        site.changed("arguments from place 2 on → patience, verbose, mode")
        return arguments.positions_named(site.call, ("monitor", "patience", "verbose", "mode"), 1)
    if site.facts.number(given[1].value) is not None:
        site.left(
            f"EarlyStopping with {site.code(given[1].value)} in the second place: the patience of Keras 1, "
            "or the min_delta of Keras 2; give it by its name"
        )
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
    predicted = arguments.with_method(site.call, "predict")
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
        if layer in site.facts.unsure and name not in ("BatchNormalization", "Dropout"):
            return None
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
    return arguments.with_method(site.call, "predict")


def add_weight(site: Site) -> cst.Call:
    """``add_weight("kernel", (3, 4))`` of Keras 2, whose first argument was the name."""
    given = arguments.positional(site.call)
    if not given or arguments.string(given[0].value) is None:
        return site.call
    site.changed("add_weight: the name is given by its name")
    return arguments.positions_named(site.call, ("name", "shape", "dtype", "initializer", "regularizer"), 0)
