"""recalibrate: `normwise.deploy`'s, on all the data that `normwise.fit` takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any

import keras
import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.recalibration import Recalibration
from normwise.deploy.open_layers import layers_with_statistics
from normwise.deploy.recalibrate import RecalibrateListener
from normwise.deploy.recalibrate import recalibrate as recalibrate_on_batches
from normwise.training.check_arguments import check_batch_size, check_steps
from normwise.training.keras_trainer import tree
from normwise.training.seeded import numpy_state
from normwise.workflows.model_batches import ModelBatches


def recalibrate(
    model: keras.Model,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    *,
    sequential: bool = False,
    listener: RecalibrateListener | None = None,
) -> Recalibration:
    """Sets the moving statistics of a model's batch normalizations to the statistics of data.

    ``E[x] = Σx/m``, ``Var[x] = Σ(x − E[x])²/(m − 1)``, over all m values that a channel has in the data. Each
    batch gives `Moments`, which are merged in float64: batches weigh by their size, and the spread between
    them counts.

    In one pass, the batch normalizations normalize by the batch as in training, ghost batches included, and
    all else, such as dropout, computes as at inference. Rows of arrays and tables then come in random order,
    always the same one: batches of sorted rows would be none that the training saw. With ``sequential=True``
    each layer has a pass of its own, in which those before it compute by their new statistics, as they will
    at inference: what it sets is exact for the network as it will run, does not depend on the batches, and
    doing it again changes nothing.

    All or nothing: whatever goes wrong, the model is as it was. Nothing but the statistics is changed; a
    debiased average then counts as complete, so that further training moves it as any other.

    Args:
        model: A built Keras model; it need not be compiled.
        x: What `normwise.fit` takes as x: arrays, frames, files, lazy frames, a `keras.utils.PyDataset`, a
            `tf.data.Dataset`, a torch `DataLoader`, a generator; and any iterator over batches. What an
            iterator gives is the inputs alone, or a tuple of inputs, targets and sample weights.
        y: Of a table, the name of the column of targets, or several names of columns that are no features;
            anything else is not looked at.
        batch_size: Rows a batch, of what does not come in batches; 32 by default, as in `fit`.
        steps: Batches a pass at most; needed where the data do not end.
        sequential: Whether each layer is measured behind layers that have their new statistics. It takes as
            many passes as there are layers, and so no iterator.
        listener: What hears of progress.

    Returns:
        Which layers were set, how far each moved, in σ, and which were skipped: layers that are frozen keep
        their statistics.

    Raises:
        TypeError: If `model` is no Keras model.
        ModelError: If the model is not built, or has no layer to recalibrate.
        TrainingError: If `batch_size` or `steps` is no whole number from 1; if the data are absent, do not
            fit the model, hold NaN where it counts (it says which layer met it first), give a channel fewer
            than two values, or end after one pass and `sequential` needs more.
        TableError: If a table cannot be read; a ColumnError, if a column is absent or holds no numbers.

    Example:
        >>> import keras, numpy as np, normwise
        >>> layer = keras.layers.BatchNormalization(name="norm")
        >>> model = keras.Sequential([keras.Input((1,)), layer, keras.layers.Dense(1)], name="net")
        >>> found = normwise.recalibrate(model, np.array([[1.0], [3.0], [8.0]], "float32"))
        >>> [float(v[0]) for v in (layer.moving_mean, layer.moving_variance)]
        [4.0, 13.0]
        >>> moved = found.layers[0]  # from 0 and 1
        >>> print(moved.path, moved.values, f"{moved.mean_shift:.3f} σ, σ times {moved.std_ratio:.3f}")
        net/norm 3.0 1.109 σ, σ times 3.606

    Source:
        Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167, Algorithm 2, steps 7 to 10. After the
        weights have been averaged: Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better
        Generalization", arXiv:1803.05407, Algorithm 1.
    """
    return PreparedRecalibration(model, x, y, batch_size, steps, sequential).run(listener)


class PreparedRecalibration:
    """A recalibration, ready to begin: what can be refused before the data are gone through was not.

    The arguments and errors are those of `recalibrate`; `also` are layers that are set although they are
    frozen, which takes `sequential`.
    """

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any,
        batch_size: int | None,
        steps: int | None,
        sequential: bool,
        also: Collection[Any] = (),
    ) -> None:
        if sequential and isinstance(x, Iterator):
            raise TrainingError(
                f"x is a {type(x).__name__}, which can be gone through once, and sequential=True goes "
                "through the data once a layer; expected arrays, a table or a keras.utils.PyDataset, or "
                "sequential=False"
            )
        layers_with_statistics(model)
        check_batch_size(batch_size)
        check_steps(steps)
        if not any(part is not None for part in tree.flatten(x)):
            raise TrainingError(
                f"x is {x!r}, which holds no data; expected arrays, a table, or what gives batches of them"
            )
        self._model, self._sequential, self._also = model, sequential, also
        self._batches = ModelBatches(model, x, y, batch_size, steps, shuffle=not sequential)

    def run(self, listener: RecalibrateListener | None = None) -> Recalibration:
        """Does it."""
        # An order of the rows of its own: NumPy's global generator is the user's.
        with numpy_state([np.random.RandomState(0).get_state()]), closing(self._batches) as batches:
            return recalibrate_on_batches(
                self._model, batches, sequential=self._sequential, also=self._also, listener=listener
            )
