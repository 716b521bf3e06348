"""chosen_rules, layer_ignores: which rules are run, and where findings are ignored, from what was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from normwise.core.errors import NormwiseError
from normwise.doctor.registry import rule_of, selected
from normwise.doctor.rule import Rule


def chosen_rules(
    select: Sequence[str] = (), ignore: Sequence[str] = (), *, preview: bool = False
) -> tuple[Rule, ...]:
    """The rules to run, one or more.

    Raises:
        NormwiseError: If `select` or `ignore` is no list of words, a word fits no rule, or none is left.

    Example:
        >>> [rule.defect for rule in chosen_rules(["NRM3"], ["NRM301"])][0]
        'dropout-before-normalization'
    """
    rules = selected(words(select, "select"), words(ignore, "ignore"), preview=preview)
    if not rules:
        raise NormwiseError(
            f"select={list(select)} and ignore={list(ignore)} leave no rule to run; expected one or more, as"
            " what is not checked would pass for sound"
        )
    return rules


def words(value: Any, where: str) -> tuple[str, ...]:
    """A list of words.

    Raises:
        NormwiseError: If it is none.

    Example:
        >>> words("NRM3", "select")
        Traceback (most recent call last):
        normwise.core.errors.NormwiseError: select is 'NRM3'; expected a list of codes, such as ["NRM4"]
    """
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(w, str) for w in value):
        raise NormwiseError(f'{where} is {value!r}; expected a list of codes, such as ["NRM4"]')
    return tuple(value)


def layer_ignores(value: Any, where: str = "ignored_layers") -> dict[str, tuple[str, ...]]:
    """By a pattern of layers' paths, the codes, or beginnings of codes, that are ignored there.

    Args:
        value: A mapping from patterns to codes, beginnings of codes or names of defects; None is none.
        where: What it is called, for the message.

    Raises:
        NormwiseError: If it is no such mapping, or a word fits no rule.

    Example:
        >>> layer_ignores({"encoder/*": ["NRM4", "bias-before-normalization"]})
        {'encoder/*': ('NRM4', 'NRM301')}
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise NormwiseError(f'{where} is {value!r}; expected a table, such as {{"encoder/*" = ["NRM4"]}}')
    return {str(pattern): _codes(codes, f'{where}, "{pattern}"') for pattern, codes in value.items()}


def _codes(value: Any, where: str) -> tuple[str, ...]:
    """Names of defects as their codes: what is ignored in a layer is told by the beginning of a code."""
    given = words(value, where)
    try:
        selected(ignore=given)
    except NormwiseError as error:
        raise NormwiseError(f"{where}: {error}") from error
    return tuple(rule_of(word).code if "-" in word else word.upper() for word in given)
