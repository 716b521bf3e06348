"""The image sets that the experiments use, as their authors publish them: gzipped IDX files."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import numpy as np
from benchmarks.data import data_folder


def read_idx(path: Path) -> np.ndarray:
    """The bytes of an IDX file, in the shape that its header names."""
    data = gzip.decompress(path.read_bytes())
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def images(name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28) in [0, 1] and labels of "mnist" or "fashion_mnist"; part is "train" or "t10k"."""
    folder = data_folder() / name
    x = read_idx(folder / f"{part}-images-idx3-ubyte.gz").astype("float32") / 255.0
    return x, read_idx(folder / f"{part}-labels-idx1-ubyte.gz").astype("int32")


def halved(x: np.ndarray) -> np.ndarray:
    """Images at half the resolution, each pixel the mean of four: (n, 28, 28) to (n, 14, 14)."""
    return x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).mean((2, 4))


@cache
def small_clothes(training: int, validation: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Rows of Fashion-MNIST at half the resolution: training, validation and all of the test file.

    One number for all pixels is subtracted and one divided by, the training rows' mean and deviation, so that
    the inputs are scaled and nothing of a pixel is known in advance.
    """
    x, y = images("fashion_mnist", "train")
    test, test_y = images("fashion_mnist", "t10k")
    center, spread = x[:training].mean(), halved(x[:training]).std()
    x, test = ((halved(part) - center) / spread for part in (x[: training + validation], test))
    stop = training + validation
    return (x[:training], y[:training]), (x[training:], y[training:stop]), (test, test_y)


def flat_clothes(training: int, validation: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """`small_clothes` with each image as one row of 196 numbers."""
    return tuple((x.reshape(len(x), -1), y) for x, y in small_clothes(training, validation))
