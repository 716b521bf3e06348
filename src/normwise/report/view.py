"""What the page's template shows of a RunRecord: words and cells, nothing computed in the template."""

from __future__ import annotations

import math
from typing import Any

from normwise import __version__
from normwise.core.run_record import ColumnSchema, RunRecord
from normwise.report import confusion, feature_histograms
from normwise.report.diagnosis import diagnosis_view
from normwise.report.figures_json import figures
from normwise.report.metrics import best, main_metric, metric_name, metric_value, model_name
from normwise.report.phrases import PHRASES, Phrase, say
from normwise.report.recorded_texts import recorded
from normwise.report.text import duration, number, one_line, percent
from normwise.report.verdicts import baseline, headline, is_paired, verdicts

MOST_ROWS = 500
"""A table of the page lists no more, so that the page stays small."""
CATEGORIES = 6


def view(record: RunRecord) -> dict[str, Any]:
    """The template's variables."""
    return {
        "say": say,
        "first_section": "result",
        "eyebrow": say("report"),
        "contents": _contents(record),
        "title": _title(record),
        "page_title": say("page_title", target=one_line(record.schema.target, 60)),
        "source": one_line(record.source),
        "task": say(f"task_{record.schema.task}", classes=number(len(record.schema.classes))),
        "drawn": set(figures(record)),
        "facts": _facts(record),
        "headline": headline(record),
        "baseline": baseline(record),
        "verdicts": verdicts(record),
        "comparison_caption": _comparison_caption(record),
        "scores": _scores(record),
        "ending": recorded(record.ending) or one_line(record.ending, 400),
        "ending_known": recorded(record.ending) is not None,
        "learning_units": PHRASES["learning_units"] if "mean_absolute_error" in record.history else None,
        "best_epoch": str(record.best_epoch),
        "history": _history(record),
        "spread": _spread(record),
        "features": _features(record),
        "mistakes": _mistakes(record),
        "found": diagnosis_view(record.diagnosis),
        "columns": [_column(c) for c in record.schema.columns[:MOST_ROWS]],
        "columns_left": max(0, len(record.schema.columns) - MOST_ROWS),
        "with_categories": any(c.categories for c in record.schema.columns[:MOST_ROWS]),
        "with_words": any(c.words for c in record.schema.columns[:MOST_ROWS]),
        "warnings": [one_line(w, 1000) for w in record.warnings],
        "settings": _pairs(record.settings),
        "versions": _pairs(record.versions),
        "run": [
            (PHRASES["seed"], str(record.seed)),
            (PHRASES["parameters"], number(record.parameters)),
            (PHRASES["data_hash"], one_line(record.data_hash)),
        ],
        "backend": one_line(record.versions.get("backend", "jax")),
        "version": __version__,
    }


def _contents(record: RunRecord) -> list[tuple[str, Phrase]]:
    plain = [
        "result",
        "learning",
        "features",
        "mistakes",
        "diagnosis",
        "columns",
        "warnings",
        "settings",
        "use",
    ]
    return [(id_, say(_mistakes(record)["kind"] if id_ == "mistakes" else id_)) for id_ in plain]


def _read(record: RunRecord) -> int:
    return sum(c.encoding != "none" for c in record.schema.columns)


def _title(record: RunRecord) -> Phrase:
    target = one_line(record.schema.target, 60)
    if _read(record) == 1:
        return say("headline_title_one", target=target)
    return say("headline_title", target=target, columns=number(_read(record)))


def _facts(record: RunRecord) -> list[tuple[Phrase, str | Phrase]]:
    rows = number(record.rows)
    if record.dropped_rows:
        used: str | Phrase = say("fact_rows_dropped", rows=rows, dropped=number(record.dropped_rows))
    else:
        used = rows
    training = record.rows - record.held_out_rows - record.validation_rows
    columns = say("fact_columns_value", read=number(_read(record)), all=number(len(record.schema.columns)))
    facts: list[tuple[str, str | Phrase]] = [
        ("fact_columns", columns),
        ("fact_rows", used),
        ("fact_training", number(training)),
        ("fact_validation", number(record.validation_rows)),
        ("fact_held_out", number(record.held_out_rows)),
        ("fact_time", duration(record.seconds)),
    ]
    return [(PHRASES[key], value) for key, value in facts]


def _scores(record: RunRecord) -> dict[str, Any]:
    names = list(dict.fromkeys(m for s in record.scores for m in s.metrics))
    top = {m: best(record, m) for m in names}
    rows = []
    for score in record.scores:
        values = [(m, score.metrics.get(m, math.nan)) for m in names]
        cells = [(metric_value(m, v), v == top[m]) for m, v in values]
        name = Phrase(model_name(score.model, "en"), model_name(score.model, "zh"))
        rows.append(
            {
                "model": name,
                "cells": cells,
                "seconds": duration(score.seconds),
                "note": recorded(score.note) or (one_line(score.note, 400) if score.note else ""),
                "note_known": recorded(score.note) is not None,
            }
        )
    heads = [Phrase(metric_name(m, "en"), metric_name(m, "zh")) for m in names]
    notes = [s.note for s in record.scores if s.note]
    unknown = any(recorded(note) is None for note in notes)
    return {"heads": heads, "rows": rows, "notes": bool(notes), "unknown_notes": unknown}


def _comparison_caption(record: RunRecord) -> Phrase:
    if main_metric(record) != "accuracy":
        return PHRASES["comparison_caption_plain"]
    paired = any(is_paired(record, rival) for rival in record.scores[1:])
    return PHRASES["comparison_caption_paired" if paired else "comparison_caption"]


def _history(record: RunRecord) -> dict[str, Any]:
    keys = [one_line(k, 40) for k in record.history]
    epochs = max((len(v) for v in record.history.values()), default=0)
    start = max(0, epochs - MOST_ROWS)
    rows = [
        (
            str(e + 1),
            [number(v[e]) if e < len(v) else "–" for v in record.history.values()],
            e + 1 == record.best_epoch,
        )
        for e in range(start, epochs)
    ]
    return {"heads": keys, "rows": rows, "left": start}


def _spread(record: RunRecord) -> Phrase:
    if not record.features:
        return PHRASES["features_none"]
    known = sorted((f for f in record.features if f.std > 0 and math.isfinite(f.std)), key=lambda f: f.std)
    if len(known) < 2:
        return (
            say("features_one", name=one_line(record.features[0].name, 60))
            if len(record.features) == 1
            else Phrase("", "")
        )
    low, high = known[0], known[-1]
    return say(
        "features_spread" if high.std / low.std >= 10 else "features_close",
        count=number(len(record.features)),
        low=number(low.std, 2),
        low_name=one_line(low.name, 60),
        high=number(high.std, 2),
        high_name=one_line(high.name, 60),
        ratio=number(float(f"{high.std / low.std:.2g}"), 2),
    )


def _features(record: RunRecord) -> dict[str, Any]:
    rows = [
        (one_line(f.name), [number(v) for v in (f.mean, f.std, f.minimum, f.maximum)])
        for f in sorted(record.features, key=lambda f: f.std)[:MOST_ROWS]
    ]
    count, shown = len(record.features), len(feature_histograms.shown_features(record))
    more = say("features_caption_more", shown=str(shown), count=number(count)) if shown < count else None
    return {"rows": rows, "count": number(count), "more": more, "left": max(0, count - MOST_ROWS)}


def _mistakes(record: RunRecord) -> dict[str, Any]:
    n = len(record.confusion)
    if not n:
        return {"kind": "residuals", "shown": number(len(record.actual))}
    if n > confusion.MOST_CLASSES:
        largest = [
            (one_line(a), one_line(b), number(count), percent(share))
            for a, b, count, share in confusion.largest_confusions(record)
        ]
        return {"kind": "largest", "classes": number(n), "rows": largest}
    share = confusion.shares(record)
    classes = [one_line(c) for c in record.schema.classes]
    cells = [
        [f"{count:,} ({percent(s)})" for count, s in zip(counts, shares, strict=True)]
        for counts, shares in zip(record.confusion, share, strict=True)
    ]
    width = "small" if n <= 3 else "medium" if n <= 12 else "large"
    return {
        "kind": "confusion",
        "classes": classes,
        "rows": list(zip(classes, cells, strict=True)),
        "width": width,
    }


def _column(column: ColumnSchema) -> dict[str, Any]:
    shown = ", ".join(one_line(c, 40) for c in column.categories[:CATEGORIES])
    left = len(column.categories) - CATEGORIES
    return {
        "name": one_line(column.name),
        "kind": _word("kind", column.kind),
        "excluded": column.kind == "excluded",
        "encoding": _word("encoding", column.encoding),
        "missing": number(column.missing) if column.missing else "",
        "categories": shown,
        "more": say("more_categories", count=number(left)) if left > 0 else None,
        "rare": say("rare", count=number(column.rare)) if column.rare else None,
        "words": ", ".join(f"“{one_line(w, 40)}”" for w in column.words[:CATEGORIES]),
        "reason": one_line(column.reason, 400),
    }


def _pairs(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(one_line(name, 60), one_line(value, 400)) for name, value in texts.items()]


def _word(group: str, word: str) -> Phrase:
    return PHRASES.get(f"{group}_{word}", Phrase(word, word))
