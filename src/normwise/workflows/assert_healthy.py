"""assert_healthy: a test that a network's scaling and normalization are sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from normwise.core.diagnosis import Diagnosis, Finding
from normwise.workflows.diagnose import diagnose
from normwise.workflows.doctor_config import checked_fail_on, fails


def assert_healthy(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    fail_on: str = "warning",
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    preview: bool = False,
    batch_size: int | None = None,
    rows: int = 1024,
    ignored_layers: Mapping[str, tuple[str, ...]] | None = None,
) -> Diagnosis:
    """Raise an AssertionError where the doctor finds something in a model: for tests.

    Args:
        model: A built Keras model; it is left as it was.
        x: Rows of the training, as `normwise.diagnose` takes them; None examines the structure alone.
        y: Their targets; of a table, the name of their column.
        fail_on: From which severity on a finding counts: ``"error"``, ``"warning"``, ``"info"`` or
            ``"never"``.
        select: Codes, beginnings of codes, or defects that are looked for; () is all.
        ignore: Likewise, those that are not.
        preview: Whether rules in preview are run too.
        batch_size: Rows a step of the training.
        rows: How many rows are looked at.
        ignored_layers: A pattern of layers' paths to the codes, or beginnings of codes, ignored there.

    Returns:
        The diagnosis, where nothing was found that counts. It says which checks were skipped: a check that
        was not made fails no test.

    Raises:
        AssertionError: If something was found that counts, or a rule itself went wrong; the text lists it.
        NormwiseError: If the model or the data cannot be examined, or `fail_on` is no severity.

    Example:
        >>> import keras
        >>> layers = [keras.layers.Dense(8, name="hidden"), keras.layers.BatchNormalization(name="norm")]
        >>> model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)], name="net")
        >>> try:
        ...     assert_healthy(model, select=["NRM301"])
        ... except AssertionError as error:
        ...     print(str(error).splitlines()[0])
        the doctor found 1 defect in net:
        >>> assert_healthy(model, select=["NRM301"], fail_on="error").worst()
        'warning'
    """
    checked_fail_on(fail_on, "fail_on")
    diagnosis = diagnose(
        model,
        x,
        y,
        batch_size=batch_size,
        rows=rows,
        select=select,
        ignore=ignore,
        preview=preview,
        ignored_layers=ignored_layers,
    )
    counted = [finding for finding in diagnosis.findings if fails(finding.severity, fail_on)]
    failed = [check for check in diagnosis.checks if check.status == "failed"]
    if counted or failed:
        many = f"{len(counted)} defect{'s' * (len(counted) != 1)}"
        lines = [f"the doctor found {many} in {diagnosis.model}:", *map(_told, counted)]
        lines += [f"  {check.code} {check.defect} could not be checked: {check.reason}" for check in failed]
        raise AssertionError("\n".join(lines))
    return diagnosis


def _told(finding: Finding) -> str:
    where = finding.layer or "the whole model"
    return (
        f"  {finding.severity} {finding.code} {finding.defect}, {where}: {finding.evidence}\n"
        f"    remedy ({finding.remedy.safety}): {finding.remedy.text}"
    )
