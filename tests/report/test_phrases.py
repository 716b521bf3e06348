"""Both languages are whole: every phrase has both, with the same values to fill in, and is used."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import normwise.report
from normwise.report.metrics import MAIN
from normwise.report.phrases import PHRASES, Phrase, say
from normwise.report.why.curve_figures import DEPTH, SMOOTHNESS
from normwise.report.why.feature_figures import BLINDNESS, SHARES
from normwise.report.why.variants import ORDER
from normwise.report.why.view import DESCENTS, NETWORK, SECTIONS

SOURCES = Path(normwise.report.__file__).parent
BUILT = (
    "metric_",
    "model_",
    "kind_",
    "encoding_",
    "task_",
    "rest_",
    "verdict_",
    "headline_",
    "baseline_",
    "severity_",
    "safety_",
    "status_",
)
SAME = {"metric_roc_auc", "metric_r2", "why_network_value", "why_of", "why_range", "why_eta_beta"}
BUILT_OF_WHY = {
    *(f"why_{section}{end}" for section in SECTIONS for end in ("", "_1", "_2")),
    *(f"why_{name}" for name in (*SHARES, *BLINDNESS, *DEPTH, *SMOOTHNESS, *NETWORK, *MAIN)),
    *(f"why_condition_number_{model}_hessian" for model in DESCENTS),
    *(f"why_{model}_descent_steps" for model in DESCENTS),
    "why_landscape_first",
    "why_landscape_second",
    *(f"why_variant_{name}" for name in ORDER),
    *(f"why_effect_{name}" for name in ("helps", "no_difference", "hurts", "not_measured", "advice")),
}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", PHRASES)
def test_phrase_has_both_languages_with_the_same_values(key: str) -> None:
    phrase = PHRASES[key]
    assert phrase.en
    assert phrase.zh
    optional = {"metric", "own", "error", "times"}  # one language may name the metric, the other not
    assert fields(phrase.en) - optional == fields(phrase.zh) - optional
    assert bool(re.search(r"[\u4e00-\u9fff]", phrase.zh)) or key in SAME
    assert not re.search(r"[\u4e00-\u9fff]", phrase.en)


def test_every_phrase_is_used() -> None:
    files = [*SOURCES.rglob("*.py"), *SOURCES.glob("page/*")]
    text = "".join(f.read_text("utf-8") for f in files if f.name != "phrases.py")
    unused = [
        k for k in PHRASES if f'"{k}"' not in text and not k.startswith(BUILT) and k not in BUILT_OF_WHY
    ]
    assert unused == []


def test_values_are_escaped_and_not_filled_in_again() -> None:
    shown = say("page_title", target="<b>{target}").__html__()
    assert "&lt;b&gt;{target} – training report" in shown
    assert "<b>" not in shown


def test_values_may_have_two_languages() -> None:
    told = say("verdict_same", model=Phrase("ridge", "岭回归"), other="1")
    assert told == Phrase("ridge: exactly the same, 1.", "岭回归：完全相同，1。")
