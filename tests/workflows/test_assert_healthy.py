"""assert_healthy: what it raises, and what passes."""

from __future__ import annotations

import keras
import pytest
from tests.doctor.records import BIAS, CHECKS, CLEAN, WHOLE

import normwise
from normwise.core.diagnosis import Check, Diagnosis
from normwise.core.errors import NormwiseError

MODULE = "normwise.workflows.assert_healthy.diagnose"


def test_a_model_is_examined() -> None:
    layers = [keras.layers.Dense(8, name="hidden"), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,)), *layers], name="net")
    with pytest.raises(AssertionError) as caught:
        normwise.assert_healthy(model, select=["NRM301"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "the doctor found 1 defect in net:"
    assert lines[1].startswith("  warning NRM301 bias-before-normalization, ")
    assert "has 8 biases" in lines[1]
    assert lines[2].startswith("    remedy (safe): Leave out the bias of ")
    assert normwise.assert_healthy(model, ignore=["NRM3", "NRM4"]).worst() in ("", "info")
    assert normwise.assert_healthy(model, select=["NRM301"], fail_on="error").worst() == "warning"
    assert normwise.assert_healthy(model, select=["NRM301"], ignored_layers={"*": ("NRM3",)}).findings == ()


@pytest.mark.parametrize(("fail_on", "count"), [("error", 1), ("warning", 2), ("info", 3)])
def test_findings_from_a_severity_on_count(monkeypatch: pytest.MonkeyPatch, fail_on: str, count: int) -> None:
    monkeypatch.setattr(MODULE, lambda *_, **__: Diagnosis("net", 5, WHOLE.findings, CHECKS[:1]))
    with pytest.raises(AssertionError) as caught:
        normwise.assert_healthy(None, fail_on=fail_on)
    assert f"found {count} defect{'s' * (count > 1)} in net:" in str(caught.value)
    assert str(caught.value).count("remedy (") == count


def test_a_rule_that_went_wrong_is_no_pass_and_never_is(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Check("NRM404", "unconverged-statistics", "failed", "ValueError: a fault of the rule")
    monkeypatch.setattr(MODULE, lambda *_, **__: Diagnosis("net", 5, (BIAS,), (failed,)))
    with pytest.raises(AssertionError, match="NRM404 unconverged-statistics could not be checked: Value"):
        normwise.assert_healthy(None, fail_on="never")
    monkeypatch.setattr(MODULE, lambda *_, **__: CLEAN)
    assert normwise.assert_healthy(None) == CLEAN


def test_a_wrong_severity_is_refused() -> None:
    with pytest.raises(
        NormwiseError, match=r'fail_on is "eror", which is no severity. Did you mean "error"\?'
    ):
        normwise.assert_healthy(None, fail_on="eror")
