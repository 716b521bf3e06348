"""The figures that a why record has, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from normwise.core.why_record import WhyRecord
from normwise.report.look import Look
from normwise.report.why import (
    bowl,
    curve_figures,
    feature_figures,
    landscape,
    layer_figures,
    training_figures,
)
from normwise.report.why.curve_figures import measured

if TYPE_CHECKING:
    import plotly.graph_objects as go

Draw = Callable[[WhyRecord, Look], "go.Figure"]


def bowls(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """The bowls of a record, raw before scaled."""
    return bowl.figure(record.bowls[:2], look)


def landscapes(record: WhyRecord, look: Look | None = None) -> go.Figure:
    """The loss around each variant's network."""
    return landscape.figure([surface for v in record.variants for surface in v.surfaces], look)


def why_figures(record: WhyRecord) -> dict[str, Draw]:
    """The figures that this record has, in the order of the page."""
    probed = bool(layer_figures.probed(record))
    has: dict[str, tuple[Draw, bool]] = {
        "spread": (feature_figures.spread, bool(record.features)),
        "shares": (feature_figures.shares, bool(record.features and feature_figures.measured_shares(record))),
        "bowl": (bowls, bool(record.bowls)),
        "percentiles": (layer_figures.percentiles, probed),
        "units": (layer_figures.units, probed),
        "saturation": (layer_figures.saturation, bool(layer_figures.saturated(record))),
        "blindness": (feature_figures.blindness, bool(feature_figures.measured_blindness(record))),
        "depth": (curve_figures.depth, bool(measured(record, curve_figures.DEPTH))),
        "curves": (
            training_figures.curves,
            any("val_loss" in t.history for v in record.variants for t in v.trainings),
        ),
        "steps": (training_figures.steps, bool(training_figures.reached(record))),
        "rates": (training_figures.rates, any(v.sweep for v in record.variants)),
        "smoothness": (
            curve_figures.smoothness,
            bool(curve_figures.measured(record, curve_figures.SMOOTHNESS)),
        ),
        "landscape": (landscapes, any(v.surfaces for v in record.variants)),
    }
    return {name: draw for name, (draw, there) in has.items() if there}
