"""What `normwise why` measures on two tables, and the pictures of docs/why.md.

    python -m experiments.why_pictures [--out experiments/results/why.json] [--pictures docs/images]

The tables are scikit-learn's breast-cancer data and UCI Adult (NORMWISE_DATA), with nothing but the defaults.
The results are the verdict's sentences with their numbers, what was measured of the data, and each variant's
medians.

Besides, the bowl over two pairs of columns of the breast-cancer data, all rows, raw and scaled: the condition
number, and the steps that descent at the best rate takes until 1% of the excess loss is left.

    perimeter and texture   of different size, and nearly independent
    radius and perimeter    nearly the same thing, in other units

The pictures are SVG as Plotly draws them in Chromium, in English and Chinese, and the pages of Adult as PNG.
They need the packages of `./run test-all` and a chromium on PATH.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from benchmarks.data import adult
from benchmarks.results import write_results
from experiments.svg import chromium, draw, with_plotly
from playwright.sync_api import Browser
from sklearn.datasets import load_breast_cancer

import normwise
from normwise.core.measurement import Bowl
from normwise.core.why_record import Variant, WhyRecord
from normwise.insight import bowl, descent_steps
from normwise.report import why_report
from normwise.scaling import StandardScaler

PAIRS = {"sizes": ("mean perimeter", "mean texture"), "collinear": ("mean radius", "mean perimeter")}
LANGUAGES = ("en", "zh")


def why_adult() -> WhyRecord:
    """`normwise why adult.csv --target income`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "adult.csv"
        adult("data").write_csv(file)
        record = normwise.why_table(file, normwise.WhyOptions(target="income"))
    return dataclasses.replace(record, command="normwise why adult.csv --target income")


def bowls() -> dict[str, tuple[Bowl, Bowl]]:
    """The bowl of each pair of columns, raw and scaled; the target is whether the tumour is benign."""
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    scaled = StandardScaler().fit(x).transform(x)
    ways = {"raw": x, "scaled": scaled}
    names = list(x.columns)
    return {
        name: tuple(bowl(table, y, names, pair, variant) for variant, table in ways.items())  # type: ignore[misc]
        for name, pair in PAIRS.items()
    }


def told(record: WhyRecord) -> dict[str, Any]:
    """What docs/why.md quotes of a record."""
    return {
        "command": record.command,
        "rows": {
            "training": record.training_rows,
            "validation": record.validation_rows,
            "held out": record.held_out_rows,
        },
        "target loss": record.target_loss,
        "measurements": [
            {"name": m.name, "variant": m.variant, "column": m.column, "value": m.value}
            for m in record.measurements
            if math.isfinite(m.value) and (not m.column or m.name == "share_of_variance")
        ],
        "variants": {variant.name: of_variant(variant) for variant in record.variants},
        "verdict": [
            {"key": s.key, "effect": s.effect, "words": s.words, "numbers": known(s.numbers)}
            for s in record.verdict
        ],
    }


def of_variant(variant: Variant) -> dict[str, Any]:
    """Medians over the seeds; no steps where most seeds never reach the target."""
    steps = [t.steps_to_target for t in variant.trainings]
    reached = [s for s in steps if not math.isnan(s)]
    usual = median(math.inf if math.isnan(s) else s for s in steps)
    return {
        "learning rate": variant.learning_rate,
        "usable decades": variant.usable_decades,
        "seeds that reach the target": len(reached),
        "steps to the target": usual if math.isfinite(usual) else None,
        "held-out loss": median(t.loss for t in variant.trainings),
        "held-out metric": median(t.metric for t in variant.trainings),
    }


def known(numbers: Any) -> dict[str, float | None]:
    """JSON has no infinity."""
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def figures(
    record: WhyRecord, cancer: WhyRecord, pairs: dict[str, tuple[Bowl, Bowl]]
) -> Iterator[tuple[str, Any]]:
    """The name of each picture and its figure."""
    for language in LANGUAGES:
        for name in ("spread", "percentiles", "curves", "rates"):
            yield f"why-{name}-{language}", normwise.plot(record, name, language=language)
        for name, pair in pairs.items():
            drawn = dataclasses.replace(cancer, bowls=pair)
            yield f"why-bowl-{name}-{language}", normwise.plot(drawn, "bowl", language=language)


def photograph(record: WhyRecord, browser: Browser, folder: Path) -> None:
    """The whole page of the report, wide and on a telephone, light and dark."""
    page_file = folder / "page.html"
    page_file.write_text(why_report(record), "utf-8")
    for size, width in (("wide", 1280), ("narrow", 390)):
        for colours in ("light", "dark"):
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme=colours,
                locale="en-US",
                device_scale_factor=0.5,  # they are long
            )
            page.goto(page_file.resolve().as_uri())
            page.wait_for_selector('html[data-ready="true"]', state="attached")
            page.screenshot(path=folder / f"why-{size}-{colours}.png", full_page=True)
            page.close()
    page_file.unlink()


def main() -> None:
    """Measures, writes the results, and draws."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("experiments/results/why.json"))
    parser.add_argument("--pictures", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    record, cancer, pairs = why_adult(), normwise.why_table(None), bowls()
    results = {
        "adult": told(record),
        "breast cancer": told(cancer),
        "bowls": {
            name: [
                {"columns": b.columns, "variant": b.variant, "condition number": b.condition_number}
                | {m.name: m.value for m in descent_steps(b)}
                for b in pair
            ]
            for name, pair in pairs.items()
        },
    }
    write_results(options.out, "python -m experiments.why_pictures", results)
    with chromium() as browser:
        page = with_plotly(browser)
        for name, figure in figures(record, cancer, pairs):
            (options.pictures / f"{name}.svg").write_text(draw(figure, name, page), "utf-8")
        photograph(record, browser, options.pictures)


if __name__ == "__main__":
    main()
