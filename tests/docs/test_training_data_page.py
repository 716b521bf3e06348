"""The page's example prints what it says."""

import doctest
from pathlib import Path

import keras
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "training-data.md"


# On other backends Keras' own fit trains, and that is said.
@pytest.mark.filterwarnings(
    "error" if keras.backend.backend() == "jax" else "ignore:This model is trained by Keras' own fit"
)
@pytest.mark.parametrize(("printed", "failed"), [("'val_loss'", 0), ("'other'", 1)])
def test_the_example(printed, failed):
    text = PAGE.read_text(encoding="utf-8").replace("'val_loss'", printed)
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner(verbose=False).run(test)
    assert (result.failed, result.attempted) == (failed, len(test.examples))
