"""The results that are kept agree with the labels of today, and the page with the results."""

import json
from pathlib import Path

from benchmarks import doctor_applications
from benchmarks.doctor import RESULTS, UNSEEN, judged, page, summary
from tests.corpus.cases import CASES
from tests.corpus.judge import codes_of, score

from normwise.doctor.registry import RULES

ROOT = Path(__file__).parents[2]
KEPT = json.loads((ROOT / RESULTS).read_text(encoding="utf-8"))["results"]


def test_every_case_was_run():
    assert list(KEPT["found"]) == [case.name for case in CASES]
    assert KEPT["not_run"] == []


def test_the_table_is_what_the_labels_of_today_give():
    """If not: python -m benchmarks.doctor --only "" """
    assert json.loads(json.dumps(summary(KEPT["found"]))) == KEPT


def test_the_doctor_is_as_good_as_is_said():
    verdicts = judged(KEPT["found"])
    of = score(verdicts, codes_of(verdicts))
    assert of.precision >= 0.95
    assert of.recall >= 0.95
    assert not [verdict.case.name for verdict in verdicts if verdict.errors or verdict.failed]
    assert {rule.code for rule in RULES} <= set(KEPT["rules"])


def test_another_label_changes_the_table():
    without = {name: {**said, "findings": []} for name, said in KEPT["found"].items()}
    assert summary(without)["overall"]["recall"] == 0.0


def test_the_page_is_up_to_date():
    """If not: python -m benchmarks.doctor --page > docs/doctor-measured.md"""
    others = (doctor_applications.RESULTS, UNSEEN)
    of = [json.loads((ROOT / name).read_text(encoding="utf-8"))["results"] for name in others]
    assert (ROOT / "docs" / "doctor-measured.md").read_text(encoding="utf-8") == page(KEPT, *of)
