"""The doctor on a corpus of labelled cases: precision and recall of each rule, and every disagreement.

    KERAS_BACKEND=jax python -m benchmarks.doctor [--only WORD,…] [--rule NRM403,…] [--out FILE]

The cases are in tests/corpus: each defect in three architectures at two strengths, with a clean twin, and
clean cases that look ill. A code that is expected and found is a true positive; one that is found and neither
expected nor allowed is a false one. --only takes the cases whose names hold one of the words, --rule those of
the rules' own defects, and their twins. Rules in preview run too; what the others reach has a line of its
own. Results are written where all cases ran, or where --out says.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from benchmarks.results import write_results
from tests.corpus.cases import CASES
from tests.corpus.judge import Score, Verdict, codes_of, diagnosed, score

from normwise.doctor.registry import RULES

PREVIEW = {rule.code for rule in RULES if rule.preview}
RESULTS = Path("benchmarks/results/doctor_corpus.json")


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


def row(name: str, of: Score) -> str:
    """A line of the table."""
    counts = (of.cases, of.true_positives, of.false_positives, of.false_negatives)
    return f"{name:8}" + "".join(f"{n:7}" for n in counts) + f"{of.precision:11.3f}{of.recall:8.3f}"


def summary(verdicts: list[Verdict], build_and_diagnose: float) -> dict[str, Any]:
    """All that is written."""

    def plain(of: Score) -> dict[str, Any]:
        return {**vars(of), "precision": round(of.precision, 4), "recall": round(of.recall, 4)}

    codes = codes_of(verdicts)
    seconds = sorted(v.seconds for v in verdicts)
    return {
        "cases": len(verdicts),
        "clean_cases": sum(not v.case.rule for v in verdicts),
        "rules": {code: plain(score(verdicts, [code])) for code in codes},
        "overall": plain(score(verdicts, codes)),
        "preview": sorted(PREVIEW),
        "overall_without_preview": plain(score(verdicts, set(codes) - PREVIEW)),
        "errors_on_clean_cases": sum(len(v.errors) for v in verdicts),
        "disagreements": [text for v in verdicts for text in disagreements(v)],
        "seconds_of_a_diagnosis": {
            "median": round(statistics.median(seconds), 2),
            "largest": round(seconds[-1], 2),
        },
        "seconds_in_all": round(build_and_diagnose, 1),
    }


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", type=lambda words: words.split(","), default=[])
    parser.add_argument("--rule", type=lambda codes: codes.upper().split(","), default=[])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chosen = [
        case
        for case in CASES
        if (not options.only or any(word in case.name for word in options.only))
        and (not options.rule or case.name.split("/")[0] in options.rule)
    ]
    if not chosen:
        parser.error(f"no case among {len(CASES)} is named so; names are such as {CASES[0].name}")
    start, verdicts = time.perf_counter(), []
    for case in chosen:
        verdicts.append(diagnosed(case))
        for text in disagreements(verdicts[-1]):
            print(text, flush=True)
    results = summary(verdicts, time.perf_counter() - start)
    print(f"\n{'rule':8}  cases     TP     FP     FN  precision  recall")
    codes = codes_of(verdicts)
    for code in codes:
        print(row(code, score(verdicts, [code])), "preview" if code in PREVIEW else "")
    print(row("default", score(verdicts, set(codes) - PREVIEW)))
    print(row("all", score(verdicts, codes)))
    print(
        f"{len(verdicts)} cases, {results['clean_cases']} of them clean, with"
        f" {results['errors_on_clean_cases']} errors found there; seconds of a diagnosis:"
        f" {results['seconds_of_a_diagnosis']}; of all: {results['seconds_in_all']}"
    )
    if out := options.out or (None if options.only or options.rule else RESULTS):
        write_results(out, "KERAS_BACKEND=jax python -m benchmarks.doctor", results)


if __name__ == "__main__":
    main()
