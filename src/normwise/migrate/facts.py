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
KERAS_2 = frozenset(
    [
        "epochs",
        "steps_per_epoch",
        "validation_steps",
        "units",
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "rate",
        "kernel_initializer",
        "kernel_regularizer",
        "data_format",
    ]
)
"""Keywords that Keras 1 did not have."""

SEQUENTIAL = ("keras.models.Sequential", "keras.Sequential")
Key = tuple[str, str]
"""A variable: the function that it is assigned in, "" at the top; and its name, such as ``self.model``."""


class Binding(NamedTuple):
    """What an import binds a name to."""

    name: str
    aliased: bool
    whole: bool  # `import a.b` binds a


class Assigned(NamedTuple):
    """A value that a variable is set to, and the statement that does it."""

    node: cst.CSTNode
    value: cst.BaseExpression


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
        self.assigned: dict[Key, list[Assigned]] = defaultdict(list)
        self.given: set[Key] = set()
        """Variables that are parameters, or bound by a loop or a ``with``."""
        self.own: set[str] = set()
        """Names that the script gives to something of its own."""
        self.classes: dict[str, cst.ClassDef] = {}
        self.methods: dict[str, set[str]] = defaultdict(set)
        """By the name of a function in the script, the names of its parameters."""
        self.returned: dict[str, list[cst.Return]] = defaultdict(list)
        self.layers: dict[cst.Call, list[cst.Call]] = {}
        """By each ``Sequential(…)`` that a variable is set to, its layers."""
        self.unsure: set[cst.Call] = set()
        """Layers that are added in some runs, or several times, or may have been taken out again."""
        self.first: set[cst.Call] = set()
        self.later: set[cst.Call] = set()
        self.compiles: dict[str, list[cst.Call]] = defaultdict(list)
        self.shown: set[str] = set()
        self.saves: list[cst.Call] = []
        self.tensorflow: tuple[int, str] | None = None
        self.early = self.late = self.sets_rate = self.orders_channels = self.customs = False
        self._blocks: dict[cst.Call, cst.CSTNode | None] = {}
        self._levels: dict[cst.Call, cst.CSTNode] = {}

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
            self._assign(node, target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node, node.target, node.value)

    def _assign(self, node: cst.CSTNode, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        parts = chain(target)
        if parts is None:
            self._bind(node, target)
            return
        if len(parts) == 1 and not (isinstance(value, cst.Name) and value.value == "None"):
            self.own.add(parts[0])
        self.assigned[self.key(node, ".".join(parts))].append(Assigned(node, value))
        if isinstance(value, cst.Call) and self.new_name(value.func) in SEQUENTIAL:
            given = arguments.value(value, "layers", 0)
            elements = [e.value for e in given.elements] if isinstance(given, cst.List) else []
            self.layers[value] = [e for e in elements if isinstance(e, cst.Call)]
            self._blocks[value] = self._block(node) if given is None else None
            self._levels[value] = self._level(node)

    def _bind(self, node: cst.CSTNode, target: cst.CSTNode) -> None:
        """Names that are bound to what cannot be seen."""
        if isinstance(target, cst.Name):
            self.given.add((self.function(node), target.value))
            self.own.add(target.value)
        elif isinstance(target, cst.Tuple | cst.List):
            for element in target.elements:
                self._bind(node, element.value)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self._bind(node, node.target)

    def visit_For(self, node: cst.For) -> None:
        self._bind(node, node.target)

    def visit_With(self, node: cst.With) -> None:
        for item in node.items:
            if item.asname is not None:
                self._bind(node, item.asname.name)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        every = node.params
        params = [*every.params, *every.kwonly_params, *every.posonly_params]
        stars = [p for p in (every.star_arg, every.star_kwarg) if isinstance(p, cst.Param)]
        names = {p.name.value for p in [*params, *stars]}
        self.given |= {(node.name.value, name) for name in names}
        self.own |= names | {node.name.value}
        self.methods[node.name.value] |= names

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.own.add(node.name.value)
        self.classes[node.name.value] = node

    def visit_Return(self, node: cst.Return) -> None:
        self.returned[self.function(node)].append(node)

    def visit_List(self, node: cst.List) -> None:
        parent = self.parent(self.parent(node))
        if isinstance(parent, cst.Call) and self.new_name(parent.func) in SEQUENTIAL:
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
            if shown is not None and cst.Module([]).code_for_node(shown) not in ("False", "0"):
                self.shown.add(receiver)
        elif method in ("save", "save_weights"):
            self.saves.append(node)
        elif method == "pop":
            made = self._current(node, receiver.removesuffix(".layers"))
            self.unsure |= set(self.layers[made]) if made else set()

    def _see(self, node: cst.Call, name: str | None) -> None:
        words = {a.keyword.value for a in node.args if a.keyword is not None}
        if name is not None and name.startswith(("keras.layers.", "keras.models.")):
            self.early = self.early or bool(words & KERAS_1)
            self.late = self.late or bool(words & KERAS_2)
        elif isinstance(node.func, cst.Attribute) and self.name(node.func) is None:
            self.early = self.early or bool(words & KERAS_1_METHODS)
            self.late = self.late or bool(words & KERAS_2)
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
        self.customs = self.customs or "custom_object" in short.lower().replace(
            "objectscope", "_object_scope"
        )
        if name == "keras.callbacks.ModelCheckpoint":
            self.saves.append(node)

    def _current(self, node: cst.CSTNode, name: str) -> cst.Call | None:
        """The ``Sequential(…)`` that a variable is set to at this place of the way through the module."""
        key = self.key(node, name)
        if key not in self.assigned and key[0] and key not in self.given:
            key = ("", name)
        value = self.assigned[key][-1].value if self.assigned.get(key) else None
        return value if isinstance(value, cst.Call) and value in self.layers else None

    def _add(self, node: cst.Call, layer: cst.Call) -> None:
        made = self._current(node, self.receiver(node))
        if made is None:
            return
        layers, block = self.layers[made], self._block(self.parent(node))
        alone = self._blocks[made] is not None and block is self._blocks[made]
        if not layers and alone:
            self.first.add(layer)
        elif layers and layers[0] in self.first:
            self.later.add(layer)
        if self._level(node) is not self._levels[made]:
            self.unsure.add(layer)
        layers.append(layer)

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
        assignments = [a for a in scope[parts[0]] if not self._sets_none(a)] if scope is not None else []
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
            values = [
                g.value for (_, name), given in self.assigned.items() if name == node.value for g in given
            ]
            bound = any(name == node.value for _, name in self.given)
            if len(values) == 1 and isinstance(values[0], cst.Integer) and not bound:
                return values[0].evaluated_value
        return None

    def value_of(self, node: cst.BaseExpression, at: cst.CSTNode) -> cst.BaseExpression:
        """What a variable is set to where `at` stands; the expression itself where that is not certain."""
        parts = chain(node)
        if parts is None:
            return node
        name = ".".join(parts)
        for key in (self.key(at, name), ("", name)):
            if key in self.given:
                return node
            if self.assigned.get(key):
                return self._value(self.assigned[key], at) or node
        return node

    def _value(self, given: list[Assigned], at: cst.CSTNode) -> cst.BaseExpression | None:
        """The only value; of several that are set one after the other in one block, the last before `at`."""
        if len(given) == 1:
            return given[0].value
        blocks = {self._block(g.node) for g in given}
        block = blocks.pop()
        if block is None or blocks or not self._within(at, block):
            return None
        before = [g for g in given if self.line(g.node) < self.line(at)]
        return before[-1].value if before else None

    def _within(self, node: cst.CSTNode, block: cst.CSTNode) -> bool:
        """Whether it stands in a block, and in no function inside of it."""
        while node is not block:
            if isinstance(node, cst.FunctionDef | cst.Lambda | cst.Module):
                return False
            node = self.parent(node)
        return True

    def model(self, node: cst.Call) -> list[cst.Call]:
        """The layers of the model that a method is called of, in order; none where they cannot be seen."""
        assert isinstance(node.func, cst.Attribute)
        made = self.value_of(node.func.value, node)
        if not isinstance(made, cst.Call):
            return []
        if made in self.layers:
            return self.layers[made]
        returned = self.returned.get(made.func.value, []) if isinstance(made.func, cst.Name) else []
        if len(returned) == 1 and returned[0].value is not None:
            built = self.value_of(returned[0].value, returned[0])
            if isinstance(built, cst.Call):
                return self.layers.get(built) or self._functional([built])
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

    def is_other(self, node: cst.Call) -> bool:
        """Whether a method is known to be of something else than Keras: of a class of the script's own, or of
        another package's."""
        assert isinstance(node.func, cst.Attribute)
        receiver = node.func.value
        if isinstance(receiver, cst.Name) and receiver.value == "self":
            at: cst.CSTNode = node
            while not isinstance(at, cst.ClassDef | cst.Module):
                at = self.parent(at)
            return isinstance(at, cst.ClassDef) and not self._of_keras(at)
        made = self.value_of(receiver, node)
        if not isinstance(made, cst.Call):
            return False
        if isinstance(made.func, cst.Name) and made.func.value in self.classes:
            return not self._of_keras(self.classes[made.func.value])
        name = self.name(made.func)
        return name is not None and rooted(name).split(".")[0] not in ("keras", "tensorflow")

    def _of_keras(self, node: cst.ClassDef) -> bool:
        """Whether a class is derived from one of Keras, or from one that cannot be seen."""
        for base in node.bases:
            own = self.classes.get(base.value.value) if isinstance(base.value, cst.Name) else None
            if own is not None and own is not node:
                if self._of_keras(own):
                    return True
            elif not (isinstance(base.value, cst.Name) and base.value.value == "object"):
                return True
        return False

    def taken(self, name: str) -> bool:
        """Whether a name belongs to something in the script that is not Keras'."""
        bound = self.bindings.get(name)
        if bound is None or bound.name == name:
            return name in self.own
        return name in self.own or rooted(bound.name).split(".")[0] != "keras"

    def keras_name(self) -> str | None:
        """What the package keras is called in the script."""
        return next((local for local, b in self.bindings.items() if rooted(b.name) == "keras"), None)

    def measures_accuracy(self) -> bool:
        """Whether models measure "accuracy", as a metric or because `fit` shows it, and none "acc"."""
        said = self._metrics()
        return "acc" not in said and ("accuracy" in said or bool(self.shown))

    def measures_acc(self) -> bool:
        """Whether models measure "acc", which is the key in Keras 3 too, and none "accuracy"."""
        said = self._metrics()
        return "acc" in said and "accuracy" not in said and not self.shown

    def _metrics(self) -> list[str | None]:
        given = [arguments.value(c, "metrics", 2) for calls in self.compiles.values() for c in calls]
        return [arguments.string(e.value) for g in given if isinstance(g, cst.List) for e in g.elements]

    def _sets_none(self, assignment: object) -> bool:
        """``except ImportError: keras = None``."""
        node = getattr(assignment, "node", None)
        statement = self.parent(self.parent(node)) if isinstance(node, cst.Name) else None
        value = statement.value if isinstance(statement, cst.Assign) else None
        return isinstance(value, cst.Name) and value.value == "None"

    def _scope(self, node: cst.CSTNode):  # type: ignore[no-untyped-def]
        while True:
            scope = self.get_metadata(ScopeProvider, node, None)
            if scope is not None or isinstance(node, cst.Module):
                return scope
            node = self.parent(node)

    def _level(self, node: cst.CSTNode) -> cst.CSTNode:
        """The block that it stands in, alone on its line or not."""
        while not isinstance(node, cst.IndentedBlock | cst.SimpleStatementSuite | cst.Module):
            node = self.parent(node)
        return node

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
