"""The result in one sentence, and what it is worth beside the models it is compared with."""

from __future__ import annotations

import dataclasses
import math

from normwise.core.run_record import RunRecord, Score
from normwise.report.metrics import LOWER_IS_BETTER, main_metric, metric_name, metric_value, model_name
from normwise.report.phrases import PHRASES, Phrase, say
from normwise.report.text import fixed, number, one_line, percent


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The network against one other model.

    Args:
        outcome: ``"win"``, ``"lose"``, ``"tie"``, ``"same"`` or ``"unknown"``.
        sentence: What the reader is told.
    """

    outcome: str
    sentence: Phrase


def standard_error(accuracy: float, rows: int) -> float:
    """The binomial standard error of an accuracy: √(p(1 − p)/n).

    Example:
        >>> round(standard_error(0.9, 100), 3)
        0.03
    """
    if rows < 1 or not 0 <= accuracy <= 1:
        return 0.0
    return math.sqrt(accuracy * (1 - accuracy) / rows)


def headline(record: RunRecord) -> Phrase:
    """The result in one sentence, the best of the other models in it."""
    metric = main_metric(record)
    own = record.scores[0].metrics.get(metric, math.nan) if record.scores else math.nan
    values: dict[str, str | Phrase] = {
        "rows": number(record.held_out_rows),
        "value": metric_value(metric, own),
        "metric": _name(metric),
    }
    if math.isnan(own):
        return say("headline_unknown", **values)
    key = {"accuracy": "headline_accuracy", "r2": "headline_r2"}.get(metric, "headline_other")
    rival = best_rival(record)
    if rival is None:
        return say(key, **values, rest=PHRASES["rest_alone"])
    outcome = verdict(record, rival).outcome
    rest = say(f"rest_{outcome}", model=_model(rival), value=metric_value(metric, rival.metrics[metric]))
    return say(key, **values, rest=rest)


def best_rival(record: RunRecord) -> Score | None:
    """The best of the other models by the main metric; None where none has a value."""
    metric = main_metric(record)
    known = [s for s in record.scores[1:] if not math.isnan(s.metrics.get(metric, math.nan))]
    sign = -1 if metric in LOWER_IS_BETTER else 1
    return max(known, key=lambda s: sign * s.metrics[metric], default=None)


def verdicts(record: RunRecord) -> list[Verdict]:
    """The network against each other model, in the record's order."""
    return [verdict(record, rival) for rival in record.scores[1:]]


def verdict(record: RunRecord, rival: Score) -> Verdict:
    """The network against one other model by the main metric.

    A difference within one standard error is a tie: so few rows cannot tell the two apart. The error is
    that of the difference, paired row by row, where it was measured; else of an accuracy the binomial one
    (the larger of the two models', and at least one row's share), and of R² none.
    """
    metric = main_metric(record)
    own, other = (s.metrics.get(metric, math.nan) for s in (record.scores[0], rival))
    values: dict[str, str | Phrase] = {
        "model": _model(rival),
        "own": metric_value(metric, own),
        "other": metric_value(metric, other),
        "metric": _name(metric),
        "rows": number(record.held_out_rows),
    }
    if math.isnan(own) or math.isnan(other):
        return Verdict("unknown", say("verdict_unknown", **values))
    if own == other:
        return Verdict("same", say("verdict_same", **values))
    outcome = "win" if (own > other) != (metric in LOWER_IS_BETTER) else "lose"
    error = _error_of_difference(record, rival)
    if error is None:
        return Verdict(outcome, say(f"verdict_{outcome}", **values))
    gap = abs(own - other)
    if gap <= error or math.isclose(gap, error):
        outcome = "tie"
    values |= _in_errors(gap, error, metric)
    values["basis"] = PHRASES["basis_paired"] if is_paired(record, rival) else Phrase("", "")
    return Verdict(outcome, say(f"verdict_{metric}_{outcome}", **values))


def is_paired(record: RunRecord, rival: Score) -> bool:
    """Whether the difference in the main metric has a standard error that was measured row by row."""
    error = rival.difference_error
    return main_metric(record) in ("accuracy", "r2") and math.isfinite(error) and error > 0


def _error_of_difference(record: RunRecord, rival: Score) -> float | None:
    metric, rows = main_metric(record), record.held_out_rows
    row = 1 / max(1, rows) if metric == "accuracy" else 0.0
    if is_paired(record, rival):
        return max(rival.difference_error, row)
    if metric != "accuracy":
        return None
    own, other = (standard_error(s.metrics[metric], rows) for s in (record.scores[0], rival))
    return max(own, other, row)


def _in_errors(gap: float, error: float, metric: str) -> dict[str, str | Phrase]:
    points = metric == "accuracy"
    shown = [fixed(100 * v, 1) if points else fixed(v) for v in (gap, error)]
    return {"gap": shown[0], "error": shown[1], "times": fixed(gap / error, 1)}


def baseline(record: RunRecord) -> Phrase | None:
    """What always giving the most frequent class, or the mean, would score."""
    if record.schema.task == "regression":
        return PHRASES["baseline_regression"] if main_metric(record) == "r2" else None
    sums = [sum(row) for row in record.confusion]
    if not sum(sums) or main_metric(record) != "accuracy":
        return None
    most = max(range(len(sums)), key=sums.__getitem__)
    label = one_line(record.schema.classes[most], 60)
    return say("baseline_classification", label=label, share=percent(sums[most] / sum(sums)))


def _name(metric: str) -> Phrase:
    return Phrase(metric_name(metric, "en"), metric_name(metric, "zh"))


def _model(score: Score) -> Phrase:
    return Phrase(model_name(score.model, "en"), model_name(score.model, "zh"))
