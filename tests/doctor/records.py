"""Diagnoses written by hand."""

from __future__ import annotations

import math

from normwise.core.diagnosis import Check, Diagnosis, Finding, Remedy

DROP = Remedy(
    "drop bias",
    "Leave out the bias of net/dense: use_bias=False.",
    "fixed = normwise.apply_remedies(model, diagnosis).model\nfixed.summary()",
    "safe",
)
BIAS = Finding(
    code="NRM301",
    defect="bias-before-normalization",
    severity="warning",
    confidence="exact",
    layer="net/dense",
    value=64.0,
    threshold=0.0,
    unit="biases",
    sample_size=0,
    evidence="net/dense has 64 biases, and only net/norm takes what it gives.",
    why="The bias learns nothing, since its gradient is 0 but for rounding. It costs memory.",
    remedy=DROP,
    false_alarms="A layer whose normalization will be taken out later needs its bias then.",
    source="Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.2.",
)
SCALE = Finding(
    code="NRM101",
    defect="unscaled-features",
    severity="error",
    confidence="measured",
    layer="inputs",
    value=math.inf,
    threshold=100.0,
    unit="",
    sample_size=500,
    evidence="The columns' standard deviations differ by a factor of [red]∞[/red].",
    why="Gradient descent takes 1.15 κ steps. Each column has its own scale.",
    remedy=Remedy("", "Scale the inputs.", "", "manual"),
    false_alarms="",
    source="",
    columns=("area", "<b>age</b>", "c", "d", "e", "f", "g"),
)
NOTE = Finding(
    code="NRM403",
    defect="small-batch",
    severity="info",
    confidence="exact",
    layer="",
    value=12.0,
    threshold=16.0,
    unit="rows",
    sample_size=0,
    evidence="A batch has 12 rows.",
    why="The variance is noisy.",
    remedy=Remedy("", "Take larger batches.", "", "manual"),
    false_alarms="",
    source="",
)
CHECKS = (
    Check("NRM101", "unscaled-features", "found"),
    Check("NRM104", "drift", "skipped", "no new data were given"),
    Check("NRM201", "saturated-activation", "clean"),
    Check("NRM203", "vanishing-gradient", "skipped", "no targets were given"),
    Check("NRM204", "exploding-gradient", "skipped", "no targets were given"),
    Check("NRM301", "bias-before-normalization", "found"),
    Check("NRM305", "shared-normalization", "not applicable", "no normalization is called twice", ignored=1),
    Check("NRM403", "small-batch", "found"),
    Check("NRM404", "unconverged-statistics", "failed", "ValueError: a fault of the rule"),
)
WHOLE = Diagnosis("net", 500, (SCALE, BIAS, NOTE), CHECKS, ("net/odd calls a bare function.",))
CLEAN = Diagnosis("net", 0, (), (Check("NRM301", "bias-before-normalization", "clean"),))
