"""BatchNormalization: Ioffe & Szegedy's Algorithms 1 and 2, in float32 at least, stable at any offset."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import constraints, initializers, ops, regularizers

from normwise.core.errors import NormwiseWarning, listing
from normwise.core.moments import Moments
from normwise.kernels.batch_norm import Channels, Plan, batch_norm, portable
from normwise.kernels.precision import at_least_float32
from normwise.layers._arguments import (
    Schedule,
    activation_of,
    axis_of,
    channel_axes,
    clipping_of,
    epsilon_of,
    group_size,
    momentum_of,
    real_float,
)
from normwise.layers._batch_weights import batch_weights
from normwise.layers._devices import total_over_devices
from normwise.layers._ghost_batches import join, merge_groups, split
from normwise.layers._moving_statistics import AVERAGING, accumulated, shares
from normwise.layers._tracing import recomputing, static_size, when_known

_NOT_IN_KERAS = ("moving_weight", "moving_count", "moving_step", "renorm_weight")


@keras.saving.register_keras_serializable(package="normwise")
class BatchNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Normalizes each channel by the batch's mean and variance, at inference by their moving averages.

    Training (Algorithm 1): ``μ = Σx/m``, ``σ² = Σ(x − μ)²/m``, ``y = (x − μ)·γ/√(σ² + ε) + β``, the sums over
    the m values a channel has in the batch, positions of images and sequences included.
    Inference (Algorithm 2): the same with the moving mean and the moving variance, which average the batches'
    μ and ``σ²·m/(m − 1)``.

    Two defaults differ from `keras.layers.BatchNormalization`, `averaging` and `unbiased`;
    `BatchNormalization.keras` has none that does. All statistics and all variables are in float32 at least,
    whatever the dtype policy; the output is in its compute dtype. A batch that leaves a channel at most one
    value has no spread to learn: its moving statistics stay as they are, and the layer says so once. A layer
    with ``trainable=False`` runs in inference mode, as in Keras.

    Args:
        axis: The channels' axis, or a list of several: γ, β and the statistics then have the shape of these
            axes.
        momentum: Weight of the past in the moving averages, in [0, 1], or one of
            `keras.optimizers.schedules` that gives it by the number of training steps, clipped to [0, 1].
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
        renorm: Whether to correct by the moving statistics in training too (batch renormalization):
            ``y = γ·(x̂·r + d) + β``, ``r = σ_B/σ``, ``d = (μ_B − μ)/σ``, without a gradient through r and d.
        renorm_clipping: Bounds as in Keras: "rmin" and "rmax" of r, "dmax" of d's magnitude; none by default.
        renorm_momentum: `momentum` of the μ and σ that r and d are taken from.
        synchronized: Whether the batch is that of all devices. On JAX under `keras.distribution` it always
            is; on torch the statistics are merged over `torch.distributed`, on TensorFlow over
            `tf.distribute`.
        averaging: ``"debiased"``: the moving statistics are at every step the weighted mean of the batches
            seen, so that the first batch replaces the initial values; ``"exponential"``: Keras' average, in
            which the initial values fade by `momentum` a step; ``"cumulative"``: the moments of all values
            seen, each counting the same, `momentum` being without effect.
        unbiased: Whether the moving variance averages ``σ²·m/(m − 1)`` (Algorithm 2, step 10) or ``σ²``.
        virtual_batch_size: Rows of a ghost batch: groups of so many consecutive rows, the last one smaller,
            are normalized each by itself. The moving statistics take in the whole batch's moments.
        statistics_trainable: Whether training uses and moves the batch's statistics. If not, the moving
            statistics serve in training too and stay, while γ and β are trained.
        activation: A function of `keras.activations`, or its name, applied to the result in the same pass.
        **kwargs: Keras' layer arguments, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of any rank with the channels on `axis`.
        training: Whether to use the batch's statistics and to move the averages.
        mask: True where a value counts. With the input's rank it broadcasts as it is; a smaller one covers
            the axes other than the channels', from the first: (batch, time) for (batch, time, channels), and
            for (batch, channels, time) with ``axis=1``. Values masked out do not reach the statistics; NaN,
            infinities and magnitudes from 1e18 there are read as 0, so that they do not reach the gradients
            either.
        sample_weight: Frequency weights by the same rule: 2 is "seen twice", 0 is masked out; less than 0,
            NaN and infinity are read as 0. They have no gradient.

    Output shape: the input's.

    Raises:
        TypeError: If an argument has another type, or the input is complex.
        ValueError: If an argument is out of its range, `axis` is not one of the input's, the channels' number
            is unknown, or mask or weights do not broadcast to the input.

    Example:
        >>> import numpy as np
        >>> layer = BatchNormalization(epsilon=0.0)
        >>> keras.ops.convert_to_numpy(layer(np.array([[1.0], [3.0]]), training=True)).ravel()
        array([-1.,  1.], dtype=float32)
        >>> [float(v) for v in (layer.moving_mean[0], layer.moving_variance[0])]
        [2.0, 2.0]

    Source:
        Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167, Algorithms 1 and 2. Renormalization:
        Ioffe 2017, "Batch Renormalization", arXiv:1702.03275. Ghost batches: Hoffer et al. 2017, "Train
        longer, generalize better", arXiv:1705.08741, section 4.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        momentum: Any = 0.99,
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
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        averaging: str = "debiased",
        unbiased: bool = True,
        virtual_batch_size: int | None = None,
        statistics_trainable: bool = True,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        # Inputs must not be cast to half precision before the statistics.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.axis = axis_of(axis)
        self.momentum = momentum_of("momentum", momentum)
        self.epsilon = epsilon_of(epsilon)
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
        self.renorm = renorm
        self.renorm_clipping = clipping_of(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = momentum_of("renorm_momentum", renorm_momentum)
        self.synchronized = synchronized
        if averaging not in AVERAGING:
            names = ", ".join(f'"{name}"' for name in AVERAGING)
            raise ValueError(f"averaging must be one of {names}, got {averaging!r}")
        self.averaging = averaging
        self.unbiased = unbiased
        self.virtual_batch_size = group_size(virtual_batch_size)
        if synchronized and virtual_batch_size is not None:
            raise ValueError(
                f"virtual_batch_size={virtual_batch_size} makes batches smaller, synchronized=True makes "
                "them larger; expected one of the two"
            )
        self.statistics_trainable = statistics_trainable
        self.activation = activation_of(activation)
        self.supports_masking = True
        self._taught_nothing = False

    @classmethod
    def keras(cls, *args: Any, **kwargs: Any) -> BatchNormalization:
        """The layer with the defaults of `keras.layers.BatchNormalization`, which it equals step by step.

        ``averaging="exponential"`` and ``unbiased=False``: the same variables in the same order, moved by
        every batch, also by one that teaches nothing.

        Example:
            >>> layer = BatchNormalization.keras(momentum=0.9)
            >>> layer.build((None, 3))
            >>> [v.name for v in layer.variables]
            ['gamma', 'beta', 'moving_mean', 'moving_variance']
        """
        return cls(*args, **{"averaging": "exponential", "unbiased": False, **kwargs})

    @property
    def _as_keras(self) -> bool:
        return self.averaging == "exponential" and not self.unbiased

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create γ, β and the statistics: Keras' variables first, in Keras' order."""
        axes = channel_axes(self.axis, input_shape)
        shape = tuple(input_shape[a] for a in axes)
        if None in shape:
            raise ValueError(f"axis {self.axis} of the input must have a known size, got shape {input_shape}")
        if self.virtual_batch_size is not None and 0 in axes:
            raise ValueError(
                f"virtual_batch_size={self.virtual_batch_size} groups the first axis, which "
                f"axis={self.axis} names as the channels' of an input of shape {tuple(input_shape)}"
            )
        self.gamma = self.beta = self.moving_weight = self.moving_count = self.moving_step = None
        self.moving_stddev = self.renorm_mean = self.renorm_stddev = self.renorm_weight = None
        if self.scale:
            self.gamma = self._weight(
                "gamma", shape, self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint
            )
        if self.center:
            self.beta = self._weight(
                "beta", shape, self.beta_initializer, self.beta_regularizer, self.beta_constraint
            )
        self.moving_mean = self._statistic("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", shape, self.moving_variance_initializer)
        if self.renorm:
            if self._as_keras:
                self.moving_stddev = self._statistic("moving_stddev", shape, self._initial_stddev)
            self.renorm_mean = self._statistic("renorm_mean", shape, self.moving_mean_initializer)
            self.renorm_stddev = self._statistic("renorm_stddev", shape, self._initial_stddev)
        if self.averaging == "debiased":
            self.moving_weight = self._statistic("moving_weight", shape, "zeros")
        elif self.averaging == "cumulative":
            self.moving_count = self._statistic("moving_count", shape, "zeros")
        if self.renorm and self.averaging != "exponential":
            self.renorm_weight = self._statistic("renorm_weight", shape, "zeros")
        if isinstance(self.momentum, Schedule) or isinstance(self.renorm_momentum, Schedule):
            self.moving_step = self.add_weight(
                shape=(),
                name="moving_step",
                initializer="zeros",
                trainable=False,
                dtype="int32",
                autocast=False,
            )
        self.input_spec = keras.InputSpec(ndim=len(input_shape), axes=dict(zip(axes, shape, strict=True)))
        self.built = True

    def call(
        self, inputs: Any, training: bool | None = None, mask: Any = None, sample_weight: Any = None
    ) -> Any:
        """Normalize a tensor."""
        x = ops.convert_to_tensor(inputs)
        if not keras.backend.is_float_dtype(x.dtype):
            x = ops.cast(x, real_float(x.dtype))
        weights = batch_weights(x, channel_axes(self.axis, x.shape), mask, sample_weight)
        if training and self.trainable and self.statistics_trainable:
            return self._by_the_batch(x, weights)
        return self._by_the_moving_statistics(portable.clean(x, weights))

    def _by_the_batch(self, x: Any, weights: Any) -> Any:
        axes = channel_axes(self.axis, x.shape)
        data, data_weights, first = x, weights, 0
        size = self.virtual_batch_size
        rows, values = x.shape[0], static_size(x.shape, axes)
        if size is not None and values != 0 and not (isinstance(rows, int) and rows <= size):
            (data, data_weights), first = split(x, weights, size), 1
        reduced = tuple(first + i for i in range(len(x.shape)) if i not in axes)
        bounds = self.renorm_clipping or {}
        plan = Plan(
            axes=reduced,
            epsilon=self.epsilon,
            dtype=self.compute_dtype,
            activation=self.activation,
            clipping=(bounds.get("rmin"), bounds.get("rmax"), bounds.get("dmax")),
        )
        dtype = at_least_float32(x.dtype)
        channels = Channels(
            *(
                None if v is None else self._per_channel(v, dtype, axes, len(x.shape), first)
                for v in (self.gamma, self.beta, self.renorm_mean, self.renorm_stddev, self.renorm_weight)
            )
        )
        total = total_over_devices() if self.synchronized else None
        y, moments = batch_norm(data, channels, data_weights, plan, total)
        if first:
            moments = merge_groups(moments)
            y = join(y, x)
        if not recomputing():
            size = None if weights is not None else static_size(x.shape, axes)
            if size is not None and size > 1 and total is None:
                moments = moments._replace(count=float(size))
            self._move(moments, size)
        return y

    def _by_the_moving_statistics(self, x: Any) -> Any:
        axes = channel_axes(self.axis, x.shape)

        def there(variable: Any) -> Any:
            return self._per_channel(variable, x.dtype, axes, len(x.shape))

        factor = portable.inverse_root(there(self.moving_variance) + self.epsilon)
        # The subtraction of the mean comes first: folded into β it would cancel at large offsets.
        y = (x - there(self.moving_mean)) * (factor if self.gamma is None else factor * there(self.gamma))
        y = y if self.beta is None else y + there(self.beta)
        y = y if self.activation is None else self.activation(y)
        return ops.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape."""
        channel_axes(self.axis, input_shape)
        return input_shape

    def rematerialized_call(self, layer_call: Any, *args: Any, **kwargs: Any) -> Any:
        """The call as it is: it keeps nothing but its input, and run twice it would count the batch twice."""
        return layer_call

    def get_config(self) -> dict[str, Any]:
        """Every argument, serialized."""
        plain = (
            "axis", "epsilon", "center", "scale", "renorm", "renorm_clipping", "synchronized", "averaging",
            "unbiased", "virtual_batch_size", "statistics_trainable",
        )  # fmt: skip
        config = {name: getattr(self, name) for name in plain}
        for name in ("momentum", "renorm_momentum"):
            value = getattr(self, name)
            config[name] = (
                keras.saving.serialize_keras_object(value) if isinstance(value, Schedule) else value
            )
        for name in ("beta", "gamma", "moving_mean", "moving_variance"):
            config[f"{name}_initializer"] = initializers.serialize(getattr(self, f"{name}_initializer"))
        for name in ("beta", "gamma"):
            config[f"{name}_regularizer"] = regularizers.serialize(getattr(self, f"{name}_regularizer"))
            config[f"{name}_constraint"] = constraints.serialize(getattr(self, f"{name}_constraint"))
        config["activation"] = (
            None if self.activation is None else keras.activations.serialize(self.activation)
        )
        return {**super().get_config(), **config}

    def set_weights(self, weights: list[Any]) -> None:
        """Set all variables, or those that Keras' layer has: see `load_own_variables`."""
        names = self._keras_names()
        if self.built and len(weights) == len(names) != len(self.variables):
            self._assign(dict(zip(names, weights, strict=True)))
        else:
            super().set_weights(weights)

    def save_own_variables(self, store: Any) -> None:
        """Save what Keras' layer has by Keras' numbers, and the rest by name: loading tells them apart."""
        for key, variable in self._by_key().items():
            store[key] = variable

    def load_own_variables(self, store: Any) -> None:
        """Load all variables, or those that Keras' layer has.

        Statistics that come from elsewhere count in full, so that the next batch does not erase them:
        `moving_weight` is then 1. How many values they stand for nobody knows: `moving_count` is then 0, and
        the cumulative average begins with the next batch.
        """
        keys, names, mine = set(store.keys()), self._keras_names(), self._by_key()
        if keys == mine.keys():
            for key, variable in mine.items():
                variable.assign(store[key])
        elif self.built and keys == {str(i) for i in range(len(names))}:
            self._assign({name: store[str(i)] for i, name in enumerate(names)})
        else:
            # What is not built or of another number has an error of Keras' own.
            self._check_load_own_variables(store)
            own, came = (listing(sorted(k for k in ks if not k.isdigit())) or "none" for ks in (mine, keys))
            raise ValueError(
                f"the layer {self.name!r} has {own} beside Keras' variables, and what is to be loaded has "
                f"{came}; expected the variables of a layer with the same arguments, or the {len(names)} of "
                f"Keras' layer: {listing(names)}"
            )

    def _by_key(self) -> dict[str, Any]:
        variables = [*self._trainable_variables, *self._non_trainable_variables]
        keras_own = (v for v in variables if v.name not in _NOT_IN_KERAS)
        numbered = {str(i): v for i, v in enumerate(keras_own)}
        return {**numbered, **{v.name: v for v in variables if v.name in _NOT_IN_KERAS}}

    def _keras_names(self) -> list[str]:
        own = {"gamma": self.scale, "beta": self.center, "moving_mean": True, "moving_variance": True}
        renorm = dict.fromkeys(("moving_stddev", "renorm_mean", "renorm_stddev"), self.renorm)
        return [name for name, present in {**own, **renorm}.items() if present]

    def _assign(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            variable = getattr(self, name)
            if variable is not None:
                variable.assign(value)
        for weight in (self.moving_weight, self.renorm_weight):
            if weight is not None:
                weight.assign(ops.ones(weight.shape, weight.dtype))

    def _weight(self, name: str, shape: Any, initializer: Any, *rules: Any) -> Any:
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

    def _statistic(self, name: str, shape: Any, initializer: Any) -> Any:
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer,
            trainable=False,
            dtype=self._statistics_dtype,
            autocast=False,
        )

    def _initial_stddev(self, shape: Any, dtype: Any = None) -> Any:
        return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    @property
    def _statistics_dtype(self) -> str:
        return at_least_float32(self.variable_dtype)

    def _per_channel(
        self, variable: Any, dtype: Any, axes: tuple[int, ...], rank: int, first: int = 0
    ) -> Any:
        shape = [1] * (first + rank)
        for axis, size in zip(axes, variable.shape, strict=True):
            shape[first + axis] = size
        return ops.reshape(ops.cast(variable, dtype), shape)

    def _move(self, moments: Moments, size: int | None) -> None:
        shape, dtype = self.moving_mean.shape, self._statistics_dtype
        count, mean, m2 = moments
        if not isinstance(count, float):
            count = ops.cast(ops.reshape(ops.broadcast_to(count, ops.shape(mean)), shape), dtype)
        batch = Moments(count, *(ops.cast(ops.reshape(m, shape), dtype) for m in (mean, m2)))
        if size is not None and size > 1:
            # Known before the values are: nothing is left to decide.
            enough = None
        elif self._as_keras:
            # Keras takes a fully masked batch for zeros; what it makes of an empty one is NaN.
            enough = batch.count >= (1 if size == 0 else 0)
        else:
            enough = batch.count > 1
            self._say_once_if_nothing_is_learned(batch.count if size is None else size)
        new = self._moved(batch)
        if self.renorm:
            new.update(self._moved_renorm(batch))
        # All before any: on torch and TensorFlow a variable's old value is the variable itself.
        old = {name: ops.convert_to_tensor(getattr(self, name)) for name in new}
        new = {name: ops.cast(value, dtype) for name, value in new.items()}
        for name, value in new.items():
            getattr(self, name).assign(value if enough is None else ops.where(enough, value, old[name]))
        if self.moving_step is not None:
            self.moving_step.assign_add(1)

    def _moved(self, batch: Moments) -> dict[str, Any]:
        mean, variance = ops.convert_to_tensor(self.moving_mean), ops.convert_to_tensor(self.moving_variance)
        ddof = 1 if self.unbiased else 0
        if self.moving_count is not None:
            names = ("moving_count", "moving_mean", "moving_variance")
            count = ops.convert_to_tensor(self.moving_count)
            return dict(zip(names, accumulated(count, mean, variance, batch, ddof), strict=True))
        weight = None if self.moving_weight is None else ops.convert_to_tensor(self.moving_weight)
        kept, taken, weight = shares(weight, self._now(self.momentum))
        # kept·old + taken·new, not old + taken·(new − old): the first batch replaces to the last digit.
        new = {
            "moving_mean": kept * mean + taken * batch.mean,
            "moving_variance": kept * variance + taken * batch.variance(ddof=ddof, xp=ops),
        }
        if weight is not None:
            new["moving_weight"] = weight
        if self.moving_stddev is not None:
            # Keras averages the deviations here and takes the variance from their average.
            stddev = kept * ops.convert_to_tensor(self.moving_stddev) + taken * self._stddev(batch)
            new["moving_stddev"] = stddev
            new["moving_variance"] = ops.relu(ops.square(stddev) - self.epsilon)
        return new

    def _moved_renorm(self, batch: Moments) -> dict[str, Any]:
        weight = None if self.renorm_weight is None else ops.convert_to_tensor(self.renorm_weight)
        kept, taken, weight = shares(weight, self._now(self.renorm_momentum))
        new = {
            "renorm_mean": kept * ops.convert_to_tensor(self.renorm_mean) + taken * batch.mean,
            "renorm_stddev": kept * ops.convert_to_tensor(self.renorm_stddev) + taken * self._stddev(batch),
        }
        return new if weight is None else {**new, "renorm_weight": weight}

    def _stddev(self, batch: Moments) -> Any:
        return ops.sqrt(batch.variance(xp=ops) + self.epsilon)

    def _now(self, momentum: Any) -> Any:
        if not isinstance(momentum, Schedule):
            return momentum
        now = ops.cast(momentum(ops.convert_to_tensor(self.moving_step)), self._statistics_dtype)
        # Outside, a variance would become negative.
        return ops.clip(now, 0.0, 1.0)

    def _say_once_if_nothing_is_learned(self, count: Any) -> None:
        if not self._taught_nothing:
            when_known(count, self._say_once)

    def _say_once(self, count: Any) -> None:
        most = np.max(count, initial=0)
        if most > 1 or self._taught_nothing:
            return
        self._taught_nothing = True
        warnings.warn(
            f"a batch taught the layer {self.name!r} nothing: at most {most:g} values a channel count, and a "
            "spread needs two; its moving statistics stay as they are (said once)",
            NormwiseWarning,
            stacklevel=2,
        )
