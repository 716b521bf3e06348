"""The why page: well formed, self-contained, escaped, in both languages, for every shape of record."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import re
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.page_reader import PageReader
from tests.report.records import HOSTILE, feature
from tests.report.why_records import (
    SPEED,
    WHY_RECORDS,
    bare,
    bowl,
    hostile,
    percentiles,
    surface,
    verdict,
    whole,
)

import normwise
import normwise.report
from normwise.core.descent import steps_needed
from normwise.core.errors import RecordError, RunFolderError
from normwise.core.measurement import Curve
from normwise.core.why_record import Sentence, SweepPoint, WhyRecord
from normwise.report import plot, why_report, write_why_report
from normwise.report.figures_json import changing, plain
from normwise.report.look import Look
from normwise.report.text import one_line
from normwise.report.why.figures import why_figures
from normwise.report.why.layer_figures import MOST_FRAMES, frame_steps
from normwise.report.why.play import play_data
from normwise.report.why.quadratic import Quadratic
from normwise.report.why.sentences import COMPARISONS, ENDS, SENTENCES, SUBJECTS, sentence
from normwise.report.why.variants import usable_limit
from normwise.report.why.view import PAPERS, SECTIONS, why_view


@pytest.fixture(scope="module", params=list(WHY_RECORDS), name="page")
def any_page(request: pytest.FixtureRequest) -> str:
    return why_report(WHY_RECORDS[request.param]())


def test_page_is_well_formed_small_and_loads_nothing(page: str) -> None:
    reader = PageReader(page)
    assert reader.problems == []
    assert reader.loads == []
    assert len(page.encode()) < 6_000_000
    assert "default-src 'none'" in page


def test_plotly_is_the_file_that_was_released() -> None:
    folder = Path(normwise.report.__file__).parent / "page"
    released = "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a"
    assert hashlib.sha256((folder / "plotly-cartesian.min.js").read_bytes()).hexdigest() == released
    assert "MIT" in (folder / "plotly-cartesian.LICENSE").read_text("utf-8")


def test_page_names_no_address_but_the_papers(page: str) -> None:
    plotly = max(PageReader(page).scripts, key=len)
    found = re.findall(r"https?://[^\s\"'<>]+", page.replace(plotly, ""))
    assert set(found) <= {address for _, address in PAPERS.values()}
    assert "https://arxiv.org/abs/1502.03167" in found


def test_page_shows_no_unfilled_phrase_and_no_python(page: str) -> None:
    text = PageReader(page).text.replace("%{x} {{ name }} {0} {% raw %}", "")
    assert re.findall(r"\{[a-z_]+\}|\bnan\b|\bNone\b|\bUndefined\b", text) == []


def test_sections_stand_in_order_and_headings_skip_no_level(page: str) -> None:
    assert tuple(re.findall(r'<section id="([a-z]+)">', page)) == SECTIONS
    levels = [int(tag[1]) for tag in PageReader(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_every_control_has_a_label(page: str) -> None:
    own = page.replace(max(PageReader(page).scripts, key=len), "")
    for control in re.findall(r"<input[^>]*>", own):
        named = re.search(r' id="([^"]+)"', control)
        labelled = bool(named) and f'<label for="{named.group(1)}">' in own if named else False
        assert labelled or re.search(r"<label[^>]*>" + re.escape(control), own), control
    for button in re.findall(r"<button[^>]*>(.*?)</button>", own, re.DOTALL):
        assert PageReader(f"<p>{button}</p>").text.strip()


def test_missing_pieces_are_said_to_be_missing() -> None:
    page = why_report(bare())
    assert page.count('class="quiet absent"') == 8  # every section that measures, verdict, diagnosis
    assert 'class="quiet absent"' not in why_report(whole())


def test_the_facts_of_a_model_that_was_given() -> None:
    def facts(**changed: object) -> str:
        own = {"hidden_units": (12, 12), "activation": "tanh"} | changed
        page = why_report(dataclasses.replace(whole(), **own))  # type: ignore[arg-type]
        return PageReader(page).text.split("To the verdict")[0]

    weights = f"{min(v.parameters for v in whole().variants):,}"
    given, nameless = facts(), facts(activation="")
    assert "own <b>.keras" not in given
    shown = facts(model="own <b>.keras", activation="relu, gelu")
    assert all(fact in shown for fact in ("own <b>.keras", "12 → 12, relu, gelu", weights))
    assert "12 → 12" in nameless
    assert "12 → 12," not in nameless
    assert re.search(r"Hidden layers\s*(隐藏层)?\s*none", facts(hidden_units=(), activation=""))
    deep = facts(hidden_units=(1,) * 40)
    assert "→ 1 → …" in deep
    assert len(deep) < len(given) + 100


def test_hostile_names_are_escaped_and_shown() -> None:
    page = why_report(hostile())
    reader = PageReader(page)
    for part in ("<img src=x", "<script>alert", "<b>bold</b>"):
        assert part not in page
    for name in HOSTILE:
        assert one_line(name, 40) in reader.text
    assert reader.tags.count("script") == 4


def test_page_tells_what_the_record_holds() -> None:
    text = PageReader(why_report(whole())).text
    for part in (
        "earns >50K",
        "adult.csv",
        "1,000",
        "12 → 12, tanh",
        "normwise why adult.csv",
        "what feature_std is",
    ):
        assert part in text
    for part in (
        "403 (400 … ∞)",
        "2 of 3",
        "Usable: raw inputs 2 powers of ten",
        "Scale your inputs.",
        "请缩放输入。",
    ):
        assert part in text


@pytest.mark.parametrize("name", WHY_RECORDS)
def test_changes_add_up_and_no_number_is_undefined(name: str) -> None:
    record = WHY_RECORDS[name]()
    for key, draw in why_figures(record).items():
        parts = changing(draw, record)
        json.dumps(parts, allow_nan=False)
        together = parts["base"]
        for patch in (parts["zh"], parts["dark"], parts["narrow"]):
            for path, value in patch:
                place: Any = together
                for step in path[:-1]:
                    place = place[step]
                place[path[-1]] = value
        assert together == plain(draw(record, Look("zh", dark=True, narrow=True))), key


SAMPLE = {found.key: found for found in verdict()}


def test_the_sample_has_every_sentence() -> None:
    assert {key.partition(" ")[0] for key in SENTENCES} == set(SAMPLE)
    assert len(SAMPLE) == 6 - 1 + len(SUBJECTS) * len(COMPARISONS) + 17 + len(ENDS)


@pytest.mark.parametrize("key", SENTENCES)
def test_sentence_is_whole_in_both_languages(key: str) -> None:
    english, chinese = ({n for _, n, _, _ in string.Formatter().parse(t) if n} for t in SENTENCES[key])
    assert english == chinese
    told = next(sentence(s) for s in verdict() if key in (s.key, f"{s.key} {s.effect}"))
    assert "{" not in told.en + told.zh
    assert re.search(r"[\u4e00-\u9fff]", told.zh)


def test_sentence_states_shares_and_metrics_in_percent() -> None:
    assert "97.0% of" in sentence(SAMPLE["saturation"]).en
    told = sentence(SAMPLE["scaling_metric_no_difference"]).en
    assert "900 held-out rows: 85.0% against 81.0%." in told
    assert "the accuracy on" in told


def test_unknown_sentence_and_missing_value_are_errors() -> None:
    with pytest.raises(RecordError, match='sentence "scaling_is_magic"'):
        why_report(dataclasses.replace(whole(), verdict=(Sentence("scaling_is_magic", {}, {}, "helps"),)))
    with pytest.raises(RecordError, match=r"lacks the value 'after'; it has before\."):
        sentence(Sentence("condition_number", {"before": 1.0}, {}, "helps"))


@pytest.mark.parametrize("condition", [1.0, 2.0, 30.0, 1000.0])
def test_steps_are_those_of_gradient_descent_taken_step_by_step(condition: float) -> None:
    rng = np.random.default_rng(int(condition))
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    hessian = turn @ np.diag([condition, 1.0]) @ turn.T
    weights, rate = rng.normal(size=2), 2 / (condition + 1)
    first = weights @ hessian @ weights
    taken = 0
    while weights @ hessian @ weights > 0.01 * first * (1 + 1e-9):
        weights = weights - rate * hessian @ weights
        taken += 1
    assert taken == steps_needed(condition)


def test_path_and_ellipses_are_those_of_the_quadratic() -> None:
    found = bowl("raw", 5.0)
    quadratic, hessian = Quadratic.of(found), np.array(found.hessian).reshape(2, 2)
    path, best = quadratic.path(np.zeros(2)), np.array(found.optimum)
    rate = 2 / np.linalg.eigvalsh(hessian).sum()
    for before, after in itertools.pairwise(path):
        np.testing.assert_allclose(after, before - rate * hessian @ (before - best), rtol=1e-9, atol=1e-12)
    around = np.stack(quadratic.ellipse(0.3)).T - best
    losses = np.einsum("ij,jk,ik->i", around, hessian, around)
    np.testing.assert_allclose(losses, losses[0], rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(around, axis=1).max(), 0.3, rtol=1e-3)


def test_a_bowl_without_a_bottom_takes_for_ever() -> None:
    flat = dataclasses.replace(bowl("raw", 1.0), hessian=(1.0, 0.0, 0.0, 0.0), condition_number=math.inf)
    assert math.isinf(Quadratic.of(flat).condition_number)
    assert math.isinf(steps_needed(math.inf))


def test_the_record_knows_better_than_its_hessian_how_stretched_it_is() -> None:
    """Of a ratio of 1e18 float64 keeps nothing in the matrix."""
    steep = dataclasses.replace(bowl("raw", 1.0), hessian=(1e18, 0.0, 0.0, 1.0), condition_number=4e17)
    assert Quadratic.of(steep).condition_number == pytest.approx(4e17)


def test_play_stretches_the_scaled_bowl_as_far_as_the_raw_one() -> None:
    data = play_data(whole())
    assert math.isclose(10 ** data["raw"], 30.0)
    assert play_data(bare()) == {}


def test_frames_are_few_and_hold_both_ends() -> None:
    long = percentiles("dense", 1.0, 0)
    steps = tuple(range(0, 2000, 2))
    long = dataclasses.replace(long, steps=steps, flat=(0.5,) * (36 * len(steps)))
    variants = tuple(dataclasses.replace(v, series=(long,)) for v in whole().variants)
    found = frame_steps(dataclasses.replace(whole(), variants=variants))
    assert len(found) == MOST_FRAMES
    assert (found[0], found[-1]) == (0, 1998)


@pytest.mark.parametrize("name", why_figures(whole()))
def test_plot_draws_every_figure_by_name(name: str) -> None:
    assert len(normwise.plot(whole(), name).data) > 0


def test_plot_draws_each_record() -> None:
    curve = Curve("loss", (1.0, 2.0), (3.0, 4.0), "step", "", 5, "", "", low=(2.0, 3.0), high=(4.0, 5.0))
    assert plot(curve).data[0].y == (3.0, 4.0)
    assert len(plot(percentiles("dense", 1.0, 0)).data) == 36
    assert len(plot(bowl("raw", 3.0)).data) == 4
    assert len(plot(surface("raw", 3.0)).data) == 4
    assert plot(feature("age")).data[0].y == feature("age").before.counts
    assert plot(whole(), language="zh").data[1].name == "原始输入"


def test_the_landscape_shows_the_surface() -> None:
    shown = surface("scaled", 4.0)
    ground, paths, starts, network = plot(shown).data
    # Its first axis is horizontal: Plotly's rows are along the second.
    assert ground.customdata[8][0] == pytest.approx(0.3 + 0.5 * (4.0 * 1.2**2 + 1.0), rel=1e-3)
    assert ground.customdata[4][8] == pytest.approx(0.3 + 0.5 * 4.0 * 0.8**2, rel=1e-3)
    share = (ground.customdata[4][8] - 0.3) / (np.max(ground.customdata) - 0.3)
    assert ground.z[4][8] == pytest.approx(math.log10(share + 0.01), rel=1e-2)
    assert list(zip(starts.x, starts.y, strict=True)) == [tuple(path[:2]) for path in shown.paths]
    assert paths.x.count(None) == 4
    assert (network.x, network.y) == ((0.0,), (0.0,))
    title = plot(shown).layout.annotations[0].text
    assert title == "<b>scaled inputs</b><br>steps: 5.5; 3 of 4 starts arrive"
    assert plot(shown).layout.xaxis.title.text == "bends most upwards, λ = 4"


def test_no_more_paths_are_drawn_than_can_be_followed() -> None:
    many = dataclasses.replace(surface("raw", 1.0), paths=((0.0, 0.0, 0.5, 0.5),) * 20)
    assert len(plot(many).data[2].x) == 8


def test_steps_of_models_of_all_columns() -> None:
    page = why_report(whole()).split('<h3 id="h-descents"')[1].split("</table>")[0]
    rows = [re.findall(r'<td class="n">(.*?)</td>', row) for row in page.split("<tr>")[2:]]
    shown = [[PageReader(f"<p>{cell}</p>").text for cell in row] for row in rows]
    assert [row[0] for row in shown] == ["∞", "∞", "3,456"]
    assert shown[0][1] == "81"
    assert shown[1][1].startswith("95 (64 … 137)")
    assert shown[2][1] == "–"
    assert 'id="h-descents"' not in why_report(bare())


def test_networks_in_numbers_take_the_layer_that_says_most() -> None:
    table = why_report(whole()).split('<h3 id="h-network"')[1].split("</table>")[0]
    rows = table.split("<tr>")
    cosines = next(row for row in rows if "cosine" in row)
    assert re.findall(r'<td class="n">(.*?)</td>', cosines) == ["0.625"] * 4
    largest = next(row for row in rows if "Largest Hessian" in row)
    assert re.findall(r'<td class="n">(.*?)</td>', largest) == [
        f"{3 / speed:.3g}" for speed in SPEED.values()
    ]


def test_plot_says_what_there_is() -> None:
    with pytest.raises(RecordError, match='no figure "pie"; it has spread, shares, bowl'):
        plot(whole(), "pie")
    with pytest.raises(RecordError, match='no figure ""; it has none'):
        plot(bare())
    with pytest.raises(RecordError, match="no figure of a Sentence"):
        plot(verdict()[0])  # type: ignore[arg-type]


def test_write_appears_whole_or_says_why_not(tmp_path: Path) -> None:
    write_why_report(bare(), tmp_path / "why.html")
    assert [f.name for f in tmp_path.iterdir()] == ["why.html"]
    with pytest.raises(RunFolderError, match="No such file or directory"):
        write_why_report(bare(), tmp_path / "absent" / "why.html")


def test_record_survives_json_and_gives_the_same_page() -> None:
    record = whole()
    assert why_report(WhyRecord.from_json(record.to_json())) == why_report(record)


def test_drawing_loads_neither_keras_nor_jax() -> None:
    code = (
        "from tests.report.why_records import whole; from normwise.report import why_report; import sys; "
        "why_report(whole()); print([m for m in ('keras', 'jax') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_limit_of_usable_rates_is_that_of_the_comparison() -> None:
    """A rate at which most seeds diverged is not the best one, however low the loss of the seed left."""
    losses = ((0.5, 0.4, 0.6), (math.nan, math.nan, 0.01), (0.8, 0.8, 0.8))
    sweep = tuple(SweepPoint(10.0**k, each) for k, each in enumerate(losses))
    variants = tuple(dataclasses.replace(v, sweep=sweep) for v in whole().variants)
    record = dataclasses.replace(whole(), variants=variants, usable_tolerance=1.2)
    assert usable_limit(record) == pytest.approx(0.6)
    (line,) = plot(record, "rates").layout.shapes
    assert line.y0 == pytest.approx(0.6)
    assert "at most 0.6: nine tenths" in PageReader(why_report(record)).text


def test_the_table_of_the_features_has_what_the_figures_of_columns_show() -> None:
    found = why_view(whole())["features"]
    assert [head.en.partition(",")[0] for head in found["heads"]] == [
        *["Share of variance"] * 2,
        *["Share of gradient"] * 2,
        *["Units saturated"] * 2,
    ]
    assert all(len(cells) == 2 + 6 for _, cells in found["rows"])


def test_the_note_on_the_logistic_model_stands_where_there_is_one() -> None:
    regression = dataclasses.replace(
        whole(), measurements=tuple(m for m in whole().measurements if "logistic" not in m.name)
    )
    pages = [PageReader(why_report(record)).text for record in (whole(), regression)]
    assert ["a plane separates" in page for page in pages] == [True, False]
