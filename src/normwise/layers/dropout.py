"""Dropout: Keras' layer, with random bits that cost what they should."""

from __future__ import annotations

from typing import Any

import keras

from normwise.kernels.dropout import dropout


@keras.saving.register_keras_serializable(package="normwise")
class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """Sets a random share of its inputs to 0 in training, and divides the others by what is kept.

    ``y = x·m/(1 − rate)``, m = 1 with probability 1 − rate, else 0, independent by position; at inference
    ``y = x``.

    It is `keras.layers.Dropout` in all but the way to m. On JAX and TensorFlow the seed generator is drawn
    from once a call, and m comes from a hash of its two words and of the position in the batch, the global
    one under `keras.distribution`: the same seeds give the same masks, though not Keras' masks.
    P(m = 1) is 1 − rate to within 2⁻³². On torch, and where rate is 0 or 1, Keras' own function runs. The
    bits are for dropout, not for secrets.

    Args:
        rate: Probability of a 0, in [0, 1].
        noise_shape: Shape of m, which broadcasts to the input's: (None, 1, None) drops the same channels at
            all times. None in it stands for the input's size.
        seed: A whole number, or None for one from Keras' global random state (`keras.utils.set_random_seed`).
        **kwargs: Keras' layer arguments, such as `name` and `dtype`.

    Call arguments:
        inputs: Tensor of any rank and floating dtype.
        training: Whether to drop.

    Output shape: the input's.

    Raises:
        ValueError: If the rate or the noise shape is out of range.

    Example:
        >>> layer = Dropout(0.5, seed=1)
        >>> y = layer(keras.ops.ones((4, 1000)), training=True)
        >>> sorted({float(v) for v in keras.ops.reshape(y, -1)})
        [0.0, 2.0]

    Source:
        Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15.
        Bits by counter: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """

    def __init__(
        self,
        rate: float,
        noise_shape: tuple[int | None, ...] | list[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape=noise_shape, seed=seed, **kwargs)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drop in training, hand on at inference."""
        if training and self.rate > 0:
            return dropout(inputs, self.rate, self.noise_shape, self.seed_generator)
        return inputs

    def rematerialized_call(self, layer_call: Any, *args: Any, **kwargs: Any) -> Any:
        """The call as it is: it keeps nothing but the mask, and run twice it would draw another one."""
        return layer_call
