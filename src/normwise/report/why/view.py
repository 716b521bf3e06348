"""What the template of the why page shows of a WhyRecord: words and cells, nothing computed in the "
"template."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from normwise import __version__
from normwise.core.measurement import Bowl, Curve, Measurement
from normwise.core.why_record import Variant, WhyRecord
from normwise.report.diagnosis import diagnosis_view
from normwise.report.metrics import metric_name, metric_value
from normwise.report.phrases import PHRASES, Phrase, say
from normwise.report.text import DASH, duration, fixed, number, one_line, percent
from normwise.report.why import feature_figures, layer_figures, play
from normwise.report.why.figures import why_figures
from normwise.report.why.sentences import SIGNS, sentence
from normwise.report.why.variants import middle, usable_limit

SECTIONS = (
    "features",
    "bowl",
    "layers",
    "training",
    "rates",
    "smoothness",
    "verdict",
    "diagnosis",
    "measured",
)
PAPERS = {
    "features": (
        "LeCun et al., Efficient BackProp (1998)",
        "http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf",
    ),
    "bowl": (
        "LeCun et al., Efficient BackProp (1998)",
        "http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf",
    ),
    "layers": ("Ioffe, Szegedy, arXiv 1502.03167, Figure 1", "https://arxiv.org/abs/1502.03167"),
    "training": ("Ioffe, Szegedy, arXiv 1502.03167", "https://arxiv.org/abs/1502.03167"),
    "rates": ("Bjorck et al., arXiv 1806.02375", "https://arxiv.org/abs/1806.02375"),
    "smoothness": ("Santurkar et al., arXiv 1805.11604", "https://arxiv.org/abs/1805.11604"),
}
NETWORK: dict[str, Callable[[list[float]], float]] = {
    "hessian_eigenvalue_largest": max,
    "hessian_eigenvalue_smallest": max,
    "surface_descent_steps": max,
    "dead_units": max,
    "mean_derivative": min,
    "covariate_shift_cosine": min,
    "inference_gap": max,
    "scale_invariance_output": max,
}
"""What the table of the networks shows, in its order, and which of several layers."""
DESCENTS = ("linear", "logistic")
"""The models of all columns whose descent the table of the bowl shows."""
ENDS = ("", "_least", "_most")
"""What follows a name: of the median of the starts, and of their range."""
MOST_ROWS = 500
MOST_LAYERS = 12


def why_view(record: WhyRecord) -> dict[str, Any]:
    """The template's variables."""
    source = one_line(record.source, 60)
    return {
        "say": say,
        "first_section": "verdict",
        "eyebrow": say("why_report"),
        "version": __version__,
        "page_title": say("why_page_title", source=source),
        "title": say("why_title", source=source),
        "task": say("why_task", task=_known(record.task), target=one_line(record.target, 60)),
        "contents": [(f"{name}", say(f"why_{name}")) for name in SECTIONS],
        "papers": PAPERS,
        "drawn": set(why_figures(record)),
        "facts": _facts(record),
        "spread": _spread(record),
        "features": _features(record),
        "play_view": _play(record),
        "frames": [number(step) for step in layer_figures.frame_steps(record)],
        "seeds": str(max((len(v.trainings) for v in record.variants), default=0)),
        "target_loss": number(record.target_loss, 3),
        "limit": number(usable_limit(record), 3),
        "toggles": [(v.name, say(f"why_variant_{v.name}")) for v in record.variants],
        "results": [_result(v, record.metric) for v in record.variants],
        "descents": _descents(record),
        "logistic": any(m.name == "logistic_descent_steps" for m in record.measurements),
        "network": _network_numbers(record),
        "metric": Phrase(metric_name(record.metric, "en"), metric_name(record.metric, "zh")),
        "decades": _decades(record),
        "verdict": [
            (SIGNS.get(s.effect, "same"), say(f"why_effect_{s.effect}"), sentence(s)) for s in record.verdict
        ],
        "found": diagnosis_view(record.diagnosis),
        "warnings": [one_line(w, 1000) for w in record.warnings],
        "command": one_line(record.command, 1000),
        "versions": [(one_line(n, 60), one_line(v, 400)) for n, v in record.versions.items()],
        "definitions": _definitions(record),
    }


def _known(task: str) -> Phrase:
    return PHRASES.get(f"why_{task}", Phrase(one_line(task, 40), one_line(task, 40)))


def _facts(record: WhyRecord) -> list[tuple[Phrase, str | Phrase]]:
    epochs = say("why_epochs_value", epochs=number(record.epochs), batch=number(record.batch_size))
    seeds = sorted({t.seed for v in record.variants for t in v.trainings})
    model: list[tuple[str, str | Phrase]] = [("why_fact_model", one_line(record.model, 60))]
    facts: list[tuple[str, str | Phrase]] = [
        *(model if record.model else []),
        ("why_fact_rows", number(record.rows)),
        ("fact_training", number(record.training_rows)),
        ("fact_validation", number(record.validation_rows)),
        ("fact_held_out", number(record.held_out_rows)),
        ("why_fact_inputs", number(len(record.inputs))),
        ("why_fact_network", _network(record)),
        ("why_fact_weights", number(min((v.parameters for v in record.variants), default=0))),
        ("why_fact_epochs", epochs),
        ("why_fact_seeds", number(len(seeds))),
        ("fact_time", duration(record.seconds)),
    ]
    return [(PHRASES[key], value) for key, value in facts]


def _network(record: WhyRecord) -> Phrase | str:
    """The widths of the hidden layers and their activations, as far as they are known."""
    if not record.hidden_units:
        return PHRASES["why_no_hidden_layer"]
    shown = [str(units) for units in record.hidden_units[:MOST_LAYERS]]
    units = " → ".join([*shown, *(["…"] if len(record.hidden_units) > MOST_LAYERS else [])])
    if not record.activation:
        return units
    return say("why_network_value", units=units, activation=one_line(record.activation, 60))


def _spread(record: WhyRecord) -> Phrase | None:
    known = sorted((f for f in record.features if f.std > 0 and math.isfinite(f.std)), key=lambda f: f.std)
    if len(known) < 2:
        return None
    low, high = known[0], known[-1]
    return say(
        "why_features_spread",
        low=number(low.std, 2),
        low_name=one_line(low.name, 40),
        high=number(high.std, 2),
        high_name=one_line(high.name, 40),
        ratio=number(float(f"{high.std / low.std:.2g}"), 2),
    )


def _features(record: WhyRecord) -> dict[str, Any]:
    shares = feature_figures.measured_shares(record) + feature_figures.measured_blindness(record)
    found = feature_figures.column_measurements(record)
    columns = [
        feature_figures.by_column(found, name, variant) for name in shares for variant in ("raw", "scaled")
    ]
    scaled = feature_figures.by_column(record.measurements, "feature_std", "scaled")
    ordered = sorted(record.features, key=lambda f: -f.std if math.isfinite(f.std) else math.inf)
    rows = [
        (
            one_line(f.name),
            [number(f.std), number(scaled.get(f.name, math.nan))]
            + [percent(c.get(f.name, math.nan)) for c in columns],
        )
        for f in ordered[:MOST_ROWS]
    ]
    heads = [
        Phrase(
            f"{PHRASES[f'why_{name}'].en}, {PHRASES[k].en}",
            f"{PHRASES[f'why_{name}'].zh}，{PHRASES[k].zh}",
        )
        for name in shares
        for k in ("before_scaling", "after_scaling")
    ]
    count, shown = len(ordered), len(feature_figures.shown_features(record.features))
    capped = say("why_capped", shown=str(shown), count=number(count)) if shown < count else None
    return {
        "heads": heads,
        "rows": rows,
        "count": number(count),
        "capped": capped,
        "left": max(0, count - MOST_ROWS),
    }


def _play(record: WhyRecord) -> dict[str, Any] | None:
    data = play.play_data(record)
    if not data:
        return None
    bowl = play.played_bowl(record)
    known = bowl is not None and bowl.variant == "scaled" and data["raw"] is not None
    return {"column": data["columns"][0], "low": data["low"], "high": data["high"], "raw": known}


def _result(variant: Variant, metric: str) -> dict[str, Any]:
    reached = [t.steps_to_target for t in variant.trainings if math.isfinite(t.steps_to_target)]
    return {
        "name": say(f"why_variant_{variant.name}"),
        "rate": number(variant.learning_rate, 3),
        # Not reached counts as later than any step: the median is over all seeds.
        "steps": _range([_late(t.steps_to_target) for t in variant.trainings], lambda v: number(v, 3)),
        "reached": say("why_of", part=str(len(reached)), all=str(len(variant.trainings))),
        "loss": _range([t.loss for t in variant.trainings], fixed),
        "metric": _range([t.metric for t in variant.trainings], lambda v: metric_value(metric, v)),
        "decades": number(variant.usable_decades, 2),
        "time": duration(variant.seconds),
    }


def _network_numbers(record: WhyRecord) -> list[tuple[Phrase, list[str]]]:
    """What was measured on the networks as a row a name, a cell a variant."""
    rows = []
    for name, pick in NETWORK.items():
        found = [[m.value for m in v.measurements if m.name == name] for v in record.variants]
        if any(found):
            cells = [number(pick(values), 3) if values else DASH for values in found]
            rows.append((say(f"why_{name}"), cells))
    return rows


def _descents(record: WhyRecord) -> list[tuple[Phrase, list[Phrase | str]]]:
    """κ and steps of models of all columns as a row each, a cell for raw and for scaled inputs."""
    found = {(m.name, m.variant): m.value for m in record.measurements if not m.column}
    rows: list[tuple[Phrase, list[Phrase | str]]] = []
    for model in DESCENTS:
        for name in (f"condition_number_{model}_hessian", f"{model}_descent_steps"):
            ways = [[found.get((name + end, way), math.nan) for end in ENDS] for way in ("raw", "scaled")]
            if any((name, way) in found for way in ("raw", "scaled")):
                cells = [_range(values, lambda v: number(v, 3)) for values in ways]
                rows.append((say(f"why_{name}"), cells))
    return rows


def _late(steps: float) -> float:
    return math.inf if math.isnan(steps) else steps


def _range(values: list[float], told: Any) -> Phrase | str:
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return "–"
    low, high = min(known), max(known)
    if told(low) == told(high):
        return str(told(low))
    return say("why_range", middle=told(middle(known)), low=told(low), high=told(high))


def _decades(record: WhyRecord) -> Phrase | None:
    parts = [
        say("why_decades_of", variant=say(f"why_variant_{v.name}"), decades=number(v.usable_decades, 2))
        for v in record.variants
        if v.sweep
    ]
    joined = Phrase("; ".join(p.en for p in parts), "；".join(p.zh for p in parts))
    return say("why_rates_decades", list=joined) if parts else None


def _definitions(record: WhyRecord) -> list[tuple[str, str, str, str]]:
    own: list[Measurement | Curve] = [*record.measurements, *record.curves]
    for variant in record.variants:
        own += [*variant.measurements, *variant.curves]
    series = [s for v in record.variants for s in v.series]
    bowls: tuple[Bowl, ...] = record.bowls
    rows = {(m.name, m.definition): (m.source, number(m.sample_size)) for m in own}
    rows |= {("bowl", b.definition): (b.source, number(b.sample_size)) for b in bowls}
    rows |= {(s.name, s.definition): ("", number(record.batch_size)) for s in series}
    return [
        (one_line(name, 60), one_line(definition, 600), one_line(source, 300) if source else "", sample)
        for (name, definition), (source, sample) in rows.items()
    ][:MOST_ROWS]
