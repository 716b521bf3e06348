"""Memory does not grow with the table: the peak of processes that train on 30 MB and on 300 MB."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

TRAIN = """
import json, resource, sys
import keras, normwise
model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
normwise.fit(model, sys.argv[1], "x0", batch_size=1024, verbose=0)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""


def peak(path):
    """Megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(path)], check=True, capture_output=True, text=True, env=os.environ
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_peak_is_bounded(tmp_path):
    random = np.random.default_rng(0)

    def write(name, parts):
        (tmp_path / name).mkdir()
        for part in range(parts):
            x = random.standard_normal((250_000, 31), dtype=np.float32)
            frame = pl.DataFrame({f"x{j}": x[:, j] for j in range(31)})
            frame.write_parquet(tmp_path / name / f"{part}.parquet")
        return tmp_path / name / "*.parquet"

    small, large = peak(write("small", 1)), peak(write("large", 20))
    # 620 MB of rows: the buffer, the blocks in hand and the pieces that wait are half of that.
    assert large - small < 400
