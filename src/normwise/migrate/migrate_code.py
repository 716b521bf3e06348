"""From Keras 1 or 2 to Keras 3, as text."""

from __future__ import annotations

import ast
import warnings

import libcst as cst
from libcst.metadata import MetadataWrapper

from normwise.core.errors import ScriptError
from normwise.migrate.advise import advise
from normwise.migrate.facts import CALLED, Facts
from normwise.migrate.imports import Used, WithoutUnused, with_modules
from normwise.migrate.migration import Line, Migration
from normwise.migrate.names import moved
from normwise.migrate.notes import notes
from normwise.migrate.rewriter import Rewriter
from normwise.migrate.site import Log


def migrate_code(code: str, advice: bool = False) -> Migration:
    """Rewrites a script for Keras 3.

    Args:
        code: Python that uses Keras 1, Keras 2 or TensorFlow's Keras.
        advice: Whether to look for what the doctor would find in the code.

    Returns:
        The new code, what was changed, what was left and why.

    Raises:
        ScriptError: If it is no Python 3, or does not import Keras.

    Example:
        >>> old = "from keras.layers.core import Dense\\nlayer = Dense(64, init='uniform')  # wide\\n"
        >>> print(migrate_code(old).code, end="")
        from keras.layers import Dense
        layer = Dense(64, kernel_initializer='random_uniform')  # wide
    """
    wrapper = MetadataWrapper(_parsed(code))
    facts, log = Facts(), Log()
    wrapper.visit(facts)
    if not facts.uses_keras():
        raise ScriptError(
            "the script imports neither keras nor tensorflow.keras: there is nothing to migrate."
        )
    with facts.resolve(wrapper):
        new = wrapper.visit(Rewriter(facts, log))
        said = notes(facts, wrapper.module)
        advised = advise(facts) if advice else ()
    needed = [m for m in log.modules if facts.taken(m)]
    log.left += [(1, f"{m} is a name of the script's own, and needed for an import") for m in needed]
    new = _without_unused(with_modules(new, log.modules), facts)
    said += _tensorflow(new, facts)
    return Migration(new.code, _lines(log.changed), _lines(log.left), _lines([*log.notes, *said]), advised)


def _lines(found: list[tuple[int, str]]) -> tuple[Line, ...]:
    return tuple(Line(*entry) for entry in dict.fromkeys(sorted(found)))


def _without_unused(module: cst.Module, facts: Facts) -> cst.Module:
    """Without the imports of what was rewritten at each call, and of a TensorFlow that is not used."""
    used = Used()
    module.visit(used)
    done = {local for local, b in facts.bindings.items() if moved(b.name) in CALLED}
    done |= {local for local, b in facts.bindings.items() if b.name == "tensorflow"}
    done -= used.names
    return module.visit(WithoutUnused(done)) if done else module


def _tensorflow(module: cst.Module, facts: Facts) -> list[tuple[int, str]]:
    """A note where TensorFlow is used beside Keras."""
    used = Used()
    module.visit(used)
    if facts.tensorflow is None or facts.tensorflow[1] not in used.names:
        return []
    text = (
        "TensorFlow is used beside Keras: run this with KERAS_BACKEND=tensorflow, or take keras.ops instead"
    )
    return [(facts.tensorflow[0], text)]


def _parsed(code: str) -> cst.Module:
    """The module; Python and LibCST each let pass what the other refuses, so both are asked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of "\\d" and the like
            ast.parse(code)
        return cst.parse_module(code)
    except SyntaxError as error:
        raise ScriptError(_not_python(code, error.lineno or 1)) from error
    except cst.ParserSyntaxError as error:
        raise ScriptError(_not_python(code, error.raw_line)) from error


def _not_python(code: str, at: int) -> str:
    lines = code.splitlines()
    line = lines[at - 1].strip() if 0 < at <= len(lines) else ""
    printed = next((i for i, text in enumerate(lines, 1) if _prints(text)), None)
    if printed is not None:
        return (
            f"line {printed} is Python 2, and no Python 3: {lines[printed - 1].strip()!r}. Make it Python 3 "
            "first, for example by the command 2to3 of Python 3.12 or earlier."
        )
    return f"line {at} is no Python 3: {line!r}. Expected a Python script."


def _prints(text: str) -> bool:
    words = text.split("#", maxsplit=1)[0].split()
    return (
        len(words) > 1 and words[0] == "print" and words[1][0] not in "(=.,[" and words[1] not in ("in", "is")
    )
