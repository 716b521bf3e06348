"""RecalibrateCallback: a training whose model ends with the statistics of the data."""

from __future__ import annotations

from typing import Any

import keras

from normwise.core.recalibration import Recalibration
from normwise.workflows.recalibrate_model import PreparedRecalibration


class RecalibrateCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls `normwise.recalibrate` when a training ends, of `normwise.fit` or Keras' `Model.fit`.

    The moving statistics trail behind the weights, and where the optimizer averages the weights
    (``use_ema=True``, with or without `keras.callbacks.SwapEMAWeights`) they are those of other weights
    altogether: Keras puts the averages into the model at the end of the training, just before this callback.
    What was validated during the training is the model before that; evaluate it anew.

    Args:
        x: The data to take the statistics of, best those of the training, as `normwise.recalibrate` takes
            them; and so the other arguments.
        y: Of a table, the name of the column of targets.
        batch_size: Rows a batch.
        steps: Batches a pass at most.
        sequential: Whether the layers are settled one after the other.

    Raises:
        ModelError: When the training begins, if the model has no layer with statistics; likewise a
            TrainingError or TableError, if the data do not fit it.
        TrainingError: When it ends, if values are not finite or too few; the model then is as trained.

    Attributes:
        result: What was done, a `Recalibration`; None before the end of the training.

    Example:
        >>> import numpy as np
        >>> keras.utils.set_random_seed(0)
        >>> x = np.random.default_rng(0).normal(3.0, 2.0, size=(200, 4)).astype("float32")
        >>> norm = keras.layers.BatchNormalization(name="norm")
        >>> model = keras.Sequential([keras.Input((4,)), norm, keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> callback = RecalibrateCallback(x)
        >>> _ = model.fit(x, x.sum(axis=1), epochs=2, verbose=0, callbacks=[callback])
        >>> bool(np.allclose(norm.moving_mean.value, x.mean(axis=0), rtol=1e-5))
        True
        >>> f"{callback.result.layers[0].mean_shift:.1f} σ"
        '1.3 σ'
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        *,
        sequential: bool = False,
    ) -> None:
        super().__init__()
        self.x, self.y, self.batch_size, self.steps = x, y, batch_size, steps
        self.sequential = sequential
        self.result: Recalibration | None = None
        self._prepared: PreparedRecalibration | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Refuses, before the training, data that do not fit and a model without statistics."""
        self._prepared = PreparedRecalibration(
            self.model, self.x, self.y, self.batch_size, self.steps, self.sequential
        )

    def on_train_end(self, logs: Any = None) -> None:
        """Recalibrates the model."""
        assert self._prepared is not None
        self.result = self._prepared.run()
