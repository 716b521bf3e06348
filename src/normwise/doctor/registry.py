"""The rules: one table of all of them, and which of them are run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from normwise.core.errors import NormwiseError, did_you_mean
from normwise.doctor.rule import Rule
from normwise.doctor.rules.activations.dead_relu import DEAD_RELU
from normwise.doctor.rules.activations.exploding_gradient import EXPLODING_GRADIENT
from normwise.doctor.rules.activations.saturated_activation import SATURATED_ACTIVATION
from normwise.doctor.rules.activations.vanishing_gradient import VANISHING_GRADIENT
from normwise.doctor.rules.data.constant_feature import CONSTANT_FEATURE
from normwise.doctor.rules.data.drifted_feature import DRIFTED_FEATURE
from normwise.doctor.rules.data.heavy_tailed_feature import HEAVY_TAILED_FEATURE
from normwise.doctor.rules.data.large_input import LARGE_INPUT
from normwise.doctor.rules.data.unscaled_features import UNSCALED_FEATURES
from normwise.doctor.rules.statistics.dying_channel import DYING_CHANNEL
from normwise.doctor.rules.statistics.epsilon_dominance import EPSILON_DOMINANCE
from normwise.doctor.rules.statistics.frozen_statistics_mismatch import FROZEN_STATISTICS_MISMATCH
from normwise.doctor.rules.statistics.last_batch_of_one import LAST_BATCH_OF_ONE
from normwise.doctor.rules.statistics.low_precision_statistics import LOW_PRECISION_STATISTICS
from normwise.doctor.rules.statistics.small_batch import SMALL_BATCH
from normwise.doctor.rules.statistics.stale_statistics import STALE_STATISTICS
from normwise.doctor.rules.statistics.train_inference_skew import TRAIN_INFERENCE_SKEW
from normwise.doctor.rules.statistics.weight_decay_before_normalization import (
    WEIGHT_DECAY_BEFORE_NORMALIZATION,
)
from normwise.doctor.rules.statistics.weight_decay_on_normalization import WEIGHT_DECAY_ON_NORMALIZATION
from normwise.doctor.rules.structure.bias_before_normalization import BIAS_BEFORE_NORMALIZATION
from normwise.doctor.rules.structure.dropout_before_normalization import DROPOUT_BEFORE_NORMALIZATION
from normwise.doctor.rules.structure.normalization_after_activation import NORMALIZATION_AFTER_ACTIVATION
from normwise.doctor.rules.structure.normalized_output import NORMALIZED_OUTPUT
from normwise.doctor.rules.structure.shared_normalization import SHARED_NORMALIZATION

RULES: tuple[Rule, ...] = (
    UNSCALED_FEATURES,
    CONSTANT_FEATURE,
    HEAVY_TAILED_FEATURE,
    DRIFTED_FEATURE,
    LARGE_INPUT,
    SATURATED_ACTIVATION,
    DEAD_RELU,
    VANISHING_GRADIENT,
    EXPLODING_GRADIENT,
    BIAS_BEFORE_NORMALIZATION,
    NORMALIZATION_AFTER_ACTIVATION,
    DROPOUT_BEFORE_NORMALIZATION,
    NORMALIZED_OUTPUT,
    SHARED_NORMALIZATION,
    SMALL_BATCH,
    LAST_BATCH_OF_ONE,
    STALE_STATISTICS,
    TRAIN_INFERENCE_SKEW,
    FROZEN_STATISTICS_MISMATCH,
    DYING_CHANNEL,
    EPSILON_DOMINANCE,
    LOW_PRECISION_STATISTICS,
    WEIGHT_DECAY_ON_NORMALIZATION,
    WEIGHT_DECAY_BEFORE_NORMALIZATION,
)
"""All rules, in the order of their codes."""


def rule_of(code: str) -> Rule:
    """The rule of a code, or of a defect's name.

    Raises:
        NormwiseError: If there is none.
    """
    for rule in RULES:
        if code.upper() == rule.code or code.lower() == rule.defect:
            return rule
    known = [name for rule in RULES for name in (rule.code, rule.defect)]
    raise NormwiseError(f'there is no rule "{code}". {did_you_mean(code, known)}')


def selected(
    select: Sequence[str] = (), ignore: Sequence[str] = (), *, preview: bool = False
) -> tuple[Rule, ...]:
    """The rules to run.

    Args:
        select: Codes, beginnings of codes such as ``"NRM4"``, or names of defects; () is all rules. A rule in
            preview that is named in full is run without `preview`.
        ignore: Likewise, those that are not run; the longer of two beginnings that fit counts.
        preview: Whether rules in preview are run too.

    Raises:
        NormwiseError: If a word fits no rule.
    """
    for word in (*select, *ignore):
        if not any(_fits(word, rule) for rule in RULES):
            known = [name for rule in RULES for name in (rule.code, rule.defect)]
            raise NormwiseError(
                f'"{word}" is the code, or the beginning of the code, of no rule. {did_you_mean(word, known)}'
            )
    return tuple(rule for rule in RULES if _is_selected(rule, select, ignore, preview))


def _is_selected(rule: Rule, select: Sequence[str], ignore: Sequence[str], preview: bool) -> bool:
    chosen = max((_fits(word, rule) for word in select), default=0) if select else 1
    left_out = max((_fits(word, rule) for word in ignore), default=0)
    if not chosen or left_out >= chosen:
        return False
    return preview or not rule.preview or chosen >= len(rule.code)


def _fits(word: str, rule: Rule) -> int:
    """How much of a rule's code a word gives; 0 where it does not fit."""
    if word.lower() == rule.defect:
        return len(rule.code)
    if re.fullmatch(r"[A-Za-z]{1,3}\d{0,3}", word) and rule.code.startswith(word.upper()):
        return len(word)
    return 0
