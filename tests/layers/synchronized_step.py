"""A training step of a synchronized layer on several devices, in processes of its own.

    python -m tests.layers.synchronized_step torch FOLDER RANK RANKS PORT
    python -m tests.layers.synchronized_step jax|tensorflow FOLDER

FOLDER/input.npz holds x, upstream, mask and the rows of each device; FOLDER/output-RANK.npz receives y, the
gradients of Σ upstream·y and the variables. With mask of no values there is none.
"""

import os
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    backend, folder, *rest = sys.argv[1:]
    os.environ["KERAS_BACKEND"] = backend
    data = dict(np.load(Path(folder) / "input.npz"))
    rank = int(rest[0]) if rest else 0
    found = {"torch": on_torch, "jax": on_jax, "tensorflow": on_tensorflow}[backend](data, *map(int, rest))
    np.savez(Path(folder) / f"output-{rank}.npz", **found)


def layer_for(data):
    import normwise

    layer = normwise.BatchNormalization(synchronized=True, epsilon=1e-3, activation="tanh")
    layer.build(data["x"].shape)
    layer.gamma.assign(data["gamma"])
    layer.beta.assign(data["beta"])
    return layer


def state(layer):
    from keras import ops

    return {v.name: ops.convert_to_numpy(v.value) for v in layer.non_trainable_variables}


def on_torch(data, rank, ranks, port):
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks)
    layer = layer_for(data)
    ends = np.cumsum(data["rows"])
    mine = slice(ends[rank] - data["rows"][rank], ends[rank])
    x = torch.tensor(data["x"][mine], requires_grad=True)
    mask = torch.tensor(data["mask"][mine]) if data["mask"].size else None
    y = layer(x, training=True, mask=mask)
    (y * torch.tensor(data["upstream"][mine])).sum().backward()
    slopes = {"gamma": layer.gamma.value.grad, "beta": layer.beta.value.grad}
    # Inference must not wait for the other process: this one alone calls it.
    inference = layer(x) if rank == 0 else y
    dist.barrier()
    dist.destroy_process_group()
    return {
        "y": y.detach().numpy(),
        "by_x": x.grad.numpy(),
        **{f"by_{k}": v.numpy() for k, v in slopes.items()},
        "inference": inference.detach().numpy(),
        **state(layer),
    }


def on_jax(data):
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    import jax
    import keras

    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    layer = layer_for(data)
    over_rows = jax.sharding.NamedSharding(
        jax.sharding.Mesh(np.array(jax.devices()), ("batch",)), jax.sharding.PartitionSpec("batch")
    )
    x, upstream = (jax.device_put(data[k], over_rows) for k in ("x", "upstream"))
    assert len(x.sharding.device_set) == 2
    mask = jax.device_put(data["mask"], over_rows) if data["mask"].size else None
    frozen = [v.value for v in layer.non_trainable_variables]

    def loss(trainable, x):
        y, moved = layer.stateless_call(trainable, frozen, x, training=True, mask=mask)
        return (y * upstream).sum(), (y, moved)

    trainable = [v.value for v in layer.trainable_variables]
    step = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
    (by_variables, by_x), (y, moved) = step(trainable, x)
    assert len(y.sharding.device_set) == 2
    for variable, value in zip(layer.non_trainable_variables, moved, strict=True):
        variable.assign(value)
    return {
        "y": y,
        "by_x": by_x,
        "by_gamma": by_variables[0],
        "by_beta": by_variables[1],
        "inference": layer(data["x"]),
        **state(layer),
    }


def on_tensorflow(data):
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    ends = np.cumsum(data["rows"])

    def part(name, replica):
        rows = slice(ends[replica] - data["rows"][replica], ends[replica])
        return tf.constant(data[name][rows]) if data[name].size else None

    with strategy.scope():
        layer = layer_for(data)

        def step():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            # The replica is known when the step is traced: they are traced one after the other.
            replica = int(tf.get_static_value(replica))
            x = part("x", replica)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True, mask=part("mask", replica))
                loss = tf.reduce_sum(y * part("upstream", replica))
            variables = [layer.gamma.value, layer.beta.value]
            return y, *tape.gradient(loss, [x, *variables])

        found = tf.function(lambda: strategy.run(step))()
    y, by_x, by_gamma, by_beta = (strategy.experimental_local_results(v) for v in found)
    return {
        "y": np.concatenate([v.numpy() for v in y]),
        "by_x": np.concatenate([v.numpy() for v in by_x]),
        "by_gamma": sum(v.numpy() for v in by_gamma),
        "by_beta": sum(v.numpy() for v in by_beta),
        "inference": layer(data["x"]).numpy(),
        **state(layer),
    }


if __name__ == "__main__":
    main()
