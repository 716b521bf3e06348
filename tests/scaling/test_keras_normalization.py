"""Keras' own Normalization.adapt on a float32 column far from 0, and what normwise makes of the same rows."""

import numpy as np

from normwise.scaling import StandardScaler


def test_adapt_loses_a_hundred_units_at_an_offset_of_10_000():
    """It sums a million rows of float32 in float32; scikit-learn mended the same in 2018 (#12333)."""
    import keras

    x = np.random.default_rng(0).normal(1e4, 1.0, (1_000_000, 2)).astype(np.float32)
    mean, deviation = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    theirs = keras.layers.Normalization()
    theirs.adapt(x)
    off = np.abs(np.asarray(theirs.mean, np.float64).ravel() - mean)
    assert (off > 50).all(), (
        f"Keras' mean is off by {off}: it has been mended, and this page of the docs is to go"
    )
    ours = StandardScaler().fit(x)
    assert (np.abs(ours.mean_ - mean) < 1e-9).all()
    assert (np.abs(np.sqrt(ours.variance_) - deviation) < 1e-9).all()
    few = x[:1000]
    scaled = np.asarray(ours.to_layer()(few))
    assert np.abs(scaled - (few - mean) / deviation).max() < 1e-6
    assert np.abs(np.asarray(theirs(few)) - (few - mean) / deviation).max() > 0.5
