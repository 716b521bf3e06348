"""No rule goes wrong, whatever was measured: NaN, infinities, no channels, calls of nothing."""

import dataclasses
import typing

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.doctor.evidence import chain, dense, layer, norm, replace

from normwise.core.drift import ColumnDrift, Drift
from normwise.core.evidence import (
    ActivationEvidence,
    Evidence,
    GradientEvidence,
    InputEvidence,
    LossEvidence,
    NormalizationEvidence,
    TrainingFacts,
)
from normwise.core.model_record import ModelRecord
from normwise.doctor.engine import examine
from normwise.doctor.registry import RULES

number = st.floats() | st.sampled_from([0.0, 1.0, -1.0, 1e-3, 0.99])
FEW = st.integers(0, 4)
count = st.integers(0, 2000)
path = st.sampled_from(["dense", "norm", "norm#2", "relu", "head", "nowhere", ""])
word = st.sampled_from(["tanh", "sigmoid", "relu", "softmax", "", "kernel"])
SIMPLE = {
    float: number,
    int: count,
    bool: st.booleans(),
    str: word | path,
    float | None: st.none() | number,
    int | None: st.none() | count,
    dict[str, float]: st.dictionaries(path, number, max_size=3),
}


def records(kind, lengths=FEW, **given):
    """A record of this kind with any values; its tuples have one length."""
    hints = typing.get_type_hints(kind)

    @st.composite
    def draw_one(draw):
        length = draw(lengths)

        def value(name, hint):
            if name in given:
                return draw(given[name])
            if typing.get_origin(hint) is tuple:
                item = typing.get_args(hint)[0]
                return tuple(draw(SIMPLE[item]) for _ in range(length))
            return draw(SIMPLE[hint])

        return kind(
            **{field.name: value(field.name, hints[field.name]) for field in dataclasses.fields(kind)}
        )

    return draw_one()


def few(kind, lengths=FEW, **given):
    return st.lists(records(kind, lengths, **given), max_size=3).map(tuple)


@st.composite
def normalizations(draw):
    """Calls that are of one layer now and then, and so of as many channels."""
    channels = st.just(draw(st.integers(0, 4)))
    return draw(few(NormalizationEvidence, channels, call=path, layer=path, values=number | st.just(1024.0)))


@st.composite
def models(draw):
    facts = draw(
        st.fixed_dictionaries(
            {"optimizer": word, "iterations": count, "loss": st.sampled_from(["", "mse", "my"])}
        )
    )
    model = chain(
        dense(bias=draw(st.booleans()), decay=draw(number)),
        layer("drop", "dropout"),
        norm(
            trainable=draw(st.booleans()),
            decay=draw(number),
            dtype=draw(st.sampled_from(["float16", "float32"])),
            momentum=draw(st.none() | number),
            virtual_batch_size=draw(st.none() | count),
            axis=draw(st.sampled_from([-1, 1, [1, 2], 7])),
        ),
        layer("relu", "activation"),
        dense("head"),
        functions={"relu": draw(word)},
        shape=draw(st.sampled_from([(), (4,), (-1, 4), (8, 8, 4)])),
        **facts,
    )
    calls = tuple(
        replace(c, takes=tuple(draw(st.lists(path, max_size=2))), output=draw(st.booleans()))
        for c in model.calls
    )
    changed = draw(st.sampled_from([model.calls, calls, ()]))
    return ModelRecord(model.name, model.layers, changed, model.optimizer, model.iterations, model.loss)


evidences = st.builds(
    Evidence,
    model=models(),
    training=records(TrainingFacts),
    inputs=few(InputEvidence),
    drift=st.none() | st.builds(Drift, few(ColumnDrift)),
    normalizations=normalizations(),
    activations=few(ActivationEvidence, call=path, layer=path, function=word),
    gradients=few(GradientEvidence, name=st.just("kernel")),
    loss=st.none() | records(LossEvidence),
    rows=count,
)


@settings(max_examples=100)
@given(evidences)
def test_no_rule_goes_wrong(evidence):
    diagnosis = examine(evidence, RULES)
    assert [check for check in diagnosis.checks if check.status == "failed"] == []
    for finding in diagnosis.findings:
        assert finding.severity != "error" or finding.confidence == "exact"
    assert diagnosis.from_json(diagnosis.to_json()).to_json() == diagnosis.to_json()
