"""What a run record tells in fixed English sentences, in both languages; other texts stay as they are."""

from __future__ import annotations

import re

from normwise.report.phrases import Phrase

_LOSSES = {"validation loss": "验证损失", "training loss": "训练损失"}
_LOSS = "(?P<loss>validation loss|training loss)"
_KEPT = rf"the weights of epoch (?P<best>\d+), with the lowest {_LOSS}, were kept"
_KEPT_ZH = "保留{loss}最低的第 {best} 轮的权重"
_SENTENCES = (
    (
        "normwise: scaled inputs, batch-normalized hidden layers",
        "normwise：输入经过缩放，隐藏层经过批量归一化",
    ),
    (
        "scikit-learn, scaled numbers and one-hot categories, default settings",
        "scikit-learn：数值经过缩放，类别为独热编码，默认设置",
    ),
    (
        "scikit-learn's histogram gradient boosting, default settings",
        "scikit-learn 的直方图梯度提升，默认设置",
    ),
    (r"all (?P<n>\d+) epochs; the last weights were kept", "完成全部 {n} 轮；保留最后的权重"),
    (rf"all (?P<n>\d+) epochs; {_KEPT}", "完成全部 {n} 轮；" + _KEPT_ZH),
    (
        r"stopped after (?P<n>\d+) epochs, (?P<patience>\d+) without a lower (?:validation|training) loss; "
        + _KEPT,
        "在第 {n} 轮后停止，{loss}已连续 {patience} 轮没有降低；" + _KEPT_ZH,
    ),
    (
        rf"stopped after (?P<n>\d+) epochs; the {_LOSS} was never a number, so the last weights were kept",
        "在第 {n} 轮后停止；{loss}始终不是有效数值，因此保留最后的权重",
    ),
    (
        r"interrupted after (?P<n>\d+) of (?P<all>\d+) epochs; the last weights were kept",
        "在 {all} 轮中的第 {n} 轮后中断；保留最后的权重",
    ),
    (
        rf"interrupted after (?P<n>\d+) of (?P<all>\d+) epochs; {_KEPT}",
        "在 {all} 轮中的第 {n} 轮后中断；" + _KEPT_ZH,
    ),
)


def recorded(text: str) -> Phrase | None:
    """A recorded sentence in both languages; None where only its English is known.

    Example:
        >>> recorded("all 20 epochs; the last weights were kept").zh
        '完成全部 20 轮；保留最后的权重'
    """
    for english, chinese in _SENTENCES:
        if found := re.fullmatch(english, text):
            values = {name: _LOSSES.get(value, value) for name, value in found.groupdict().items()}
            return Phrase(text, chinese.format(**values))
    return None
