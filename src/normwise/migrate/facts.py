"""What can be seen in a script before anything is rewritten: imports, models and their layers, numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import ClassVar, NamedTuple

import libcst as cst
from libcst.metadata import (
    FunctionScope,
    GlobalScope,
    ImportAssignment,
    ParentNodeProvider,
    PositionProvider,
    ProviderT,
    ScopeProvider,
)

from normwise.migrate import arguments
from normwise.migrate.known import exists
from normwise.migrate.names import GONE, NAMES, moved, renamed, rooted

KERAS_1 = frozenset(
    [
        "init",
        "border_mode",
        "subsample",
        "dim_ordering",
        "nb_filter",
        "nb_row",
        "nb_col",
        "W_regularizer",
        "U_regularizer",
        "b_regularizer",
        "W_constraint",
        "b_constraint",
        "inner_activation",
        "inner_init",
        "dropout_W",
        "dropout_U",
    ]
)
"""Keywords of layers that Keras 2 no longer has: a script with one of them was written for Keras 0 or 1."""
KERAS_1_METHODS = frozenset(
    ["nb_epoch", "show_accuracy", "samples_per_epoch", "nb_val_samples", "nb_worker", "max_q_size"]
)
"""The same of methods."""

Key = tuple[str, str]
"""A variable: the function that it is assigned in, "" at the top; and its name, such as ``self.model``."""


class Binding(NamedTuple):
    """What an import binds a name to."""

    name: str
    aliased: bool
    whole: bool  # `import a.b` binds a


class Facts(cst.CSTVisitor):
    """What is seen on the way through a module."""

    METADATA_DEPENDENCIES: ClassVar[Collection[ProviderT]] = (
        ParentNodeProvider,
        PositionProvider,
        ScopeProvider,
    )

    def __init__(self) -> None:
        super().__init__()
        self.bindings: dict[str, Binding] = {}
        self.stars: list[str] = []
        self.assigned: dict[Key, list[cst.BaseExpression]] = defaultdict(list)
        self.returned: dict[str, str] = {}
        self.layers: dict[Key, list[cst.Call]] = defaultdict(list)
        self.first: set[cst.Call] = set()
        self.later: set[cst.Call] = set()
        self.compiles: dict[str, list[cst.Call]] = defaultdict(list)
        self.shown: set[str] = set()
        self.saved: set[str] = set()
        self.tensorflow: tuple[int, str] | None = None
        self.early = self.sets_rate = self.orders_channels = False
        self._blocks: dict[Key, cst.CSTNode | None] = {}

    # Imports

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            name = dotted(alias.name)
            if name == "tensorflow":
                self.tensorflow = (self.line(node), _local(alias))
            if alias.asname:
                self.bindings[_local(alias)] = Binding(name, True, False)
            else:
                root = name.partition(".")[0]
                self.bindings[root] = Binding(root, False, True)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module is None or node.relative:
            return
        module = dotted(node.module)
        if isinstance(node.names, cst.ImportStar):
            self.stars.append(module)
            return
        for alias in node.names:
            self.bindings[_local(alias)] = Binding(
                f"{module}.{dotted(alias.name)}", bool(alias.asname), False
            )

    def uses_keras(self) -> bool:
        """Whether Keras is imported at all, by itself or as TensorFlow's."""
        names = [b.name for b in self.bindings.values()] + self.stars
        return any(n.split(".")[0] in ("keras", "tensorflow") for n in names)

    def of_tensorflow(self) -> bool:
        """Whether it is TensorFlow's Keras, whose defaults were others."""
        names = [b.name for b in self.bindings.values()] + self.stars
        return any(rooted(n) != n for n in names) or not any(n.split(".")[0] == "keras" for n in names)

    def modern(self) -> bool:
        """Whether something is imported or used that only Keras 3 has."""
        names = [b.name for b in self.bindings.values()]
        return any(n.startswith(("keras.ops", "keras.random", "keras.config", "keras.saving")) for n in names)

    # Values

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            parts = chain(target.target)
            if parts:
                self._assign(node, self.key(node, ".".join(parts)), node.value)

    def _assign(self, node: cst.CSTNode, key: Key, value: cst.BaseExpression) -> None:
        self.assigned[key].append(value)
        if isinstance(value, cst.Call) and self.new_name(value.func) in (
            "keras.models.Sequential",
            "keras.Sequential",
        ):
            given = arguments.value(value, "layers", 0)
            elements = [e.value for e in given.elements] if isinstance(given, cst.List) else []
            self.layers[key] = [e for e in elements if isinstance(e, cst.Call)]
            self._blocks[key] = self._block(node) if given is None else None

    def visit_Return(self, node: cst.Return) -> None:
        parts = chain(node.value) if node.value else None
        if parts:
            self.returned[self.function(node)] = ".".join(parts)

    def visit_List(self, node: cst.List) -> None:
        parent = self.parent(self.parent(node))
        if isinstance(parent, cst.Call) and self.new_name(parent.func) in (
            "keras.models.Sequential",
            "keras.Sequential",
        ):
            calls = [e.value for e in node.elements]
            self.first |= {c for c in calls[:1] if isinstance(c, cst.Call)}
            self.later |= {c for c in calls[1:] if isinstance(c, cst.Call)}

    def visit_Call(self, node: cst.Call) -> None:
        self._see(node, self.new_name(node.func))
        if isinstance(node.func, cst.Call):
            self.later.add(node.func)
        if not isinstance(node.func, cst.Attribute):
            return
        method, receiver = node.func.attr.value, self.receiver(node)
        if method == "compile":
            self.compiles[receiver].append(node)
        elif method == "add" and len(node.args) == 1 and isinstance(node.args[0].value, cst.Call):
            self._add(node, node.args[0].value)
        elif method in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
            shown = arguments.value(node, "show_accuracy")
            if shown is not None and not (isinstance(shown, cst.Name) and shown.value == "False"):
                self.shown.add(receiver)
        elif method == "save_weights":
            said = arguments.string(arguments.value(node, "filepath", 0))
            if said:
                self.saved.add(said)

    def _see(self, node: cst.Call, name: str | None) -> None:
        words = {a.keyword.value for a in node.args if a.keyword is not None}
        if name is not None and name.startswith(("keras.layers.", "keras.models.")):
            self.early = self.early or bool(words & KERAS_1)
        elif isinstance(node.func, cst.Attribute) and self.name(node.func) is None:
            self.early = self.early or bool(words & KERAS_1_METHODS)
        short = (name or "").rpartition(".")[2]
        self.sets_rate = self.sets_rate or short in (
            "LearningRateScheduler",
            "ReduceLROnPlateau",
            "set_value",
        )
        self.orders_channels = self.orders_channels or short in (
            "set_image_dim_ordering",
            "set_image_data_format",
        )

    def _add(self, node: cst.Call, layer: cst.Call) -> None:
        key = self.key(node, self.receiver(node))
        if key not in self.layers and key[0]:
            key = ("", key[1])
        if key not in self.layers:
            return
        alone = self._blocks.get(key) is not None and self._block(self.parent(node)) is self._blocks[key]
        if not self.layers[key] and alone:
            self.first.add(layer)
        elif self.layers[key] and self.layers[key][0] in self.first:
            self.later.add(layer)
        self.layers[key].append(layer)

    # Questions

    def line(self, node: cst.CSTNode) -> int:
        """Where it stands in the script."""
        return int(self.get_metadata(PositionProvider, node).start.line)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode:
        """What it stands in."""
        found: cst.CSTNode = self.get_metadata(ParentNodeProvider, node)
        return found

    def function(self, node: cst.CSTNode) -> str:
        """The function that it stands in; "" at the top."""
        scope = self._scope(node)
        while scope is not None and not isinstance(scope, FunctionScope | GlobalScope):
            scope = scope.parent
        return (scope.name or "") if isinstance(scope, FunctionScope) else ""

    def key(self, node: cst.CSTNode, name: str) -> Key:
        """The variable of this name where something stands; what is of `self` belongs to the class."""
        if not name.startswith("self."):
            return self.function(node), name
        while not isinstance(node, cst.ClassDef | cst.Module):
            node = self.parent(node)
        return (f"class {node.name.value}" if isinstance(node, cst.ClassDef) else ""), name

    def receiver(self, node: cst.Call) -> str:
        """What a method is called of."""
        assert isinstance(node.func, cst.Attribute)
        return cst.Module([]).code_for_node(node.func.value)

    def name(self, node: cst.CSTNode) -> str | None:
        """The dotted name, as it was imported, of a name or an attribute; None of all that is no import."""
        parts = chain(node)
        if parts is None:
            return None
        scope = self._scope(node)
        assignments = list(scope[parts[0]]) if scope is not None else []
        imports = [a for a in assignments if isinstance(a, ImportAssignment)]
        if parts[0] in self.bindings and len(imports) == len(assignments):
            return ".".join([self.bindings[parts[0]].name, *parts[1:]])
        if imports or parts[0] in self.bindings:
            return None
        if any(type(a).__name__ != "BuiltinAssignment" for a in assignments):
            return None
        return next((f"{s}.{'.'.join(parts)}" for s in self.stars if _in_star(f"{s}.{parts[0]}")), None)

    def new_name(self, node: cst.CSTNode) -> str | None:
        """Its dotted name in Keras 3; None of all that is not Keras'."""
        name = self.name(node)
        if name is None:
            return None
        name = renamed(name)
        return name if name == "keras" or name.startswith("keras.") else None

    def number(self, node: cst.BaseExpression | None) -> int | None:
        """The integer that it is, or that its name is given once and for all."""
        if isinstance(node, cst.Integer):
            return node.evaluated_value
        if isinstance(node, cst.Name):
            values = [v for (_, name), given in self.assigned.items() if name == node.value for v in given]
            if len(values) == 1 and isinstance(values[0], cst.Integer):
                return values[0].evaluated_value
        return None

    def value_of(self, node: cst.BaseExpression, at: cst.CSTNode) -> cst.BaseExpression:
        """What a variable was last set to, in its function or else at the top; else the expression itself."""
        parts = chain(node)
        if parts:
            name = ".".join(parts)
            for key in (self.key(at, name), ("", name)):
                given = self.assigned.get(key)
                if given:
                    return given[-1]
        return node

    def model(self, node: cst.Call) -> list[cst.Call]:
        """The layers of the model that a method is called of, in order; none where they cannot be seen."""
        assert isinstance(node.func, cst.Attribute)
        name = self.receiver(node)
        for key in (self.key(node, name), ("", name)):
            if self.layers.get(key):
                return self.layers[key]
        made = self.value_of(node.func.value, node)
        if not isinstance(made, cst.Call):
            return []
        if isinstance(made.func, cst.Name) and made.func.value in self.returned:
            built = (made.func.value, self.returned[made.func.value])
            if self.layers.get(built):
                return self.layers[built]
            return self._functional(self.assigned.get(built, [])[-1:])
        return self._functional([made])

    def _functional(self, made: list[cst.BaseExpression]) -> list[cst.Call]:
        """The last layers of ``Model(inputs, outputs)``: those that are called one on the other."""
        if not made or not isinstance(made[0], cst.Call):
            return []
        call = made[0]
        if self.new_name(call.func) not in ("keras.models.Model", "keras.Model"):
            return []
        output = arguments.value(call, "outputs", 1) or arguments.value(call, "output")
        layers: list[cst.Call] = []
        node = output
        for _ in range(3):
            value = self.value_of(node, call) if node is not None else None
            if not isinstance(value, cst.Call) or not isinstance(value.func, cst.Call) or not value.args:
                break
            layers.insert(0, value.func)
            node = value.args[0].value
            if chain(node) and value is self.value_of(node, call):
                break
        return layers

    def is_model(self, node: cst.Call) -> bool:
        """Whether a method is known to be one of a Keras model."""
        assert isinstance(node.func, cst.Attribute)
        receiver = self.receiver(node)
        if receiver in self.compiles or self.model(node):
            return True
        made = self.value_of(node.func.value, node)
        return isinstance(made, cst.Call) and (self.new_name(made.func) or "").startswith("keras.models.")

    def keras_name(self) -> str | None:
        """What the package keras is called in the script."""
        return next((local for local, b in self.bindings.items() if rooted(b.name) == "keras"), None)

    def measures_accuracy(self) -> bool:
        """Whether models measure "accuracy", as a metric or because `fit` shows it, and none "acc"."""
        given = [arguments.value(c, "metrics", 2) for calls in self.compiles.values() for c in calls]
        said = [arguments.string(e.value) for g in given if isinstance(g, cst.List) for e in g.elements]
        return "acc" not in said and ("accuracy" in said or bool(self.shown))

    def _scope(self, node: cst.CSTNode):  # type: ignore[no-untyped-def]
        while True:
            scope = self.get_metadata(ScopeProvider, node, None)
            if scope is not None or isinstance(node, cst.Module):
                return scope
            node = self.parent(node)

    def _block(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The block of the statement that consists of this and of nothing else."""
        line = node if isinstance(node, cst.SimpleStatementLine) else self.parent(node)
        return (
            self.parent(line) if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
        )


def chain(node: cst.CSTNode | None) -> list[str] | None:
    """``a.b.c`` as its parts; None where it is not of names alone."""
    if isinstance(node, cst.Name):
        return [node.value]
    if isinstance(node, cst.Attribute):
        parts = chain(node.value)
        return None if parts is None else [*parts, node.attr.value]
    return None


def dotted(node: cst.CSTNode) -> str:
    """``a.b.c`` as it is written in an import."""
    return ".".join(chain(node) or [])


def _local(alias: cst.ImportAlias) -> str:
    return dotted(alias.asname.name) if alias.asname else dotted(alias.name)


def _in_star(name: str) -> bool:
    short = moved(name)
    if not short.startswith("keras."):
        return False
    return short in NAMES or short in GONE or short in CALLED or exists(renamed(name))


CALLED = frozenset(
    {"keras.layers.merge", "keras.layers.TimeDistributedDense", "keras.layers.ThresholdedReLU"}
)
"""Names without a successor whose calls are rewritten."""
