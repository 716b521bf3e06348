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
    "normalization_raw": ("Batch normalization on the raw inputs", "在原始输入上加批量归一化"),
    "normalization_scaled": ("Batch normalization on top of scaled inputs", "在缩放输入之上再加批量归一化"),
    "scaling_normalized": (
        "Scaling the inputs of the batch-normalized network",
        "给带批量归一化的网络缩放输入",
    ),
}
COMPARISONS = {
    "steps_helps": (
        " reached the target in {after} steps instead of {before}: {ratio} times fewer (range over {seeds} "
        "seeds: {after_low} to {after_high} against {before_low} to {before_high}).",
        "之后，达到目标的步数从 {before} 步减到 {after} 步，是原来的 1/{ratio}"
        "（{seeds} 个种子的范围：原来 {before_low} 到 {before_high}，之后 {after_low} 到 {after_high}）。",
    ),
    "steps_hurts": (
        " took {after} steps to the target instead of {before} (range over {seeds} seeds: {after_low} to "
        "{after_high} against {before_low} to {before_high}).",
        "之后，达到目标的步数从 {before} 步增到 {after} 步"
        "（{seeds} 个种子的范围：原来 {before_low} 到 {before_high}，之后 {after_low} 到 {after_high}）。",
    ),
    "steps_no_difference": (
        " made no difference to the steps that exceeds both the spread over {seeds} seeds and the factor of "
        "{factor} between the learning rates tried: {after} against {before}.",
        "之后，步数的变化没有同时超出 {seeds} 个种子之间的差异和所试学习率的间隔（{factor} 倍）："
        "原来 {before}，之后 {after}。",
    ),
    "steps_reaches": (
        " brought the network to the target, in {after} steps; without it, the target was not reached within "
        "{budget} steps in {before_missed} of {seeds} seeds.",
        "之后，{after} 步达到目标；否则 {seeds} 个种子中有 {before_missed} 个在 {budget} 步内没有达到。",
    ),
    "steps_no_longer_reaches": (
        " kept the network from the target within {budget} steps in {after_missed} of {seeds} seeds; "
        "without it, it took {before} steps.",
        "之后，{seeds} 个种子中有 {after_missed} 个在 {budget} 步内没有达到目标；否则只需 {before} 步。",
    ),
    "steps_undecided": (
        " brought the network to the target within {budget} steps in all but {after_missed} of {seeds} "
        "seeds, and without it in all but {before_missed}: too close to call.",
        "之后，{seeds} 个种子中有 {after_missed} 个在 {budget} 步内没有达到目标，"
        "否则有 {before_missed} 个：难分高下。",
    ),
    "steps_not_measured": (
        ": neither with it nor without it did most seeds reach the target within {budget} steps, so "
        "nothing is said of speed.",
        "：无论做与不做，多数种子都没有在 {budget} 步内达到目标，因此对速度不作结论。",
    ),
    "metric_helps": (
        " raised the {metric} on held-out rows from {before} to {after}.",
        "之后，留出集上的{metric}从 {before} 提高到 {after}。",
    ),
    "metric_hurts": (
        " lowered the {metric} on held-out rows from {before} to {after}.",
        "之后，留出集上的{metric}从 {before} 降到 {after}。",
    ),
    "metric_no_difference": (
        " made no difference to the {metric} on held-out rows that exceeds both the spread over seeds and "
        "the chance of {rows} held-out rows: {after} against {before}.",
        "之后，留出集上{metric}的变化没有同时超出种子之间的差异和 {rows} 行留出集的偶然误差："
        "原来 {before}，之后 {after}。",
    ),
    "metric_not_measured": (
        ": the {metric} on held-out rows is not a finite number for every seed, so it is not compared.",
        "：留出集上的{metric}并非对每个种子都是有限的数值，因此不作比较。",
    ),
    "rates_helps": (
        " widened the usable learning rates from {before} to {after} decades.",
        "之后，可用的学习率范围从 {before} 个数量级扩大到 {after} 个。",
    ),
    "rates_hurts": (
        " narrowed the usable learning rates from {before} to {after} decades.",
        "之后，可用的学习率范围从 {before} 个数量级缩小到 {after} 个。",
    ),
    "rates_no_difference": (
        " left the range of usable learning rates about as wide: {after} decades against {before}, tried "
        "in steps of {resolution}.",
        "之后，可用的学习率范围大致不变：原来 {before} 个数量级，之后 {after} 个；每 {resolution} "
        "个数量级试一次。",
    ),
}
PLAIN = {
    "condition_number": (
        "For a linear model of all numeric columns, scaling brings the condition number from {before} to "
        "{after}, and the steps of gradient descent at its best rate from {steps_before} to {steps_after}.",
        "对于使用全部数值列的线性模型，缩放使条件数从 {before} 变为 {after}，"
        "使梯度下降在最佳学习率下的步数从 {steps_before} 变为 {steps_after}。",
    ),
    "collinear": (
        "Scaling column by column does not part columns that repeat one another: most of “{column}” is told "
        "by the others (variance inflation {inflation}), and scaled the condition number is still "
        "{condition}. Leaving such columns out would lower it.",
        "逐列缩放分不开彼此重复的列：“{column}”大部分可由其他列推出（方差膨胀因子 {inflation}），"
        "缩放后条件数仍为 {condition}。去掉这样的列会使它下降。",
    ),
    "feature_spread": (
        "The column “{largest}” varies {spread} times as much as “{smallest}”.",
        "列“{largest}”的标准差是“{smallest}”的 {spread} 倍。",
    ),
    "feature_spread no_difference": (
        "The columns' spreads differ by a factor of {spread} at most.",
        "各列的标准差最多相差 {spread} 倍。",
    ),
    "saturation": (
        "Before the first step, {before} of the first hidden layer's activations are saturated with raw "
        "inputs and {after} with scaled ones.",
        "在第一步之前，第一个隐藏层的激活在原始输入下有 {before} 饱和，在缩放输入下有 {after} 饱和。",
    ),
    "saturation_normalized": (
        "Batch normalization brings the share of saturated activations of the first hidden layer on raw "
        "inputs from {before} to {after} before the first step.",
        "在第一步之前，批量归一化使第一个隐藏层在原始输入下的饱和比例从 {before} 变为 {after}。",
    ),
    "advice_scale": ("Scale your inputs.", "请缩放输入。"),
    "advice_scaling_for_rates": (
        "The one change that was found from scaling here is that more learning rates work; it costs little.",
        "在这里，缩放带来的唯一测得的变化是可用的学习率变多了；它的代价很小。",
    ),
    "advice_scaling_narrows_rates": (
        "The one change that was found from scaling here is that fewer learning rates work.",
        "在这里，缩放带来的唯一测得的变化是可用的学习率变少了。",
    ),
    "advice_normalize_for_rates": (
        "The one change that was found from batch normalization on top of scaling here is that more learning "
        "rates work: use it if you cannot tune the rate.",
        "在这里，缩放之后再加批量归一化，唯一测得的变化是可用的学习率变多了：如果无法调学习率，就用它。",
    ),
    "advice_normalization_narrows_rates": (
        "The one change that was found from batch "
        "normalization on top of scaling here is that fewer learning "
        "rates work: leave it out unless the network gets deeper.",
        "在这里，缩放之后再加批量归一化，唯一测得的变化是可用的学习率变少了：除非网络变得更深，否则可以不用。",
    ),
    "advice_scaling_gains_little": (
        "Without batch normalization, scaling made no difference that counts; it costs little.",
        "不加批量归一化时，缩放没有带来算得上的差别；它的代价很小。",
    ),
    "advice_scaling_hurts": (
        "Look at what scaling does to this table: the network was worse with it.",
        "请检查缩放对这张表做了什么：缩放之后网络变差了。",
    ),
    "advice_scaling_mixed": (
        "Scaling helped in one respect and hurt in another; choose by what matters to you.",
        "缩放在一方面有益，在另一方面有害；请看哪一方面对你更重要。",
    ),
    "advice_normalization_gains_little": (
        "Batch normalization gains little here once the inputs are scaled; leave it out unless the network "
        "gets deeper.",
        "输入缩放之后，批量归一化在这里收益很小；除非网络变得更深，否则可以不用。",
    ),
    "advice_normalize": (
        "Batch-normalize the hidden layers too: it still helps once the inputs are scaled.",
        "隐藏层也请加批量归一化：输入缩放之后它仍然有益。",
    ),
    "advice_normalize_not": (
        "Leave batch normalization out here: it made the scaled network worse.",
        "这里请不要用批量归一化：它使缩放后的网络变差。",
    ),
    "advice_mixed": (
        "Batch normalization helped in one respect and hurt in another on scaled inputs; choose by what "
        "matters to you.",
        "在缩放输入上，批量归一化在一方面有益，在另一方面有害；请看哪一方面对你更重要。",
    ),
    "advice_normalization_is_no_replacement": (
        "Batch normalization does not replace scaling here: on raw inputs with it, the network stays "
        "behind the scaled one without.",
        "在这里，批量归一化不能代替缩放：原始输入加批量归一化的网络仍落后于只做缩放的网络。",
    ),
    "nothing_learned": (
        "No network of the four predicted the {rows} held-out rows better than a constant does, by more than"
        " chance: there is nothing to compare. More rows or other columns may help.",
        "四个网络对 {rows} 行留出集的预测，都没有比一个常数好到超出偶然的程度，因此没有可比较的。"
        "增加行数或换用其他列也许有帮助。",
    ),
    "little_is_gained": (
        "Little is gained on this table: neither scaling nor batch normalization made a difference that "
        "counts.",
        "在这张表上收益很小：缩放和批量归一化都没有带来算得上的差别。",
    ),
    "scope": (
        "This holds for this table, a network of {layers} hidden layers and {seeds} seeds, each variant at "
        "the best of {rates} learning rates from {low} to {high}.",
        "以上只对这张表、{layers} 个隐藏层的网络和 {seeds} 个种子成立；每个变体取 {low} 到 {high} 之间 "
        "{rates} 个学习率中最好的一个。",
    ),
    "scope_model": (
        "This holds for this table, the network of {model} and {seeds} seeds, each variant at the best of "
        "{rates} learning rates from {low} to {high}.",
        "以上只对这张表、{model} 的网络和 {seeds} 个种子成立；每个变体取 {low} 到 {high} 之间 {rates} "
        "个学习率中最好的一个。",
    ),
}
ENDS = {
    f"{variant}_rate_is_the_{end}": (
        f"The best learning rate of the network on {en} is the {end} that was tried, {{rate}}: a {beyond} "
        "one may be better.",
        f"{zh}的网络，最好的学习率是所试的最{how}值 {{rate}}：更{how}的也许更好。",
    )
    for variant, (en, zh) in {
        "raw": ("raw inputs", "使用原始输入"),
        "scaled": ("scaled inputs", "使用缩放输入"),
        "raw_bn": ("raw inputs with batch normalization", "使用原始输入加批量归一化"),
        "scaled_bn": ("scaled inputs with batch normalization", "使用缩放输入加批量归一化"),
    }.items()
    for end, beyond, how in (("lowest", "lower", "小"), ("highest", "higher", "大"))
}
COMPOSED = {
    f"{subject}_{finding}": (en + rest_en, zh + rest_zh)
    for subject, (en, zh) in SUBJECTS.items()
    for finding, (rest_en, rest_zh) in COMPARISONS.items()
}
SENTENCES = PLAIN | ENDS | COMPOSED
SIGNS = {"helps": "win", "hurts": "lose", "not_measured": "unknown", "advice": "advice"}
SHARES = ("saturation", "saturation_normalized")


def sentence(found: Sentence) -> Phrase:
    """A sentence of the verdict in both languages.

    Raises:
        RecordError: If the key is not known, or lacks a value that stands in its words.

    Example:
        >>> print(sentence(Sentence("feature_spread", {"spread": 2.5}, {}, "no_difference")).en)
        The columns' spreads differ by a factor of 2.5 at most.
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
