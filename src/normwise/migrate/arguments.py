"""Arguments of a call: found, renamed, added and left out without touching the layout of the others."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst


def keyword(call: cst.Call, name: str) -> cst.Arg | None:
    """The argument that is given by this name."""
    return next((a for a in call.args if a.keyword and a.keyword.value == name), None)


def value(call: cst.Call, name: str, position: int | None = None) -> cst.BaseExpression | None:
    """What is given by this name, or at this position."""
    found = keyword(call, name)
    if found is None and position is not None and position < len(call.args):
        at = call.args[position]
        found = at if at.keyword is None and not at.star else None
    return None if found is None else found.value


def positional(call: cst.Call) -> list[cst.Arg]:
    """The arguments without a name."""
    return [a for a in call.args if a.keyword is None and not a.star]


def starred(call: cst.Call) -> bool:
    """Whether some arguments cannot be seen: ``*args`` or ``**kwargs``."""
    return any(a.star for a in call.args)


def text(call: cst.Call, name: str) -> str | None:
    """The string that is given by this name, where it is a plain one."""
    return string(value(call, name))


def string(node: cst.BaseExpression | None) -> str | None:
    """What a plain string says."""
    if not isinstance(node, cst.SimpleString) or node.prefix not in ("", "u", "U", "r", "R"):
        return None
    said = node.evaluated_value
    return said if isinstance(said, str) else None


def quoted(node: cst.BaseExpression, said: str) -> cst.SimpleString:
    """A string in the quotes of another."""
    quote = node.quote if isinstance(node, cst.SimpleString) else '"'
    return cst.SimpleString(f"{quote}{said}{quote}")


def replace(call: cst.Call, old: cst.Arg, new: cst.Arg) -> cst.Call:
    """The call with one argument in place of another."""
    return call.with_changes(args=[new if _same(a, old) else a for a in call.args])


def _same(one: cst.Arg, other: cst.Arg) -> bool:
    """The same argument, though what stands around it may have changed meanwhile."""
    if one.keyword is None or other.keyword is None:
        return one is other
    return one.keyword.value == other.keyword.value


def named(arg: cst.Arg, name: str) -> cst.Arg:
    """The argument, given by this name."""
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return arg.with_changes(keyword=cst.Name(name), equal=arg.equal if arg.keyword else equal)


def renamed(call: cst.Call, old: str, new: str) -> cst.Call:
    """The call with a keyword renamed, in its place."""
    found = keyword(call, old)
    return call if found is None else replace(call, found, named(found, new))


def positions_named(call: cst.Call, names: Sequence[str], start: int) -> cst.Call:
    """The call with its positional arguments, from one on, given by these names."""
    given = positional(call)
    new = {arg: named(arg, name) for arg, name in list(zip(given, names, strict=False))[start:]}
    return call.with_changes(args=[new.get(a, a) for a in call.args])


def with_value(call: cst.Call, name: str, new: cst.BaseExpression) -> cst.Call:
    """The call with another value for a keyword."""
    found = keyword(call, name)
    return call if found is None else replace(call, found, found.with_changes(value=new))


def without(call: cst.Call, arg: cst.Arg) -> cst.Call:
    """The call without one argument; the ends of lines and the comments behind it stay."""
    args = list(call.args)
    at = next(i for i, a in enumerate(args) if _same(a, arg))
    last = at == len(args) - 1
    arg = args.pop(at)
    if at == 0:
        before = _merged(call.whitespace_before_args, _space(arg.comma))
        return call.with_changes(args=args, whitespace_before_args=before)
    previous = args[at - 1]
    if last and isinstance(arg.comma, cst.Comma):
        space = _merged(_space(previous.comma), _space(arg.comma))
        comma = arg.comma.with_changes(whitespace_after=space)
        args[at - 1] = previous.with_changes(comma=comma, whitespace_after_arg=arg.whitespace_after_arg)
    elif last:
        space = arg.whitespace_after_arg
        if isinstance(space, cst.ParenthesizedWhitespace):
            space = _merged(_space(previous.comma), space)
        args[at - 1] = previous.with_changes(comma=arg.comma, whitespace_after_arg=space)
    elif isinstance(previous.comma, cst.Comma):
        space = _merged(previous.comma.whitespace_after, _space(arg.comma))
        args[at - 1] = previous.with_changes(comma=previous.comma.with_changes(whitespace_after=space))
    return call.with_changes(args=args)


Space = cst.BaseParenthesizableWhitespace


def _space(comma: cst.Comma | cst.MaybeSentinel) -> Space:
    return comma.whitespace_after if isinstance(comma, cst.Comma) else cst.SimpleWhitespace("")


def _merged(one: Space, other: Space) -> Space:
    """What stood before an argument and what stood behind it, as one: the comments of both."""
    if not isinstance(other, cst.ParenthesizedWhitespace):
        return one
    if not isinstance(one, cst.ParenthesizedWhitespace):
        return other
    comment = other.first_line.comment
    lines = list(other.empty_lines)
    if comment is not None:
        lines.insert(0, cst.EmptyLine(one.indent, one.last_line, comment))
    return other.with_changes(first_line=one.first_line, empty_lines=[*one.empty_lines, *lines])


def added(call: cst.Call, name: str, new: cst.BaseExpression) -> cst.Call:
    """The call with a keyword more, at its end."""
    arg = named(cst.Arg(new), name)
    args = list(call.args)
    if args:
        last = args[-1]
        if isinstance(last.comma, cst.Comma):
            arg = arg.with_changes(comma=last.comma)
            between = args[-2].comma if len(args) > 1 else cst.MaybeSentinel.DEFAULT
            args[-1] = last.with_changes(comma=between)
        else:
            arg = arg.with_changes(whitespace_after_arg=last.whitespace_after_arg)
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
            args[-1] = last.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace(""))
    return call.with_changes(args=[*args, arg])


def with_method(call: cst.Call, name: str) -> cst.Call:
    """The call of another method of the same."""
    assert isinstance(call.func, cst.Attribute)
    return call.with_changes(func=call.func.with_changes(attr=cst.Name(name)))
