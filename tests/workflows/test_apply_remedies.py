"""apply_remedies: what findings advise is done to a copy, the rest is left with a reason."""

import keras
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tests.graph.models import outputs, values
from tests.layers.gradients import numpy
from tests.reference.tolerance import assert_close, tolerance

import normwise
from normwise.core.errors import NormwiseError, TrainingError
from normwise.core.remedies import Remedies
from normwise.graph.copy_model import copy_model

ROWS = 256


def rows(seed=0, columns=6):
    return np.random.default_rng(seed).normal(size=(ROWS, columns)).astype("float32")


def labels(x):
    return (x[:, 0] > x[:, 1]).astype("int32")


def compiled(*inner, shape=(6,), name="net"):
    last = layers.Dense(2, "softmax", name="out")
    model = keras.Sequential([keras.Input(shape, name="columns"), *inner, last], name=name)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def stale(model, seed=0):
    """The model with the statistics of a training that was too short."""
    random = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if hasattr(layer, "moving_mean"):
            layer.moving_mean.assign(random.uniform(1.0, 2.0, layer.moving_mean.shape))
            layer.moving_variance.assign(random.uniform(5.0, 9.0, layer.moving_variance.shape))
    return model


def codes(diagnosis):
    return {finding.code for finding in diagnosis.findings}


@pytest.fixture(scope="module")
def mended():
    """A model with a useless bias, stale statistics and dropout before a normalization; safe remedies."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, name="first"), layers.BatchNormalization()], name="inner"
    )
    second = [layers.Dense(8, "relu"), layers.Dropout(0.5), normwise.BatchNormalization(name="second")]
    model = stale(compiled(inner, layers.ReLU(), *second))
    before = values(model)
    x = rows()
    result = normwise.apply_remedies(model, x, labels(x), batch_size=32)
    return model, before, x, result


def test_the_given_model_is_as_it_was(mended):
    model, before, _, result = mended
    assert values(model) == before
    assert result.model is not model
    assert not {id(v) for v in model.variables} & {id(v) for v in result.model.variables}


def test_safe_remedies_are_done_and_found_no_more(mended):
    _, _, _, result = mended
    done = {applied.finding.code for applied in result.applied}
    assert {"NRM301", "NRM403"} <= done
    found = {finding.fingerprint for finding in result.after.findings}
    assert not found & {"NRM301:inner/first", "NRM403:inner/batch_normalization"}
    assert result.model.get_layer("inner").layers[0].bias is None
    assert len(result.applied) + len(result.left) == len(result.before.findings)
    (bias,) = [a.done for a in result.applied if a.finding.code == "NRM301"]
    assert bias.startswith("use_bias=False; the moving mean of inner/batch_normalization")


def test_unsafe_remedies_are_left_with_the_reason(mended):
    _, _, _, result = mended
    (dropout,) = [left for left in result.left if left.finding.code == "NRM303"]
    assert dropout.reason == 'it is unsafe, as the network has to be trained again: safety="all" does it'
    assert "NRM303" in codes(result.after)
    assert "NRM303:second dropout-before-normalization: left, it is unsafe" in str(result)


def test_the_record_goes_to_json_and_back(mended):
    record = mended[3].record
    assert Remedies.from_json(record.to_json()) == record


def test_the_new_model_is_compiled_and_learns(mended):
    _, _, x, result = mended
    y = labels(x)
    model = copy_model(result.model)  # the other tests look at it as it is
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before


def test_statistics_are_those_of_the_population(mended):
    _, _, x, result = mended
    inner = result.model.get_layer("inner")
    z = x.astype("float64") @ numpy(inner.layers[0].kernel)
    allowed = tolerance("float32", n=ROWS, conditioning=16)
    assert_close(numpy(inner.layers[1].moving_mean), z.mean(0), allowed)
    assert_close(numpy(inner.layers[1].moving_variance), z.var(0, ddof=1), allowed)


def test_all_at_once_with_unsafe_ones():
    scale = np.array([1e-3, 1.0, 1.0, 1.0, 1.0, 1e3], "float32")
    x = rows() * scale + 3 * scale
    y = labels(rows())
    block = [
        layers.Dense(8, "relu"),
        layers.Dropout(0.5, name="drop"),
        layers.BatchNormalization(name="second"),
    ]
    model = stale(compiled(layers.Dense(8), layers.BatchNormalization(), *block))
    result = normwise.apply_remedies(model, x, y, safety="all", batch_size=32)
    assert {"NRM101", "NRM301", "NRM303", "NRM403"} <= {applied.finding.code for applied in result.applied}
    assert not {"NRM101", "NRM301", "NRM303", "NRM403"} & codes(result.after)
    assert result.model.layers[0].name == "columns_scaling"
    scaled = numpy(result.model.layers[0](x))
    assert_close(scaled.mean(0), np.zeros(6), tolerance("float32", n=ROWS, conditioning=3))
    assert_close(scaled.std(0), np.ones(6), tolerance("float32", n=ROWS, conditioning=3))
    assert 0.0 < result.model.get_layer("drop").rate < 0.5
    said = {applied.finding.code: applied.done for applied in result.applied}
    assert said["NRM101"] == (
        "the layer columns_scaling standardizes it by mean and standard deviation of 256 values a column; "
        "weights are as they were: train it again"
    )


def test_inputs_of_a_table_and_inputs_with_names():
    random = np.random.default_rng(0)
    wide = {"a": random.normal(5.0, 1.0, ROWS), "b": random.normal(0.0, 1000.0, ROWS)}
    table = pl.DataFrame({**wide, "class": random.integers(0, 2, ROWS)})
    hidden = [layers.Dense(4), layers.BatchNormalization()]
    model = keras.Sequential(
        [keras.Input((2,)), *hidden, layers.Dense(2, "softmax")]
    )  # an input without a name
    model.compile("adam", "sparse_categorical_crossentropy")
    result = normwise.apply_remedies(model, table, "class", safety="all", select=["NRM101", "NRM301"])
    assert [applied.finding.code for applied in result.applied] == ["NRM101", "NRM301"]
    assert result.after.findings == ()
    one, two = keras.Input((2,), name="one"), keras.Input((3,), name="two")
    model = keras.Model({"one": one, "two": two}, layers.Dense(2)(layers.Concatenate()([one, two])))
    x = {"two": rows(columns=3) * np.float32([1, 1, 1e4]), "one": rows(columns=2)}
    result = normwise.apply_remedies(model, x, safety="all", select=["NRM101"])
    assert [applied.finding.layer for applied in result.applied] == ["two"]
    assert_close(
        numpy(result.model.get_layer("two_scaling")(x["two"])).std(0),
        np.ones(3),
        tolerance("float32", n=ROWS),
    )


def test_frozen_layers_are_recalibrated_and_stay_frozen():
    base = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8), layers.BatchNormalization(name="norm")], name="base"
    )
    base.trainable = False
    x = rows()
    model = stale(compiled(base))
    safe = normwise.apply_remedies(model, x, labels(x), select=["NRM405"])
    assert safe.model is model
    assert (len(safe.applied), [left.finding.code for left in safe.left]) == (0, ["NRM405"])
    result = normwise.apply_remedies(model, x, labels(x), select=["NRM405"], safety="all")
    (applied,) = result.applied
    assert applied.done.startswith("moving statistics of 256 values a channel: the mean moved by ")
    assert result.after.findings == ()
    norm = result.model.get_layer("base").layers[1]
    assert (norm.trainable, result.model.get_layer("base").trainable) == (False, False)
    z = x.astype("float64") @ numpy(base.layers[0].kernel) + numpy(base.layers[0].bias)
    assert_close(numpy(norm.moving_mean), z.mean(0), tolerance("float32", n=ROWS, conditioning=16))


def test_statistics_of_bfloat16():
    norm = layers.BatchNormalization(name="norm", dtype="bfloat16")
    model = compiled(layers.Dense(8, use_bias=False, dtype="bfloat16"), norm)
    result = normwise.apply_remedies(model, select=["NRM409"])
    assert [applied.done for applied in result.applied] == [
        'dtype="mixed_bfloat16" in place of "bfloat16": statistics in float32, computed in as before'
    ]
    assert result.after.findings == ()
    assert result.model.get_layer("norm").moving_mean.dtype == "float32"


def test_what_is_for_the_user_to_do_is_left():
    x = rows()
    model = compiled(layers.Dense(8, use_bias=False), layers.BatchNormalization())
    result = normwise.apply_remedies(model, x, labels(x), select=["NRM401"], batch_size=2)
    (left,) = result.left
    assert left.reason == f"it is for you to do: {left.finding.remedy.text}"
    assert str(result).startswith("nothing was done\nNRM401:")


def test_without_data_the_structure_is_mended():
    model = compiled(layers.Dense(8), layers.BatchNormalization())
    result = normwise.apply_remedies(model)
    assert [applied.finding.code for applied in result.applied] == ["NRM301"]
    x = rows()
    assert_close(outputs(result.model, x)[0], outputs(model, x)[0], tolerance("float32", n=6))


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """Its calls are code, and its configuration gives another one."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.norm = layers.Dense(8, name="hidden"), layers.BatchNormalization()
        self.out = layers.Dense(2, "softmax")

    def call(self, inputs, training=False):
        return self.out(self.norm(self.hidden(inputs), training=training))


def test_of_a_subclassed_model_the_statistics_are_mended():
    x = rows()
    model = Subclassed(name="own")
    model(x[:2])
    model.compile("sgd", "sparse_categorical_crossentropy")
    result = normwise.apply_remedies(stale(model), x, labels(x), select=["NRM301", "NRM403"])
    assert "NRM403" in {applied.finding.code for applied in result.applied}
    assert "NRM403" not in codes(result.after)
    for left in result.left:
        assert 'the model "own" of class Subclassed is subclassed' in left.reason


def test_a_shared_normalization_is_mended_by_what_recalibrating_sets():
    model, x = twice()
    result = normwise.apply_remedies(model, x, select=["NRM403"])
    assert [one.finding.fingerprint for one in result.applied] == ["NRM403:shared"]
    assert (result.left, result.after.findings) == ((), ())


def test_what_is_found_again_was_not_mended():
    """No statistics are those of both calls of a frozen layer."""
    model, x = twice(trainable=False)
    result = normwise.apply_remedies(model, x, select=["NRM405"], safety="all")
    assert [finding.fingerprint for finding in result.after.findings] == ["NRM405:shared"]
    assert result.applied == ()
    (left,) = result.left
    assert left.reason.startswith("it is found again, although this was done: moving statistics of ")


def twice(trainable=True):
    """A normalization of inputs that are 8 apart, and its data."""
    keras.utils.set_random_seed(0)
    norm = layers.BatchNormalization(name="shared", trainable=trainable)
    first, second = keras.Input((4,)), keras.Input((4,))
    both = layers.Concatenate()([norm(first), norm(layers.Rescaling(1.0, 8.0)(second))])
    model = stale(keras.Model([first, second], layers.Dense(2)(both), name="twice"))
    return model, [rows()[:, :4], rows(1)[:, :4]]


def test_bad_arguments():
    model = compiled(layers.Dense(8), layers.BatchNormalization())
    with pytest.raises(
        NormwiseError, match=r'safety must be "safe" or "all", got \'sage\'. Did you mean "safe"'
    ):
        normwise.apply_remedies(model, safety="sage")
    with pytest.raises(TrainingError, match="x is a generator, which can be gone through once"):
        normwise.apply_remedies(model, (rows() for _ in range(3)))


@given(st.lists(st.tuples(st.integers(2, 6), st.booleans()), min_size=1, max_size=3), st.integers(0, 2**31))
@settings(max_examples=5)
def test_after_recalibration_no_statistics_are_stale(blocks, seed):
    keras.utils.set_random_seed(seed)
    x = y = keras.Input((6,))
    for width, skips in blocks:
        before = y
        y = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(y)))
        y = layers.Concatenate()([before, y]) if skips else y
    model = stale(keras.Model(x, layers.Dense(2)(y)), seed)
    data = rows(seed)
    result = normwise.apply_remedies(model, data, select=["NRM403"])
    assert codes(result.before) == {"NRM403"}
    assert result.after.findings == ()


def test_the_code_of_each_remedy_runs_and_does_what_it_says():
    scale = np.array([1e-3, 1.0, 1.0, 1.0, 1.0, 1e3], "float32")
    x = rows() * scale
    low = layers.BatchNormalization(dtype="bfloat16", name="low")
    block = [layers.Dense(8, "relu"), layers.Dropout(0.5), layers.BatchNormalization(name="second")]
    model = stale(compiled(layers.Dense(8), layers.BatchNormalization(), *block, layers.Dense(8), low))
    y = labels(rows())
    before = values(model)
    found = normwise.diagnose(model, x, y, batch_size=4).findings
    tried = {finding.code: finding.remedy.code for finding in found if finding.remedy.code}
    assert {"NRM101", "NRM301", "NRM303", "NRM403", "NRM409"} <= set(tried)
    carried = {finding.code for finding in found if finding.remedy.action}
    for code, text in tried.items():
        # What is for the user to do may train the model itself.
        patient = model if code in carried else copy_model(model)
        names = {"model": patient, "x": x, "y": y, "normwise": normwise, "keras": keras}
        exec(text, names)
        if code in carried:
            assert names["fixed"] is not model, f"{code}: {text} does nothing"
    assert values(model) == before
