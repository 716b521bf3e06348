"""One rule's trouble is listed, and the others run."""

from collections.abc import Iterator

import pytest
from tests.doctor.cases import CASES
from tests.doctor.evidence import chain, dense, evidence, fitted, norm, normalization, replace

from normwise.core.diagnosis import Finding
from normwise.core.errors import NormwiseError
from normwise.core.evidence import Evidence
from normwise.doctor.engine import examine
from normwise.doctor.registry import RULES, rule_of, selected
from normwise.doctor.rule import Rule

BIAS = rule_of("NRM301")


def broken(evidence: Evidence) -> Iterator[Finding]:
    """A rule with a fault."""
    raise ValueError(f"{evidence.rows} rows")
    yield


BROKEN = Rule("NRM302", "broken", "warning", "exact", (), broken)


def test_a_rule_that_goes_wrong_has_failed():
    diagnosis = examine(CASES["NRM301"].fires, [BROKEN, BIAS])
    assert [(check.code, check.status) for check in diagnosis.checks] == [
        ("NRM301", "found"),
        ("NRM302", "failed"),
    ]
    assert diagnosis.checks[1].reason == "ValueError: 1000 rows"
    assert len(diagnosis.findings) == 1


def test_what_was_not_measured_is_skipped():
    diagnosis = examine(evidence(absent={"calls": "a subclassed model"}, training=fitted()), RULES)
    skipped = {check.code: check.reason for check in diagnosis.checks if check.status == "skipped"}
    assert set(skipped) == {"NRM201", "NRM301", "NRM302", "NRM303", "NRM304", "NRM411"}
    assert set(skipped.values()) == {"a subclassed model"}


def test_every_rule_is_listed():
    assert [check.code for check in examine(evidence(), RULES).checks] == [rule.code for rule in RULES]


def test_the_worst_comes_first():
    model = chain(dense(bias=True, decay=0.1), norm(decay=0.1), dense("head"))
    broken_statistics = normalization(moving_mean=float("nan"))
    findings = examine(evidence(model, normalizations=(broken_statistics,)), RULES).findings
    assert [f.code for f in findings] == ["NRM403", "NRM301", "NRM410", "NRM411"]
    assert [f.severity for f in findings] == ["error", "warning", "warning", "info"]


@pytest.mark.parametrize(
    ("pattern", "codes", "left"),
    [("dense", ("NRM3",), 0), ("*", ("NRM301",), 0), ("dense", ("NRM4",), 1), ("x", ("NRM",), 1)],
)
def test_layers_are_ignored(pattern, codes, left):
    diagnosis = examine(CASES["NRM301"].fires, [BIAS], {pattern: codes})
    assert len(diagnosis.findings) == left
    check = diagnosis.checks[0]
    assert (check.status, check.ignored) == (("found", 0) if left else ("clean", 1))


def test_what_was_not_seen_is_passed_on():
    model = replace(CASES["NRM301"].fires.model, unseen=("the call of net/block",))
    diagnosis = examine(evidence(model), [BIAS])
    assert (diagnosis.model, diagnosis.rows, diagnosis.unseen) == ("net", 1000, ("the call of net/block",))


def codes_of(rules):
    return [rule.code for rule in rules]


def test_preview_is_asked_for():
    assert not {"NRM302", "NRM203"} & set(codes_of(selected()))
    assert codes_of(selected(preview=True)) == codes_of(RULES)
    assert codes_of(selected(["NRM302"])) == ["NRM302"]
    assert codes_of(selected(["normalization-after-activation"])) == ["NRM302"]


def test_the_longer_beginning_counts():
    assert codes_of(selected(["NRM30"], preview=True)) == [f"NRM30{i}" for i in range(1, 6)]
    assert codes_of(selected(["NRM3"], ["NRM304"], preview=True)) == ["NRM301", "NRM302", "NRM303", "NRM305"]
    assert codes_of(selected(["NRM401"], ["NRM4"])) == ["NRM401"]
    assert codes_of(selected([], ["NRM1", "NRM2", "NRM3"])) == [c for c in codes_of(RULES) if c[3] == "4"]


def test_a_word_that_fits_no_rule():
    with pytest.raises(
        NormwiseError, match=r'"NRM406" is the code, or the beginning of the code, of no rule'
    ):
        selected(["NRM406"])
    with pytest.raises(NormwiseError, match=r'there is no rule "stale-statistic"\. .*stale-statistics'):
        rule_of("stale-statistic")
    assert rule_of("nrm403") is rule_of("stale-statistics")
