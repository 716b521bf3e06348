"""Evidence of a model and its data, of all kinds of data."""

import keras
import numpy as np
import polars as pl
import pytest
from keras import layers
from tests.insight.networks import left_as_it_is, rows
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import ModelError, NormwiseWarning, TableError, TrainingError
from normwise.core.evidence import Evidence
from normwise.workflows import gather_evidence as module
from normwise.workflows.gather_evidence import gather_evidence

COUNT = 64


def made(features=3, *first):
    parts = [
        *first,
        layers.Dense(4, name="first"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
        layers.Dropout(0.5, seed=3),
        layers.Dense(1, name="last"),
    ]
    model = keras.Sequential([keras.Input((features,), name="x"), *parts], name="net")
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.fixture(scope="module")
def trained():
    """A model after an epoch, and its data."""
    model, x = made(), rows(COUNT)
    y = x[:, :1] ** 2
    model.fit(x, y, batch_size=16, verbose=0)
    # Statistics that are wrong enough to make a gap.
    model.get_layer("norm").moving_variance.assign([1e-3] * 4)
    return model, x, y


def test_all_of_it_and_the_model_stays_as_it_is(trained):
    model, x, y = trained
    metrics = [keras.ops.convert_to_numpy(v.value) for v in model.metrics_variables]
    with left_as_it_is(model):
        found = gather_evidence(model, x, y, new_x=x + 1, batch_size=16)
    for variable, value in zip(model.metrics_variables, metrics, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable.value), value)
    assert (found.absent, found.rows) == ({}, COUNT)
    assert (found.training.batch_size, found.training.rows, found.training.replicas) == (16, COUNT, 1)
    assert_close(found.inputs[0].means, x.astype("float64").mean(0), tolerance("float64", COUNT))
    assert [one.call for one in found.normalizations] == ["norm"]
    assert [(one.function, one.call) for one in found.activations] == [("relu", "relu")]
    assert [(one.layer, one.name) for one in found.gradients][:2] == [
        ("first", "kernel"), ("first", "bias"),
    ]  # fmt: skip
    assert_close(found.loss.at_inference, model.evaluate(x, y, verbose=0)[0], tolerance("float32", COUNT))
    assert_close(found.loss.of_constant, y.astype("float64").var(), tolerance("float32", COUNT))
    assert list(found.loss.switched) == ["norm"]
    assert found.model.optimizer == "Adam"
    assert found.model.iterations == COUNT // 16
    for moved, spread in zip(found.drift.columns, x.astype("float64").std(0), strict=True):
        assert_close(moved.shift, 1 / spread, tolerance("float32", COUNT))
    assert Evidence.from_json(found.to_json()).model == found.model


def test_the_same_again(trained):
    model, x, y = trained
    assert gather_evidence(model, x, y).to_json() == gather_evidence(model, x, y).to_json()


def test_without_data_rules_have_the_structure(trained):
    found = gather_evidence(trained[0], batch_size=8)
    assert found.model.calls
    assert found.absent == dict.fromkeys(
        ["inputs", "normalizations", "activations", "gradients", "loss", "drift"], "no data were given"
    )
    assert (found.rows, found.training.batch_size) == (0, 8)


def test_without_targets_or_a_loss(trained):
    model, x, y = trained
    found = gather_evidence(model, x)
    assert found.absent == {
        "drift": "no new data were given",
        "gradients": "no targets were given",
        "loss": "no targets were given",
    }
    assert found.normalizations
    plain = keras.Sequential([keras.Input((3,)), layers.Dense(1)], name="plain")
    found = gather_evidence(plain, x, y)
    assert found.absent["loss"] == 'the model "plain" is not compiled: it has no loss'


def test_the_gradient_is_taken_where_a_rule_asks_for_it(trained, monkeypatch):
    model, x, y = trained
    assert not gather_evidence(model, x, y, gradients=False).gradients
    asked = []
    monkeypatch.setattr(module, "gradient_evidence", lambda *_: tuple(asked.append(1) or ()))
    normwise.diagnose(model, x, y)
    assert not asked
    normwise.diagnose(model, x, y, select=["NRM203"])
    assert asked


def test_targets_that_do_not_fit_the_loss(trained):
    model, x, _ = trained
    found = gather_evidence(model, x, np.zeros((COUNT, 2, 7)))
    assert "raised" in found.absent["loss"]
    assert found.absent["gradients"] == found.absent["loss"]


def test_one_row(trained):
    model, x, y = trained
    found = gather_evidence(model, x[:1], y[:1])
    assert {found.absent[name] for name in module.MEASURED} == {module.ONE_ROW}
    assert found.rows == 1


def frames(x, y):
    named = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "target": y[:, 0]}
    return pl.DataFrame(named)


def dataset(x, y):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return x[16 * i : 16 * i + 16], y[16 * i : 16 * i + 16]

    return Batches()


def test_data_of_all_kinds(trained, tmp_path):
    model, x, y = trained
    frame = frames(x, y)
    frame.write_parquet(tmp_path / "table.parquet")
    frame.write_csv(tmp_path / "table.csv")
    np.savez(tmp_path / "both.npz", x=x, y=y)
    np.save(tmp_path / "x.npy", x)
    plain = gather_evidence(model, x, y)
    allowed = tolerance("float32", COUNT, 16)
    kinds = {
        "frame": (frame, "target"),
        "pandas": (frame.to_pandas(), "target"),
        "parquet": (tmp_path / "table.parquet", "target"),
        "csv": (str(tmp_path / "table.csv"), "target"),
        "dataset": (dataset(x, y), None),
        "generator": ((part for part in [(x[:16], y[:16]), (x[16:], y[16:])]), None),
        "npz": (tmp_path / "both.npz", None),
        "npy": (str(tmp_path / "x.npy"), y),
    }
    for kind, (given, targets) in kinds.items():
        found = gather_evidence(model, given, targets)
        assert found.rows == COUNT, kind
        assert_close(found.inputs[0].means, plain.inputs[0].means, allowed)
        assert_close(found.loss.at_inference, plain.loss.at_inference, allowed)
        named = kind in ("frame", "pandas", "parquet", "csv")
        assert found.inputs[0].columns == (("a", "b", "c") if named else ("0", "1", "2")), kind
        assert found.training.rows == (None if kind in ("dataset", "generator") else COUNT), kind
        assert found.training.batch_size == (16 if kind in ("dataset", "generator") else None), kind


def test_rows_are_drawn_from_all_of_them_always_the_same(trained):
    model, *_ = trained
    x = np.repeat(np.arange(1000.0)[:, None], 3, axis=1).astype("float32")
    one, two = (gather_evidence(model, x, rows=50).inputs[0] for _ in range(2))
    assert one == two
    assert (one.rows, one.columns) == (50, ("0", "1", "2"))
    # 50 of 1000 drawn without replacement: the mean's standard deviation is 288.7/√50 = 41; five of them.
    assert abs(one.means[0] - 499.5) < 205
    assert one.minima[0] != 0.0 or one.maxima[0] != 49.0
    assert gather_evidence(model, x, rows=50).training.rows == 1000


def test_fewer_rows_where_the_layers_compute_many_values(trained, monkeypatch):
    monkeypatch.setattr(module, "MOST_VALUES", 20 * (4 + 4 + 4 + 4 + 1))
    model, x, y = trained
    assert gather_evidence(model, x, y).rows == 20
    monkeypatch.setattr(module, "MOST_VALUES", 0)
    assert gather_evidence(model, x, y).rows == module.LEAST_ROWS


def test_new_data_may_lack_the_target_and_miss_values(trained):
    model, x, y = trained
    frame = frames(x, y)
    found = gather_evidence(model, frame, "target", new_x=frame.drop("target"))
    assert [column.name for column in found.drift.columns] == ["a", "b", "c"]
    assert [column.shift for column in found.drift.columns] == [0.0] * 3
    later = x.copy()
    later[::2, 1] = np.nan
    with pytest.warns(NormwiseWarning, match=f"{COUNT // 2} of the {3 * COUNT} new values of the input"):
        found = gather_evidence(model, x, new_x=later)
    assert [column.new_nulls for column in found.drift.columns] == [0.0, 0.5, 0.0]
    later[:, 1] = np.inf
    with pytest.raises(TrainingError, match='the columns "1" of the new data hold no finite number'):
        gather_evidence(model, x, new_x=later)


def test_behind_a_layer_that_scales():
    x = rows(COUNT)
    found = gather_evidence(made(3, layers.Rescaling(0.5, 1.0, name="half")), x)
    assert found.inputs[0].scaled_by == "half"
    assert_close(found.inputs[0].means, x.mean(0) / 2 + 1, tolerance("float32", COUNT))


def test_missing_numbers_are_an_error_unless_a_layer_fills_them(trained):
    model, x, _ = trained
    x = x.copy()
    x[[5, 9], 1] = np.nan, np.inf
    with pytest.raises(
        TrainingError, match=r'"x" holds NaN or infinity in 2 of the 64 rows .* first in row 5'
    ):
        gather_evidence(model, x)
    x[9, 1] = np.nan
    filled = normwise.FeatureScaling([0.5] * 3, [1.0] * 3, missing="zero")
    assert gather_evidence(made(3, filled), x).normalizations
    with pytest.raises(TrainingError, match="holds NaN or infinity in 2 of the 64 rows"):
        gather_evidence(made(3, layers.Rescaling(0.5)), x)


def test_data_that_cannot_be_used(trained, tmp_path):
    model, x, y = trained
    with pytest.raises(TrainingError, match=r"x has the shape \(64, 2\), .* takes \(rows, 3\)"):
        gather_evidence(model, x[:, :2])
    with pytest.raises(TrainingError, match="x has no rows"):
        gather_evidence(model, x[:0])
    with pytest.raises(TrainingError, match="x has 64 rows and y has 63"):
        gather_evidence(model, x, y[:-1])
    with pytest.raises(TrainingError, match=r"cannot be used: .* an empty generator"):
        gather_evidence(model, (batch for batch in ()))
    with pytest.raises(TrainingError, match="rows=0 is no number of rows"):
        gather_evidence(model, x, rows=0)
    with pytest.raises(ModelError, match="expected a Keras model, got a str"):
        gather_evidence("model.keras", x)
    with pytest.raises(TableError, match=r"nothing\.npz does not exist\. There are none"):
        gather_evidence(model, tmp_path / "nothing.npz")
    np.savez(tmp_path / "other.npz", features=x)
    with pytest.raises(TableError, match='holds the arrays "features"; expected "x"'):
        gather_evidence(model, tmp_path / "other.npz")


def test_a_call_that_raises_on_the_rows():
    class Picky(keras.layers.Layer):
        def call(self, x):
            if isinstance(x.shape[0], int) and x.shape[0] > 2:
                raise RuntimeError("too many rows")
            return x

    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)], name="picky")
    model.add(Picky())
    with pytest.raises(
        TrainingError, match=r'model "picky" on 64 rows of x raised RuntimeError: too many rows;'
    ):
        gather_evidence(model, rows(COUNT))


def test_several_inputs_and_codes():
    words, numbers = keras.Input((5,), dtype="int32", name="words"), keras.Input((2,), name="numbers")
    embedded = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3, mask_zero=True)(words))
    outputs = layers.Dense(1)(
        layers.Concatenate()([embedded, layers.BatchNormalization(name="norm")(numbers)])
    )
    model = keras.Model({"words": words, "numbers": numbers}, outputs)
    random = np.random.default_rng(0)
    x = {"words": random.integers(0, 9, (32, 5)).astype("int32"), "numbers": rows(32, 2)}
    found = gather_evidence(model, x, new_x=x)
    assert [(one.name, one.scaled_by) for one in found.inputs] == [("numbers", "norm")]
    assert [column.name for column in found.drift.columns] == ["numbers/0", "numbers/1"]


def test_a_subclassed_model():
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.first, self.norm = layers.Dense(4, name="first"), layers.BatchNormalization(name="norm")

        def call(self, x, training=None):
            return keras.ops.tanh(self.norm(self.first(x), training=training))

    model, x = Own(), rows(COUNT)
    model(x)
    model.compile("sgd", "mse")
    found = gather_evidence(model, x, np.zeros((COUNT, 4), "float32"))
    assert [call.name for call in found.model.calls] == ["first", "norm", "tanh"]
    assert found.inputs[0].name == "x"
    assert [one.call for one in found.normalizations] == ["norm"]
    assert "gradients" not in found.absent


class AtInference(keras.Model):
    """A base that is called at inference, in front of a normalization that is trained."""

    def __init__(self):
        super().__init__(name="at_inference")
        self.base, self.norm = layers.BatchNormalization(name="base"), layers.BatchNormalization(name="norm")
        self.noise = layers.Dropout(0.5, name="noise")
        self.head = layers.Dense(1, name="head")

    def call(self, x, training=None):
        y = self.noise(self.base(x, training=False), training=False)
        return self.head(self.norm(y, training=training))


@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_called_at_inference_stays_there(compiled, monkeypatch):
    monkeypatch.setattr("normwise.workflows.gather_evidence.CALLS_TO_COMPILE", 0 if compiled else 1000)
    random = np.random.default_rng(0)
    x, model = random.normal(5.0, 2.0, (64, 3)).astype("float32"), AtInference()
    model(x)
    base, norm = gather_evidence(model, x, rows=np.int64(64)).normalizations
    assert (base.by_batch, norm.by_batch) == (False, True)
    # By the initial statistics it divides by √(1 + ε) alone, and nothing is dropped.
    for mean in (norm.mean, norm.noisy_mean, norm.inference_mean):
        np.testing.assert_allclose(mean, x.mean(0) / np.sqrt(1.001), rtol=1e-5)


def test_pixels_that_an_operation_divides_are_small():
    inputs = keras.Input((4,), name="pixels")
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs / 255.0))
    x = np.random.default_rng(0).integers(0, 256, (50, 4)).astype("float32")
    (found,) = gather_evidence(model, x).inputs
    assert found.scaled_by.startswith("true_divide")
    assert_close(found.maxima, x.max(0) / 255, tolerance("float32", 1))


def test_what_a_call_divides_is_looked_at_as_it_is_given():
    class Divides(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = keras.layers.Dense(1)

        def call(self, x):
            return self.last(x / 255.0)

    model, x = Divides(), np.full((8, 4), 255.0, "float32")
    model(x)
    (found,) = gather_evidence(model, x).inputs
    assert (found.scaled_by, found.maxima) == ("", (255.0,) * 4)


def test_the_loss_of_a_constant_has_one_number_a_row_or_none(trained):
    model, x, y = trained
    assert_close(
        gather_evidence(model, x, y[:, 0]).loss.of_constant,
        y.astype("float64").var(),
        tolerance("float32", COUNT),
    )
    classes = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="softmax")])
    classes.compile("adam", "sparse_categorical_crossentropy")
    assert np.isnan(gather_evidence(classes, x, np.arange(COUNT) % 4).loss.of_constant)
