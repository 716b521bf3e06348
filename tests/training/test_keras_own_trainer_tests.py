"""Keras' own tests of its trainer, which ship in its wheel, with `normwise.fit` in the place of `Model.fit`."""

import ast
import importlib
import inspect

import keras
import numpy as np
import pytest

import normwise
from normwise.training import pace
from normwise.training.not_compiled import not_compiled

_theirs = importlib.import_module("keras.src.trainers.trainer_test")
_original = keras.Model.fit
_trainer = next(kind for kind in keras.Model.__mro__ if "fit" in vars(kind))

# A test's name, or the beginning of it, to why it is not run with ours in the place of Keras' fit.
NOT_RUN = {
    "test_for_eval_epoch_iterator": "is about the attribute _eval_epoch_iterator, which ours has no use for",
    "test_fit_sparse": "compiles with jit_compile=False, which is left to Keras",
    "test_loss_scaling_prevents_underflow": "is about TensorFlow",
    "test_trainer_with_raggeds": "is about TensorFlow and torch",
    "test_jit_compile_with_tf_determinism": "is about TensorFlow",
}
MODES_LEFT_TO_KERAS = ("eager", "graph_fn", "non_jit")
# They count batches, which callbacks of ours hear of by the chunk: here every chunk is a batch.
BY_THE_BATCH = (
    "test_steps_per_epoch",
    "test_max_epochs_and_steps",
    "test_stop_loop",
    "test_callbacks_can_update_state_at_batch_boundary",
)


def _functions():
    """Test name to source, for each that trains."""
    source = inspect.getsource(_theirs)
    found = [f for f in ast.walk(ast.parse(source)) if isinstance(f, ast.FunctionDef) and f.name[:5] == "test_"]
    texts = {f.name: ast.get_source_segment(source, f) for f in found}
    return {name: text for name, text in texts.items() if ".fit(" in text or "getattr(model, method)" in text}


TRAINING = _functions()


def _runs(name):
    """Whether a method, the name of a test with that of its case, is run."""
    tests = [t for t in TRAINING if name.startswith(t) and t not in NOT_RUN]
    return bool(tests) and not any(mode in name.removeprefix(max(tests, key=len)) for mode in MODES_LEFT_TO_KERAS)


@pytest.fixture
def compiled(monkeypatch, request):
    """The models that were trained by the compiled epoch."""
    models, inside = [], []

    def fit(self, *args, **kwargs):
        if inside:
            return _original(self, *args, **kwargs)
        inside.append(self)
        try:
            models.extend([self] if not_compiled(self, None) is None else [])
            return normwise.fit(self, *args, **kwargs)
        finally:
            inside.clear()

    monkeypatch.setattr(_trainer, "fit", fit)
    if request.node.name.startswith(BY_THE_BATCH):
        monkeypatch.setattr(pace, "FIRST_STEPS", 1)
        monkeypatch.setattr(pace, "SECONDS", 0.0)
    return models


@pytest.mark.filterwarnings("default")
class TrainerTest(_theirs.TestTrainer):
    """Keras' tests that train, inherited."""

    @pytest.fixture(autouse=True)
    def _ours(self, compiled):
        """Every test has ours."""


for _name in dir(_theirs.TestTrainer):
    if _name.startswith("test_") and not _runs(_name):
        setattr(TrainerTest, _name, None)


def test_every_test_that_trains_is_run_or_its_reason_given():
    run = [name for name in dir(TrainerTest) if name.startswith("test_") and getattr(TrainerTest, name)]
    written = {name for name in TRAINING if hasattr(_theirs.TestTrainer, name) or name not in NOT_RUN}
    missing = {t for t in written if not any(name.startswith(t) for name in run)}
    print(missing, len(run))
    assert len(run) > 60
    assert missing - set(NOT_RUN) == {"test_jit_fit_with_out_shardings_logic"}
    assert set(NOT_RUN) <= set(TRAINING)


def test_ours_is_what_they_call(compiled):
    model = _theirs.ExampleModel(units=3)
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.zeros((4, 3)), verbose=0)
    assert compiled == [model]
