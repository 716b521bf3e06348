"""The whole layer in float64 NumPy: what it answers and remembers, from all batches that it has seen.

Arrays are (rows, values a row, channels). Nothing is updated: each statistic is computed anew from its
definition over the remembered batches.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from tests.reference import batch_normalization as paper


class Batch(NamedTuple):
    """Mean, variance (of m values, divided by m) and the number m of values a channel, weights summed up."""

    mean: Any
    variance: Any
    count: Any


@dataclasses.dataclass
class ReferenceLayer:
    """Algorithms 1 and 2 of Ioffe & Szegedy 2015, with Algorithm 1 of Ioffe 2017 where `renorm` is set.

    `keras` makes renormalization that of `keras.layers.BatchNormalization` 3.15, whose moving variance is the
    square of the average deviation, less ε.
    """

    gamma: Any
    beta: Any
    momentum: Any = 0.99
    epsilon: float = 1e-3
    averaging: str = "debiased"
    unbiased: bool = True
    group: int | None = None
    renorm: bool = False
    clipping: dict[str, float] = dataclasses.field(default_factory=dict)
    renorm_momentum: Any = 0.99
    activation: Any = None
    slope: Any = None
    seen: list[tuple[Any, Any]] = dataclasses.field(default_factory=list)

    @property
    def keras(self) -> bool:
        return self.averaging == "exponential" and not self.unbiased

    def train(self, x: Any, weights: Any = None) -> Any:
        """The output for a batch, which is then remembered."""
        z = np.concatenate(
            [
                paper.algorithm_1(part, self.gamma, self.beta, self.epsilon, w, *self.corrections(part, w)).y
                for part, w in self.groups(x, weights)
            ]
        )
        self.seen.append((x, weights))
        return z if self.activation is None else self.activation(z)

    def gradients(self, dl_dy: Any, x: Any, weights: Any = None) -> paper.Backward:
        """Those of Σ dl_dy·y, by x, γ and β; nothing is remembered."""
        found, start = [], 0
        for part, w in self.groups(x, weights):
            upstream = dl_dy[start : start + len(part)]
            start += len(part)
            r, d = self.corrections(part, w)
            if self.slope is not None:
                z = paper.algorithm_1(part, self.gamma, self.beta, self.epsilon, w, r, d).y
                upstream = upstream * self.slope(z)
            found.append(paper.gradients(upstream, part, self.gamma, self.epsilon, w, r, d))
        by_x = np.concatenate([g.x for g in found])
        return paper.Backward(by_x, sum(g.gamma for g in found), sum(g.beta for g in found))

    def infer(self, x: Any) -> Any:
        """Algorithm 2, step 11."""
        z = paper.algorithm_2_inference(x, self.gamma, self.beta, *self.statistics(), self.epsilon)
        return z if self.activation is None else self.activation(z)

    def statistics(self) -> tuple[Any, Any]:
        """E[x] and Var[x] of Algorithm 2, step 10."""
        if self.averaging == "cumulative":
            return self.of_all_values()
        if self.renorm and self.keras:
            mean = self.average([b.mean for b in self.batches()], self.momentum, 0.0)
            stddev = self.average([self.stddev(b) for b in self.batches()], self.momentum, 1.0)
            return mean, np.maximum(stddev**2 - self.epsilon, 0.0)
        batches = self.batches()
        mean = self.average([b.mean for b in batches], self.momentum, 0.0)
        return mean, self.average([self.estimate(b) for b in batches], self.momentum, 1.0)

    def of_all_values(self) -> tuple[Any, Any]:
        x = np.concatenate([x.reshape(-1, x.shape[-1]) for x, _ in self.seen])
        w = np.concatenate(
            [np.broadcast_to(1.0 if w is None else w, x.shape).reshape(-1, x.shape[-1]) for x, w in self.seen]
        )
        whole = self.moments(x, w)
        return whole.mean, self.estimate(whole)

    def batches(self) -> list[Batch]:
        return [self.moments(x, w) for x, w in self.seen]

    def moments(self, x: Any, weights: Any) -> Batch:
        _, mean, variance = paper.algorithm_1(x, 1.0, 0.0, self.epsilon or 1.0, weights)
        w = np.broadcast_to(1.0 if weights is None else weights, x.shape)
        return Batch(mean, variance, w.sum(tuple(range(x.ndim - 1))))

    def estimate(self, batch: Batch) -> Any:
        return batch.variance * (batch.count / (batch.count - 1) if self.unbiased else 1.0)

    def stddev(self, batch: Batch) -> Any:
        return np.sqrt(batch.variance + self.epsilon)

    def average(self, values: list[Any], momentum: Any, initial: float) -> Any:
        """A batch weighs (1 − its momentum)·(the momenta of all after it), the initial value the rest."""
        momenta = [momentum(i) if callable(momentum) else momentum for i in range(len(values))]
        shares = [(1 - m) * np.prod(momenta[i + 1 :]) for i, m in enumerate(momenta)]
        total = sum(shares)
        averaged = sum(share * value for share, value in zip(shares, values, strict=True))
        if self.averaging == "exponential":
            return (1 - total) * initial + averaged
        return averaged / total

    def groups(self, x: Any, weights: Any) -> list[tuple[Any, Any]]:
        size = self.group or len(x)
        parts = range(0, len(x), size)
        if weights is None:
            return [(x[i : i + size], None) for i in parts]
        w = np.broadcast_to(weights, x.shape)
        return [(x[i : i + size], w[i : i + size]) for i in parts]

    def corrections(self, x: Any, weights: Any) -> tuple[Any, Any]:
        """r and d of Ioffe 2017: none until there are averages to correct by, unless they start as Keras'."""
        if not self.renorm or (not self.seen and self.averaging != "exponential"):
            return 1.0, 0.0
        mean = self.average([b.mean for b in self.batches()], self.renorm_momentum, 0.0)
        stddev = self.average([self.stddev(b) for b in self.batches()], self.renorm_momentum, 1.0)
        batch = self.moments(x, weights)
        r, d = self.stddev(batch) / stddev, (batch.mean - mean) / stddev
        limit = self.clipping.get("dmax", np.inf)
        return np.clip(r, self.clipping.get("rmin"), self.clipping.get("rmax")), np.clip(d, -limit, limit)
