"""Keras' own tests of its trainer, which ship in its wheel, with `normwise.fit` in its place."""

import ast
import importlib
import importlib.util
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
    "test_fit_sparse": "compiles with jit_compile=False, which is left to Keras",
    "test_loss_scaling_prevents_underflow": "is about TensorFlow",
    "test_trainer_with_raggeds": "is about TensorFlow and torch",
    "test_steps_per_execution_unrolled_steps_steps_count": "is about TensorFlow",
}
# A part of a case's name to what its data come from, where that is not a part of this project.
NEEDS = {
    "tf_dataset": "tensorflow",
    "unknown_da": "tensorflow",
    "grain": "grain",
    "torch_dataloader": "torch",
}
NEVER_ON_JAX = "multiprocessing"
MODES_LEFT_TO_KERAS = ("eager", "graph_fn", "non_jit")
# They count batches, which callbacks of ours hear of by the chunk: here every chunk is a batch.
BY_THE_BATCH = (
    "test_steps_per_epoch",
    "test_steps_per_execution_steps_per_epoch",
    "test_validation_data_infinite_generator",
    "test_max_epochs_and_steps",
    "test_stop_loop",
    "test_callbacks_can_update_state_at_batch_boundary",
)


def _functions():
    """Test name to source, for each that trains."""
    source = inspect.getsource(_theirs)
    found = [
        f for f in ast.walk(ast.parse(source)) if isinstance(f, ast.FunctionDef) and f.name[:5] == "test_"
    ]
    lines = source.splitlines()
    texts = {f.name: "\n".join(lines[f.lineno - 1 : f.end_lineno]) for f in found}
    return {name: text for name, text in texts.items() if ".fit(" in text or "getattr(model, method)" in text}


TRAINING = _functions()


def _runs(name):
    """Whether a method, the name of a test with that of its case, is run."""
    tests = [t for t in TRAINING if name.startswith(t) and t not in NOT_RUN]
    if not tests or NEVER_ON_JAX in name:
        return False
    absent = [part for part, package in NEEDS.items() if importlib.util.find_spec(package) is None]
    case = name.removeprefix(max(tests, key=len))
    return not any(word in name for word in absent) and not any(mode in case for mode in MODES_LEFT_TO_KERAS)


@pytest.fixture
def compiled(monkeypatch, request):
    """The models that were trained by the compiled epoch."""
    models, inside = [], []

    def fit(self, *args, **kwargs):
        if inside:
            return _original(self, *args, **kwargs)
        inside.append(self)
        try:
            models.extend([self] if not_compiled(self) is None else [])
            return normwise.fit(self, *args, **kwargs)
        finally:
            inside.clear()

    monkeypatch.setattr(_trainer, "fit", fit)
    if request.node.name.startswith(BY_THE_BATCH):
        monkeypatch.setattr(pace, "FIRST_STEPS", 1)
        monkeypatch.setattr(pace, "SECONDS", 0.0)
    return models


@pytest.mark.slow
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
    missing = {test for test in TRAINING if not any(name.startswith(test) for name in run)}
    # One of another class, about several devices; and what needs TensorFlow where that is absent.
    apart = {"test_jit_fit_with_out_shardings_logic"}
    absent = {
        test for test in TRAINING if "unknown_da" in test and importlib.util.find_spec("tensorflow") is None
    }
    assert len(run) >= 45
    assert missing == set(NOT_RUN) | apart | absent


def test_ours_is_what_they_call(compiled):
    model = _theirs.ExampleModel(units=3)
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.zeros((4, 3)), verbose=0)
    assert compiled == [model]
