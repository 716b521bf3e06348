"""One training by one library, in a process of its own; `benchmarks.training` starts it and reads what it
prints.

python -m benchmarks.training_peer LIBRARY NETWORK EPOCHS
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

Data = tuple[np.ndarray, np.ndarray]
BATCH = {"article": 16, "mnist": 60, "cnn": 64}


def article_data() -> Data:
    """32,000 rows of 14 features and two classes, as many as Adult's training rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32_000, 14)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int32)


def mnist_data(rows: int) -> Data:
    """The first rows of MNIST, from the folder that NORMWISE_DATA names."""
    folder = Path(os.environ["NORMWISE_DATA"]) / "mnist"
    pixels = np.frombuffer(
        gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16
    )
    labels = np.frombuffer(
        gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8
    )
    return (pixels.reshape(-1, 784) / np.float32(255))[:rows], labels[:rows].astype(np.int32)


def data_of(network: str) -> Data:
    if network == "article":
        return article_data()
    x, y = mnist_data(60_000 if network == "mnist" else 12_800)
    return (x.reshape(-1, 28, 28, 1) if network == "cnn" else x), y


def keras_network(network: str, ours: bool, steps_per_execution: int) -> Any:
    """A compiled network; `ours` takes normwise's layers in place of Keras' own."""
    import keras

    layers = keras.layers
    if ours:
        import normwise

        normalization, dropout = normwise.BatchNormalization, normwise.Dropout
    else:
        normalization, dropout = layers.BatchNormalization, layers.Dropout
    if network == "article":
        stack = [keras.Input((14,))]
        for _ in range(2):
            stack += [layers.Dense(64), normalization(), layers.Activation("tanh"), dropout(0.5)]
        stack += [layers.Dense(2), normalization(), layers.Activation("softmax")]
    elif network == "mnist":
        stack = [keras.Input((784,))]
        for _ in range(3):
            stack += [layers.Dense(100), normalization(), layers.Activation("sigmoid")]
        stack += [layers.Dense(10, activation="softmax")]
    else:
        stack = [keras.Input((28, 28, 1))]
        for filters in (16, 32):
            stack += [layers.Conv2D(filters, 3, use_bias=False), normalization(), layers.Activation("relu")]
            stack += [layers.MaxPooling2D()]
        stack += [layers.Flatten(), layers.Dense(10, activation="softmax")]
    model = keras.Sequential(stack)
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return model


def by_keras(network: str, epochs: int, data: Data, ours: str, steps_per_execution: int) -> list[float]:
    """Seconds of each epoch."""
    import keras

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.ends: list[float] = []

        def on_train_begin(self, logs: Any = None) -> None:
            self.ends.append(time.perf_counter())

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.ends.append(time.perf_counter())

    keras.utils.set_random_seed(0)
    model, clock = keras_network(network, ours == "layers", steps_per_execution), Clock()
    settings: dict[str, Any] = {
        "batch_size": BATCH[network],
        "epochs": epochs,
        "verbose": 0,
        "callbacks": [clock],
    }
    if ours:
        import normwise

        normwise.fit(model, *data, **settings)
    else:
        model.fit(*data, **settings)
    return [float(seconds) for seconds in np.diff(clock.ends)]


def by_torch(network: str, epochs: int, data: Data, compiled: bool) -> list[float]:
    """The network of the article in plain PyTorch, as its users write it."""
    import torch
    from torch import nn

    if network != "article":
        raise SystemExit("only the article's network is written in plain PyTorch")
    torch.manual_seed(0)
    stack: list[Any] = []
    for width in (14, 64):
        stack += [nn.Linear(width, 64), nn.BatchNorm1d(64), nn.Tanh(), nn.Dropout(0.5)]
    model: Any = nn.Sequential(*stack, nn.Linear(64, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True)
    loss_of = nn.CrossEntropyLoss()
    network_of = torch.compile(model) if compiled else model
    x, y = torch.from_numpy(data[0]), torch.from_numpy(data[1]).long()
    seconds = []
    for _ in range(epochs):
        begun = time.perf_counter()
        total = torch.zeros(())
        right = torch.zeros((), dtype=torch.long)
        for rows in torch.randperm(len(x)).split(BATCH[network]):
            optimizer.zero_grad()
            outputs = network_of(x[rows])
            loss = loss_of(outputs, y[rows])
            loss.backward()
            optimizer.step()
            total += loss.detach()
            right += (outputs.argmax(1) == y[rows]).sum()
        seconds.append(time.perf_counter() - begun)
    return seconds


def by_scikit_learn(network: str, epochs: int, data: Data) -> list[float]:
    """Its MLP, which has neither normalization nor dropout."""
    from sklearn.neural_network import MLPClassifier

    if network == "cnn":
        raise SystemExit("scikit-learn has no convolutions")
    model = MLPClassifier(
        (64, 64) if network == "article" else (100, 100, 100),
        activation="tanh",
        solver="sgd",
        alpha=0,
        batch_size=BATCH[network],
        learning_rate_init=0.1,
        momentum=0.9,
        max_iter=1,
        warm_start=True,
        random_state=0,
    )
    seconds = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(epochs):
            begun = time.perf_counter()
            model.fit(*data)
            seconds.append(time.perf_counter() - begun)
    return seconds


# Library to its Keras backend and how it trains.
LIBRARIES: dict[str, tuple[str, Any]] = {
    "normwise": ("jax", lambda *a: by_keras(*a, "layers", 1)),
    "normwise.fit with Keras' layers": ("jax", lambda *a: by_keras(*a, "fit", 1)),
    "Keras on JAX": ("jax", lambda *a: by_keras(*a, "", 1)),
    "Keras on JAX, steps_per_execution=100": ("jax", lambda *a: by_keras(*a, "", 100)),
    "Keras on TensorFlow": ("tensorflow", lambda *a: by_keras(*a, "", 1)),
    "Keras on torch": ("torch", lambda *a: by_keras(*a, "", 1)),
    "PyTorch eager": ("", lambda *a: by_torch(*a, False)),
    "PyTorch compiled": ("", lambda *a: by_torch(*a, True)),
    "scikit-learn's MLP": ("", by_scikit_learn),
}

if __name__ == "__main__":
    library, network, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    backend, train = LIBRARIES[library]
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    data = data_of(network)
    print(json.dumps({"steps": -(-len(data[0]) // BATCH[network]), "epochs": train(network, epochs, data)}))
