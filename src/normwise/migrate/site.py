"""A call that is being rewritten, and what is noted on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from normwise.migrate.facts import Facts


@dataclass
class Log:
    """What was done and what was left, by line of the script."""

    changed: list[tuple[int, str]] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)
    """Modules that the new code needs: keras, math."""
    inputs: dict[cst.Call, str] = field(default_factory=dict)
    """By first layer, the arguments of the keras.Input that goes before it."""


@dataclass
class Site:
    """One call.

    Attributes:
        original: As the script has it.
        call: As it is by now.
        name: Its dotted name in Keras 3, or the method with a dot before it.
        old: Its dotted name before, or the same method.
        facts: What can be seen in the script.
        log: What is noted.
    """

    original: cst.Call
    call: cst.Call
    name: str
    old: str
    facts: Facts
    log: Log

    def changed(self, what: str) -> None:
        """Notes what was done."""
        self.log.changed.append((self.facts.line(self.original), what))

    def left(self, why: str) -> None:
        """Notes what was left, and why."""
        self.log.left.append((self.facts.line(self.original), why))

    def note(self, what: str) -> None:
        """Notes what the reader should know."""
        self.log.notes.append((self.facts.line(self.original), what))

    def keras(self, name: str) -> str:
        """Code for a name of Keras 3, given without the package's name; imports the package where need be."""
        local = self.facts.keras_name()
        if local is None:
            self.log.modules.add("keras")
        return f"{local if local and '.' not in local else 'keras'}.{name}"

    def code(self, node: cst.CSTNode) -> str:
        """As it is written."""
        return cst.Module([]).code_for_node(node)

    def quote(self) -> str:
        """The quotes that the call has, or else double ones."""
        strings = [a.value.quote for a in self.call.args if isinstance(a.value, cst.SimpleString)]
        return strings[0] if strings else '"'
