"""last-batch-of-one: the rows left over for the last batch of an epoch are a single one.

## What it detects
Rows of the training data that leave 1 when divided by the batch size, and a batch normalization of one value
a row, such as one behind a Dense layer.

## Why it matters
A single value is its own mean, so that this step normalizes everything to β: it learns from a network without
inputs, and in Keras' layer it pulls the moving variance towards 0.

## Example
```python
model.fit(x[:1025], y[:1025], batch_size=32)  # 32 batches of 32, and one row
```

## Remedy
Another batch size, a row more or less, or batches without the rest: `tf.data.Dataset.batch(32,
drop_remainder=True)`.

## False alarms
Data that are fed in another way than by cutting all rows into batches, as with `steps_per_epoch`.

## Sources
Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1 with m = 1: x̂ = 0. torch.nn.BatchNorm1d raises an error
here.
"""

from __future__ import annotations

from collections.abc import Iterator

from normwise.core.diagnosis import Finding
from normwise.core.evidence import Evidence
from normwise.doctor.calls import learns_statistics
from normwise.doctor.remedies import by_hand
from normwise.doctor.rule import NotApplicableError, NotKnownError, Rule
from normwise.doctor.rules.statistics.small_batch import values_per_row


def check(evidence: Evidence) -> Iterator[Finding]:
    """Normalizations of a batch of one value."""
    batch, rows = evidence.training.batch_size, evidence.training.rows
    layers = [layer for layer in evidence.model.layers if learns_statistics(evidence.model, layer)]
    if not layers:
        raise NotApplicableError("no batch normalization is trained by the batch")
    if batch is None or rows is None:
        unknown = "the batch size" if batch is None else "the number of training rows"
        raise NotKnownError(f"{unknown} is not known")
    for layer in layers:
        if values_per_row(evidence, layer) == 1 and batch > 1 and rows > batch and rows % batch == 1:
            yield LAST_BATCH_OF_ONE.finding(
                layer=layer.path,
                value=1,
                threshold=2,
                unit="rows",
                evidence=f"{rows:,} rows in batches of {batch} leave 1 for the last, and {layer.path}"
                " normalizes"
                " it by itself to β.",
                remedy=by_hand(_remedy(batch, rows), _code(batch, rows)),
            )


def _better(batch: int, rows: int) -> int:
    """The next batch size that leaves none, or two rows at least."""
    return next(size for size in range(batch + 1, rows + 1) if rows % size != 1)


def _remedy(batch: int, rows: int) -> str:
    return f"Take another batch size, such as {_better(batch, rows)}, or leave one row out."


def _code(batch: int, rows: int) -> str:
    return f"model.fit(x, y, batch_size={_better(batch, rows)})"


LAST_BATCH_OF_ONE = Rule("NRM402", "last-batch-of-one", "warning", "exact", (), check)
