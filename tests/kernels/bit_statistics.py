"""What independent bits would do, as normal deviates: each statistic is 0 on average with a spread of 1.

All take masks of shape (calls, rows, columns), True with probability p, and return deviates of any number.
Of n deviates the largest exceeds 6 by chance with probability n·2e-9.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LIMIT = 6.0


def keep_rate(masks: Any, p: float) -> Any:
    """Overall."""
    return (masks.mean() - p) / np.sqrt(p * (1 - p) / masks.size)


def keep_rate_by_position(masks: Any, p: float) -> Any:
    """Over the calls."""
    return (masks.mean(0) - p) / np.sqrt(p * (1 - p) / len(masks))


def neighbours(masks: Any, p: float) -> Any:
    """Correlations of positions within a call, 1 to 64 apart, and by powers of two up to half a call."""
    rows = _centered(masks, p).reshape(len(masks), -1)
    n = rows.shape[1]
    lags = sorted({*range(1, min(65, n)), *(2**k for k in range(n.bit_length() - 1))})
    return np.array([_correlation(rows[:, :-lag], rows[:, lag:]) for lag in lags])


def rows(masks: Any, p: float) -> Any:
    """Correlations of each row with each other one."""
    by_row = np.moveaxis(_centered(masks, p), 1, 0).reshape(masks.shape[1], -1)
    products = by_row @ by_row.T / np.sqrt(by_row.shape[1])
    return products[np.triu_indices(len(products), 1)]


def successive(masks: Any, p: float) -> Any:
    """Correlations of each call with those 1 to 4 later, position by position and shifted by up to 8."""
    calls = _centered(masks, p).reshape(len(masks), -1)
    found = []
    for later in range(1, 5):
        now, then = calls[:-later], calls[later:]
        for shift in range(9):
            end = now.shape[1] - shift
            found += [
                _correlation(now[:, shift:], then[:, :end]),
                _correlation(now[:, :end], then[:, shift:]),
            ]
    return np.array(found)


def runs(masks: Any, p: float) -> Any:
    """How often neighbours differ. A change follows a change with probability pq: 101 or 010."""
    bits = masks.reshape(-1)
    n, pq = bits.size, p * (1 - p)
    variance = (n - 1) * 2 * pq * (1 - 2 * pq) + 2 * (n - 2) * (pq - 4 * pq**2)
    return ((bits[1:] != bits[:-1]).sum() - 2 * pq * (n - 1)) / np.sqrt(variance)


def patterns(masks: Any, p: float) -> Any:
    """χ² of the 256 patterns of eight neighbours, about its mean of 255 and by its spread of √510."""
    eights = np.packbits(masks.reshape(-1, 8), axis=1)[:, 0]
    found = np.bincount(eights, minlength=256)
    ones = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1)
    expected = eights.size * p**ones * (1 - p) ** (8 - ones)
    assert expected.min() >= 5, f"too few bits for χ²: a pattern is expected {expected.min():.2g} times"
    return (((found - expected) ** 2 / expected).sum() - 255) / np.sqrt(510)


def avalanche(function: Any, words: Any) -> Any:
    """How often each bit of a function of words changes with each bit of its argument: half the time.

    `words` of shape (n, k) have 32·k bits; the result has 32·k rows and 32 columns.
    """
    n, k = words.shape
    before = function(words)
    found = []
    for word in range(k):
        for bit in range(32):
            flipped = words.copy()
            flipped[:, word] ^= np.uint32(1 << bit)
            found.append(_bits(function(flipped) ^ before).sum(0))
    return (np.array(found) - n / 2) / (np.sqrt(n) / 2)


def monobit(words: Any) -> Any:
    """How often each of the 32 bits is set."""
    return (_bits(words).sum(0) - len(words) / 2) / (np.sqrt(len(words)) / 2)


def _bits(words: Any) -> Any:
    return words[:, None] >> np.arange(32, dtype=np.uint32) & np.uint32(1)


def _centered(masks: Any, p: float) -> Any:
    return ((masks - p) / np.sqrt(p * (1 - p))).astype(np.float32)


def _correlation(a: Any, b: Any) -> float:
    return float(np.mean(a * b, dtype=np.float64) * np.sqrt(a.size))
