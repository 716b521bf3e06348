"""One change between Keras 1 or 2 and Keras 3: a row of the table that drives the rewriting."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["module", "name", "argument", "signature", "value", "call", "gone"]


class Change(NamedTuple):
    """A row.

    Attributes:
        kind: How it is applied. ``module``: a path that has moved. ``name``: a class or function that is
            called otherwise. ``argument``: a keyword of `where`. ``signature``: the old order of the
            arguments of `where`. ``value``: a string for the argument of `where`. ``call``: a call of
            `where` that takes more than that, a function that `rewriter` names. ``gone``: nothing of the
            kind is left, and `new` says what to do.
        old: What it was.
        new: What it is; of an argument ``""`` where it is dropped.
        version: The Keras version in which the old form was replaced.
        before: Code in the old form.
        after: The same, rewritten.
        where: The calls concerned: dotted names as in Keras 3, and methods with a dot before them.
        argument: Of a ``value``, whose it is, by its name in Keras 3.
        note: What the reader should know that the code does not say.
        runs: Why `after` is not executed in the tests; empty where it is.
    """

    kind: Kind
    old: str
    new: str
    version: str
    before: str
    after: str
    where: tuple[str, ...] = ()
    argument: str = ""
    note: str = ""
    runs: str = ""
