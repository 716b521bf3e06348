"""BatchNormalization: Ioffe & Szegedy's Algorithms 1 and 2, in float32 at least, stable at any offset."""

from __future__ import annotations

import operator
from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from normwise.core.moments import Moments
from normwise.layers._batch_moments import batch_moments, expand_mask
from normwise.layers._precision import at_least_float32

_AVERAGING = ("debiased", "exponential")


@keras.saving.register_keras_serializable(package="normwise")
class BatchNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Normalizes each channel by the batch's mean and variance, at inference by their moving averages.

    Training (Algorithm 1): ``μ = Σx/m``, ``σ² = Σ(x − μ)²/m``, ``y = (x − μ)·γ/√(σ² + ε) + β``, the sums over
    the m values a channel has in the batch, positions of images and sequences included.
    Inference (Algorithm 2): the same with the moving mean and the moving variance, which average the batches'
    μ and ``σ²·m/(m − 1)``.

    Two defaults differ from `keras.layers.BatchNormalization`: `averaging` and `unbiased`. All statistics and
    all variables are in float32 at least, whatever the dtype policy; the output is in its compute dtype.
    A batch with at most one value a channel has no spread to learn: the moving statistics stay as they are.
    A layer with ``trainable=False`` runs in inference mode, as in Keras.

    Args:
        axis: The channels' axis.
        momentum: Weight of the past in the moving averages, in [0, 1].
        epsilon: ε, added to the variance, in the square of the input's unit.
        center: Whether there is a β.
        scale: Whether there is a γ.
        beta_initializer: Initializer of β.
        gamma_initializer: Initializer of γ.
        moving_mean_initializer: Initializer of the moving mean.
        moving_variance_initializer: Initializer of the moving variance.
        beta_regularizer: Regularizer of β.
        gamma_regularizer: Regularizer of γ.
        beta_constraint: Constraint on β.
        gamma_constraint: Constraint on γ.
        averaging: ``"debiased"``: the moving statistics are at every step the weighted mean of the batches
            seen, so that the first batch replaces the initial values; ``"exponential"``: Keras' average, in
            which the initial values fade by `momentum` a step.
        unbiased: Whether the moving variance averages ``σ²·m/(m − 1)`` (Algorithm 2, step 10) or ``σ²``.
        **kwargs: Keras' layer arguments, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of any rank with the channels on `axis`.
        training: Whether to use the batch's statistics and to move the averages.
        mask: True where a value counts; covers the leading axes, such as (batch, time). The channels' axis
            must lie behind them. Values masked out do not reach the statistics; NaN and infinities there
            are read as 0, so that they do not reach the gradients either.

    Output shape: the input's.

    Raises:
        TypeError: If `axis` is no whole number, or `momentum` or `epsilon` no number.
        ValueError: If an argument is out of its range, `axis` is not one of the input's, the channels' number
            is unknown, or the mask does not cover leading axes.

    Example:
        >>> import numpy as np
        >>> layer = BatchNormalization(epsilon=0.0)
        >>> keras.ops.convert_to_numpy(layer(np.array([[1.0], [3.0]]), training=True)).ravel()
        array([-1.,  1.], dtype=float32)
        >>> [float(v) for v in (layer.moving_mean[0], layer.moving_variance[0])]
        [2.0, 2.0]

    Source:
        Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167, Algorithms 1 and 2.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        averaging: str = "debiased",
        unbiased: bool = True,
        **kwargs: Any,
    ) -> None:
        # Inputs must not be cast to half precision before the statistics.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        _check(momentum, epsilon, averaging)
        self.axis = _whole("axis", axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.averaging = averaging
        self.unbiased = unbiased
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create γ, β, the moving mean, the moving variance and, debiased, the averages' weight."""
        self.compute_output_shape(input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(f"axis {self.axis} of the input must have a known size, got shape {input_shape}")
        self.gamma = self.beta = self.moving_weight = None
        if self.scale:
            self.gamma = self._weight(
                "gamma", (channels,), self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint
            )
        if self.center:
            self.beta = self._weight(
                "beta", (channels,), self.beta_initializer, self.beta_regularizer, self.beta_constraint
            )
        self.moving_mean = self._statistic("moving_mean", (channels,), self.moving_mean_initializer)
        self.moving_variance = self._statistic(
            "moving_variance", (channels,), self.moving_variance_initializer
        )
        if self.averaging == "debiased":
            self.moving_weight = self._statistic("moving_weight", (), "zeros")
        self.input_spec = keras.InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize a tensor."""
        x = ops.cast(inputs, at_least_float32(inputs.dtype))
        axis = self.axis % len(x.shape)
        if mask is not None:
            mask = expand_mask(mask, x, axis)
            # Multiplied by a gradient of 0, NaN stays NaN.
            x = ops.where(ops.logical_or(mask, ops.isfinite(x)), x, ops.zeros_like(x))
        if training and self.trainable:
            moments, deviation = batch_moments(x, axis, mask)
            variance = moments.variance(xp=ops)
            self._move(moments)
        else:
            deviation = x - self._per_channel(self.moving_mean, x)
            variance = self._per_channel(self.moving_variance, x)
        return ops.cast(self._transform(deviation, variance), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(f"axis {self.axis} is not an axis of an input of shape {tuple(input_shape)}")
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Every argument, serialized."""
        plain = ("axis", "momentum", "epsilon", "center", "scale", "averaging", "unbiased")
        config = {name: getattr(self, name) for name in plain}
        for name in ("beta", "gamma", "moving_mean", "moving_variance"):
            config[f"{name}_initializer"] = initializers.serialize(getattr(self, f"{name}_initializer"))
        for name in ("beta", "gamma"):
            config[f"{name}_regularizer"] = regularizers.serialize(getattr(self, f"{name}_regularizer"))
            config[f"{name}_constraint"] = constraints.serialize(getattr(self, f"{name}_constraint"))
        return {**super().get_config(), **config}

    def _weight(self, name: str, shape: tuple[int, ...], initializer: Any, *rules: Any) -> Any:
        regularizer, constraint = rules
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer,
            regularizer=regularizer,
            constraint=constraint,
            dtype=self._statistics_dtype,
            autocast=False,
        )

    def _statistic(self, name: str, shape: tuple[int, ...], initializer: Any) -> Any:
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer,
            trainable=False,
            dtype=self._statistics_dtype,
            autocast=False,
        )

    @property
    def _statistics_dtype(self) -> str:
        return at_least_float32(self.variable_dtype)

    def _per_channel(self, variable: Any, x: Any) -> Any:
        shape = [1] * len(x.shape)
        shape[self.axis] = -1
        return ops.reshape(ops.cast(variable, x.dtype), shape)

    def _transform(self, deviation: Any, variance: Any) -> Any:
        # γ joins the per-channel factor, so that the large array is passed over once; the subtraction of the
        # mean came before, because folded into β it would cancel at large offsets.
        factor = ops.rsqrt(variance + self.epsilon)
        if self.scale:
            factor = factor * self._per_channel(self.gamma, deviation)
        y = deviation * factor
        return y + self._per_channel(self.beta, deviation) if self.center else y

    def _move(self, moments: Moments) -> None:
        enough = ops.cast(moments.count, self._statistics_dtype) > 1
        kept, taken = self._shares(enough)
        variance = moments.variance(ddof=1 if self.unbiased else 0, xp=ops)
        for variable, batch in ((self.moving_mean, moments.mean), (self.moving_variance, variance)):
            old = ops.convert_to_tensor(variable)
            new = ops.cast(ops.reshape(batch, old.shape), old.dtype)
            # kept·old + taken·new, not old + taken·(new − old): the first batch replaces to the last digit.
            variable.assign(ops.where(enough, kept * old + taken * new, old))

    def _shares(self, enough: Any) -> tuple[Any, Any]:
        m = self.momentum
        if self.moving_weight is None:
            return m, 1.0 - m
        # The weight of all batches so far, w ← m·w + (1 − m), is 1 − mᵗ after t of them.
        old = ops.convert_to_tensor(self.moving_weight)
        weight = m * old + (1.0 - m)
        some = ops.where(weight > 0, weight, ops.ones_like(weight))
        shares = ops.where(weight > 0, m * old / some, ops.ones_like(weight)), (1.0 - m) / some
        # Last, since on torch and TensorFlow `old` is the variable itself.
        self.moving_weight.assign(ops.where(enough, weight, old))
        return shares


def _whole(name: str, value: Any) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, such as -1, got {value!r}") from None


def _check(momentum: float, epsilon: float, averaging: str) -> None:
    for name, value in (("momentum", momentum), ("epsilon", epsilon)):
        if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0.0 <= momentum <= 1.0:
        raise ValueError(f"momentum must lie in [0, 1], got {momentum}")
    if not epsilon >= 0.0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}")
    if averaging not in _AVERAGING:
        raise ValueError(f'averaging must be "debiased" or "exponential", got {averaging!r}')
