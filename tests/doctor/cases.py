"""For every rule: evidence in which it finds something, in which not, at the threshold and just above."""

import dataclasses

from tests.doctor.evidence import (
    MANY,
    activation,
    chain,
    dense,
    evidence,
    fitted,
    gradients,
    layer,
    loss,
    network,
    norm,
    normalization,
    table,
)

from normwise.core.drift import ColumnDrift, Drift
from normwise.core.evidence import Evidence
from normwise.core.model_record import ModelRecord


@dataclasses.dataclass(frozen=True)
class Case:
    fires: Evidence
    quiet: Evidence
    at: Evidence
    above: Evidence
    nothing: Evidence
    """The rule is not applicable."""


def one(**changes):
    return evidence(normalizations=(normalization(**changes),))


def two(a=None, b=None):
    shared = {"values": MANY, "epsilon": 0.0, "variance": 1.0}
    return evidence(
        normalizations=(
            normalization(call="norm", **{**shared, **(a or {})}),
            normalization(call="norm#2", **{**shared, **(b or {})}),
        )
    )


def inputs(**changes):
    return evidence(inputs=(table(**changes),))


def activated(function="tanh", *, after=(), **changes):
    act = layer(function, "activation")
    rest = after or (dense("head"),)
    model = chain(dense(), act, *rest, functions={function: function})
    return evidence(
        model, activations=(activation(call=function, layer=function, function=function, **changes),)
    )


def drifted(ks=0.05, count=MANY, **changes):
    facts = {
        "name": "age",
        "shift": 0.1,
        "variance_ratio": 1.0,
        "ks": ks,
        "ks_error": 0.0,
        "new_nulls": 0.0,
        "count_before": count,
        "count_now": count,
        "mean_before": 38.0,
        "mean_now": 39.5,
        "std_before": 13.0,
        "std_now": 13.0,
        **changes,
    }
    return evidence(inputs=(table(),), drift=Drift((ColumnDrift(**facts),)))


def batch(batch_size, rows=1000, model=None, normalizations=(), replicas=1):
    return evidence(model, training=fitted(batch_size, rows, replicas), normalizations=normalizations)


def lossy(in_training, at_inference, rows=1000, name="mean_squared_error", **switched):
    return evidence(
        network(loss=name),
        normalizations=(normalization(),),
        loss=loss(in_training, at_inference, rows, **switched),
    )


def noisy(ratio, **changes):
    model = chain(dense(), layer("drop", "dropout"), dense("middle"), norm(), dense("head"))
    facts = {"variance": 1.0, "noisy_variance": ratio, "epsilon": 0.0, **changes}
    return evidence(model, normalizations=(normalization(**facts),))


def at_output(loss_name, function="", path="norm"):
    final = (layer(function, "activation"),) if function else ()
    model = chain(dense(), norm(path), *final, functions={function: function}, loss=loss_name)
    return evidence(model)


UNTRAINED = {"moving_mean": 0.0, "moving_variance": 1.0}
EMPTY = evidence(ModelRecord("empty", (), ()))
ALONE = evidence(chain(dense(), dense("head")))
FROZEN = evidence(chain(dense(), norm(trainable=False), dense("head")))
NEW = evidence(network(iterations=0), normalizations=(normalization(**UNTRAINED),))

FAR = {"values": MANY, "momentum": 1.0, "epsilon": 0.0, "noisy_mean": 0.0, "noisy_variance": 1.0}
FAR |= {"moving_variance": 1.0}
COLD = {"by_batch": False, "values": MANY, "momentum": 1.0, "epsilon": 0.0, "mean": 0.0, "variance": 1.0}
COLD |= {"moving_variance": 1.0}
ADULT = {
    "columns": ("age", "fnlwgt", "hours", "gain"),
    "stds": (13.6, 105550.0, 12.3, 7385.0),
    "means": (38.6, 189778.0, 40.4, 1077.0),
    "minima": (17.0, 12285.0, 1.0, 0.0),
    "maxima": (90.0, 1484705.0, 99.0, 99999.0),
    "lower_quartiles": (28.0, 117827.0, 40.0, 0.0),
    "upper_quartiles": (48.0, 237051.0, 45.0, 0.0),
    "condition_number": 4e9,
    "condition_number_scaled": 1.3,
}


def of_ratio(ratio):
    return inputs(
        stds=(1.0, 1.0, 1.0, ratio),
        lower_quartiles=(-1.0, -1.0, -1.0, -2 * ratio),
        upper_quartiles=(1.0, 1.0, 1.0, 2 * ratio),
    )


CASES = {
    "NRM101": Case(inputs(**ADULT), inputs(), of_ratio(10.0), of_ratio(10.1), EMPTY),
    "NRM102": Case(
        inputs(
            stds=(1.0, 0.0, 1.0, 1.0),
            means=(0.0, 5.0, 0.0, 0.0),
            minima=(-3.0, 5.0, -3.0, -3.0),
            maxima=(3.0, 5.0, 3.0, 3.0),
            distinct=(3, 1, 3, 3),
        ),
        inputs(),
        inputs(stds=1.01e-6, means=1.0),
        inputs(stds=1e-6, means=1.0),
        EMPTY,
    ),
    "NRM103": Case(
        inputs(tails=(3.0, 3.0, 40.0, 3.0), maxima=(3.0, 3.0, 55.0, 3.0)),
        inputs(),
        inputs(maxima=10.0),
        inputs(maxima=10.1),
        EMPTY,
    ),
    "NRM104": Case(
        drifted(0.4, count=5000.0, mean_now=49.0), drifted(), drifted(0.2), drifted(0.201), evidence()
    ),
    "NRM105": Case(
        inputs(
            means=(120.0, 121.0, 122.0, 123.0),
            stds=70.0,
            minima=0.0,
            maxima=255.0,
            lower_quartiles=60.0,
            upper_quartiles=180.0,
        ),
        inputs(means=0.5, stds=0.3, minima=0.0, maxima=1.0),
        inputs(means=6.0, stds=8.0),
        inputs(means=6.0, stds=8.1),
        EMPTY,
    ),
    "NRM201": Case(
        activated(saturated=0.83, std=9.4),
        activated(),
        activated(saturated=0.5),
        activated(saturated=0.51),
        activated(function="relu"),
    ),
    "NRM202": Case(
        activated(function="relu", dead=0.75, units=64, mean=-8.1),
        activated(function="relu"),
        activated(function="relu", dead=0.5),
        activated(function="relu", dead=0.51),
        activated(),
    ),
    "NRM203": Case(
        evidence(gradients=gradients(3e-7, 1e-4, 0.02)),
        evidence(gradients=gradients(0.01, 0.02, 0.02)),
        evidence(gradients=gradients(1e-3, 0.5, 1.0)),
        evidence(gradients=gradients(0.9e-3, 0.5, 1.0)),
        evidence(gradients=gradients(1e-9, 1.0)),
    ),
    "NRM204": Case(
        evidence(gradients=gradients(900.0, 80.0, 2.0)),
        evidence(gradients=gradients(1.0, 0.5, 0.2)),
        evidence(gradients=gradients(70.0, 9.0, 1.0)),
        evidence(gradients=gradients(71.0, 9.0, 1.0)),
        evidence(gradients=gradients(1e9, 1.0)),
    ),
    "NRM301": Case(
        evidence(chain(dense(bias=True), norm(), dense("head", bias=True))),
        evidence(chain(dense(), norm(), dense("head", bias=True))),
        evidence(chain(dense(bias=True), layer("relu", "activation"), norm(), functions={"relu": "relu"})),
        evidence(chain(dense(bias=True), norm(), layer("relu", "activation"), functions={"relu": "relu"})),
        ALONE,
    ),
    "NRM302": Case(
        evidence(chain(dense(), norm(), dense("head"), functions={"dense": "relu"})),
        evidence(),
        evidence(chain(dense(), norm(), dense("head"), functions={"dense": "linear"})),
        evidence(chain(dense(), layer("drop", "dropout"), norm(), dense("head"), functions={"dense": "elu"})),
        ALONE,
    ),
    "NRM303": Case(noisy(2.47), noisy(1.0), noisy(1.2), noisy(1.21), one(noisy_variance=9.0)),
    "NRM304": Case(
        at_output("mean_squared_error"),
        evidence(),
        at_output("my_loss"),
        at_output("binary_crossentropy", "sigmoid"),
        ALONE,
    ),
    "NRM305": Case(
        two({"values": 1000.0}, {"mean": 3.5, "values": 1000.0}),
        two(),
        two({"mean": 0.0}, {"mean": 0.5}),
        two({"mean": 0.0}, {"mean": 0.501}),
        one(),
    ),
    "NRM401": Case(batch(2), batch(32), batch(16), batch(15), FROZEN),
    "NRM402": Case(batch(32, 1025), batch(32, 1024), batch(32, 1026), batch(32, 1057), FROZEN),
    "NRM403": Case(
        evidence(
            network(iterations=30), normalizations=(normalization(moving_mean=0.13, moving_variance=1.26),)
        ),
        one(),
        one(**FAR, moving_mean=0.15),
        one(**FAR, moving_mean=0.151),
        NEW,
    ),
    "NRM404": Case(
        lossy(0.2, 2.1, norm=0.4),
        lossy(0.2, 0.21),
        lossy(2.0, 3.0),
        lossy(2.0, 3.01),
        lossy(0.2, 2.1, rows=31),
    ),
    "NRM405": Case(
        one(by_batch=False, mean=3.5),
        one(by_batch=False),
        one(**COLD, moving_mean=0.5),
        one(**COLD, moving_mean=0.501),
        one(),
    ),
    "NRM407": Case(
        one(gamma=(1.0, 1e-5, 0.9, 1.0), beta=(0.0, 0.0, -4.0, 0.0), rectified=True),
        one(),
        one(gamma=(1e-3, 1.0, 1.0, 1.0)),
        one(gamma=(0.9e-3, 1.0, 1.0, 1.0)),
        EMPTY,
    ),
    "NRM408": Case(
        one(variance=(2e-4, 1e-4, 3e-4, 1.0)),
        one(),
        one(variance=(0.99, 9.0, 9.0, 9.0), epsilon=1.0),
        one(variance=(0.99, 0.99, 9.0, 9.0), epsilon=1.0),
        one(by_batch=False),
    ),
    "NRM409": Case(
        evidence(chain(dense(), norm(dtype="bfloat16"), dense("head"))),
        evidence(),
        evidence(chain(dense(), norm(dtype="float32"), dense("head"))),
        evidence(chain(dense(), norm(dtype="float16"), dense("head"))),
        FROZEN,
    ),
    "NRM410": Case(
        evidence(chain(dense(), norm(decay=0.004), dense("head"))),
        evidence(),
        evidence(chain(dense(decay=1.0), norm(decay=0.0), dense("head"))),
        evidence(chain(dense(), norm(decay=1e-9), dense("head"))),
        ALONE,
    ),
    "NRM411": Case(
        evidence(chain(dense(decay=0.01), norm(), dense("head", decay=0.01))),
        evidence(),
        evidence(chain(dense(decay=0.0), norm(), dense("head", decay=1.0))),
        evidence(chain(dense(decay=1e-9), norm(), dense("head"))),
        EMPTY,
    ),
}
