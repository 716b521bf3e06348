"""The end of `doctor`: what was found, the worst first, and what was looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from normwise.cli.console import line, literal, results, write_text
from normwise.core.diagnosis import SEVERITIES, Check, Diagnosis, Finding
from normwise.core.remedies import Remedies
from normwise.doctor.rule import Rule

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
HEADINGS = {"error": "errors", "warning": "warnings", "info": "information"}
INDENT, LABEL = 2, 10
MOST_COLUMNS = 5


def show_diagnosis(diagnosis: Diagnosis, *, as_json: bool = False, quiet: bool = False) -> None:
    """Writes a diagnosis to standard output.

    Args:
        diagnosis: What was found.
        as_json: Its record in place of the text.
        quiet: Say nothing where nothing was found, and leave out what was looked at.
    """
    if as_json:
        write_text(diagnosis.to_json(indent=2) + "\n")
        return
    console = results()
    told = not quiet
    if told:
        line(console, f"{diagnosis.model}, examined on {_rows(diagnosis.rows)}", style="bold")
    for severity in SEVERITIES:
        found = [finding for finding in diagnosis.findings if finding.severity == severity]
        if found:
            if told:
                console.print()
            told = True
            line(console, f"{HEADINGS[severity]}: {len(found)}", style=STYLES[severity])
        for finding in found:
            _show(console, finding)
    if quiet:
        return
    console.print()
    for sentence in diagnosis.unseen:
        line(console, sentence, style="yellow", label="not seen  ")
    for text in check_lines(diagnosis.checks):
        line(console, text)
    for text in next_steps(diagnosis.findings):
        line(console, text, style="dim")


def show_remedies(record: Remedies, out: Path, *, as_json: bool = False, quiet: bool = False) -> None:
    """Writes what was done about the findings, and the diagnosis of the mended model.

    Args:
        record: What was found before and after, and what was done.
        out: Where the mended model was written.
        as_json: The record in place of the text.
        quiet: Say what is still found alone.
    """
    if as_json:
        write_text(record.to_json(indent=2) + "\n")
        return
    if not quiet:
        console = results()
        line(console, f"{record.before.model}, mended", style="bold")
        for applied in record.applied:
            line(console, f"{applied.finding.fingerprint}: {applied.done}", style="green", label="done  ")
        for left in record.left:
            reason = left.reason.replace('safety="all"', "--fix all")
            line(console, f"{left.finding.fingerprint}: {reason}", style="yellow", label="left  ")
        if not record.before.findings:
            line(console, "nothing was found, and nothing done")
        line(console, f"written to {out}", wrap=False)
        console.print()
        line(console, "the mended model, examined again:", style="dim")
    show_diagnosis(record.after, quiet=quiet)


def show_rules(rules: Iterable[Rule]) -> None:
    """Writes the list of the rules: code, defect, severity, confidence, what it finds."""
    console = results()
    rules = list(rules)
    wide = max((len(rule.defect) for rule in rules), default=0)
    for rule in rules:
        kind = f"{rule.severity}, {rule.confidence}{', preview' if rule.preview else ''}"
        if console.is_terminal:
            line(console, f" {rule.defect}  ({kind})", style=STYLES[rule.severity], label=rule.code)
            _tell(console, "", rule.summary)
        else:  # a line each, to be searched
            line(console, f"{rule.code}  {rule.defect:<{wide}}  {kind:<28}  {rule.summary}")


def check_lines(checks: Sequence[Check]) -> list[str]:
    """What came of the checks: a line of counts, and one for each reason why some were not made.

    Example:
        >>> skipped = [Check(f"NRM10{i}", "d", "skipped", "no data") for i in (1, 2)]
        >>> print(*check_lines([Check("NRM301", "d", "clean"), *skipped]), sep="\\n")
        3 checks: 1 clean, 0 found, 2 skipped, 0 not applicable, 0 failed
        skipped NRM101, NRM102: no data
    """
    counts = {
        status: sum(check.status == status for check in checks)
        for status in ("clean", "found", "skipped", "not applicable", "failed")
    }
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    lines = [f"{len(checks)} check{'s' * (len(checks) != 1)}: {told}"]
    for status in ("failed", "skipped", "not applicable"):
        reasons: dict[str, list[str]] = {}
        for check in checks:
            if check.status == status:
                # As it is said on the command line.
                reason = check.reason.replace("say batch_size=", "say --batch-size")
                reasons.setdefault(reason, []).append(check.code)
        lines += [f"{status} {', '.join(codes)}: {reason}" for reason, codes in reasons.items()]
    if left_out := sum(check.ignored for check in checks):
        lines.append(f"{left_out} finding{'s' * (left_out != 1)} left out, as the configuration ignores them")
    return lines


def next_steps(findings: Sequence[Finding]) -> list[str]:
    """What can be done on the command line about findings.

    Example:
        >>> from normwise.core.diagnosis import Remedy
        >>> remedy = Remedy("recalibrate", "Recalibrate it.", "", "safe")
        >>> numbers, texts = (0.5, 0.1, "σ", 64), ("", "", remedy, "", "")
        >>> found = Finding("NRM403", "stale-statistics", "warning", "measured", "norm", *numbers, *texts)
        >>> print(*next_steps([found]), sep="\\n")
        more of a finding: normwise explain NRM403
        mended in a copy by --fix safe --out FIXED.keras: NRM403
    """
    if not findings:
        return []
    lines = [f"more of a finding: normwise explain {findings[0].code}"]
    for fix, safety in (("safe", "safe"), ("all", "unsafe")):
        codes = dict.fromkeys(f.code for f in findings if f.remedy.action and f.remedy.safety == safety)
        if codes:
            then = "; train it again then" * (fix == "all")
            lines.append(f"mended in a copy by --fix {fix} --out FIXED.keras: {', '.join(codes)}{then}")
    return lines


def short(text: str) -> str:
    """The first sentence.

    Example:
        >>> short("The bias learns nothing, e.g. here. It costs memory.")
        'The bias learns nothing, e.g. here.'
    """
    return re.split(r"(?<=[.!?])\s+(?=[A-ZΑ-Ω‖∂])", text, maxsplit=1)[0]


def _show(console: Console, finding: Finding) -> None:
    console.print()
    code = (finding.code, STYLES[finding.severity])
    place = f"  {literal(finding.layer)}" if finding.layer else "  the whole model"
    how = (f"  ({finding.confidence})", "dim")
    console.print(Text.assemble(code, f" {finding.defect}{place}", how), soft_wrap=True)
    _tell(console, "evidence", finding.evidence)
    if finding.columns:
        _tell(console, "columns", _columns(finding.columns))
    _tell(console, "why", short(finding.why))
    _tell(console, "remedy", f"{finding.remedy.text} ({finding.remedy.safety})")
    for text in finding.remedy.code.splitlines():
        # Code is to be copied: it is never broken.
        console.print(Text(" " * (INDENT + LABEL) + literal(text), style="dim"), soft_wrap=True)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}" if count else "no rows: the structure alone"


def _columns(names: Sequence[str]) -> str:
    rest = len(names) - MOST_COLUMNS
    return ", ".join(names[:MOST_COLUMNS]) + (f" and {rest} more" if rest > 0 else "")


def _tell(console: Console, label: str, text: str) -> None:
    """A paragraph behind its label: on a terminal broken between words, elsewhere one line."""
    whole = Text(literal(text))
    wide = console.width - INDENT - LABEL
    broken = whole.wrap(console, max(wide, LABEL)) if console.is_terminal else [whole]
    for i, part in enumerate(broken):
        part.rstrip()
        before = " " * INDENT + f"{label if i == 0 else '':<{LABEL}}"
        console.print(Text.assemble((before, "dim"), part), soft_wrap=True)
