"""Import statements: rewritten, added, and taken out where nothing uses them any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import libcst as cst

from normwise.migrate.facts import dotted

Renamed = Callable[[cst.CSTNode, str], str]


def rewritten_imports(
    original: Sequence[cst.BaseSmallStatement],
    updated: Sequence[cst.BaseSmallStatement],
    renamed: Renamed,
    taken: Callable[[str], bool],
) -> list[cst.BaseSmallStatement]:
    """The statements of a line, imports by their new names; more of them if these are in several modules."""
    statements: list[cst.BaseSmallStatement] = []
    for old, new in zip(original, updated, strict=True):
        if isinstance(old, cst.Import):
            statements.append(_plain(old, renamed))
        elif isinstance(old, cst.ImportFrom):
            statements += _from(old, renamed, taken)
        else:
            statements.append(new)
    return statements


def on_lines(
    line: cst.SimpleStatementLine, statements: list[cst.BaseSmallStatement]
) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
    """The line with these statements; on several lines where there are more of them than it had."""
    if len(statements) == len(line.body):
        return line.with_changes(body=statements)
    first = line.with_changes(body=[statements[0]])
    others = [cst.SimpleStatementLine([s]) for s in statements[1:]]
    return cst.FlattenSentinel([first, *others])


def _plain(node: cst.Import, renamed: Renamed) -> cst.Import:
    names = []
    for alias in node.names:
        old = dotted(alias.name)
        new = renamed(node, old)
        if not alias.asname and old.partition(".")[0] != new.partition(".")[0]:
            new = old  # the name that it binds is another's; its uses are written by the package keras
        asname = None if alias.asname and dotted(alias.asname.name) == new else alias.asname
        names.append(alias if new == old else alias.with_changes(name=_node(new), asname=asname))
    return node.with_changes(names=names)


def _from(
    node: cst.ImportFrom, renamed: Renamed, taken: Callable[[str], bool]
) -> list[cst.BaseSmallStatement]:
    if node.module is None or node.relative:
        return [node]
    module = dotted(node.module)
    if isinstance(node.names, cst.ImportStar):
        new = renamed(node, f"{module}.*").removesuffix(".*")
        return [node if new == module else node.with_changes(module=_node(new))]
    groups: dict[str, list[cst.ImportAlias]] = {}
    for alias in node.names:
        old = dotted(alias.name)
        place, _, name = renamed(node, f"{module}.{old}").rpartition(".")
        kept = alias.asname
        if kept is None and name != old and (is_module(old) or taken(name)):
            kept = cst.AsName(cst.Name(old))
        if kept is not None and dotted(kept.name) == name:
            kept = None
        new_alias = alias.with_changes(name=cst.Name(name), asname=kept)
        seen = {(dotted(a.name), dotted(a.asname.name) if a.asname else "") for a in groups.get(place, [])}
        if (name, dotted(kept.name) if kept else "") not in seen:
            groups.setdefault(place, []).append(new_alias)
    if list(groups) == [module] and len(groups[module]) == len(node.names):
        return [node.with_changes(names=groups[module])]
    return [_group(node, place, names, len(groups) == 1) for place, names in groups.items()]


def is_module(name: str) -> bool:
    """By the way that they are written: modules of Keras in small letters with an underscore."""
    return name.endswith("_utils") or name in _MODULES


_MODULES = frozenset(
    [
        "objectives",
        "initializations",
        "core",
        "convolutional",
        "recurrent",
        "embeddings",
        "normalization",
        "advanced_activations",
        "noise",
        "wrappers",
        "pooling",
        "merge",
        "containers",
        "topology",
        "training",
        "text",
        "convolutional_recurrent",
        "visualize_util",
    ]
)


def _group(
    node: cst.ImportFrom, place: str, names: list[cst.ImportAlias], alone: bool
) -> cst.Import | cst.ImportFrom:
    if not place:  # `from tensorflow import keras`
        plain = [a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in names]
        return cst.Import(plain)
    last = names[-1]
    if not (alone and node.lpar):
        names = [*names[:-1], last.with_changes(comma=cst.MaybeSentinel.DEFAULT)]
    changed = node.with_changes(module=_node(place), names=names)
    return changed if alone else changed.with_changes(lpar=None, rpar=None, names=[_bare(a) for a in names])


def _bare(alias: cst.ImportAlias) -> cst.ImportAlias:
    return alias.with_changes(comma=cst.MaybeSentinel.DEFAULT)


def _node(name: str) -> cst.Attribute | cst.Name:
    return cast("cst.Attribute | cst.Name", cst.parse_expression(name))


def with_modules(module: cst.Module, modules: set[str]) -> cst.Module:
    """The module with ``import keras`` or ``import math`` before its imports of Keras, if it lacks them."""
    missing = [m for m in sorted(modules) if not _imports(module.body, m)]
    if not missing:
        return module
    body = list(module.body)
    at = next((i for i, s in enumerate(body) if _of_keras(s)), _after_docstring(body))
    lines = [cst.SimpleStatementLine([cst.Import([cst.ImportAlias(cst.Name(m))])]) for m in missing]
    if at < len(body) and isinstance(body[at], cst.SimpleStatementLine):
        following = cast(cst.SimpleStatementLine, body[at])
        lines[0] = lines[0].with_changes(leading_lines=following.leading_lines)
        body[at] = following.with_changes(leading_lines=())
    return module.with_changes(body=[*body[:at], *lines, *body[at:]])


def _small(statement: cst.CSTNode) -> Sequence[cst.BaseSmallStatement]:
    return statement.body if isinstance(statement, cst.SimpleStatementLine) else ()


def _imports(body: Sequence[cst.CSTNode], name: str) -> bool:
    plain = [a for s in body for x in _small(s) if isinstance(x, cst.Import) for a in x.names]
    return any(dotted(a.name).partition(".")[0] == name and a.asname is None for a in plain)


def _of_keras(statement: cst.CSTNode) -> bool:
    for small in _small(statement):
        if isinstance(small, cst.Import) and any(dotted(a.name).split(".")[0] in _ROOTS for a in small.names):
            return True
        if (
            isinstance(small, cst.ImportFrom)
            and small.module
            and dotted(small.module).split(".")[0] in _ROOTS
        ):
            return True
    return False


_ROOTS = ("keras", "tensorflow")


def _after_docstring(body: Sequence[cst.CSTNode]) -> int:
    at = 0
    for at, statement in enumerate(body):
        small = _small(statement)
        said = small and isinstance(small[0], cst.Expr) and isinstance(small[0].value, cst.SimpleString)
        future = (
            small
            and isinstance(small[0], cst.ImportFrom)
            and dotted(small[0].module or small[0]) == "__future__"
        )
        if not (said or future):
            return at
    return at


class Used(cst.CSTVisitor):
    """The names that a module uses, outside of its imports."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)


class WithoutUnused(cst.CSTTransformer):
    """Takes some names out of the imports."""

    def __init__(self, names: set[str]) -> None:
        super().__init__()
        self.names = names

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        if isinstance(updated_node.names, cst.ImportStar):
            return updated_node
        kept = self._kept(updated_node.names)
        return updated_node.with_changes(names=kept) if kept else cst.RemoveFromParent()

    def leave_Import(
        self, original_node: cst.Import, updated_node: cst.Import
    ) -> cst.Import | cst.RemovalSentinel:
        kept = self._kept(updated_node.names)
        return updated_node.with_changes(names=kept) if kept else cst.RemoveFromParent()

    def _kept(self, names: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
        kept = [a for a in names if (dotted(a.asname.name) if a.asname else dotted(a.name)) not in self.names]
        if kept and len(kept) < len(names) and kept[-1] is not names[-1]:
            kept[-1] = kept[-1].with_changes(comma=names[-1].comma)
        return kept
