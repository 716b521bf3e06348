"""What is done at the calls for which the rows of the table are not enough."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from normwise.migrate import (
    calls_backend,
    calls_files,
    calls_generators,
    calls_layers,
    calls_optimizers,
    calls_training,
)
from normwise.migrate.facts import CALLED
from normwise.migrate.site import Site

Step = Callable[[Site], cst.BaseExpression]

BEFORE: dict[str, tuple[Step, ...]] = {
    **{
        f"keras.layers.{n}": (calls_layers.kernel_size,)
        for n in ("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D")
    },
    "keras.layers.ConvLSTM2D": (calls_layers.kernel_size, calls_layers.forget_bias),
    "keras.layers.LSTM": (calls_layers.second_argument, calls_layers.forget_bias),
    "keras.layers.GRU": (calls_layers.second_argument, calls_layers.reset_after),
    "keras.layers.SimpleRNN": (calls_layers.second_argument,),
    "keras.layers.Dense": (calls_layers.second_argument,),
    "keras.layers.Embedding": (calls_layers.embedding_length,),
    "keras.layers.BatchNormalization": (calls_layers.batch_normalization,),
    "keras.optimizers.SGD": (calls_optimizers.nesterov,),
    "keras.callbacks.EarlyStopping": (calls_training.patience,),
    ".fit_generator": (calls_generators.fit_generator,),
    ".evaluate_generator": (calls_generators.evaluate_generator,),
    ".predict_generator": (calls_generators.predict_generator,),
}
"""What is done by the old names of the arguments, before these are renamed."""
AFTER: dict[str, tuple[Step, ...]] = {
    ".compile": (
        calls_training.known_words,
        calls_training.metrics_of_each,
        calls_training.compile_metrics,
        calls_optimizers.named_optimizer,
    ),
    ".fit": (calls_training.show_accuracy, calls_training.default_epochs),
    ".evaluate": (calls_training.show_accuracy,),
    ".predict_classes": (calls_training.predict_classes,),
    ".predict_proba": (calls_training.predict_proba,),
    ".add_weight": (calls_training.add_weight,),
    ".save": (calls_files.file_name,),
    ".save_weights": (calls_files.file_name,),
    ".load_weights": (calls_files.file_name,),
    "keras.models.load_model": (calls_files.file_name,),
    "keras.callbacks.ModelCheckpoint": (calls_files.checkpoint_file, calls_files.accuracy_key),
    "keras.callbacks.EarlyStopping": (calls_files.accuracy_key,),
    "keras.callbacks.ReduceLROnPlateau": (calls_files.accuracy_key,),
    "keras.layers.merge": (calls_layers.merge,),
    "keras.layers.TimeDistributedDense": (calls_layers.time_distributed_dense,),
    "keras.layers.ThresholdedReLU": (calls_layers.thresholded_relu,),
    **{
        f"keras.backend.{n}": (calls_backend.last_axis,)
        for n in ("concatenate", "expand_dims", "argmax", "argmin")
    },
    "keras.random.normal": (calls_backend.seeded,),
    "keras.random.uniform": (calls_backend.seeded,),
    "keras.backend.set_image_dim_ordering": (calls_backend.set_dim_ordering,),
    "keras.backend.image_dim_ordering": (calls_backend.compare_dim_ordering,),
    "keras.backend.set_value": (calls_backend.set_value,),
    **{
        f"keras.optimizers.{n}": (
            calls_optimizers.decay,
            calls_optimizers.default_rate,
            calls_optimizers.epsilon_none,
        )
        for n in calls_optimizers.RATES
    },
}
"""What is done by the new names."""
REPLACED = frozenset(n for n in AFTER if n.startswith("keras.backend.")) | CALLED
"""Names that only a call of theirs makes new."""
