"""explain: the whole story of a rule, and the list of all rules, as Markdown."""

from __future__ import annotations

from normwise.doctor.registry import RULES, rule_of
from normwise.doctor.rule import Rule

STAGES = {
    "1": "Data",
    "2": "Activations and gradients",
    "3": "Structure",
    "4": "Statistics",
}
"""By the first digit of a code."""


def explain(code: str) -> str:
    """What a rule detects, why, what to do, when it is wrong, and where it is from.

    Args:
        code: The rule's code, or the name of the defect.

    Returns:
        Markdown.

    Raises:
        NormwiseError: If there is no such rule.

    Example:
        >>> print(explain("nrm301").splitlines()[0])
        # NRM301 bias-before-normalization
    """
    return _story(rule_of(code), level=1)


def rules_table() -> str:
    """All rules as a table of Markdown, in the order of their codes.

    Example:
        >>> print(rules_table().splitlines()[0])
        | code | defect | severity | confidence | what it is |
    """
    lines = ["| code | defect | severity | confidence | what it is |", "|---|---|---|---|---|"]
    lines += [
        f"| {rule.code} | {rule.defect} | {rule.severity}{' (preview)' * rule.preview} | {rule.confidence} |"
        f" {rule.summary} |"
        for rule in RULES
    ]
    return "\n".join(lines) + "\n"


def rules_page() -> str:
    """The page of all rules, docs/doctor-rules.md.

    ``python -m normwise.doctor.explain > docs/doctor-rules.md`` makes it anew.
    """
    parts = [_INTRODUCTION, rules_table()]
    stage = ""
    for rule in RULES:
        if rule.code[3] != stage:
            stage = rule.code[3]
            parts.append(f"## {STAGES[stage]}\n")
        parts.append(_story(rule, level=3))
    return "\n".join(parts)


_INTRODUCTION = """# The rules of the doctor

Each rule is one defect. Its code is never given to another one. The severity is that of most of its findings;
some are milder or worse in one case or another, as the rule says. *Exact* findings follow from the structure
or from a count, *measured* ones from the rows that were looked at, *heuristic* ones are rules of thumb; only
exact ones can be errors. A rule in preview has a threshold that is not yet calibrated, or is a matter of
taste: it runs where it is asked for. [How often they are right](doctor-measured.md) is measured on labelled
networks.
"""


def _story(rule: Rule, level: int) -> str:
    """The rule's text under a heading, its own headings beneath."""
    summary, _, body = rule.text.partition("\n")
    head, below = "#" * level, "#" * (level + 1)
    facts = f"*{rule.severity}, {rule.confidence}{', in preview' * rule.preview}*"
    text = summary.partition(": ")[2]
    body = "\n".join(f"{below}{line[2:]}" if line.startswith("## ") else line for line in body.splitlines())
    return f"{head} {rule.code} {rule.defect}\n\n{text[0].upper()}{text[1:]}\n\n{facts}\n{body.rstrip()}\n"


if __name__ == "__main__":
    import sys

    sys.stdout.buffer.write(rules_page().encode())
