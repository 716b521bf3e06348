"""Layers whose call takes more than other names."""

from __future__ import annotations

import libcst as cst

from normwise.migrate import arguments
from normwise.migrate.site import Site

FORMATS = {"th": "channels_first", "tf": "channels_last"}
_KERNEL = ("nb_row", "nb_col")
_KERNEL_3D = ("kernel_dim1", "kernel_dim2", "kernel_dim3")
_OLD_CONVOLUTION = (
    "nb_filter",
    *_KERNEL,
    "init",
    "activation",
    "weights",
    "border_mode",
    "subsample",
    "dim_ordering",
)
_OLD_NORMALIZATION = ("epsilon", "mode", "axis", "momentum", "weights", "beta_init", "gamma_init")
_OLD_RECURRENT = ("output_dim", "init", "inner_init")
_INITIALIZERS = frozenset(
    [
        "uniform",
        "normal",
        "zero",
        "one",
        "lecun_uniform",
        "lecun_normal",
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "orthogonal",
        "identity",
    ]
)
_MERGES = {"sum": "add", "mul": "multiply", "ave": "average", "max": "maximum", "concat": "concatenate"}
_DATA = ("input_shape", "input_dim", "input_length", "batch_input_shape")


def kernel_size(site: Site) -> cst.Call:
    """``nb_row=3, nb_col=5`` to ``(3, 5)``, also where they have no names; ``filter_length`` renamed."""
    call, one = site.call, site.name.endswith("1D")
    if one:
        return _kernel_of_one(site)
    today = site.facts.of_tensorflow() or site.facts.modern()
    if today and "onvolution" not in site.old:
        return call  # its second number is the stride, as it is today
    names = _KERNEL_3D if site.name.endswith("3D") else _KERNEL
    given = arguments.positional(call)
    keywords = [arguments.keyword(call, n) for n in names]
    size = len(names)
    if (
        size == 2
        and len(given) > 3
        and "onvolution" in site.old
        and site.facts.number(given[3].value) is not None
    ):
        # Keras 0: filters, the channels of the input, rows, columns.
        site.changed("the input's channels are told by the layer before")
        call = arguments.without(call, given[1])
        given = arguments.positional(call)
    if len(given) > size and all(_is_number(site, a.value) for a in given[1 : size + 1]):
        call = arguments.positions_named(call, (_OLD_CONVOLUTION[0], *names, *_OLD_CONVOLUTION[3:]), size + 1)
        return _joined(site, call, arguments.positional(call)[1 : size + 1], "")
    if all(keywords):
        return _joined(site, call, [k for k in keywords if k], "kernel_size")
    if any(keywords) or (len(given) > size and not isinstance(given[1].value, cst.Tuple | cst.List)):
        site.left(
            "whether these are the rows and columns of the kernel, or its size and strides, cannot be told"
        )
    return call


def _kernel_of_one(site: Site) -> cst.Call:
    call = arguments.renamed(site.call, "filter_length", "kernel_size")
    given = arguments.positional(call)
    if "Convolution1D" in site.old and len(given) > 2 and site.facts.number(given[2].value) is not None:
        site.changed("the input's width is told by the layer before")  # Keras 0: it came first
        call = arguments.without(call, given[0])
        given = arguments.positional(call)
    if "Convolution1D" in site.old and len(given) > 1:
        old = ("nb_filter", "kernel_size", *_OLD_CONVOLUTION[3:7], "subsample_length")
        call = arguments.positions_named(call, old, 1)
    return call


def _is_number(site: Site, node: cst.BaseExpression) -> bool:
    """Whether it is a number for certain, or a name in a call that only Keras 1 has."""
    if isinstance(node, cst.Tuple | cst.List | cst.SimpleString):
        return False
    if "onvolution" in site.old:
        return True
    return site.facts.early and site.facts.number(node) is not None


def _joined(site: Site, call: cst.Call, parts: list[cst.Arg], name: str) -> cst.Call:
    """The call with several arguments as one tuple, where the first of them stood."""
    size = cst.parse_expression(f"({', '.join(site.code(p.value) for p in parts)})")
    for part in parts[:-1]:
        # What stands behind the last one is kept: a comment, or the end of a line.
        call = arguments.without(call, part)
    site.changed(f"{len(parts)} sizes of a kernel → kernel_size")
    kept = parts[-1]
    last = (arguments.keyword(call, kept.keyword.value) if kept.keyword else None) or kept
    new = last.with_changes(value=size)
    return arguments.replace(call, last, arguments.named(new, name) if name else new)


def no_weights(site: Site) -> cst.Call:
    """``weights=None``, which said that there are none to begin with, is dropped."""
    found = arguments.keyword(site.call, "weights")
    if found is None or site.code(found.value) != "None":
        return site.call
    site.changed("weights=None is dropped")
    return arguments.without(site.call, found)


def data_format(site: Site) -> cst.Call:
    """``dim_ordering="th"`` to ``data_format="channels_first"``; the default is dropped."""
    found = arguments.keyword(site.call, "dim_ordering")
    if found is None:
        return site.call
    said = arguments.string(found.value)
    if said == "default":
        return arguments.without(site.call, found)
    if said not in FORMATS:
        site.left(
            f"dim_ordering={site.code(found.value)}: write data_format='channels_first' or 'channels_last'"
        )
        return site.call
    site.changed("dim_ordering → data_format")
    new = found.with_changes(value=arguments.quoted(found.value, FORMATS[said]))
    if site.name.endswith("Flatten") and said == "tf":
        return arguments.without(site.call, found)
    return arguments.replace(site.call, found, arguments.named(new, "data_format"))


def batch_normalization(site: Site) -> cst.Call:
    """Without a mode 0, and with the first argument, which was epsilon or a shape, called what it is."""
    call = site.call
    mode = arguments.keyword(call, "mode")
    given = arguments.positional(call)
    if given and isinstance(given[0].value, cst.Tuple):
        site.changed("the shape of BatchNormalization is taken from its input")
        call = arguments.positions_named(call, ("input_shape", "epsilon", "mode", "momentum"), 1)
        call = arguments.without(call, given[0])
    elif given and isinstance(given[0].value, cst.Float):
        site.changed("a first argument of BatchNormalization → epsilon")
        call = arguments.positions_named(call, _OLD_NORMALIZATION, 0)
    elif given and (site.facts.early or mode is not None):
        site.left(
            f"BatchNormalization({site.code(given[0].value)}): in Keras 1 this was epsilon or a shape, today "
            "it is the axis; give it by its name"
        )
    mode = arguments.keyword(call, "mode")
    if mode is not None and site.code(mode.value) == "0":
        site.changed("mode=0 of BatchNormalization is the only one left")
        call = arguments.without(call, mode)
    elif mode is not None:
        site.left(
            f"BatchNormalization(mode={site.code(mode.value)}) has no successor: mode 1 normalized each "
            "sample (nearest is LayerNormalization), mode 2 took the batch's statistics in prediction too"
        )
    return call


def second_argument(site: Site) -> cst.Call:
    """``Dense(64, "uniform")``, an initializer, and ``Dense(14, 64)``, the input's width and the layer's."""
    given = arguments.positional(site.call)
    if len(given) < 2:
        return site.call
    said = arguments.string(given[1].value)
    if said in _INITIALIZERS:
        site.changed("a second argument → kernel_initializer")
        if not site.name.endswith("Dense"):
            later = ("activation", "inner_activation")
            names = ("forget_bias_init", *later) if site.name.endswith("LSTM") else later
            return arguments.positions_named(site.call, (*_OLD_RECURRENT, *names), 1)
        return arguments.positions_named(
            site.call, ("units", "kernel_initializer", "activation", "weights"), 1
        )
    if site.facts.number(given[1].value) is not None:
        site.changed("the input's width is told by the layer before")
        width = given[0]
        call = arguments.without(site.call, width)
        if site.original in site.facts.first and site.name.endswith("Dense"):
            site.log.inputs[site.original] = f"({site.code(width.value)},)"
        return call
    return site.call


def forget_bias(site: Site) -> cst.Call:
    """``forget_bias_init="one"`` to ``unit_forget_bias=True``."""
    found = arguments.keyword(site.call, "forget_bias_init")
    if found is None:
        return site.call
    said = {"one": "True", "ones": "True", "zero": "False", "zeros": "False"}.get(
        arguments.string(found.value) or ""
    )
    if said is None:
        site.left(f"forget_bias_init={site.code(found.value)}: Keras 3 has only unit_forget_bias")
        return site.call
    site.changed("forget_bias_init → unit_forget_bias")
    new = arguments.named(found.with_changes(value=cst.Name(said)), "unit_forget_bias")
    return arguments.replace(site.call, found, new)


def reset_after(site: Site) -> cst.Call:
    """GRU applied the reset gate before the product; TensorFlow 2 and Keras 3 apply it after it."""
    if site.facts.modern() or arguments.starred(site.call):
        return site.call
    if arguments.keyword(site.call, "reset_after") is None:
        site.changed("the default of GRU's reset_after is said")
        return arguments.added(site.call, "reset_after", cst.Name(str(site.facts.of_tensorflow())))
    return site.call


def embedding_length(site: Site) -> cst.Call:
    """Without a dropout of 0; the length is told by the input."""
    found = arguments.keyword(site.call, "dropout")
    if found is not None and site.code(found.value) in ("0", "0.", "0.0"):
        return arguments.without(site.call, found)
    if found is not None:
        site.left("dropout of an Embedding dropped whole words; SpatialDropout1D behind it drops features")
    return site.call


def first_layer(site: Site) -> cst.Call:
    """The shape of the input: into a keras.Input before the first layer of a model, else dropped."""
    call = site.call
    given = {name: found for name in _DATA if (found := arguments.keyword(call, name)) is not None}
    if site.name.endswith("Embedding"):
        given.pop("input_dim", None)
    if not given:
        return call
    code = {name: site.code(arg.value) for name, arg in given.items()}
    shape = _input(site.name, code)
    first, later = site.original in site.facts.first, site.original in site.facts.later
    if not (first or later):
        return _kept_shape(site, given, code, shape)
    if first and shape:
        site.log.inputs[site.original] = shape
        site.changed(f"{', '.join(given)} → keras.Input")
    else:
        site.changed(f"{', '.join(given)}: known from the layer before")
    for arg in given.values():
        call = arguments.without(call, arg)
    return call


def _input(layer: str, code: dict[str, str]) -> str | None:
    """The arguments of keras.Input."""
    if "batch_input_shape" in code:
        return f"batch_shape={code['batch_input_shape']}"
    if "input_shape" in code:
        return code["input_shape"]
    if layer.endswith("Embedding"):
        return f"({code['input_length']},)"
    if "input_length" in code or any(
        layer.endswith(x) for x in ("LSTM", "GRU", "SimpleRNN", "Conv1D", "Distributed")
    ):
        return f"({code.get('input_length', 'None')}, {code['input_dim']})" if "input_dim" in code else None
    return f"({code['input_dim']},)"


def _kept_shape(site: Site, given: dict[str, cst.Arg], code: dict[str, str], shape: str | None) -> cst.Call:
    """Where it cannot be seen whether the layer is a first one: Keras 3 takes input_shape, and warns."""
    call = site.call
    if set(given) == {"input_shape"} or (set(given) == {"input_dim"} and shape == f"({code['input_dim']},)"):
        return call
    if shape is None or "batch_input_shape" in given:
        site.left(f"{', '.join(given)}: put a keras.Input before this layer, if it is the first of its model")
        return call
    first, *others = given
    for name in others:
        call = arguments.without(call, given[name])
    site.changed(f"{', '.join(given)} → input_shape")
    call = arguments.with_value(call, first, cst.parse_expression(shape))
    return arguments.renamed(call, first, "input_shape")


def order_of_channels(site: Site) -> None:
    """Lists a convolution over what looks like channels first, which was a default once."""
    shape = arguments.value(site.call, "input_shape")
    if "Conv" not in site.name or not isinstance(shape, cst.Tuple) or len(shape.elements) != 3:
        return
    if arguments.keyword(site.call, "data_format") or site.facts.orders_channels:
        return
    first, _, last = (site.facts.number(e.value) for e in shape.elements)
    if first in (1, 3) and last not in (1, 3, None):
        site.left(
            f"input_shape={site.code(shape)} looks like channels first, which depended on a setting; give "
            "data_format='channels_first', or put the channels last"
        )


def merge(site: Site) -> cst.BaseExpression:
    """``merge([a, b], mode="concat")`` to ``concatenate([a, b])``."""
    mode, call = arguments.value(site.call, "mode", 1), site.call
    said = "sum" if mode is None else arguments.string(mode)
    rest = {a.keyword.value for a in call.args if a.keyword} - {"inputs", "mode", "concat_axis", "name"}
    if said not in _MERGES or rest or len(arguments.positional(call)) > 2:
        given = site.code(mode) if mode else "'sum'"
        site.left(f"merge(mode={given}): take keras.layers.dot, or keras.ops in a Lambda layer")
        return call
    for arg in [a for a in call.args if a.value is mode]:
        call = arguments.without(call, arg)
    call = arguments.renamed(call, "concat_axis", "axis")
    if said != "concat" and (axis := arguments.keyword(call, "axis")):
        call = arguments.without(call, axis)
    site.changed(f"merge(mode='{said}') → {_MERGES[said]}")
    return call.with_changes(func=cst.parse_expression(site.keras(f"layers.{_MERGES[said]}")))


def time_distributed_dense(site: Site) -> cst.BaseExpression:
    """``TimeDistributedDense(8)`` to ``TimeDistributed(Dense(8))``."""
    site.changed("TimeDistributedDense → TimeDistributed(Dense)")
    inner = site.call.with_changes(func=cst.parse_expression(site.keras("layers.Dense")))
    return cst.Call(cst.parse_expression(site.keras("layers.TimeDistributed")), [cst.Arg(inner)])


def thresholded_relu(site: Site) -> cst.BaseExpression:
    """``ThresholdedReLU(theta)`` to ``ReLU(threshold=theta)``; theta was 1 where it was not said."""
    call = site.call
    given = arguments.positional(call)
    if given:
        call = arguments.replace(call, given[0], arguments.named(given[0], "threshold"))
    elif arguments.keyword(call, "theta"):
        call = arguments.renamed(call, "theta", "threshold")
    else:
        call = arguments.added(call, "threshold", cst.Float("1.0"))
    site.changed("ThresholdedReLU → ReLU(threshold=…)")
    return call.with_changes(func=cst.parse_expression(site.keras("layers.ReLU")))
