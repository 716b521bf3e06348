"""Metrics and models: how they are called in both languages, and in which direction a metric is better."""

from __future__ import annotations

import math

from normwise.core.run_record import RunRecord
from normwise.report.phrases import PHRASES
from normwise.report.text import fixed, number, one_line, percent

LOWER_IS_BETTER = frozenset({"log_loss", "mae", "rmse", "loss"})
IN_UNITS = frozenset({"mae", "rmse"})
MAIN = {"classification": "accuracy", "regression": "r2"}


def main_metric(record: RunRecord) -> str:
    """The metric that the result is told in: accuracy or R², else the first there is."""
    known = list(record.scores[0].metrics) if record.scores else []
    wanted = MAIN.get(record.schema.task, "")
    return wanted if wanted in known or not known else known[0]


def metric_value(metric: str, value: float) -> str:
    """The value of a metric: a percentage, a number in the target's unit, or three decimals.

    Example:
        >>> metric_value("accuracy", 0.5), metric_value("rmse", 52034.56), metric_value("r2", 0.5)
        ('50.0%', '52,035', '0.500')
    """
    if metric == "accuracy":
        return percent(value)
    return number(value) if metric in IN_UNITS else fixed(value)


def metric_name(metric: str, language: str = "en") -> str:
    """The name of a metric; of an unknown one, the name itself.

    Example:
        >>> metric_name("log_loss"), metric_name("accuracy", "zh"), metric_name("auc_pr")
        ('log loss', '准确率', 'auc_pr')
    """
    phrase = PHRASES.get(f"metric_{metric}")
    if phrase is None:
        return one_line(metric, 40)
    return phrase.zh if language == "zh" else phrase.en


def model_name(model: str, language: str = "en") -> str:
    """The name of a model; in Chinese where its kind is known.

    Example:
        >>> model_name("gradient boosting (scikit-learn)", "zh"), model_name("my model", "zh")
        ('梯度提升（scikit-learn）', 'my model')
    """
    if language != "zh":
        return one_line(model, 60)
    kind, _, library = model.partition(" (")
    phrase = PHRASES.get("model_" + kind.casefold().replace(" ", "_").replace("-", "_"))
    if phrase is None:
        return one_line(model, 60)
    return f"{phrase.zh}（{library.removesuffix(')')}）" if library else phrase.zh


def best(record: RunRecord, metric: str) -> float:
    """The best value of a metric among the models; NaN if none has one, or it is unknown which is better."""
    if f"metric_{metric}" not in PHRASES:
        return float("nan")
    values = [s.metrics[metric] for s in record.scores if metric in s.metrics]
    values = [v for v in values if not math.isnan(v)]
    if not values:
        return float("nan")
    return min(values) if metric in LOWER_IS_BETTER else max(values)
