"""apply_remedies: what the doctor's findings advise, done to a copy of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from normwise.core.diagnosis import Diagnosis, Finding
from normwise.core.errors import NormwiseError, TrainingError, did_you_mean
from normwise.core.remedies import AppliedRemedy, LeftFinding
from normwise.graph.layer_paths import layer_paths
from normwise.graph.walk import every_layer, matched
from normwise.workflows.diagnose import diagnose
from normwise.workflows.remedy_actions import ACTIONS, Action, Data, gone_through_once
from normwise.workflows.remedy_result import RemedyResult

SAFETIES = ("safe", "all")


def apply_remedies(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    safety: Literal["safe", "all"] = "safe",
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    batch_size: int | None = None,
    rows: int = 1024,
    preview: bool = False,
    ignored_layers: Mapping[str, tuple[str, ...]] | None = None,
) -> RemedyResult:
    """Examines a model, does what the findings advise to a copy of it, and examines that.

    Safe remedies leave what the network computes as it is, or put its statistics right:

    - a bias before a batch normalization is dropped, and the moving mean is less by it;
    - statistics of half precision are kept in float32 from now on;
    - moving statistics become those of x, layer after layer, as by `normwise.recalibrate`.

    The unsafe ones are done with ``safety="all"``; the new model then has to be trained:

    - a layer that standardizes an input by the mean and the standard deviation of x, the weights being kept;
    - dropout before a normalization gets a rate with which the variance that it sees stays below what the
      rule allows.

    Args:
        model: A built Keras model, Sequential or Functional. It is left untouched. Of a subclassed one the
            statistics alone can be put right, if its class has a get_config.
        x: All that `normwise.fit` takes as x, but a generator; the rows of the training and no others.
        y: The targets; of a table, the names of their columns.
        safety: ``"safe"`` or ``"all"``.
        select: The rules to run, as `normwise.diagnose` takes them; those alone are mended.
        ignore: Likewise, the rules that are not run.
        batch_size: Rows a step of the training, and rows a batch in which x is gone through.
        rows: How many rows the diagnoses look at.
        preview: Whether rules in preview are run too.
        ignored_layers: Codes that are ignored in layers, as `normwise.diagnose` takes them.

    Returns:
        The new model, the findings before, those that were mended and how, those that were not and why, and
        the findings after. A compiled model gives one that is compiled likewise, by a fresh optimizer.

    Raises:
        NormwiseError: If `safety` is neither of its two, x is a generator, or the model or the data cannot
            be examined.

    Example:
        >>> import keras, normwise
        >>> hidden = [keras.layers.Dense(8, name="hidden"), keras.layers.BatchNormalization(name="norm")]
        >>> layers = [keras.Input((4,)), *hidden, keras.layers.ReLU(), keras.layers.Dense(2)]
        >>> result = normwise.apply_remedies(keras.Sequential(layers, name="net"), select=["NRM301"])
        >>> [(a.finding.code, a.finding.layer) for a in result.applied], result.model.layers[0].use_bias
        ([('NRM301', 'hidden')], False)
        >>> result.after.findings
        ()
    """
    if safety not in SAFETIES:
        raise NormwiseError(
            f'safety must be "safe" or "all", got {safety!r}. {did_you_mean(str(safety), SAFETIES)}'
        )
    if gone_through_once(x):
        raise TrainingError(
            "x is a generator, which can be gone through once, and remedies take several passes; expected "
            "arrays, a table or a keras.utils.PyDataset"
        )

    def examined(which: Any) -> Diagnosis:
        return diagnose(
            which,
            x,
            y,
            batch_size=batch_size,
            rows=rows,
            select=select,
            ignore=ignore,
            preview=preview,
            ignored_layers=ignored_layers,
        )

    before = examined(model)
    mending = _Mending(model, Data(x, y, batch_size))
    for action, (act, how_safe) in ACTIONS.items():
        findings = [finding for finding in before.findings if finding.remedy.action == action]
        unsafe = [f for f in findings if "unsafe" in (how_safe, f.remedy.safety)]
        if safety == "safe":
            mending.leave(
                unsafe, 'it is unsafe, as the network has to be trained again: safety="all" does it'
            )
            findings = [finding for finding in findings if finding not in unsafe]
        mending.do(act, findings)
    for finding in before.findings:
        if finding.remedy.action not in ACTIONS:
            mending.leave([finding], f"it is for you to do: {finding.remedy.text}")
    after = examined(mending.model) if mending.done else before
    mending.undone_in(after)
    applied = tuple(AppliedRemedy(f, mending.done[f]) for f in before.findings if f in mending.done)
    left = tuple(LeftFinding(f, mending.left[f]) for f in before.findings if f in mending.left)
    return RemedyResult(mending.model, before, applied, left, after)


class _Mending:
    """The model as it is so far, what became of the layers of the first one, and what was done."""

    def __init__(self, model: Any, data: Data) -> None:
        self.model = model
        self.done: dict[Finding, str] = {}
        self.left: dict[Finding, str] = {}
        self._data = data
        paths = layer_paths(model)
        self._layers = {paths[id(layer)]: layer for layer in every_layer(model)}
        # By its name, the place of an input: one that the user gave no name may have another in a copy.
        self._inputs = {
            tensor.name: place for place, tensor in enumerate(getattr(model, "inputs", None) or ())
        }

    def leave(self, findings: Sequence[Finding], reason: str) -> None:
        """Note why nothing is done about findings."""
        self.left.update(dict.fromkeys(findings, reason))

    def do(self, act: Action, findings: Sequence[Finding]) -> None:
        """Do one action about all findings that ask for it."""
        by_place = {self._place(finding): finding for finding in findings}
        if not by_place:
            return
        try:
            new, done, left = act(self.model, by_place, self._data)
        except (ValueError, NormwiseError) as error:
            self.leave(findings, str(error))
            return
        for finding in findings:
            place = self._place(finding)
            if place in done:
                self.done[finding] = done[place]
            else:
                self.left[finding] = left[place]
        if new is not self.model:
            twins = {id(old): twin for old, twin in matched(self.model, new)}
            self._layers = {path: twins[id(layer)] for path, layer in self._layers.items()}
            self.model = new

    def undone_in(self, after: Diagnosis) -> None:
        """What is found once more, in the same place, was not mended."""
        still = {(finding.code, finding.layer) for finding in after.findings}
        for finding in [f for f in self.done if (f.code, self._place(f)) in still]:
            self.left[finding] = f"it is found again, although this was done: {self.done.pop(finding)}"

    def _place(self, finding: Finding) -> str:
        """The path that the layer of a finding has now; of an input, its name."""
        if finding.layer in self._layers:
            return layer_paths(self.model)[id(self._layers[finding.layer])]
        if finding.layer in self._inputs:
            return str(self.model.inputs[self._inputs[finding.layer]].name)
        return finding.layer
