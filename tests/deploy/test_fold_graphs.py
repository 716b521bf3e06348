"""Branches, shared layers, nested models: what is folded there, and what else a model has that must stay."""

import keras
import numpy as np
import pytest
from keras import layers
from tests.deploy.folding import assert_same, folded_whole, left, numpy, outputs, randomized, rows

import normwise


def ways(result):
    return {record.layer: (record.how, *record.into) for record in result.folded}


def names(model):
    return [layer.name for layer in model.layers]


def norm(name, kind=layers.BatchNormalization, **options):
    return kind(name=name, **options)


def test_a_layer_whose_output_is_used_twice_takes_nothing():
    x = keras.Input((5,))
    hidden = layers.Dense(4, name="hidden")(x)
    y = layers.Add()([layers.ReLU()(norm("a")(hidden)), hidden])
    result = folded_whole(keras.Model(x, y))
    assert ways(result) == {"a": ("alone", "a")}
    assert 'before it: what "hidden" gives is used elsewhere as well' in result.folded[0].reason


def test_the_output_of_a_model_stays():
    x = keras.Input((5,))
    hidden = layers.Dense(4)(x)
    y = norm("a")(hidden)
    result = folded_whole(keras.Model(x, [hidden, y, layers.Dense(2, name="scores")(y)]))
    assert ways(result) == {"a": ("alone", "a")}
    assert result.folded[0].reason.endswith("after it: what it gives is an output of the model")


def test_a_normalization_goes_into_all_that_take_it():
    x = keras.Input((5,))
    y = norm("a")(layers.ReLU()(layers.Dense(4)(x)))
    heads = [layers.Dense(3, name="one")(y), layers.Dense(2, name="two")(layers.Dropout(0.1)(y))]
    result = folded_whole(keras.Model(x, heads))
    assert ways(result) == {"a": ("after", "one", "two")}
    # Into all or into none: half of it nowhere shows.
    other = keras.Model(x, [*heads, layers.Softmax()(y)])
    assert ways(folded_whole(other)) == {"a": ("alone", "a")}


def test_two_branches_meet_in_a_concatenation():
    one, two = keras.Input((3, 5)), keras.Input((3, 5))
    kinds = (layers.BatchNormalization, normwise.BatchNormalization)
    a, b = (layers.ReLU()(layers.Dense(4)(x)) for x in (one, two))
    a, b = (norm(name, kind)(x) for name, kind, x in zip("ab", kinds, (a, b), strict=True))
    y = layers.Concatenate()([a, two, b, layers.Identity()(a)])
    result = folded_whole(keras.Model([one, two], layers.Dense(2, name="scores")(y)))
    assert ways(result) == {"a": ("after", "scores"), "b": ("after", "scores")}
    steps = layers.Concatenate(axis=1)([a, b])
    result = folded_whole(keras.Model([one, two], layers.Dense(2, name="last")(steps)))
    assert {how for how, *_ in ways(result).values()} == {"alone"}


def test_behind_a_concatenation_each_branch_gets_its_part():
    x = keras.Input((6, 6, 3))
    widths = {"a": 2, "b": 4}
    branches = [layers.Conv2D(width, 3, use_bias=False, name=name)(x) for name, width in widths.items()]
    y = layers.ReLU()(norm("n")(layers.Concatenate()(branches)))
    result = folded_whole(keras.Model(x, layers.Flatten()(y)))
    assert ways(result) == {"n": ("before", "a", "b")}
    other = layers.Concatenate()([*branches, layers.ReLU()(layers.Conv2D(2, 3)(x))])
    result = folded_whole(keras.Model(x, norm("n")(other)))
    assert ways(result) == {"n": ("alone", "n")}


def test_a_normalization_that_is_the_mask_of_another_goes_into_neither():
    x = keras.Input((3, 5))
    mask = norm("m")(layers.ReLU()(x))
    y = norm("n", normwise.BatchNormalization)(layers.ReLU()(layers.Dense(5)(x)), mask=mask)
    assert ways(folded_whole(keras.Model(x, y))) == {"m": ("alone", "m"), "n": ("alone", "n")}


def test_residual_blocks_with_their_normalizations_before_the_sum():
    x = keras.Input((6, 6, 3))
    y = layers.Conv2D(4, 3, padding="same", name="stem")(x)
    short = norm("short")(layers.Conv2D(4, 1, name="way")(y))
    y = layers.ReLU()(norm("a")(layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv_a")(y)))
    y = norm("b")(layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv_b")(y))
    y = layers.ReLU()(layers.Add()([short, y]))
    result = folded_whole(keras.Model(x, layers.GlobalAveragePooling2D()(y)))
    assert ways(result) == {
        "short": ("before", "way"),
        "a": ("before", "conv_a"),
        "b": ("before", "conv_b"),
    }


def test_a_shared_linear_layer_takes_nothing_and_a_shared_normalization_goes_everywhere():
    one, two = keras.Input((5,)), keras.Input((5,))
    dense, after = layers.Dense(4, name="dense"), norm("after")
    shared = [norm(f"n{i}")(dense(x)) for i, x in enumerate((one, two))]
    apart = [after(layers.Dense(4, name=f"d{i}")(x)) for i, x in enumerate((one, two))]
    y = layers.Add()([layers.ReLU()(x) for x in (*shared, *apart)])
    result = folded_whole(keras.Model([one, two], y))
    found = ways(result)
    assert {found.pop("n0"), found.pop("n1")} == {("alone", "n0"), ("alone", "n1")}
    assert set(found) == {"after", "after#2"}
    assert set(found.values()) == {("before", "d0"), ("before", "d1")}
    reasons = [record.reason for record in result.folded if record.how == "alone"]
    assert all('"dense" is called 2 times, and its weights serve all of these' in r for r in reasons)


def test_calls_of_one_normalization_that_stand_alone_have_names_of_their_own():
    one, two = keras.Input((5,)), keras.Input((5,))
    shared = normwise.BatchNormalization(name="n", activation="tanh")
    lone, went = shared(layers.ReLU()(one)), shared(layers.Dense(5, name="d")(two))
    again = shared(layers.ReLU()(two))
    result = folded_whole(keras.Model([one, two], layers.Add()([lone, went, again])))
    assert ways(result) == {"n": ("alone", "n"), "n#2": ("before", "d"), "n#3": ("alone", "n#3")}
    kinds = {layer.name: type(layer) for layer in result.model.layers if layer.name.startswith("n")}
    assert sorted(kinds) == ["n", "n_1", "n_2"]
    assert sorted(kind.__name__ for kind in kinds.values()) == ["Activation", "EinsumDense", "EinsumDense"]


def tower(name="tower"):
    inner = [layers.Dense(4, name="d"), norm("n"), layers.ReLU(name="r"), norm("last")]
    return keras.Sequential([keras.Input((5,)), *inner], name=name)


def test_models_inside_are_folded_inside_and_stay_shared():
    one, two = keras.Input((5,)), keras.Input((5,))
    inner = tower()
    middle_input = keras.Input((5,))
    middle = keras.Model(middle_input, layers.Dense(3)(inner(middle_input)), name="middle")
    y = layers.Subtract()([inner(one), inner(two)])
    model = keras.Model([one, two], [norm("outer")(y), middle(two)])
    result = folded_whole(model)
    assert ways(result) == {
        "outer": ("alone", "outer"),
        "tower/n": ("before", "tower/d"),
        "tower/last": ("alone", "tower/last"),
    }
    new = result.model.get_layer("tower")
    assert isinstance(new, keras.Sequential)
    assert names(new) == ["d", "r", "last"]
    assert result.model.get_layer("middle").get_layer("tower") is new


def test_a_layer_of_two_models_takes_nothing():
    x, z = keras.Input((5,)), keras.Input((5,))
    dense = layers.Dense(4, name="dense")
    inner = keras.Model(z, layers.ReLU()(dense(z)), name="inner")
    result = folded_whole(keras.Model(x, layers.Add()([norm("n")(dense(x)), inner(x)])))
    assert '"dense" is called 2 times' in result.folded[0].reason


def test_what_wrappers_hold_is_kept():
    x = keras.Input((3, 5))
    y = layers.TimeDistributed(norm("within"), name="steps")(x)
    y = layers.TimeDistributed(tower(), name="towers")(y)
    model = randomized(keras.Model(x, layers.LayerNormalization(name="by_row")(y)))
    result = normwise.fold(model)
    assert result.folded == []
    assert [record.layer for record in result.kept] == ["steps/within", "towers/n", "towers/last", "by_row"]
    assert result.kept[0].reason == 'inside of the TimeDistributed "steps", which is not entered'
    assert "takes its statistics from each example at inference too" in result.kept[3].reason
    assert_same(result.model, model, rows(model), 10)


def test_a_subclassed_model_inside_is_kept_whole():
    @keras.saving.register_keras_serializable("tests")
    class Block(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense, self.normal = layers.Dense(4, name="d"), norm("n")

        def call(self, x):
            return self.normal(self.dense(x))

    x = keras.Input((5,))
    model = randomized(keras.Model(x, norm("own")(layers.Dense(3, name="e")(Block(name="block")(x)))))
    result = normwise.fold(model)
    assert ways(result) == {"own": ("before", "e")}
    assert [str(record) for record in result.kept] == [
        'block/n (BatchNormalization): kept, inside of the Block "block", which is not entered'
    ]
    assert_same(result.model, model, rows(model), 10)


def test_raw_operations_and_what_else_takes_several_tensors_stop_it():
    x = keras.Input((4,))
    y = keras.ops.relu(norm("a")(x)) + keras.ops.reshape(norm("b")(x), (-1, 4))
    result = folded_whole(keras.Model(x, norm("c")(layers.Add(name="sum")([y, x]))))
    assert {how for how, *_ in ways(result).values()} == {"alone"}
    reasons = " ".join(record.reason for record in result.folded)
    assert "(Relu) does not commute with it" in reasons
    assert "(Reshape) does not commute with it" in reasons
    assert '"sum" (Add) takes several tensors' in reasons


def test_structures_of_inputs_and_outputs_stay():
    one, two = keras.Input((5,), name="one"), keras.Input((5,), name="two")
    y = norm("n")(layers.Dense(4)(one))
    model = keras.Model({"one": one, "two": two}, {"sum": layers.Add()([y, layers.Dense(4)(two)]), "y": y})
    folded = folded_whole(model).model
    given = folded(rows(model), training=False)
    assert sorted(given) == ["sum", "y"]
    assert folded.get_layer("one") is not model.get_layer("one")


def test_masks_go_on_as_before():
    x = keras.Input((4,), dtype="int32")
    y = layers.Embedding(9, 5, mask_zero=True)(x)
    y = norm("a")(layers.Dense(5, name="d")(y))
    y = norm("b")(layers.Dropout(0.2)(layers.ReLU()(y)))
    model = randomized(keras.Model(x, layers.GRU(3)(y)))
    result = normwise.fold(model)
    assert ways(result) == {"a": ("before", "d")}
    assert [record.layer for record in result.kept] == ["b"]
    assert "a mask goes through it, which keras.layers.EinsumDense would not hand on" in result.kept[0].reason
    x = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [4, 5, 6, 7]])
    assert_same(result.model, model, x, 10)
    other = np.array([[1, 2, 8, 8], [3, 8, 8, 8], [4, 5, 6, 7]])
    assert np.abs(outputs(model, x)[0] - outputs(model, other)[0]).max() > 1e-3


def test_a_mask_that_is_handed_over_does_not_count_at_inference():
    x, mask = keras.Input((3, 5)), keras.Input((3,), dtype="bool")
    model = randomized(keras.Model([x, mask], norm("n")(layers.Dense(4, name="d")(x), mask=mask)))
    result = normwise.fold(model)
    assert ways(result) == {"n": ("before", "d")}
    given = [rows(model)[0], np.array([[True, True, False]] * 3)]
    assert_same(result.model, model, given, 10)


def test_names_flags_and_the_rest_of_the_configuration_stay():
    frozen = layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l1", kernel_constraint="non_neg")
    frozen.trainable = False
    untouched = layers.Dense(4, kernel_regularizer="l2", name="untouched")
    model = keras.Sequential(
        [
            keras.Input((5,), name="columns"),
            frozen,
            norm("n"),
            layers.ReLU(),
            normwise.Dropout(0.3),
            untouched,
        ],
        name="chain",
    )
    folded = folded_whole(model).model
    assert (folded.name, names(folded)) == ("chain", [n for n in names(model) if n != "n"])
    first, _, dropout, last = folded.layers
    assert not first.trainable
    assert first.kernel_regularizer is first.activity_regularizer is first.kernel_constraint is None
    assert last.trainable
    assert last.kernel_regularizer is not None
    assert type(dropout) is layers.Dropout
    assert dropout.rate == 0.3


def test_a_folded_model_is_not_compiled_and_evaluates_to_the_same_once_it_is():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4), norm("n"), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    folded = folded_whole(model).model
    assert not folded.compiled
    folded.compile(loss="mse", metrics=["mae"])
    x = rows(model, 16)
    scores = [m.evaluate(x, x[:, :1], verbose=0) for m in (model, folded)]
    np.testing.assert_allclose(*scores, rtol=1e-5)


def test_a_folded_model_is_saved_and_loaded_without_normwise(tmp_path):
    x = keras.Input((6, 4))
    y = layers.ReLU()(norm("a", normwise.BatchNormalization, axis=1)(normwise.Dropout(0.2)(layers.ReLU()(x))))
    y = norm("b", normwise.BatchNormalization, activation="tanh")(layers.Conv1D(3, 2)(y))
    model = keras.Model(x, y)
    folded = folded_whole(model).model
    assert not [n for n in folded._flatten_layers() if type(n).__module__.startswith("normwise")]
    folded.save(tmp_path / "folded.keras")
    loaded = keras.saving.load_model(tmp_path / "folded.keras")
    np.testing.assert_array_equal(outputs(loaded, rows(model))[0], outputs(folded, rows(model))[0])


def test_folding_twice_is_folding_once():
    model = randomized(keras.Model(*_everything()))
    once = normwise.fold(model)
    twice = normwise.fold(once.model)
    assert twice.folded == []
    assert twice.kept == once.kept != []
    assert names(twice.model) == names(once.model)
    for new, old in zip(twice.model.weights, once.model.weights, strict=True):
        np.testing.assert_array_equal(numpy(new), numpy(old))


def _everything():
    x = keras.Input((6, 6, 3))
    y = norm("alone")(layers.ReLU()(norm("conv")(layers.Conv2D(4, 3)(x))))
    y = layers.Conv2D(4, 3, padding="same")(y)
    y = layers.GroupNormalization(2, name="groups")(y)
    return x, layers.Dense(2)(norm("dense")(layers.Flatten()(layers.ReLU()(y))))


def test_lora_matrices_are_added_up():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="d"), norm("n"), layers.Dense(2)])
    for layer in (model.layers[0], model.layers[2]):
        layer.enable_lora(2)
        layer.lora_kernel_b.assign(np.random.default_rng(0).normal(size=layer.lora_kernel_b.shape))
    folded = folded_whole(model).model
    assert not folded.layers[0].lora_enabled


def test_mixed_precision_stays_mixed():
    policy = "mixed_bfloat16"
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(4, dtype=policy, name="d"),
            norm("n", dtype=policy),
            layers.ReLU(dtype=policy),
            norm("out", dtype="float32"),
        ]
    )
    randomized(model)
    result = normwise.fold(model)
    assert ways(result) == {"n": ("before", "d"), "out": ("alone", "out")}
    assert "it takes bfloat16 and gives float32" in result.folded[1].reason
    first, _, last = result.model.layers
    assert (first.compute_dtype, first.kernel.dtype, last.compute_dtype) == ("bfloat16", "float32", "float32")
    assert_same(result.model, model, rows(model), 10, "bfloat16", conditioning=4.0)


def test_what_is_normalized_before_it_is_rounded_stays_so():
    model = keras.Sequential(
        [keras.Input((5,)), layers.ReLU(), norm("n"), layers.Dense(4, dtype="mixed_bfloat16", name="d")]
    )
    result = folded_whole(model, dtype="bfloat16")
    assert result.folded[0].reason.endswith('after it: "d" computes in bfloat16, not in float32')


@pytest.mark.parametrize("policy", ["float16", "bfloat16"])
def test_weights_of_half_precision_are_rounded_once(policy):
    if policy == "float16" and keras.backend.backend() == "torch":
        pytest.skip("torch has no float16 products on every CPU")
    model = keras.Sequential(
        [keras.Input((5,), dtype=policy), layers.Dense(4, dtype=policy), norm("n", dtype=policy)]
    )
    randomized(model)
    folded = normwise.fold(model).model
    gamma, beta, mean, variance = (numpy(v) for v in model.layers[1].weights)
    kernel, bias = (numpy(v) for v in model.layers[0].weights)
    scale = gamma / np.sqrt(variance + model.layers[1].epsilon)
    for variable, exact in zip(folded.weights, (kernel * scale, (bias - mean) * scale + beta), strict=True):
        assert variable.dtype == policy
        rounded = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(exact, policy))
        np.testing.assert_array_equal(numpy(variable), np.asarray(rounded, np.float64))


def test_a_kernel_that_float16_cannot_hold_is_left_alone():
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(4, dtype="float16", name="d"),
            norm("n", dtype="float16", epsilon=1e-7),
        ]
    )
    randomized(model)
    model.layers[0].kernel.assign(np.full((5, 4), 6e4))
    result = normwise.fold(model)
    assert ways(result) == {"n": ("alone", "n")}
    assert 'the kernel of "d" would be ' in result.folded[0].reason
    assert "beyond the 6.55e+04 of float16" in result.folded[0].reason
    assert left(result.model) == []
