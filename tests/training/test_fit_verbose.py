"""What fit prints: Keras' words."""

import re

import pytest
from tests.training.both_ways import by_keras, train
from tests.training.fit_cases import numbers, sequential

import normwise


def lines(text):
    """Without colours and times; of a bar that moves, the last state in each epoch."""
    text = re.sub(r"\x1b\[\d*m|\x08+", "", text)
    text = re.sub(r"\b\d+(us|ms|s)(/step|/epoch)?\b", "T", text)
    found = [line.strip() for line in re.split(r"[\n\r]+", text) if line.strip()]
    bars = [bool(re.match(r"\d+/\d+ ", line)) for line in found] + [False]
    return [line for i, line in enumerate(found) if not (bars[i] and bars[i + 1])]


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_the_same_as_keras(verbose, capsys):
    said = []
    for fit in (normwise.fit, by_keras):
        train(fit, sequential, numbers, verbose=verbose, epochs=2, batch_size=16, validation_split=1 / 3)
        said.append(lines(capsys.readouterr().out))
    assert said[0] == said[1]
    assert len(said[0]) == (4 if verbose else 0)
    if verbose:
        assert said[0][:1] == ["Epoch 1/2"]
        assert re.search(r"^2/2 .*loss: \d.* - val_loss: \d", said[0][1])
