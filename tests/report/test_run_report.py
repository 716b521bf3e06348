"""The page: well formed, self-contained, escaped, in both languages, for every shape of run."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.doctor.records import CLEAN, WHOLE
from tests.report.page_reader import PageReader
from tests.report.records import HOSTILE, RECORDS, classification, hostile, regression, wide

from normwise.core.errors import RunFolderError
from normwise.report import run_report, write_run_report
from normwise.report.text import one_line


@pytest.fixture(scope="module", params=list(RECORDS), name="page")
def any_page(request: pytest.FixtureRequest) -> str:
    return run_report(RECORDS[request.param]())


def own_part(page: str) -> str:
    """The page without Plotly's JavaScript."""
    scripts = [s for s in PageReader(page).scripts if len(s) > 1_400_000]
    assert len(scripts) == 1
    return page.replace(scripts[0], "")


def test_page_is_well_formed_and_loads_nothing(page: str) -> None:
    reader = PageReader(page)
    assert reader.problems == []
    assert reader.loads == []
    assert set(reader.tags) & {"img", "iframe", "object", "embed", "audio", "video", "base", "form"} == set()


def test_reader_sees_what_is_wrong() -> None:
    reader = PageReader('<p id="a"><b></p><img src="http://x/y"><a href="#b" onclick="f()"></a><i id="a">')
    assert "img src=http://x/y" in reader.loads
    wrong = " ".join(reader.problems)
    for part in ("</p> closes ['b']", "onclick", "#b is nowhere", "<i> is never closed", "#a stands twice"):
        assert part in wrong


def test_page_is_small_and_names_no_other_address(page: str) -> None:
    assert len(page.encode()) < 3_000_000
    own = own_part(page)
    assert len(own.encode()) < 1_000_000
    assert re.findall(r"(?:https?:)?//[a-z0-9]+\.[a-z]", own.replace("\\u0026", "&")) == []
    assert "default-src 'none'" in own


def test_page_shows_no_unfilled_phrase_and_no_python(page: str) -> None:
    text = PageReader(page).text.replace("%{x} {{ name }} {0} {% raw %}", "")
    assert re.findall(r"\{[a-z_]+\}|\bnan\b|\bNone\b|\bUndefined\b", text) == []


def test_figures_are_json_that_cannot_end_the_script(page: str) -> None:
    (text,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert not set("<>&\u2028\u2029") & set(text)
    for figure in json.loads(text).values():
        assert set(figure) == {"base", "zh", "dark", "narrow"}


def test_hostile_names_are_escaped_and_shown() -> None:
    page = run_report(hostile())
    reader = PageReader(page)
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "<b>bold</b>" not in page
    for name in HOSTILE:
        assert one_line(name, 40) in reader.text
    assert len(reader.scripts) == 3
    assert reader.tags.count("script") == 3


def test_page_tells_what_the_record_holds() -> None:
    text = PageReader(run_report(classification())).text
    for part in ("Predicting “diagnosis” from 3 columns", "cells.csv", "1,000 (3 more have no target)"):
        assert part in text
    for part in ("3 of 4", "Every row has another value.", "3 rows have no target and were dropped."):
        assert part in text
    for part in ("batch_size", "3.15.1", "ab" * 32, "1,234", "normwise predict RUN", "load_model", "“n/a”"):
        assert part in text
    for part in ("混淆矩阵", "学习曲线", "验证集", "留出集", "逻辑回归（scikit-learn）"):
        assert part in text


def test_page_of_a_regression_has_residuals_and_no_confusion_matrix() -> None:
    text = PageReader(run_report(regression())).text
    assert "Predicted and actual values" in text
    assert "Confusion matrix" not in text
    assert "60 held-out rows" in text
    assert "52,034" in text or "52,035" in text


def test_page_tells_the_unit_of_the_learning_curve() -> None:
    text = PageReader(run_report(regression())).text
    for part in ("mean absolute error here is in standard deviations of the target", "以目标的标准差为单位"):
        assert part in text
        assert part not in PageReader(run_report(classification())).text


def test_page_translates_what_it_knows_and_says_what_it_does_not() -> None:
    text = PageReader(run_report(classification())).text
    assert text.count("Shown as it was recorded, in English.") == 1  # the ending of the made-up record
    assert "Warnings stand as they were recorded, in English." in text
    assert "Reasons stand as they were recorded, in English." in text
    record = classification()
    told = dataclasses.replace(
        record.scores[0], note="normwise: scaled inputs, batch-normalized hidden layers"
    )
    ending = "all 3 epochs; the last weights were kept"
    text = PageReader(run_report(dataclasses.replace(record, ending=ending, scores=(told,)))).text
    for part in (
        ending,
        "完成全部 3 轮；保留最后的权重",
        told.note,
        "normwise：输入经过缩放，隐藏层经过批量归一化",
    ):
        assert part in text
    assert "Shown as it was recorded" not in text


def test_long_tables_are_cut_with_a_count() -> None:
    record = wide()
    columns = record.schema.columns * 2
    record = dataclasses.replace(record, schema=dataclasses.replace(record.schema, columns=columns))
    assert "104 more are not listed here." in PageReader(run_report(record)).text


def test_every_language_stands_beside_the_other(page: str) -> None:
    own = own_part(page)
    assert own.count('<span class="en" lang="en">') == own.count('<span class="zh" lang="zh-Hans">') > 50


def test_write_replaces_the_file_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "report.html"
    path.parent.mkdir()
    path.write_text("old")
    write_run_report(classification(), path)
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert os.listdir(path.parent) == ["report.html"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_write_into_no_folder_says_so(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "report.html"
    with pytest.raises(RunFolderError, match=re.escape(f'"{path}": No such file or directory')):
        write_run_report(classification(), path)


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RunFolderError, match=r"No space left on device.*2 MB free"):
        write_run_report(classification(), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize("names", ["report", "report.figures_json, normwise.report.view"])
def test_import_loads_neither_keras_nor_jax_nor_plotly(names: str) -> None:
    heavy = "[m for m in ('keras', 'jax', 'plotly', 'jinja2', 'sklearn', 'polars') if m in sys.modules]"
    code = f"import normwise.{names}, sys; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_page_tells_the_diagnosis() -> None:
    record = dataclasses.replace(classification(), diagnosis=WHOLE)
    page = run_report(record)
    section = page.partition('<section id="diagnosis">')[2].partition("</section>")[0]
    assert "6 of 9 checks" not in section
    assert "4 of 9 checks of scaling and normalization could be made on 500 rows. They found:" in section
    assert "errors: 1, warnings: 1, for information: 1." in section
    assert "错误 1 项，警告 1 项，提示 1 项。" in section
    assert section.count("<li class=") == 3
    assert "differ by a factor of [red]∞[/red]" in section
    assert "fixed = normwise.apply_remedies(model, diagnosis).model\nfixed.summary()" in section
    assert "net/odd calls a bare function." in section
    assert section.count("<tr><th") == 1 + len(WHOLE.checks)
    assert "ValueError: a fault of the rule" in section


def test_page_tells_a_clean_diagnosis_and_none() -> None:
    page = run_report(dataclasses.replace(classification(), diagnosis=CLEAN))
    assert "1 of 1 checks of scaling and normalization could be made on 0 rows, and none found" in page
    assert "This network was not diagnosed." in run_report(classification())


def test_words_of_a_finding_are_escaped_and_shown_where_no_phrase_is_known() -> None:
    odd = dataclasses.replace(
        WHOLE.findings[1],
        severity="fatal",
        layer="</script><b>",
        remedy=dataclasses.replace(WHOLE.findings[1].remedy, safety="<i>", code="a<b\n\nc"),
    )
    page = run_report(
        dataclasses.replace(classification(), diagnosis=dataclasses.replace(CLEAN, findings=(odd,)))
    )
    section = page.partition('<section id="diagnosis">')[2].partition("</section>")[0]
    assert "<b>" not in section
    assert "fatal" in section
    assert "a&lt;b\n\nc" in section
