"""What looks like a defect and is none, rule by rule; and what is one in disguise."""

import pytest
from tests.doctor.cases import at_output, batch, evidence, inputs, lossy, noisy, one
from tests.doctor.evidence import (
    activation,
    call,
    chain,
    dense,
    each,
    fitted,
    gradients,
    layer,
    loss,
    network,
    norm,
    normalization,
    replace,
    table,
)

from normwise.core.model_record import ModelRecord
from normwise.doctor.engine import examine
from normwise.doctor.registry import rule_of


def found(code, evidence):
    """Severity of each finding."""
    diagnosis = examine(evidence, [rule_of(code)])
    assert diagnosis.checks[0].status in ("clean", "found", "not applicable")
    return [finding.severity for finding in diagnosis.findings]


def pixels(scale):
    """One pixel of the middle, two of the edge, one of the corner, which is never set."""
    return inputs(
        means=(8 * scale, 0.3 * scale, 0.02 * scale, 0.0),
        stds=(5 * scale, 1.0 * scale, 0.04 * scale, 0.0),
        minima=0.0,
        maxima=(16 * scale, 16 * scale, 1 * scale, 0.0),
        lower_quartiles=(4 * scale, 0.0, 0.0, 0.0),
        medians=(8 * scale, 0.0, 0.0, 0.0),
        upper_quartiles=(12 * scale, 0.0, 0.0, 0.0),
        tails=(16 * scale, 9 * scale, 1 * scale, 0.0),
        distinct=(3, 3, 3, 1),
    )


@pytest.mark.parametrize("code", ["NRM101", "NRM102", "NRM103", "NRM105"])
def test_flat_pixels(code):
    assert found(code, pixels(1 / 16)) == []


def test_a_negative():
    """White where nothing was drawn: the corner of the paper is always at the maximum."""
    negative = inputs(
        means=(0.5, 0.98, 0.99, 1.0),
        stds=(0.3, 0.06, 0.02, 0.0),
        minima=(0.0, 0.0, 0.5, 1.0),
        maxima=1.0,
        lower_quartiles=(0.2, 1.0, 1.0, 1.0),
        medians=(0.5, 1.0, 1.0, 1.0),
        upper_quartiles=(0.8, 1.0, 1.0, 1.0),
        distinct=(3, 3, 3, 1),
    )
    assert found("NRM102", negative) == []


def test_columns_of_two_values_need_no_scaling():
    mixed = inputs(stds=(1.0, 1.0, 0.01, 0.01), distinct=(3, 3, 2, 2))
    assert found("NRM101", mixed) == []
    assert (
        found("NRM101", inputs(stds=(1.0, 1.0, 200.0, 0.01), distinct=(3, 3, 3, 2), upper_quartiles=200.0))
        == []
    )


def test_columns_of_one_range_were_scaled_by_somebody():
    squeezed = {
        "minima": 0.0,
        "maxima": 1.0,
        "stds": (0.3, 0.3, 0.3, 0.01),
        "lower_quartiles": (0.2, 0.2, 0.2, 0.001),
    }
    assert found("NRM101", inputs(**squeezed, upper_quartiles=(0.8, 0.8, 0.8, 0.01))) == []


def test_a_standardized_column_with_a_tail_is_scaled():
    assert (
        found(
            "NRM101", inputs(lower_quartiles=(-0.7, -0.7, -0.7, -0.01), upper_quartiles=(0.7, 0.7, 0.7, 0.01))
        )
        == []
    )


def test_what_a_scaling_layer_leaves_as_it_was():
    """One factor for all columns, or a scaler that nobody fitted: what is measured is behind it."""

    def of(ratio, **facts):
        quartiles = (1.0, 1.0, 1.0, 2.0 * ratio)
        facts |= {"upper_quartiles": quartiles, "lower_quartiles": tuple(-q for q in quartiles)}
        return inputs(stds=(1.0, 1.0, 1.0, ratio), **facts)

    assert found("NRM101", of(101.0, scaled_by="rescaling")) == ["warning"]
    assert found("NRM101", of(99.0)) == ["info"]
    assert found("NRM101", of(99.0, scaled_by="rescaling")) == []
    large = inputs(means=120.0, stds=70.0, scaled_by="normalization")
    (finding,) = examine(large, [rule_of("NRM105")]).findings
    assert "so they are behind normalization" in finding.evidence
    assert finding.remedy.safety == "manual"


def test_scaled_by_the_quartiles_is_scaled():
    assert found("NRM101", inputs(stds=(1.0, 1.0, 1.0, 50.0))) == []


def test_numbers_of_words_are_no_quantities():
    model = chain(layer("words", "embedding"), dense("head"))
    assert found("NRM105", evidence(model, inputs=(table(means=5000.0, stds=3000.0),))) == []


def test_a_normalization_behind_the_first_layer_takes_the_size_away():
    large = table(means=120.0, stds=70.0)
    assert found("NRM105", evidence(inputs=(large,))) == ["info"]
    assert found("NRM105", evidence(chain(dense(), dense("head")), inputs=(large,))) == ["warning"]


def test_an_offset_is_found():
    assert found("NRM105", inputs(means=5.0, stds=0.1)) == ["info"]


@pytest.mark.parametrize("after", [("multiply",), ("reshape", "multiply")])
def test_gates_may_saturate(after):
    kinds = {"multiply": "merge", "reshape": "shape"}
    rest = tuple(layer(name, kinds[name]) for name in after)
    model = chain(
        dense(), layer("sigmoid", "activation"), *rest, dense("head"), functions={"sigmoid": "sigmoid"}
    )
    gate = activation(call="sigmoid", layer="sigmoid", function="sigmoid", saturated=0.99)
    assert found("NRM201", evidence(model, activations=(gate,))) == []


def test_outputs_may_saturate():
    model = chain(dense(), layer("sigmoid", "activation"), functions={"sigmoid": "sigmoid"})
    output = activation(call="sigmoid", layer="sigmoid", function="sigmoid", saturated=0.99)
    assert found("NRM201", evidence(model, activations=(output,))) == []


def test_an_input_that_is_large_makes_no_gradient_explode():
    large = (table(means=100.0, stds=70.0),)
    assert found("NRM204", evidence(gradients=gradients(200.0, 3.0, 2.0), inputs=large)) == []
    assert found("NRM204", evidence(gradients=gradients(200.0, 3.0, 2.0))) == ["warning"]


def test_gradients_of_other_variables_are_not_compared():
    assert found("NRM203", evidence(gradients=gradients(1e-9, 1.0, 1.0, name="gamma"))) == []


def test_no_gradient_at_all():
    flat = {"gradients": gradients(0.0, 0.0, 0.0)}
    assert found("NRM203", evidence(**flat)) == []
    assert found("NRM203", evidence(**flat, loss=loss(0.0, 0.0))) == []
    assert found("NRM203", evidence(**flat, loss=loss(16.1, 16.1))) == ["warning"]
    two = {"gradients": gradients(0.0, 0.0), "loss": loss(16.1, 16.1)}
    assert found("NRM203", evidence(**two)) == ["warning"]


def test_logits_too_large_are_in_the_evidence():
    softmax = activation(call="classes", layer="classes", function="softmax", mean=30.0, std=40.0)
    clipped = evidence(gradients=gradients(0.0, 0.0, 0.0), loss=loss(16.1, 16.1), activations=(softmax,))
    (finding,) = examine(clipped, [rule_of("NRM203")]).findings
    assert finding.evidence == (
        "No kernel has a gradient, at a loss of 16.1; what the softmax of classes takes has the size 50."
    )
    assert "from_logits=True" in finding.remedy.text


def test_a_gradient_that_is_not_finite_is_an_error():
    assert found("NRM204", evidence(gradients=gradients(1.0, float("nan"), 1.0))) == ["error"]


@pytest.mark.parametrize(
    "changed",
    [norm(trainable=False), norm(statistics_trainable=False), norm(axis=1)],
    ids=["frozen", "statistics frozen", "other axis"],
)
def test_a_bias_that_counts(changed):
    assert found("NRM301", evidence(chain(dense(bias=True), changed, dense("head"), shape=(8, 4)))) == []


def at_inference(model):
    """The model, whose normalization is called with ``training=False``."""
    calls = (replace(one, inference=one.layer == "norm") for one in model.calls)
    return replace(model, calls=tuple(calls))


@pytest.mark.parametrize("code", ["NRM301", "NRM302", "NRM304", "NRM401", "NRM402", "NRM409", "NRM411"])
def test_a_normalization_that_is_called_at_inference_is_not_trained_by_the_batch(code):
    functions = {"dense": "relu"} if code == "NRM302" else {}
    linear = dense(bias=True, decay=0.01)
    model = chain(linear, norm(dtype="bfloat16"), functions=functions)
    facts = {"training": fitted(2, 5)}
    assert found(code, evidence(model, **facts))
    assert found(code, evidence(at_inference(model), **facts)) == []


def test_what_is_called_at_inference_once_and_in_training_once():
    model = chain(dense(), norm(), dense("head"))
    again = call(norm(), ["head"], name="norm#2")
    both = replace(at_inference(model), calls=(*at_inference(model).calls, again))
    assert found("NRM401", evidence(both, training=fitted(2))) == ["warning"]


def test_a_frozen_normalization_is_told_how_it_is_frozen():
    other = normalization(by_batch=False, mean=3.5)
    for model, words in (
        (network(), "is frozen"),
        (at_inference(network()), "is called with training=False"),
    ):
        (finding,) = examine(evidence(model, normalizations=(other,)), [rule_of("NRM405")]).findings
        assert finding.evidence.startswith(f"norm {words}; what it takes has a mean ")


def test_a_bias_that_somebody_else_takes():
    model = chain(dense(bias=True), norm(), dense("head"))
    beside = call(layer("add", "merge"), ["dense", "norm"])
    assert found("NRM301", evidence(replace(model, calls=(*model.calls, beside)))) == []


def added(output=False, beside=()):
    """A dense layer and a branch, whose sum a normalization takes."""
    stem, branch, head = dense("stem", bias=True), dense("branch", bias=True), dense("head")
    add = layer("add", "merge", "Add")
    calls = (
        call(stem, ["input:x"]),
        call(branch, ["stem"]) if beside else call(branch, ["input:x"]),
        call(add, ["stem", "branch"], output=output),
        call(norm(), ["add"]),
        call(head, ["norm"], output=True),
    )
    return ModelRecord("net", (stem, branch, add, norm(), head), calls, "Adam", 1000, "mse")


def test_a_bias_that_gets_to_a_normalization_by_way_of_a_sum():
    findings = examine(evidence(added()), [rule_of("NRM301")]).findings
    assert [finding.layer for finding in findings] == ["stem", "branch"]
    assert (
        "only norm takes what it gives, by way of sums or poolings, which subtracts" in findings[0].evidence
    )
    assert found("NRM301", evidence(added(output=True))) == []
    # The branch is a linear layer that takes the stem's bias; its own is subtracted.
    findings = examine(evidence(added(beside=("stem",))), [rule_of("NRM301")]).findings
    assert [finding.layer for finding in findings] == ["branch"]
    # A kernel of one part of a sum has a scale that counts.
    assert found("NRM411", evidence(replace(added(), layers=(dense("stem", decay=1.0), norm())))) == []


def test_a_linear_layer_that_is_called_at_each_time_step():
    for activation_of, severities in (("linear", ["warning"]), ("relu", [])):
        each_step = layer("each", "other", "TimeDistributed")
        inner = replace(dense("each/dense", bias=True, activation=activation_of), holder="each")
        model = chain(each_step, norm(), dense("head"), shape=(6, 4))
        model = replace(model, layers=(*model.layers, inner))
        findings = examine(evidence(model), [rule_of("NRM301")]).findings
        assert [finding.severity for finding in findings] == severities
        assert all(finding.remedy.safety == "manual" for finding in findings)


def test_channels_first():
    convolution = replace(dense("conv", bias=True, data_format="channels_first"), class_name="Conv2D")
    assert found("NRM301", evidence(chain(convolution, norm(axis=1), dense("head"), shape=(4, 8, 8)))) == [
        "warning"
    ]
    assert found("NRM301", evidence(chain(convolution, norm(axis=-1), dense("head"), shape=(4, 8, 8)))) == []


def test_dropout_behind_the_normalization():
    model = chain(dense(), norm(), layer("drop", "dropout"), dense("head"))
    assert found("NRM303", evidence(model, normalizations=(normalization(noisy_variance=9.0),))) == []


def test_noise_of_any_layer():
    for drawing, action in ((True, ""), (False, None)):
        noise = replace(layer("noise", "other", "GaussianNoise"), draws=drawing)
        model = chain(dense(), noise, norm(), dense("head"))
        noisier = normalization(noisy_variance=9.0)
        findings = examine(evidence(model, normalizations=(noisier,)), [rule_of("NRM303")]).findings
        assert [finding.remedy.action for finding in findings] == ([] if action is None else [action])
        if drawing:
            assert "With the noise of noise the variance" in findings[0].evidence
            assert "weaken it" in findings[0].remedy.text


def test_dropout_that_is_called_at_inference_drops_nothing():
    model = chain(dense(), layer("drop", "dropout"), norm(), dense("head"))
    calls = tuple(replace(one, inference=one.layer == "drop") for one in model.calls)
    quiet = evidence(replace(model, calls=calls), normalizations=(normalization(noisy_variance=9.0),))
    assert found("NRM303", quiet) == []


def test_a_small_rate_before_a_normalization():
    assert found("NRM303", noisy(1.16)) == []


@pytest.mark.parametrize(("rows", "severities"), [(16, []), (64, ["warning"])])
def test_of_few_rows_a_noise_that_drops_rows_is_chance(rows, severities):
    # 1.25 is beyond 1 + √(0.2² + (3·0.2·√(2/m))²), which is 1.29 for 16 rows and 1.23 for 64.
    facts = {"values": 4.0 * rows, "values_per_row": 4.0, "independent_per_row": 4.0}
    assert found("NRM303", noisy(1.25, **facts)) == severities


def test_what_is_stale_further_up_is_not_dropout():
    assert found("NRM303", noisy(1.0, inference_variance=0.1)) == []


def test_features_of_no_loss_may_be_normalized():
    assert found("NRM304", at_output("")) == []
    assert found("NRM304", at_output("", "relu")) == []
    assert found("NRM304", at_output("categorical_crossentropy", "softmax")) == ["info"]
    assert found("NRM304", at_output("MeanSquaredError")) == ["warning"]


@pytest.mark.parametrize(
    ("rows", "severity"),
    [(1, "error"), (2, "warning"), (7, "warning"), (8, "info"), (15, "info"), (16, None)],
)
def test_small_batches(rows, severity):
    assert found("NRM401", batch(rows)) == ([severity] if severity else [])


def test_positions_count_as_many_as_they_are_worth():
    images = normalization(values=65536.0, values_per_row=64.0)
    assert found("NRM401", batch(2, normalizations=(images,))) == []
    assert found("NRM401", batch(2, normalizations=(replace(images, independent_per_row=1.5),))) == [
        "warning"
    ]
    assert found("NRM401", batch(2, normalizations=(replace(images, independent_per_row=20.0),))) == []
    assert found("NRM401", batch(1, normalizations=(replace(images, independent_per_row=1.0),))) == [
        "warning"
    ]


def test_behind_a_normalization_means_of_rows_are_no_longer_chance():
    two = chain(dense(), norm("first"), dense("between"), norm("second"))
    alike = {"values": 65536.0, "values_per_row": 64.0, "independent_per_row": 1.5}
    measured = tuple(normalization(call=name, layer=name, **alike) for name in ("first", "second"))
    (finding,) = examine(batch(2, model=two, normalizations=measured), [rule_of("NRM401")]).findings
    assert (finding.layer, finding.value, finding.confidence) == ("first", 3.0, "measured")


def test_what_makes_a_batch_large_or_small():
    assert found("NRM401", batch(2, model=chain(dense(), norm(renorm=True)))) == []
    assert found("NRM401", batch(64, model=chain(dense(), norm(virtual_batch_size=4)))) == ["warning"]
    assert found("NRM401", batch(32, replicas=8)) == ["warning"]
    assert found("NRM401", batch(32, replicas=8, model=chain(dense(), norm(synchronized=True)))) == []
    assert found("NRM401", batch(32, rows=5)) == ["warning"]
    assert found("NRM401", batch(2, model=chain(dense(), norm(), shape=(8, 8, 4)))) == []
    assert found("NRM401", batch(2, model=chain(dense(), norm(trainable=False)))) == []


def test_the_last_row_of_images_has_positions():
    images = chain(dense(), norm(), shape=(8, 8, 4))
    assert found("NRM402", evidence(images, training=fitted(32, 1025))) == []
    assert found("NRM402", evidence(training=fitted(1, 1025))) == []
    assert found("NRM402", evidence(training=fitted(32, 1))) == []


INITIAL = {"moving_mean": 0.0, "moving_variance": 1.0}


def test_initial_statistics_after_steps_are_stale():
    for code, changes in (("NRM403", {}), ("NRM405", {"by_batch": False, "mean": 2.0})):
        untouched = normalization(**INITIAL, **changes)
        assert found(code, evidence(network(iterations=0), normalizations=(untouched,))) == []
        assert found(code, evidence(network(iterations=500), normalizations=(untouched,))) == ["warning"]


def test_a_shared_normalization_as_recalibrating_sets_it():
    """Means 0 and 4, variances 1 and 3: in turn 2 and 2; together 2 and 2 + 4, by the means."""
    calls = (
        normalization(mean=0.0, noisy_mean=0.0, variance=1.0, noisy_variance=1.0),
        normalization(call="norm#2", mean=4.0, noisy_mean=4.0, variance=3.0, noisy_variance=3.0),
    )
    for variance, severities in ((2.0, []), (6.0, []), (18.0, ["warning"]), (0.6, ["warning"])):
        own = tuple(replace(n, moving_mean=each(2.0), moving_variance=each(variance)) for n in calls)
        assert found("NRM403", evidence(normalizations=own)) == severities


@pytest.mark.parametrize(
    ("faint", "count", "severities"), [(8, 55, []), (2, 16, []), (4, 16, []), (5, 16, ["warning"])]
)
def test_a_few_faint_channels_are_in_every_network(faint, count, severities):
    variance = (0.00025,) * faint + (1.0,) * (count - faint)
    rest = {
        name: each(0.0, count) for name in ("mean", "noisy_mean", "inference_mean", "moving_mean", "beta")
    }
    rest |= {name: each(1.0, count) for name in ("noisy_variance", "inference_variance", "gamma")}
    channels = normalization(variance=variance, moving_variance=each(2.0, count), **rest)
    assert found("NRM408", evidence(normalizations=(channels,))) == severities


@pytest.mark.parametrize(
    ("code", "facts", "reason"),
    [
        ("NRM401", (None, 1000), "the batch size is not known: say batch_size="),
        ("NRM402", (None, 1000), "the batch size is not known"),
        ("NRM402", (32, None), "the number of training rows is not known"),
    ],
)
def test_what_nobody_said_is_no_pass(code, facts, reason):
    (check,) = examine(evidence(training=fitted(*facts)), [rule_of(code)]).checks
    assert (check.status, check.reason) == ("skipped", reason)


def test_columns_without_names_are_told_as_columns():
    ratio = {"stds": (1.0, 1.0, 1.0, 200.0), "upper_quartiles": (1.0, 1.0, 1.0, 200.0)}
    (finding,) = examine(inputs(columns=("0", "1", "2", "3"), **ratio), [rule_of("NRM101")]).findings
    assert "go from 1 (column 0) to 200 (column 3)" in finding.evidence


def test_chance_is_no_staleness():
    assert found("NRM403", one(moving_mean=0.5 + 0.3 * 2**0.5, values=64.0)) == []
    assert found("NRM403", one(moving_mean=0.5 + 0.3 * 2**0.5, values=1024.0)) == ["warning"]
    assert found("NRM403", one(moving_mean=50.0, values=31.0)) == []


def test_positions_of_an_image_are_few_values():
    image = {"values": 4096.0, "values_per_row": 64.0, "moving_mean": 0.5 + 0.25 * 2**0.5}
    assert found("NRM403", one(**image)) == []
    assert found("NRM403", one(**image, independent_per_row=60.0)) == ["warning"]


def test_statistics_with_dropout_or_without_are_not_stale():
    assert found("NRM403", one(moving_variance=5.0, noisy_variance=5.0)) == []
    recalibrated = {"moving_mean": 0.5, "moving_variance": 2.0, "noisy_variance": 5.0}
    assert found("NRM403", one(**recalibrated)) == []
    assert found("NRM403", one(moving_mean=0.5, moving_variance=1.0, noisy_variance=5.0)) == ["warning"]
    # The mean of one and the variance of the other are those of neither.
    mixed = {"moving_mean": 0.5, "mean": 0.5, "noisy_mean": 3.0, "moving_variance": 5.0}
    assert found("NRM403", one(**mixed, noisy_variance=5.0, variance=2.0)) == ["warning"]


def test_small_batches_divide_by_their_number():
    half = normalization(moving_variance=1.0)
    assert found("NRM403", evidence(training=fitted(2), normalizations=(half,))) == []
    assert found("NRM403", evidence(training=fitted(32), normalizations=(half,))) == ["warning"]


def test_a_shared_layer_has_the_average_of_its_calls():
    calls = tuple(
        normalization(call=name, noisy_mean=m, moving_mean=1.0) for name, m in (("a", 0.0), ("b", 2.0))
    )
    assert found("NRM403", evidence(normalizations=calls)) == []
    assert found("NRM405", evidence(normalizations=calls)) == []


def test_statistics_that_are_not_finite_are_an_error():
    assert found("NRM403", one(moving_variance=float("inf"))) == ["error"]


def test_a_channel_that_is_constant_is_not_stale():
    dead = normalization(
        moving_variance=0.0, noisy_variance=0.0, variance=0.0, moving_mean=0.0, noisy_mean=0.0
    )
    assert found("NRM403", evidence(normalizations=(dead,))) == []


def test_a_loss_next_to_nothing_may_differ():
    assert found("NRM404", lossy(0.003, 0.014, name="sparse_categorical_crossentropy")) == []
    assert found("NRM404", lossy(0.003, 0.3, name="sparse_categorical_crossentropy")) == ["warning"]
    assert found("NRM404", lossy(2.0, 0.3)) == []
    assert found("NRM404", lossy(0.2, float("nan"))) == ["warning"]


def test_the_loss_of_a_constant_is_the_unit_of_a_loss():
    assert found("NRM404", lossy(1e-6, 4e-6, of_constant=1.0)) == []
    assert found("NRM404", lossy(1e-6, 4e-6, of_constant=1e-5)) == ["warning"]
    assert found("NRM404", lossy(3e3, 9e3, of_constant=1e6)) == []
    assert found("NRM404", lossy(3e5, 9e5, of_constant=1e6)) == ["warning"]


def test_faint_channels_of_a_network_that_was_not_trained():
    faint = normalization(moving_mean=0.0, moving_variance=1.0, variance=1e-5)
    assert found("NRM408", evidence(network(iterations=0), normalizations=(faint,))) == []
    assert found("NRM408", evidence(normalizations=(faint,))) == ["warning"]


def test_channels_a_little_small():
    # Five times ε: the standard deviation behind is 0.91.
    assert found("NRM408", one(variance=5e-3)) == []


def test_a_residual_branch_starts_at_zero():
    zero = normalization(gamma=0.0)
    branch = chain(dense(), norm(), layer("add", "merge"), dense("head"))
    assert found("NRM407", evidence(branch, normalizations=(zero,))) == []
    assert found("NRM407", evidence(network(iterations=0), normalizations=(zero,))) == []
    assert found("NRM407", evidence(normalizations=(zero,))) == ["warning"]


def test_constant_channels_are_not_small():
    assert found("NRM408", one(variance=0.0)) == []
    assert found("NRM408", one(variance=(0.0, 1e-13, 1.0, 1.0), mean=(0.0, 5.0, 0.0, 0.0))) == []


def test_half_precision_that_is_not_trained():
    assert found("NRM409", evidence(chain(norm(dtype="bfloat16", trainable=False)))) == []


def test_decay_of_what_is_not_trained():
    frozen = norm(decay=0.004)
    frozen = replace(frozen, variables=tuple(replace(v, trainable=False) for v in frozen.variables))
    assert found("NRM410", evidence(chain(dense(), frozen))) == []


def test_decay_of_rows_normalizations_counts():
    rows = replace(norm("rows", decay=0.004), kind="normalization", class_name="LayerNormalization")
    assert found("NRM410", evidence(chain(dense(), rows))) == ["warning"]


def test_a_subclassed_model_is_looked_at_by_its_evidence():
    model = ModelRecord("net", (norm(),), (), "Adam", 1000, "mse")
    stale = normalization(moving_mean=9.0)
    assert found("NRM403", evidence(model, normalizations=(stale,))) == ["warning"]
    assert found("NRM401", evidence(model, normalizations=(stale,), training=fitted(2))) == ["warning"]
    (check,) = examine(evidence(model, training=fitted(2)), [rule_of("NRM401")]).checks
    assert (check.status, check.reason) == ("skipped", "how many values a row has is not known")


def test_a_number_is_that_of_each_channel():
    assert normalization(gamma=0.5).gamma == each(0.5)
