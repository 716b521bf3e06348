"""From a trained estimator to what is measured of its run."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version
from typing import Any

import keras
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from normwise.core.errors import TableError
from normwise.core.run_record import ColumnSchema, FeatureRecord, Histogram, Score
from normwise.workflows.baselines import Split, baseline_scores, classification_metrics, regression_metrics
from normwise.workflows.encode_table import EncodedTable, encode_table, feature_names, feature_origins
from normwise.workflows.network import scaling_of
from normwise.workflows.predict_table import network_outputs
from normwise.workflows.tabular_estimator import TabularEstimator
from normwise.workflows.training_progress import uninterrupted
from normwise.workflows.training_target import Target

HISTOGRAM_BINS = 40
SHOWN_ROWS = 2000
PACKAGES = ("keras", "numpy", "polars", "scikit-learn")


def versions() -> dict[str, str]:
    """The versions of Python and of what the result depends on."""
    from normwise import __version__

    backend = keras.backend.backend()
    found = {name: version(name) for name in (*PACKAGES, backend)}
    return {"python": python_version(), "normwise": __version__, **found, "backend": backend}


def score_run(
    estimator: TabularEstimator,
    features: pl.DataFrame,
    target: Target,
    held: NDArray[np.bool_],
    seed: int,
    seconds: float,
) -> dict[str, Any]:
    """The fields of a `RunRecord` that are measured: scores, confusion or residuals, features, parameters.

    Args:
        estimator: Fitted on the rows that are not held out.
        features: All rows of the table, without the target.
        target: All rows' target.
        held: Which rows are held out.
        seed: The seed of the baselines.
        seconds: How long the network trained.
    """
    columns = estimator.schema_.columns
    encoded = encode_table(features, columns)
    training, unseen = encoded.rows(~held), encoded.rows(held)
    truth = target.values[held]
    split = Split(training, target.values[~held], unseen, truth)
    with uninterrupted():
        outputs = network_outputs(estimator.model_, unseen)
    if not np.isfinite(outputs).all():
        raise TableError(
            f"the network's outputs are not numbers after {estimator.n_iter_} epochs: the training diverged."
            f" Choose a learning rate below {estimator.resolved_preset().learning_rate:g}."
        )
    fields: dict[str, Any] = {
        "features": feature_records(columns, training),
        "parameters": int(sum(np.prod(w.shape) for w in estimator.model_.trainable_weights)),
        "confusion": (),
        "actual": (),
        "predicted": (),
    }
    if target.classes:
        answers = outputs.astype(np.float64)
        metrics = classification_metrics(truth.astype(np.int64), answers)
        matrix = confusion_matrix(truth, outputs.argmax(axis=1), labels=range(len(target.classes)))
        fields["confusion"] = tuple(tuple(int(n) for n in row) for row in matrix)
    else:
        answers = (
            outputs[:, 0].astype(np.float64) * estimator.schema_.target_std + estimator.schema_.target_mean
        )
        metrics = regression_metrics(truth.astype(np.float64), answers)
        shown = np.random.default_rng(seed).permutation(len(truth))[:SHOWN_ROWS]
        fields["actual"] = tuple(float(v) for v in truth[shown])
        fields["predicted"] = tuple(float(v) for v in answers[shown])
    note = "normwise: scaled inputs, batch-normalized hidden layers"
    fields["scores"] = (
        Score("this network", metrics, seconds, note),
        *_baselines_unless_interrupted(split, target.task, seed, answers),
    )
    return fields


def _baselines_unless_interrupted(
    split: Split, task: str, seed: int, answers: NDArray[np.float64]
) -> tuple[Score, ...]:
    try:
        return baseline_scores(split, task, seed, answers)
    except KeyboardInterrupt:
        # The network is trained: a Ctrl-C now costs the comparison, not the network.
        return ()


def feature_records(columns: tuple[ColumnSchema, ...], training: EncodedTable) -> tuple[FeatureRecord, ...]:
    """Each numeric feature of the training rows, before and after scaling."""
    if not training.numeric.shape[1]:
        return ()
    named = pl.DataFrame(training.numeric, schema=list(feature_names(columns)))
    scaled = scaling_of(columns, training).transform(named).to_numpy()
    names = feature_names(columns)
    before = training.numeric.astype(np.float64) + feature_origins(columns)
    return tuple(_feature(name, before[:, i], scaled[:, i]) for i, name in enumerate(names))


def _feature(name: str, before: NDArray[Any], after: NDArray[Any]) -> FeatureRecord:
    known = before[~np.isnan(before)]
    return FeatureRecord(
        name,
        float(known.mean()) if len(known) else float("nan"),
        float(known.std()) if len(known) else float("nan"),
        float(known.min()) if len(known) else float("nan"),
        float(known.max()) if len(known) else float("nan"),
        _histogram(known),
        _histogram(after[~np.isnan(after)].astype(np.float64)),
    )


def _histogram(values: NDArray[np.float64]) -> Histogram:
    counts, edges = np.histogram(values, bins=HISTOGRAM_BINS)
    return Histogram(tuple(float(e) for e in edges), tuple(float(c) for c in counts))
