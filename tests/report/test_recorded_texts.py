"""Fixed sentences of a record in Chinese; all that the code records today is known."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re

import pytest

from normwise.report.recorded_texts import recorded

KEPT = "the weights of epoch 12, with the lowest validation loss, were kept"
ENDINGS = [
    ("all 20 epochs; the last weights were kept", "完成全部 20 轮；保留最后的权重"),
    (f"all 20 epochs; {KEPT}", "完成全部 20 轮；保留验证损失最低的第 12 轮的权重"),
    (
        f"stopped after 17 epochs, 5 without a lower validation loss; {KEPT}",
        "在第 17 轮后停止，验证损失已连续 5 轮没有降低；保留验证损失最低的第 12 轮的权重",
    ),
    (
        "stopped after 3 epochs; the training loss was never a number, so the last weights were kept",
        "在第 3 轮后停止；训练损失始终不是有效数值，因此保留最后的权重",
    ),
    (
        "interrupted after 3 of 20 epochs; the last weights were kept",
        "在 20 轮中的第 3 轮后中断；保留最后的权重",
    ),
    (
        f"interrupted after 13 of 20 epochs; {KEPT}",
        "在 20 轮中的第 13 轮后中断；保留验证损失最低的第 12 轮的权重",
    ),
]


@pytest.mark.parametrize(("english", "chinese"), ENDINGS)
def test_endings(english: str, chinese: str) -> None:
    told = recorded(english)
    assert told is not None
    assert (told.en, told.zh) == (english, chinese)


@pytest.mark.parametrize("text", ["", "all epochs", f"all 20 epochs; {KEPT}, or not", "<b>all 3 epochs</b>"])
def test_other_texts_are_not_known(text: str) -> None:
    assert recorded(text) is None


def test_every_ending_of_the_training_is_known() -> None:
    from normwise.workflows.presets import PRESETS
    from normwise.workflows.train_network import BestWeights, _ending

    for patience, monitor, epoch, best, stopped in itertools.product(
        (None, 5), ("val_loss", "loss"), (7, 20), (0, 3), (False, True)
    ):
        keep = BestWeights(monitor, patience)
        keep.epoch, keep.best_epoch, keep.stopped = epoch, best, stopped
        preset = dataclasses.replace(PRESETS["default"], patience=patience, epochs=20)
        ending = _ending(keep, preset, monitor)
        assert recorded(ending) is not None, ending


def test_every_note_of_the_scores_is_known() -> None:
    from normwise.workflows import baselines, summarize_run

    source = inspect.getsource(baselines) + inspect.getsource(summarize_run)
    notes = re.findall(r'"((?:normwise:|scikit-learn)[^"\n]* [^"\n]*)"', source)
    assert len(notes) == 3
    assert [note for note in notes if recorded(note) is None] == []
