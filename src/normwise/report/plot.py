"""The Plotly figure of a record, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normwise.core.errors import RecordError
from normwise.core.measurement import Bowl, Curve, Surface
from normwise.core.probe import Series
from normwise.core.run_record import FeatureRecord
from normwise.core.why_record import WhyRecord
from normwise.report.look import Look

if TYPE_CHECKING:
    import plotly.graph_objects as go


def plot(
    record: WhyRecord | Bowl | Surface | Curve | Series | FeatureRecord,
    name: str = "",
    *,
    language: str = "en",
    dark: bool = False,
) -> go.Figure:
    """The figure of a record, as it stands in the report.

    Args:
        record: What was measured.
        name: Of a `WhyRecord`, which figure: ``"spread"``, ``"shares"``, ``"bowl"``, ``"percentiles"``,
            ``"units"``, ``"saturation"``, ``"blindness"``, ``"depth"``, ``"curves"``, ``"steps"``,
            ``"rates"``, ``"smoothness"`` or ``"landscape"``; by default the validation losses, or
            what there is first.
        language: ``"en"`` or ``"zh"``.
        dark: Light lines, for a dark page.

    Raises:
        RecordError: If there is no such figure, or the record has none.

    Example:
        >>> curve = Curve("loss_by_learning_rate", (0.1, 1.0), (0.5, 0.7), "learning rate", "", 100, "", "")
        >>> plot(curve).data[0].y
        (0.5, 0.7)
    """
    from normwise.report.why import bowl, curve_figures, feature_figures, landscape

    look = Look(language, dark)
    if isinstance(record, WhyRecord):
        return _of_why(record, name, look)
    if isinstance(record, Bowl):
        return bowl.figure((record,), look)
    if isinstance(record, Surface):
        return landscape.figure((record,), look)
    if isinstance(record, Curve):
        return curve_figures.curve_figure(record, look)
    if isinstance(record, Series):
        return curve_figures.series_figure(record, look)
    if isinstance(record, FeatureRecord):
        return feature_figures.single(record, look)
    raise RecordError(
        f"there is no figure of a {type(record).__name__}; give a WhyRecord, Bowl, Surface, Curve, "
        f"Series or FeatureRecord."
    )


def _of_why(record: WhyRecord, name: str, look: Look) -> go.Figure:
    from normwise.report.why.figures import why_figures

    draws = why_figures(record)
    chosen = name or ("curves" if "curves" in draws else next(iter(draws), ""))
    if chosen not in draws:
        raise RecordError(
            f'this record has no figure "{chosen}"; it has {", ".join(draws) or "none"}. Choose one of them.'
        )
    return draws[chosen](record, look)
