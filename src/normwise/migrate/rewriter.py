"""Applies the table of changes to a module, from the inside out."""

from __future__ import annotations

from typing import cast

import libcst as cst

from normwise.migrate import arguments, calls_files, calls_layers, rows
from normwise.migrate.changes import CHANGES
from normwise.migrate.facts import KERAS_1, KERAS_1_METHODS, Facts, chain
from normwise.migrate.imports import is_module, on_lines, rewritten_imports
from normwise.migrate.keywords import list_starred, list_unknown
from normwise.migrate.known import exists
from normwise.migrate.names import gone, moved, renamed, rooted
from normwise.migrate.site import Log, Site
from normwise.migrate.steps import AFTER, BEFORE, REPLACED, Step

NOTES = {c.old: c.note for c in CHANGES if c.kind in ("module", "name") and c.note}

SURE_METHODS = frozenset({".fit_generator", ".evaluate_generator", ".predict_generator", ".predict_classes"})
"""Methods that nothing but a Keras model has."""
BACKENDS = ("jax", "torch", "tensorflow", "numpy", "openvino")
GONE_METHODS = {
    ".reset_states": "call reset_state() of its recurrent layers",
    ".to_yaml": "take to_json()",
}


class Rewriter(cst.CSTTransformer):
    """The transformer. What it cannot do with certainty it leaves, and lists in its log."""

    def __init__(self, facts: Facts, log: Log) -> None:
        super().__init__()
        self.facts, self.log = facts, log
        self._files = calls_files.renamed_files(facts)

    # Imports are rewritten whole, by line.

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        if any(isinstance(s, cst.Import | cst.ImportFrom) for s in original_node.body):
            return on_lines(
                updated_node,
                rewritten_imports(original_node.body, updated_node.body, self._imported, self.facts.taken),
            )
        return self._with_input(original_node, updated_node)

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.SimpleStatementSuite:
        """``if …: import keras``."""
        body = rewritten_imports(original_node.body, updated_node.body, self._imported, self.facts.taken)
        return updated_node.with_changes(body=body)

    def _imported(self, node: cst.CSTNode, old: str) -> str:
        """The new name of what is imported; what is gone is listed."""
        new = renamed(old)
        why = gone(old)
        if why:
            self._left(node, why)
        elif old.endswith(".*"):
            if new != old:
                self.log.changed.append((self.facts.line(node), f"{old} → {new}"))
        elif rooted(old).split(".")[0] == "keras" and moved(old) not in REPLACED and not exists(new):
            self._left(node, f"{rooted(old)} is not in Keras 3, and no successor is known here")
        elif new != old:
            self.log.changed.append((self.facts.line(node), f"{old} → {new}"))
            self.log.notes += [
                (self.facts.line(node), f"{old}: {NOTES[n]}") for n in NOTES if _within(rooted(old), n)
            ]
        return new

    def _with_input(
        self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        """A keras.Input before the statement that adds a first layer."""
        statement = original.body[0] if len(original.body) == 1 else None
        call = statement.value if isinstance(statement, cst.Expr) else None
        if not isinstance(call, cst.Call) or not call.args or not isinstance(call.func, cst.Attribute):
            return updated
        layer = call.args[0].value
        shape = self.log.inputs.get(layer) if isinstance(layer, cst.Call) else None
        if shape is None or call.func.attr.value != "add":
            return updated
        added = cst.parse_statement(f"{self.facts.receiver(call)}.add({self._input(call)}({shape}))")
        added = cast(cst.SimpleStatementLine, added).with_changes(leading_lines=updated.leading_lines)
        return cst.FlattenSentinel([added, updated.with_changes(leading_lines=())])

    def _input(self, call: cst.Call) -> str:
        return Site(call, call, "", "", self.facts, self.log).keras("Input")

    def leave_List(self, original_node: cst.List, updated_node: cst.List) -> cst.BaseExpression:
        """A keras.Input before the first layer of ``Sequential([…])``."""
        first = original_node.elements[0].value if original_node.elements else None
        shape = self.log.inputs.get(first) if isinstance(first, cst.Call) else None
        if first not in self.facts.first or shape is None:
            return updated_node
        parent = self.facts.parent(self.facts.parent(first))
        if parent is not original_node:
            return updated_node
        value = cst.parse_expression(f"{self._input(cast(cst.Call, first))}({shape})")
        comma = _comma_alone(original_node.elements[0].comma) if len(original_node.elements) > 1 else _DEFAULT
        return updated_node.with_changes(elements=[cst.Element(value, comma), *updated_node.elements])

    # Names

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        parent = self.facts.parent(original_node)
        if isinstance(parent, cst.Attribute) and parent.attr is original_node:
            return updated_node
        if isinstance(parent, cst.Arg) and parent.keyword is original_node:
            return updated_node
        if isinstance(parent, cst.Param | cst.AssignTarget | cst.FunctionDef | cst.ClassDef):
            return (
                updated_node
                if not _is_value(parent, original_node)
                else self._name(original_node, updated_node)
            )
        return self._name(original_node, updated_node)

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        if original_node.attr.value == "lr" and self._is_optimizer(original_node.value):
            self.log.changed.append((self.facts.line(original_node), "lr → learning_rate"))
            return updated_node.with_changes(attr=cst.Name("learning_rate"))
        if original_node.attr.value in ("input", "output") and self._is_sequential(original_node.value):
            attribute = f"{original_node.attr.value}s"
            self.log.changed.append((self.facts.line(original_node), f"{attribute[:-1]} → {attribute}[0]"))
            first = [cst.SubscriptElement(cst.Index(cst.Integer("0")))]
            return cst.Subscript(updated_node.with_changes(attr=cst.Name(attribute)), first)
        return self._name(original_node, updated_node)

    def _is_sequential(self, node: cst.BaseExpression) -> bool:
        made = self.facts.value_of(node, node) if chain(node) else node
        return isinstance(made, cst.Call) and made in self.facts.layers

    def _is_optimizer(self, node: cst.BaseExpression) -> bool:
        parts = chain(node)
        if parts and parts[-1] == "optimizer":
            return True
        made = self.facts.value_of(node, node) if parts else None
        return isinstance(made, cst.Call) and (self.facts.new_name(made.func) or "").startswith(
            "keras.optimizers."
        )

    def _name(self, original: cst.BaseExpression, updated: cst.BaseExpression) -> cst.BaseExpression:
        name = self.facts.name(original)
        if name is None or rooted(name).split(".")[0] != "keras":
            return updated
        new, parts = renamed(name), chain(original) or []
        outer = self.facts.parent(original)
        if not (isinstance(outer, cst.Attribute) and outer.value is original):
            self._known(original, name, new)
        code = self._code(parts, name, new)
        if code == ".".join(parts):
            return updated
        if moved(name) != new:
            self.log.changed.append((self.facts.line(original), f"{rooted(name)} → {new}"))
            if rooted(name) in NOTES and len(parts) > 1:
                self.log.notes.append((self.facts.line(original), f"{rooted(name)}: {NOTES[rooted(name)]}"))
        node = cst.parse_expression(code)
        return node.with_changes(lpar=updated.lpar, rpar=updated.rpar)

    def _known(self, node: cst.CSTNode, old: str, new: str) -> None:
        """Lists what Keras 3 does not have, if it is no import's name, which is listed there."""
        if moved(old) in REPLACED or old.startswith("keras.src.") or exists(new):
            return
        why = gone(old) or f"{rooted(old)} is not in Keras 3, and no successor is known here"
        self._left(node, why)

    def _left(self, node: cst.CSTNode, why: str) -> None:
        entry = (self.facts.line(node), why)
        if entry not in self.log.left:
            self.log.left.append(entry)

    def _code(self, parts: list[str], old: str, new: str) -> str:
        """How a new name is written by the import that its old one came from."""
        bound = self.facts.bindings.get(parts[0])
        if bound is None:  # by a star
            return self._of_star(parts, new)
        base = renamed(bound.name)
        if new == base or new.startswith(base + "."):
            alone = bound.aliased or bound.whole or is_module(parts[0])
            local = (
                parts[0] if alone or self.facts.taken(base.rpartition(".")[2]) else base.rpartition(".")[2]
            )
            return local + new.removeprefix(base)
        keras = self.facts.keras_name()
        if keras is None:
            self.log.modules.add("keras")
        return (keras or "keras") + new.removeprefix("keras")

    def _of_star(self, parts: list[str], new: str) -> str:
        """How it is written after ``from keras.layers import *``."""
        for star in self.facts.stars:
            module = renamed(f"{star}.*").removesuffix("*")
            if new.startswith(module):
                return new.removeprefix(module)
        self.log.modules.add("keras")
        return new

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        if node.name.value == "get_output_shape_for":
            self._left(node, "get_output_shape_for is called compute_output_shape since Keras 2.0")

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.BaseExpression:
        """Lists other places that name a file which is renamed."""
        said = arguments.string(original_node)
        new = self._files.get(said) if said else None
        parent = self.facts.parent(original_node)
        call = self.facts.parent(parent) if isinstance(parent, cst.Arg) else None
        if new is None or (isinstance(call, cst.Call) and self._opens(call)):
            return updated_node
        self._left(original_node, f'the file "{said}" is saved as "{new}": see whether it is meant here too')
        return updated_node

    def _opens(self, call: cst.Call) -> bool:
        """Whether the name of a file in a call is rewritten there."""
        if self.facts.new_name(call.func) in ("keras.models.load_model", "keras.callbacks.ModelCheckpoint"):
            return True
        methods = ("save", "save_weights", "load_weights")
        return isinstance(call.func, cst.Attribute) and call.func.attr.value in methods

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        """``os.environ["KERAS_BACKEND"] = "theano"`` cannot be kept, nor can weights be set in a list."""
        target = original_node.targets[0].target
        inside = target.slice[0].slice if isinstance(target, cst.Subscript) else None
        key = arguments.string(inside.value) if isinstance(inside, cst.Index) else None
        said = arguments.string(original_node.value)
        if chain(original_node.value):
            self._passed_on(original_node, original_node.value)
        if isinstance(target, cst.Attribute) and target.attr.value == "trainable_weights":
            self._left(original_node, "trainable_weights cannot be set: make each by self.add_weight")
        if key == "KERAS_BACKEND" and said is not None and said not in BACKENDS:
            self._left(original_node, f"Keras 3 has no backend {said}: take jax, torch or tensorflow")
        return updated_node

    # Calls

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        name: str | None = self.facts.name(original_node.func)
        if name is not None and rooted(name).split(".")[0] == "keras":
            site = self._site(original_node, updated_node, renamed(name), moved(name))
            if site.old in REPLACED:
                return self._steps(
                    site,
                    AFTER[site.old]
                    if site.old != "keras.layers.TimeDistributedDense"
                    else (_as_dense, *AFTER[site.old]),
                )
            return self._rewritten(site)
        if name == "functools.partial" and original_node.args:
            self._passed_on(original_node, original_node.args[0].value)
        if name is None and isinstance(original_node.func, cst.Attribute):
            method = f".{original_node.func.attr.value}"
            site = self._site(original_node, updated_node, method, method)
            return self._method(site)
        return updated_node

    def _site(self, original: cst.Call, call: cst.Call, name: str, old: str) -> Site:
        return Site(original, call, name, old, self.facts, self.log)

    def _method(self, site: Site) -> cst.BaseExpression:
        if site.name == ".get" and (entry := self._logged(site)) is not None:
            return entry
        if self.facts.is_other(site.original):
            return site.call
        words = {a.keyword.value for a in site.call.args if a.keyword}
        if site.name == ".__init__" and words & KERAS_1:
            site.left(f"{', '.join(sorted(words & KERAS_1))}: what the class takes today cannot be seen here")
        if site.name == ".set_value" and site.code(site.call.func).endswith(".learning_rate.set_value"):
            site.left("set_value of the learning rate is assign since Keras 3.0")
        own = self.facts.methods.get(site.name[1:], set()) & words & KERAS_1_METHODS
        if own and not self.facts.is_model(site.original):
            site.left(f"{site.name[1:]}: whether this is Keras', or the script's own with {', '.join(own)}")
            return site.call
        if site.name in GONE_METHODS and self.facts.is_model(site.original):
            site.left(f"{site.name[1:]} of a model is gone: {GONE_METHODS[site.name]}")
        if site.name in SURE_METHODS or self.facts.is_model(site.original) or self._speaks_keras(site):
            return self._rewritten(site)
        return site.call

    def _speaks_keras(self, site: Site) -> bool:
        """Whether the keywords are such as only Keras has, or had; or the method is one of Keras' alone."""
        if site.name in (".save_weights", ".load_weights", ".compile", ".add_weight"):
            return True
        words = {a.keyword.value for a in site.call.args if a.keyword}
        if site.name == ".save":
            return False
        return site.name in (".fit", ".evaluate", ".predict") and bool(
            words & {"nb_epoch", "show_accuracy", "epochs", "steps_per_epoch", "batch_size"}
        )

    def _rewritten(self, site: Site) -> cst.BaseExpression:
        if arguments.starred(site.call) and site.name.startswith(("keras.layers.", "keras.optimizers.", ".")):
            list_starred(site)
        self._steps(site, BEFORE.get(site.name, ()))
        if site.name.startswith("keras.layers."):
            site.call = calls_layers.data_format(site)
            site.call = calls_layers.no_weights(site)
        rows.named_by_place(site)
        rows.renamed(site)
        rows.revalued(site)
        if site.name.startswith("keras.layers."):
            calls_layers.order_of_channels(site)
            site.call = calls_layers.first_layer(site)
        result = self._steps(site, AFTER.get(site.name, ()))
        if isinstance(result, cst.Call):
            list_unknown(site, result)
        return result

    def _passed_on(self, node: cst.CSTNode, value: cst.BaseExpression) -> None:
        """Lists a layer or an optimizer that is called elsewhere, by another name."""
        name = self.facts.new_name(value) or ""
        if name.startswith(("keras.layers.", "keras.optimizers.")) and name.rpartition(".")[2][0].isupper():
            self._left(node, f"what {name.rpartition('.')[2]} is given where it is called is not rewritten")

    def _steps(self, site: Site, steps: tuple[Step, ...]) -> cst.BaseExpression:
        result: cst.BaseExpression = site.call
        for step in steps:
            result = step(site)
            if not isinstance(result, cst.Call):
                return result
            site.call = result
        return result

    # Keys of logs

    def _is_log(self, node: cst.BaseExpression) -> bool:
        """``….history``, or a variable that is called so and is no dictionary of the script's own."""
        if isinstance(node, cst.Attribute):
            return node.attr.value == "history"
        if not isinstance(node, cst.Name) or node.value not in ("history", "logs", "hist"):
            return False
        made = self.facts.value_of(node, node)
        return made is node or (isinstance(made, cst.Attribute) and made.attr.value == "history")

    def _at(self, node: cst.CSTNode) -> Site:
        """A site for what is no call."""
        return Site(cast(cst.Call, node), cst.Call(cst.Name("f")), "", "", self.facts, self.log)

    def _logged(self, site: Site) -> cst.BaseExpression | None:
        """``logs.get("val_acc")``."""
        given = next(iter(arguments.positional(site.call)), None)
        if given is None or not self._is_log(cast(cst.Attribute, site.original.func).value):
            return None
        new = calls_files.accuracy(site, given.value)
        if new is None:
            return None
        site.changed(f"{site.code(given.value)} → {site.code(new)}")
        return arguments.replace(site.call, given, given.with_changes(value=new))

    def leave_Subscript(
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.BaseExpression:
        """``history.history["acc"]``, ``logs["acc"]``."""
        inside = updated_node.slice[0].slice
        if not isinstance(inside, cst.Index) or not self._is_log(original_node.value):
            return updated_node
        new = calls_files.accuracy(self._at(original_node), inside.value)
        if new is None:
            return updated_node
        self.log.changed.append((self.facts.line(original_node), "'acc' → 'accuracy'"))
        element = updated_node.slice[0].with_changes(slice=inside.with_changes(value=new))
        return updated_node.with_changes(slice=[element, *updated_node.slice[1:]])

    def leave_Comparison(
        self, original_node: cst.Comparison, updated_node: cst.Comparison
    ) -> cst.BaseExpression:
        """The other side of ``K.image_dim_ordering() == "th"``."""
        left = original_node.left
        name = self.facts.name(left.func) if isinstance(left, cst.Call) else None
        if (
            name is None
            or moved(name) != "keras.backend.image_dim_ordering"
            or len(updated_node.comparisons) != 1
        ):
            return updated_node
        target = updated_node.comparisons[0]
        said = arguments.string(target.comparator)
        if said not in calls_layers.FORMATS:
            return updated_node
        new = arguments.quoted(target.comparator, calls_layers.FORMATS[said])
        return updated_node.with_changes(comparisons=[target.with_changes(comparator=new)])


_DEFAULT = cst.MaybeSentinel.DEFAULT


def _comma_alone(comma: cst.Comma | cst.MaybeSentinel) -> cst.Comma | cst.MaybeSentinel:
    """A comma with the space behind it, but not the comment."""
    if not isinstance(comma, cst.Comma) or not isinstance(
        comma.whitespace_after, cst.ParenthesizedWhitespace
    ):
        return comma
    space = comma.whitespace_after.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=())
    return comma.with_changes(whitespace_after=space)


def _as_dense(site: Site) -> cst.BaseExpression:
    """The arguments of TimeDistributedDense, as those of Dense."""
    name, site.name = site.name, "keras.layers.Dense"
    site.call = calls_layers.second_argument(site)
    rows.renamed(site)
    rows.revalued(site)
    site.name = "keras.layers.TimeDistributed"
    if site.original in site.facts.first or site.original in site.facts.later:
        site.call = calls_layers.first_layer(site)
    site.name = name
    return site.call


def _is_value(parent: cst.CSTNode, node: cst.Name) -> bool:
    """Whether a name is the default of a parameter, and not its name."""
    return isinstance(parent, cst.Param) and parent.default is node


def _within(name: str, outer: str) -> bool:
    return name == outer or name.startswith(outer + ".")
