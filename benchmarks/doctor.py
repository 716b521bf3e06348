"""The doctor on a corpus of labelled cases: precision and recall of each rule, and every disagreement.

    KERAS_BACKEND=jax python -m benchmarks.doctor [--only WORD,…] [--rule NRM403,…] [--out FILE]
    KERAS_BACKEND=jax python -m benchmarks.doctor --page > docs/doctor-measured.md

The cases are in tests/corpus: each defect in three architectures at two strengths, with a clean twin, and
clean cases that look ill. A code that is expected and found is a true positive; one that is found and neither
expected nor allowed is a false one; where the label says which layers have the defect, these and no others
must be named. Rules in preview run too; what the others reach has a line of its own.

--only takes the cases whose names hold one of the words, --rule those of the rules' own defects, and their
twins; --only "" takes none, and judges what is kept by the labels of today. What was found is written case by
case; other cases keep what the file has of them, so that the corpus can be run in parts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from benchmarks import doctor_applications
from benchmarks.results import write_results
from tests.corpus.case import Case
from tests.corpus.cases import CASES
from tests.corpus.judge import Found, Score, Verdict, asked, codes_of, judge, score

from normwise.doctor.registry import RULES

COMMAND = "KERAS_BACKEND=jax python -m benchmarks.doctor"
PREVIEW = {rule.code for rule in RULES if rule.preview}
RESULTS = Path("benchmarks/results/doctor_corpus.json")
UNSEEN = Path("benchmarks/results/doctor_unseen.json")
"""Trials on networks that are not in the repository: figures alone."""
Kept = dict[str, dict[str, Any]]
"""Name of a case to `Found.to_json`."""


def disagreements(verdict: Verdict) -> list[str]:
    """A sentence for each way in which the doctor and the label differ."""
    name = verdict.case.name
    return [
        *(
            f"{name}: missed {code}: {verdict.skipped.get(code, 'not run')}"
            for code in sorted(verdict.missed)
        ),
        *(f"{name}: false {code}, {text}" for code, texts in verdict.evidence.items() for text in texts),
        *(f"{name}: check failed, {text}" for text in verdict.failed),
        *(f"{name}: error on a clean case, {code}" for code in verdict.errors),
    ]


def kept_in(path: Path) -> Kept:
    """What a file of results has of the cases that there are."""
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))["results"]["found"]
    return {case.name: kept[case.name] for case in CASES if case.name in kept}


def judged(kept: Kept) -> list[Verdict]:
    """Verdicts by the labels of today, in the order of the corpus."""
    return [judge(case, Found.from_json(kept[case.name])) for case in CASES if case.name in kept]


def summary(kept: Kept) -> dict[str, Any]:
    """All that is written."""

    def plain(of: Score) -> dict[str, Any]:
        return {**vars(of), "precision": round(of.precision, 4), "recall": round(of.recall, 4)}

    verdicts = judged(kept)
    codes = codes_of(verdicts)
    seconds = sorted(v.seconds for v in verdicts)
    return {
        "cases": len(verdicts),
        "clean_cases": sum(not v.case.rule for v in verdicts),
        "not_run": [case.name for case in CASES if case.name not in kept],
        "rules": {code: plain(score(verdicts, [code])) for code in codes},
        "overall": plain(score(verdicts, codes)),
        "preview": sorted(PREVIEW),
        "overall_without_preview": plain(score(verdicts, set(codes) - PREVIEW)),
        "errors_on_clean_cases": sum(len(v.errors) for v in verdicts),
        "disagreements": [text for v in verdicts for text in disagreements(v)],
        "seconds_of_a_diagnosis": {"median": statistics.median(seconds), "largest": seconds[-1]},
        "found": {case.name: kept[case.name] for case in CASES if case.name in kept},
    }


def table(results: dict[str, Any]) -> str:
    """The results as a table of Markdown."""
    defects = {rule.code: rule.defect for rule in RULES}
    rows = [
        *(
            (code, f"{defects[code]}{', preview' * (code in PREVIEW)}", of)
            for code, of in results["rules"].items()
        ),
        ("", "without preview", results["overall_without_preview"]),
        ("", "all", results["overall"]),
    ]
    lines = [
        "| code | defect | cases | true positives | false positives | false negatives | precision | recall |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for code, name, of in rows:
        counts = (of["cases"], of["true_positives"], of["false_positives"], of["false_negatives"])
        cells = [code, name, *map(str, counts), f"{of['precision']:.3f}", f"{of['recall']:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def page(results: dict[str, Any], of_applications: dict[str, Any], unseen: list[dict[str, Any]]) -> str:
    """docs/doctor-measured.md."""
    from benchmarks.applications import architectures

    done = {name: r for name, r in of_applications.items() if "seconds" in r}
    differ = "\n".join(f"- {text}" for text in results["disagreements"]) or "None."
    seconds = results["seconds_of_a_diagnosis"]
    return _PAGE.format(
        command=COMMAND,
        cases=results["cases"],
        clean=results["clean_cases"],
        errors=results["errors_on_clean_cases"],
        median=seconds["median"],
        largest=seconds["largest"],
        table=table(results),
        differ=differ,
        trials=trials(unseen),
        applications=doctor_applications.table(done),
        architectures=len(done),
        not_run=", ".join(sorted(architectures().keys() - done)) or "none",
        false_errors=sum(len(r["errors"]) for r in done.values()),
        processor=max(r["processor_seconds"] for r in done.values()),
        mebibytes=max(r["mebibytes"] for r in done.values()),
    )


def trials(unseen: list[dict[str, Any]]) -> str:
    """The trials on other networks as a table of Markdown."""
    lines = [
        "| networks | rules | labels | true positives | false positives | false negatives | precision"
        " | recall |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for t in unseen:
        precision, recall = (
            t["true_positives"] / (t["true_positives"] + t[wrong])
            for wrong in ("false_positives", "false_negatives")
        )
        cells = [t["networks"], t["rules"], t["labels"]]
        cells += [t["true_positives"], t["false_positives"], t["false_negatives"]]
        lines.append(f"| {' | '.join([*map(str, cells), f'{precision:.3f}', f'{recall:.3f}'])} |")
    return "\n".join(lines) + "\n"


_PAGE = """# How often the doctor is right

`{command}` builds the {cases} labelled cases of tests/corpus, diagnoses each and compares. Every defect
is put into three architectures or more at two strengths, in the way in which it comes about. {clean}
cases are clean: a twin of each of these, and networks that look ill on purpose. The labels were written
before the rules were run; which of them were changed since, and why, is in
[decision 0150](decisions/0150-cases-are-labelled-by-their-mechanism.md). The rules were mended by what this
corpus showed: it says how well they agree with it, and less of networks that nobody here has thought of.

A true positive is a code that is expected and found. A false positive is one that is found and neither
expected nor allowed, or found in a layer that is sound. Where the label names the layers that have the
defect, each of them has to be named. On clean cases {errors} errors were found. A diagnosis took {median}
s (median), {largest} s at most, on two busy cores, compiling included.

{table}
Where the doctor and the labels differ:

{differ}

## Networks that are not in the repository

211 networks that no rule had been made on, 103 of them sound, were labelled before anything was run:
dense networks on real tables, convolutions, residual networks, LSTMs, transformers, U-Nets, backbones of
keras.applications, trained and untrained. What is optional in a label counts neither way. Every
disagreement was then looked at in the model itself, and a label was changed where the finding was true of
the network, or where what was expected was not in it: most of these are true heavy tails in one table,
NRM103.

{trials}
Nothing was found of severity "error" in a sound network, and no network was changed. After the first 163
the rules 102, 301, 303, 401, 402, 403, 404, 405 and 408 were mended, as decisions
[0155](decisions/0155-a-call-says-how-it-trains.md),
[0156](decisions/0156-a-bias-is-followed-through-sums.md) and
[0157](decisions/0157-what-the-doctor-takes-for-alike.md) tell; after the other 48 the rules 202, 301,
303, 401 and 408, as [0167](decisions/0167-what-forty-eight-more-networks-showed.md) tells. The last rows
are those of the rules of today: they say how well these agree with networks that they were mended by, and
no more than that. Of the 211, those were run again that have a finding of a mended rule.

## The architectures of keras.applications

`KERAS_BACKEND=jax python -m benchmarks.doctor_applications` makes each of them with random weights and
statistics of random images, 16 images of 64×64 or the smallest that it takes, and diagnoses it in a
process of its own, compiling included, by the rules that are not in preview. {architectures} were run;
not run: {not_run}. {false_errors} errors were found. A diagnosis took {processor} s of processor time at
most, and the largest process held {mebibytes} MiB, making the model included. Seconds are by the
clock on two cores, which much other work shared, but not while those with the most processor time ran.

{applications}
These findings were looked at. 301: `keras.applications` gives the convolutions of its ResNets biases before a
batch normalization, which do nothing. 408: with random weights many convolutions have a variance below
ε = 0.001, and so it was measured; with trained weights that is another matter.
"""


def chosen(only: list[str] | None, rules: list[str]) -> list[Case]:
    """The cases that are to be run."""
    named = [case for case in CASES if only is None or any(word and word in case.name for word in only)]
    return [case for case in named if not rules or case.name.split("/")[0] in rules]


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", type=lambda words: words.split(","))
    parser.add_argument("--rule", type=lambda codes: codes.upper().split(","), default=[])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    if options.page:
        sources = (options.out, doctor_applications.RESULTS, UNSEEN)
        of = [json.loads(source.read_text(encoding="utf-8"))["results"] for source in sources]
        sys.stdout.buffer.write(page(*of).encode())
        return
    cases, kept = chosen(options.only, options.rule), kept_in(options.out)
    if not cases and not kept:
        parser.error(f"no case among {len(CASES)} is named so; names are such as {CASES[0].name}")
    for case in cases:
        said = asked(case)
        kept[case.name] = said.to_json(case)
        for text in disagreements(judge(case, said)):
            print(text, flush=True)
        write_results(options.out, COMMAND, summary(kept))
    results = summary(kept)
    write_results(options.out, COMMAND, results)
    print(table(results), *results["disagreements"], sep="\n")
    print(f"{results['cases']} cases; not run: {results['not_run']}")


if __name__ == "__main__":
    main()
