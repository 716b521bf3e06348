"""with_one_hot_of_keras: a code below 0 is no category, in ONNX too."""

from __future__ import annotations

from typing import Any


def with_one_hot_of_keras(model: Any) -> Any:
    """The ONNX model, changed in place: `OneHot` of a negative code is all zeros, as `keras.ops.one_hot`.

    ONNX counts a negative code from the end, −1 being the last category, and gives zeros for what is beyond
    the last. jax2onnx and tf2onnx hand Keras' codes over as they are. Here a code below 0 becomes the number
    of categories, one beyond the last.
    """
    import onnx

    for node in [node for node in model.graph.node if node.op_type == "OneHot"]:
        codes, depth = node.input[:2]
        zero, negative, beyond, safe = (
            f"{node.output[0]}_{name}" for name in ("zero", "low", "depth", "safe")
        )
        before = [
            onnx.helper.make_node("Sub", [codes, codes], [zero]),  # of the type of the codes
            onnx.helper.make_node("Less", [codes, zero], [negative]),
            onnx.helper.make_node("CastLike", [depth, codes], [beyond]),
            onnx.helper.make_node("Where", [negative, beyond, codes], [safe]),
        ]
        place = list(model.graph.node).index(node)
        for offset, made in enumerate(before):
            model.graph.node.insert(place + offset, made)
        model.graph.node[place + len(before)].input[0] = safe
    return model
