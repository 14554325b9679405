"""Windows and whole images that become one number."""
from linear import placed, spatial, window


def pool(op):
    def make(d):
        opset = d.opset(18 if op == "LpPool" else 7)
        axes, sizes = spatial(d)
        kernel, strides, dilations, pads = window(d, axes, sizes)
        attributes = placed(d, kernel, strides, dilations, pads)
        since = {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[op]
        if opset < since:
            attributes.pop("dilations", None)
        if "auto_pad" not in attributes and opset >= max(10, since) and op != "LpPool" and d.flip(0.3):
            attributes["ceil_mode"] = 1
        if op == "AveragePool" and d.flip():
            attributes["count_include_pad"] = 1
        if op == "LpPool" and d.flip(0.7):
            attributes["p"] = d.int(1, 4)
        return d.case(op, [d.reals([d.int(1, 2), d.int(1, 3), *sizes])], opset, attributes=attributes)

    return make


def whole(op):
    def make(d):
        attributes = {"p": d.int(1, 4)} if op == "GlobalLpPool" and d.flip() else {}
        return d.case(op, [d.reals([d.int(1, 2), d.int(1, 4), *d.shape(1, 3, 24)])], d.opset(), attributes=attributes)

    return make


MAKERS = {**{op: pool(op) for op in ("AveragePool", "LpPool", "MaxPool")},
          **{op: whole(op) for op in ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool")}}
