"""A training on several devices or in several processes.

    python -m tests.training.distributed_training FOLDER devices DEVICES KIND
    python -m tests.training.distributed_training FOLDER process RANK PORT

KIND is "data" or "model" (parallel). FOLDER/data.npz holds x and y; in two processes each takes its half of
every batch. FOLDER/RESULT.npz receives the weights, the History and how the first kernel lies on the devices.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

EPOCHS, BATCH = 3, 16


def network():
    import keras

    import normwise

    model = keras.Sequential(
        [
            keras.Input((4,)),
            # A bias before a normalization has no slope: its value would be rounding alone.
            keras.layers.Dense(8, use_bias=False),
            normwise.BatchNormalization(),
            keras.layers.Activation("tanh"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse", metrics=["mae"])
    return model


def train(x, y, folder=None, batch=BATCH, **arguments):
    import keras

    import normwise

    keras.utils.set_random_seed(1)
    model = network()
    given = {"batch_size": batch, "epochs": EPOCHS, "verbose": 0, **arguments}
    history = normwise.fit(model, x, y, checkpoint=folder, **given)
    kernel = model.layers[0].kernel.value
    return {
        **{f"{i}": np.asarray(v.value) for i, v in enumerate(model.weights)},
        "history": np.array(json.dumps(history.history)),
        "devices": np.array(len(kernel.sharding.device_set)),
        "rows of the kernel on one": np.array(kernel.addressable_shards[0].data.shape[0]),
    }


def in_two_parts(x, y, folder, **arguments):
    from normwise.training import checkpoint

    checkpoint.SHARE = 0
    train(x, y, folder, epochs=EPOCHS - 1, **arguments)
    return train(x, y, folder, **arguments)


def on_devices(data, folder, devices, kind):
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    import keras

    if kind == "model":
        mesh = keras.distribution.DeviceMesh((2, int(devices) // 2), ("batch", "model"))
        layouts = keras.distribution.LayoutMap(mesh)
        layouts[".*dense.*kernel"] = ("model", None)
        distribution = keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")
    else:
        distribution = keras.distribution.DataParallel()
    keras.distribution.set_distribution(distribution)
    validation = (data["x"][:BATCH], data["y"][:BATCH])
    found = in_two_parts(data["x"], data["y"], folder / "checkpoint", validation_data=validation)
    for name, value in train(data["x"], data["y"], validation_data=validation).items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    np.savez(folder / "devices.npz", **found)


def in_process(data, folder, rank, port):
    import keras

    rank = int(rank)
    keras.distribution.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=rank)
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    # The first half of every batch, or the second.
    mine = np.arange(len(data["x"])) % BATCH // (BATCH // 2) == rank
    x, y = data["x"][mine], data["y"][mine]
    part = {"batch": BATCH // 2, "validation_data": (x, y), "shuffle": False}
    said = r"rows of the last batch: \[4, 8, -1\] in process 0; \[4, 8, 7\] in process 1. Expected the same"
    with pytest.raises(ValueError, match=said):
        train(x[: len(x) - rank], y[: len(x) - rank], **part)
    found = in_two_parts(x, y, folder / "checkpoint", **part)
    np.savez(folder / f"process-{rank}.npz", **found)


def main():
    folder, how, *rest = sys.argv[1:]
    data = dict(np.load(Path(folder) / "data.npz"))
    {"devices": on_devices, "process": in_process}[how](data, Path(folder), *rest)


if __name__ == "__main__":
    main()
