"""Names given to the values of an ONNX graph, and the exporters' faults in pooling and one-hot repaired."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from normwise.deploy.onnx_max_pool import with_runnable_max_pools  # noqa: E402
from normwise.deploy.onnx_one_hot import with_one_hot_of_keras  # noqa: E402
from normwise.deploy.onnx_values import count_nodes, name_values, tensors  # noqa: E402

FLOAT = onnx.TensorProto.FLOAT


def model_of(nodes, inputs, outputs, constants=()):
    def values(named):
        return [onnx.helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in named.items()]

    graph = onnx.helper.make_graph(nodes, "g", values(inputs), values(outputs), list(constants))
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def run(model, **rows):
    onnx.checker.check_model(model, full_check=True)
    return runtime.InferenceSession(model.SerializeToString()).run(None, rows)


def test_names_go_where_the_values_are_read():
    node = onnx.helper.make_node
    model = model_of(
        [node("Neg", ["x"], ["y"]), node("Abs", ["y"], ["z"])],
        {"x": ["n", 2]},
        {"y": ["n", 2], "z": [None, 2]},
    )
    name_values(model, ["row"], ["minus", "size"])
    x = np.array([[1.0, -2.0]], np.float32)
    minus, size = run(model, row=x)
    assert (minus.tolist(), size.tolist()) == ([[-1.0, 2.0]], [[1.0, 2.0]])
    assert [t.shape for t in tensors(model.graph.output)] == [(None, 2), (None, 2)]
    assert {axis.type.tensor_type.shape.dim[0].dim_param for axis in model.graph.output} == {"batch"}


def test_a_name_that_a_value_inside_has_goes_to_the_output():
    node = onnx.helper.make_node
    model = model_of(
        [node("Neg", ["x"], ["out"]), node("Abs", ["out"], ["x_1"])], {"x": ["n", 1]}, {"x_1": ["n", 1]}
    )
    name_values(model, ["out"], ["x"])
    (found,) = run(model, out=np.array([[3.0]], np.float32))
    assert found.tolist() == [[3.0]]
    assert len({name for n in model.graph.node for name in (*n.input, *n.output)}) == 3


def test_an_output_that_is_an_input_or_another_output_becomes_its_own():
    model = model_of(
        [onnx.helper.make_node("Neg", ["x"], ["y"])], {"x": ["n", 1]}, {"x": ["n", 1], "y": ["n", 1]}
    )
    model.graph.output.append(model.graph.output[1])
    name_values(model, ["row"], ["same", "minus", "again"])
    assert [y.item() for y in run(model, row=np.array([[2.0]], np.float32))] == [2.0, -2.0, -2.0]
    assert count_nodes(model) == {"Identity": 2, "Neg": 1}


def test_values_inside_of_branches_are_renamed_and_counted():
    node = onnx.helper.make_node
    none = {"then_branch": "Neg", "else_branch": "Abs"}
    branches = {
        key: onnx.helper.make_graph(
            [node(op, ["x"], [op])], key, [], [onnx.helper.make_tensor_value_info(op, FLOAT, None)]
        )
        for key, op in none.items()
    }
    truth = onnx.helper.make_tensor("truth", onnx.TensorProto.BOOL, [], [True])
    model = model_of([node("If", ["truth"], ["y"], **branches)], {"x": ["n", 1]}, {"y": ["n", 1]}, [truth])
    name_values(model, ["row"], ["minus"])
    assert run(model, row=np.array([[2.0]], np.float32))[0].item() == -2.0
    assert count_nodes(model) == {"Abs": 1, "If": 1, "Neg": 1}


def pooling(kernel, strides, pads, twice=False):
    """As jax2onnx writes a maximum over windows of every axis."""
    node = onnx.helper.make_node
    axes = [onnx.numpy_helper.from_array(np.array(v), n) for n, v in (("0", [0]), ("1", [1]), ("01", [0, 1]))]
    nodes = [node("Unsqueeze", ["x", "0"], ["a"]), node("Unsqueeze", ["a", "1"], ["b"])]
    for y in ("y", "z")[: 1 + twice]:
        nodes += [
            node("MaxPool", ["b"], [f"p{y}"], kernel_shape=kernel, strides=strides, pads=pads),
            node("Squeeze", [f"p{y}", "01"], [y]),
        ]
    rank = len(kernel)
    outputs = {y: [None] * rank for y in ("y", "z")[: 1 + twice]}
    return model_of(nodes, {"x": [None] * rank}, outputs, axes)


def pooled(x, kernel, strides, pads):
    """The maximum over windows, one by one."""
    rank = x.ndim
    x = np.pad(x, list(zip(pads[:rank], pads[rank:], strict=True)), constant_values=-np.inf)
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape, kernel, strides, strict=True)]
    out = np.empty(sizes, x.dtype)
    for place in np.ndindex(*sizes):
        starts = [p * s for p, s in zip(place, strides, strict=True)]
        out[place] = x[tuple(slice(a, a + k) for a, k in zip(starts, kernel, strict=True))].max()
    return out


WINDOWS = {
    "channels last": ([1, 2, 3, 1], [1, 2, 2, 1], [0, 0, 1, 0, 0, 1, 1, 0]),
    "channels first": ([1, 1, 2, 2], [1, 1, 2, 1], [0] * 8),
    "one axis": ([1, 3, 1, 1], [1, 1, 1, 1], [0, 1, 0, 0, 0, 1, 0, 0]),
    "volumes": ([1, 2, 2, 2, 1], [1, 2, 1, 2, 1], [0] * 10),
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("twice", [False, True])
def test_pooling_over_every_axis_becomes_one_that_runs(name, twice):
    kernel, strides, pads = WINDOWS[name]
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 4, 3)[: len(kernel)]).astype(np.float32)
    with pytest.raises(Exception, match="pooling size"):
        run(pooling(kernel, strides, pads, twice), x=x)
    model = with_runnable_max_pools(pooling(kernel, strides, pads, twice))
    for found in run(model, x=x):
        np.testing.assert_array_equal(found, pooled(x, kernel, strides, pads))
    assert count_nodes(model) == {"MaxPool": 1 + twice, "Transpose": 2 + 2 * twice}


def test_other_pooling_is_left():
    node = onnx.helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])
    for model in (
        model_of([node], {"x": ["n", 3, 4, 4]}, {"y": ["n", 3, 2, 2]}),
        pooling([1, 2, 1], [1, 2, 1], [0] * 6),
    ):
        before = model.SerializeToString()
        assert with_runnable_max_pools(model).SerializeToString() == before


def test_a_code_below_0_is_no_category():
    node = onnx.helper.make_node("OneHot", ["codes", "depth", "values"], ["y"])
    constants = [
        onnx.numpy_helper.from_array(np.array([3]), "depth"),
        onnx.numpy_helper.from_array(np.array([0, 1], np.float32), "values"),
    ]
    model = model_of([node], {}, {"y": ["n", 3]}, constants)
    given = onnx.helper.make_tensor_value_info("codes", onnx.TensorProto.INT64, ["n"])
    model.graph.input.append(given)
    codes = np.array([-1, 0, 2, -3, 3])
    expected = np.eye(4, 3, dtype=np.float32)[[3, 0, 2, 3, 3]]
    assert not np.array_equal(run(model, codes=codes)[0], expected)
    np.testing.assert_array_equal(run(with_one_hot_of_keras(model), codes=codes)[0], expected)
