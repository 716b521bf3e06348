"""The image sets that the experiments use, as their authors publish them: gzipped IDX files."""

from __future__ import annotations

import gzip
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
