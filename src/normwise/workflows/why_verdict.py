"""The verdict of `why_table`: sentences, as data, that follow from the record's numbers and nothing else.

Each sentence's key, numbers and words are listed in docs/decisions/0099-sentences-of-the-verdict.md; the
report and the terminal put them into words. Nothing is said of what was not measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from normwise.core.why_record import Sentence, Variant, WhyRecord
from normwise.workflows.why_compare import (
    HELPS,
    HURTS,
    NO_DIFFERENCE,
    NOT_MEASURED,
    compare_metric,
    compare_rates,
    compare_steps,
)
from normwise.workflows.why_findings import findings
from normwise.workflows.why_gain import ERROR, GAIN
from normwise.workflows.why_target import grid_decades

ADVICE = "advice"
CERTAIN = 3.0
"""Standard errors from which a gain over the constant predictor counts: four variants have their chance."""
SUBJECTS = (
    ("scaling", "raw", "scaled"),
    ("normalization_raw", "raw", "raw_bn"),
    ("normalization_scaled", "scaled", "scaled_bn"),
    ("scaling_normalized", "raw_bn", "scaled_bn"),
)
"""What is compared: its name in the keys, and the variants without and with it."""


def why_verdict(record: WhyRecord) -> tuple[Sentence, ...]:
    """The sentences that the record's numbers bear out, in their order.

    Args:
        record: All but its verdict.
    """
    if not _learned(record):
        nothing = Sentence("nothing_learned", {"rows": float(record.held_out_rows)}, {}, NOT_MEASURED)
        return (*findings(record), nothing, _scope(record))
    compared = tuple(s for subject in SUBJECTS for s in _comparison(record, *subject))
    ends = _rates_at_an_end(record)
    return (*findings(record), *compared, *ends, *_advice(record, compared), _scope(record))


def _learned(record: WhyRecord) -> bool:
    """Whether a variant does better than a constant by what the chance of the held-out rows cannot explain.

    Where none does, the differences between them are of noise, which the spread over seeds does not know.
    """
    found = [{m.name: m.value for m in variant.measurements} for variant in record.variants]
    return any(values[GAIN] > CERTAIN * values[ERROR] for values in found if GAIN in values)


def _comparison(record: WhyRecord, subject: str, before: str, after: str) -> tuple[Sentence, ...]:
    variants = {v.name: v for v in record.variants}
    old, new = variants[before], variants[after]
    budget = float(record.epochs * math.ceil(record.training_rows / record.batch_size))
    return (
        compare_steps(subject, old, new, budget, _steps_between(old)),
        compare_metric(subject, old, new, record.metric, record.held_out_rows),
        compare_rates(subject, old, new, record.usable_tolerance, grid_decades(old.sweep)),
    )


def _steps_between(variant: Variant) -> float:
    """Steps between two measurements of the validation loss; so finely the steps to the target are known."""
    steps = next((s.steps for s in variant.series if s.name == "validation_loss"), ())
    return float(steps[1] - steps[0]) if len(steps) > 1 else 0.0


def _rates_at_an_end(record: WhyRecord) -> Iterable[Sentence]:
    """Of each variant whose best learning rate is the lowest or highest tried: there may be better."""
    for variant in record.variants:
        low, high = variant.sweep[0].learning_rate, variant.sweep[-1].learning_rate
        if variant.learning_rate in (low, high):
            end = "lowest" if variant.learning_rate == low else "highest"
            numbers = {"rate": variant.learning_rate}
            yield Sentence(f"{variant.name}_rate_is_the_{end}", numbers, {}, NOT_MEASURED)


def _advice(record: WhyRecord, compared: Sequence[Sentence]) -> Iterable[Sentence]:
    # Of each subject steps, metric and rates, in this order.
    scaling, _, normalization, _ = ([s.effect for s in compared[i : i + 3]] for i in range(0, 12, 3))
    if {NO_DIFFERENCE} <= {s.effect for s in compared} <= {NO_DIFFERENCE, NOT_MEASURED}:
        yield Sentence("little_is_gained", {}, {}, ADVICE)
    yield from _advised(
        scaling,
        helps="advice_scale",
        rates="advice_scaling_for_rates",
        hurts="advice_scaling_hurts",
        narrows="advice_scaling_narrows_rates",
        mixed="advice_scaling_mixed",
        little="advice_scaling_gains_little",
    )
    yield from _advised(
        normalization,
        helps="advice_normalize",
        rates="advice_normalize_for_rates",
        hurts="advice_normalize_not",
        narrows="advice_normalization_narrows_rates",
        mixed="advice_mixed",
        little="advice_normalization_gains_little",
    )
    yield from _no_replacement(record)


def _advised(
    effects: Sequence[str], helps: str, rates: str, hurts: str, narrows: str, mixed: str, little: str
) -> Iterable[Sentence]:
    """What to do after what was found; nothing where nothing was measured."""
    found = {HELPS, HURTS} & set(effects)
    if len(found) == 2:
        yield Sentence(mixed, {}, {}, ADVICE)
    elif HURTS in found:
        yield Sentence(hurts if HURTS in effects[:2] else narrows, {}, {}, ADVICE)
    elif found:
        yield Sentence(helps if HELPS in effects[:2] else rates, {}, {}, ADVICE)
    elif NO_DIFFERENCE in effects:
        yield Sentence(little, {}, {}, ADVICE)


def _no_replacement(record: WhyRecord) -> Iterable[Sentence]:
    """Whether the network with batch normalization alone stays behind the scaled one without it."""
    variants: dict[str, Variant] = {v.name: v for v in record.variants}
    args = record.metric, record.held_out_rows
    sentence = compare_metric("", variants["scaled"], variants["raw_bn"], *args)
    if sentence.effect == HURTS:
        numbers = {name: sentence.numbers[name] for name in ("before", "after")}
        yield Sentence("advice_normalization_is_no_replacement", numbers, sentence.words, ADVICE)


def _scope(record: WhyRecord) -> Sentence:
    numbers = {
        "seeds": float(len(record.variants[0].trainings)),
        "rates": float(len(record.variants[0].sweep)),
        "low": record.variants[0].sweep[0].learning_rate,
        "high": record.variants[0].sweep[-1].learning_rate,
    }
    if record.model:
        return Sentence("scope_model", numbers, {"model": record.model}, ADVICE)
    return Sentence("scope", {"layers": float(len(record.hidden_units)), **numbers}, {}, ADVICE)
