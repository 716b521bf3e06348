"""The verdict in words: a Sentence is data, and stands here in both languages by its key and effect."""

from __future__ import annotations

import math
from collections.abc import Callable

from normwise.core.errors import RecordError
from normwise.core.why_record import Sentence
from normwise.report.metrics import metric_name, metric_value
from normwise.report.phrases import Phrase
from normwise.report.text import number, one_line, percent

SUBJECTS = {
    "scaling": ("Scaling the inputs", "缩放输入"),
    "normalization_raw": ("Batch normalization on the raw inputs", "在原始输入上做批量归一化"),
    "normalization_scaled": ("Batch normalization on top of scaled inputs", "在缩放输入之上再做批量归一化"),
    "scaling_normalized": (
        "Scaling the inputs of the batch-normalized network",
        "缩放带批量归一化的网络的输入",
    ),
}
COMPARISONS = {
    "steps_helps": (
        " reached the target in {after} steps instead of {before}: {ratio} times fewer (range over {seeds} "
        "seeds: "
        "{after_low} to {after_high} against {before_low} to {before_high}).",
        "用 {after} 步达到目标，而不是 {before} 步：少到 1/{ratio}（{seeds} 个种子的范围：{after_low} 到 "
        "{after_high}，"
        "对比 {before_low} 到 {before_high}）。",
    ),
    "steps_hurts": (
        " took {after} steps to the target instead of {before} (range over {seeds} seeds: {after_low} to "
        "{after_high} against {before_low} to {before_high}).",
        "达到目标需要 {after} 步，而不是 {before} 步（{seeds} 个种子的范围：{after_low} 到 {after_high}，"
        "对比 {before_low} 到 {before_high}）。",
    ),
    "steps_no_difference": (
        " made no difference to the steps that exceeds the spread over {seeds} seeds: {after} against "
        "{before}.",
        "对步数的影响没有超过 {seeds} 个种子之间的差异：{after} 对比 {before}。",
    ),
    "steps_reaches": (
        " brought the network to the target, in {after} steps; without it, the target was not reached within "
        "{budget} steps in {before_missed} of {seeds} seeds.",
        "用 {after} 步达到目标；没有它，网络在 {seeds} 个种子中有 {before_missed} 个在 {budget} "
        "步内没有达到。",
    ),
    "steps_no_longer_reaches": (
        " kept the network from the target within {budget} steps in {after_missed} of {seeds} seeds; "
        "without it, "
        "it took {before} steps.",
        "使网络在 {seeds} 个种子中有 {after_missed} 个在 {budget} 步内没有达到目标；没有它时需要 {before} "
        "步。",
    ),
    "steps_undecided": (
        " brought the network to the target within {budget} steps in all but {after_missed} of {seeds} "
        "seeds, and without it in all but {before_missed}: too close to call.",
        "：在 {budget} 步内，{seeds} 个种子中有它时 {after_missed} 个未达到目标，"
        "没有它时 {before_missed} 个未达到：难分高下。",
    ),
    "steps_not_measured": (
        ": neither with it nor without it did most seeds reach the target within {budget} steps, so "
        "nothing is "
        "said of speed.",
        "：无论有没有它，多数种子都没有在 {budget} 步内达到目标，因此对速度不作结论。",
    ),
    "metric_helps": (
        " raised the {metric} on held-out rows from {before} to {after}.",
        "把留出集上的{metric}从 {before} 提高到 {after}。",
    ),
    "metric_hurts": (
        " lowered the {metric} on held-out rows from {before} to {after}.",
        "把留出集上的{metric}从 {before} 降低到 {after}。",
    ),
    "metric_no_difference": (
        " made no difference to the {metric} on held-out rows that exceeds the spread over seeds and the "
        "chance of "
        "{rows} held-out rows: {after} against {before}.",
        "对留出集上的{metric}的影响没有超过种子之间的差异和 {rows} 行留出集的偶然误差：{after} 对比 "
        "{before}。",
    ),
    "metric_not_measured": (
        ": a training did not stay finite, so the final {metric} is not compared.",
        "：有一次训练出现了非有限数值，因此不比较最终的{metric}。",
    ),
    "rates_helps": (
        " widened the usable learning rates from {before} to {after} decades.",
        "把可用的学习率范围从 {before} 个数量级扩大到 {after} 个。",
    ),
    "rates_hurts": (
        " narrowed the usable learning rates from {before} to {after} decades.",
        "把可用的学习率范围从 {before} 个数量级缩小到 {after} 个。",
    ),
    "rates_no_difference": (
        " left the range of usable learning rates about as wide: {after} decades against {before}, tried "
        "in steps "
        "of {resolution}.",
        "使可用的学习率范围大致不变：{after} 个数量级对比 {before} 个，每 {resolution} 个数量级试一次。",
    ),
}
PLAIN = {
    "condition_number": (
        "For a linear model of all numeric columns, scaling brings the condition number from {before} to "
        "{after}, and the steps of gradient descent at its best rate from {steps_before} to {steps_after}.",
        "对于由全部数值列构成的线性模型，缩放使条件数从 {before} 变为 {after}，"
        "以最佳学习率进行的梯度下降的步数从 {steps_before} 变为 {steps_after}。",
    ),
    "collinear": (
        "Scaling column by column does not part columns that repeat one another: “{column}” follows from the "
        "others (variance inflation {inflation}), and scaled the condition number is still {condition}. "
        "Leaving such columns out would lower it.",
        "逐列缩放不能分开彼此重复的列：“{column}”可由其他列推出（方差膨胀因子 {inflation}），"
        "缩放后条件数仍为 {condition}。去掉这样的列会使它下降。",
    ),
    "feature_spread": (
        "The column “{largest}” varies {spread} times as much as “{smallest}”.",
        "列“{largest}”的变化幅度是“{smallest}”的 {spread} 倍。",
    ),
    "feature_spread no_difference": (
        "The columns' spreads differ by no more than {spread} times.",
        "各列的变化幅度相差不超过 {spread} 倍。",
    ),
    "saturation": (
        "Before the first step, {before} of the first hidden layer's activations are saturated with raw "
        "inputs and "
        "{after} with scaled ones.",
        "在第一步之前，第一个隐藏层的激活在原始输入下有 {before} 饱和，在缩放输入下有 {after} 饱和。",
    ),
    "saturation_normalized": (
        "Batch normalization brings the share of saturated activations of the first hidden layer on raw "
        "inputs from "
        "{before} to {after} before the first step.",
        "在第一步之前，批量归一化使第一个隐藏层在原始输入上的饱和激活份额从 {before} 变为 {after}。",
    ),
    "advice_scale": ("Scale your inputs.", "请缩放你的输入。"),
    "advice_scaling_for_rates": (
        "Scaling made learning rates easier to choose here, and nothing else better; it costs little.",
        "在这里缩放只是让学习率更容易选择，其他方面没有变好；它的代价很小。",
    ),
    "advice_normalize_for_rates": (
        "Batch normalization on top of scaling only widens the choice of learning rates here: use it if you"
        " cannot tune the rate.",
        "在缩放之上，批量归一化在这里只是扩大了学习率的选择范围：如果你无法调学习率，就使用它。",
    ),
    "advice_scaling_gains_little": (
        "Scaling gains little on this table; it does no harm.",
        "在这张表上缩放收益很小；它也没有坏处。",
    ),
    "advice_scaling_hurts": (
        "Look at what scaling does to this table: the network was worse with it.",
        "请检查缩放对这张表做了什么：使用缩放后网络变差了。",
    ),
    "advice_scaling_mixed": (
        "Scaling helped in one respect and hurt in another; choose by what matters to you.",
        "缩放在一方面有益，在另一方面有害；请按你看重的来选择。",
    ),
    "advice_normalization_gains_little": (
        "Batch normalization gains little here once the inputs are scaled; leave it out unless the network "
        "gets "
        "deeper.",
        "输入缩放之后，批量归一化在这里收益很小；除非网络变得更深，否则可以不用。",
    ),
    "advice_normalize": (
        "Batch-normalize the hidden layers too: it still helps once the inputs are scaled.",
        "隐藏层也请做批量归一化：在输入缩放之后它仍然有益。",
    ),
    "advice_normalize_not": (
        "Leave batch normalization out here: it made the scaled network worse.",
        "这里请不要用批量归一化：它使缩放后的网络变差。",
    ),
    "advice_mixed": (
        "Batch normalization helped in one respect and hurt in another on scaled inputs; choose by what "
        "matters to "
        "you.",
        "在缩放输入上，批量归一化在一方面有益，在另一方面有害；请按你看重的来选择。",
    ),
    "advice_normalization_is_no_replacement": (
        "Batch normalization does not replace scaling here: on raw inputs with it, the network stays "
        "behind the "
        "scaled one without.",
        "在这里批量归一化不能代替缩放：原始输入加批量归一化的网络仍落后于只做缩放的网络。",
    ),
    "nothing_learned": (
        "No network of the four predicted the {rows} held-out rows better than a constant does, by more than"
        " chance: there is nothing to compare. More rows or other columns may help.",
        "四个网络对 {rows} 行留出集的预测都没有超出偶然地好于一个常数，因此没有可比较的。"
        "更多的行或其他列可能有帮助。",
    ),
    "little_is_gained": (
        "Little is gained on this table: neither scaling nor batch normalization made a difference that "
        "exceeds the "
        "spread over seeds.",
        "在这张表上收益很小：缩放和批量归一化带来的差别都没有超过种子之间的差异。",
    ),
    "scope": (
        "This holds for this table, a network of {layers} hidden layers and {seeds} seeds, each variant at "
        "the best "
        "of {rates} learning rates.",
        "以上只对这张表、{layers} 个隐藏层的网络和 {seeds} 个种子成立，每个变体取 {rates} "
        "个学习率中最好的一个。",
    ),
    "scope_model": (
        "This holds for this table, the network of {model} and {seeds} seeds, each variant at the best of "
        "{rates} learning rates.",
        "以上只对这张表、{model} 的网络和 {seeds} 个种子成立，每个变体取 {rates} 个学习率中最好的一个。",
    ),
}
COMPOSED = {
    f"{subject}_{finding}": (en + rest_en, zh + rest_zh)
    for subject, (en, zh) in SUBJECTS.items()
    for finding, (rest_en, rest_zh) in COMPARISONS.items()
}
SENTENCES = PLAIN | COMPOSED
SIGNS = {"helps": "win", "hurts": "lose", "not_measured": "unknown", "advice": "advice"}
SHARES = ("saturation", "saturation_normalized")


def sentence(found: Sentence) -> Phrase:
    """A sentence of the verdict in both languages.

    Raises:
        RecordError: If the key is not known, or lacks a value that stands in its words.

    Example:
        >>> print(sentence(Sentence("feature_spread", {"spread": 2.5}, {}, "no_difference")).en)
        The columns' spreads differ by no more than 2.5 times.
    """
    key = f"{found.key} {found.effect}"
    template = SENTENCES.get(key) or SENTENCES.get(found.key)
    if template is None:
        raise RecordError(
            f'the verdict has the sentence "{found.key}", which this version cannot put into words. '
            "Read the record with the version that wrote it."
        )
    told = _teller(found)
    values = {name: told(value) for name, value in found.numbers.items()}
    words = {name: one_line(word, 60) for name, word in found.words.items()}
    try:
        return Phrase(
            *(
                text.format(**values, **words | _metric(found, language))
                for text, language in zip(template, ("en", "zh"), strict=True)
            )
        )
    except KeyError as missing:
        raise RecordError(
            f'the sentence "{found.key}" of the verdict lacks the value {missing}; it has '
            f"{', '.join([*found.numbers, *found.words]) or 'none'}. Measure again with normwise why."
        ) from missing


def _teller(found: Sentence) -> Callable[[float], str]:
    # Of a share or an accuracy, before and after are percentages; counts are whole and stay numbers.
    metric = found.words.get("metric", "")
    if found.key in SHARES:
        return percent
    if metric:
        return lambda v: number(v) if math.isfinite(v) and v > 1 else metric_value(metric, v)
    return lambda value: number(value, 3)


def _metric(found: Sentence, language: str) -> dict[str, str]:
    return {"metric": metric_name(found.words["metric"], language)} if "metric" in found.words else {}
