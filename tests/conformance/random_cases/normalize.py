"""Normalizations and losses."""
import numpy as np


def layer(op):
    def make(d):
        shape = d.shape(1, 4)
        axis = d.axis(len(shape))
        inner = shape[axis % len(shape):]
        scale = d.reals(inner if d.flip(0.8) else [1] * len(inner), 0.4, 1.6)
        attributes = {"axis": axis, **d.some({"epsilon": d.of(1e-5, 1e-3, 0.1)})}
        if op == "RMSNormalization":
            return d.case(op, [d.reals(shape), scale], d.opset(23), attributes=attributes, maybe=(1,))
        outputs = 1 if d.flip(0.8) else 3
        bias = d.reals(inner, -1, 1) if d.flip() else None
        return d.case(op, [d.reals(shape), scale, bias], d.opset(17), outputs, attributes, maybe=(1, 2))

    return make


def group(d):
    groups, opset = d.int(1, 3), d.opset(18)
    c = groups * d.int(1, 3)
    n = c if opset >= 21 else groups
    inputs = [d.reals([d.int(1, 2), c, *d.shape(1, 2, 12)]), d.reals([n], 0.4, 1.6), d.reals([n], -1, 1)]
    return d.case("GroupNormalization", inputs, opset, attributes={"num_groups": groups, **d.some({"epsilon": d.of(1e-5, 1e-2)})},
                  maybe=(1, 2))


def instance(d):
    c = d.int(1, 4)
    inputs = [d.reals([d.int(1, 2), c, *d.shape(1, 3, 16)]), d.reals([c], 0.4, 1.6), d.reals([c], -1, 1)]
    return d.case("InstanceNormalization", inputs, d.opset(), attributes=d.some({"epsilon": d.of(1e-5, 1e-2)}), maybe=(1, 2))


def mean_variance(d):
    shape = [d.int(1, 3), d.int(1, 3), d.int(2, 4), d.int(2, 4)]
    return d.case("MeanVarianceNormalization", [d.reals(shape)], d.opset(13),
                  attributes={"axes": sorted(a % 4 for a in d.axes(4))} if d.flip() else {})


def lp(d):
    shape, opset = d.shape(1, 4), d.opset()
    x = d.reals(shape)
    x = np.where(np.abs(x) < 0.2, np.float32(0.5), x)  # rows of nothing have no direction
    return d.case("LpNormalization", [x], opset, attributes=d.some({"axis": d.axis(len(shape)), "p": d.int(1, 2)}))


def loss(op):
    def make(d):
        n, c, rest = d.int(1, 3), d.int(1, 4), d.shape(0, 2, 6)
        labels = d.wholes([n, *rest], 0, c - 1)
        attributes = {"reduction": d.of("none", "sum", "mean")}
        if d.flip(0.3):
            attributes["ignore_index"] = d.int(0, c - 1)
            labels[(0,) * labels.ndim] = (attributes["ignore_index"] + 1) % c  # something is left
        weights = d.reals([c], 0.3, 2) if d.flip() else None
        outputs = 2 if op == "SoftmaxCrossEntropyLoss" and d.flip(0.3) else 1
        x = d.reals([n, c, *rest], -3, 0 if op.startswith("Neg") else 3)
        return d.case(op, [x, labels, weights], d.opset(13), outputs, attributes, fixed=(1, 2))

    return make


MAKERS = {**{op: layer(op) for op in ("LayerNormalization", "RMSNormalization")}, "GroupNormalization": group,
          "InstanceNormalization": instance, "MeanVarianceNormalization": mean_variance, "LpNormalization": lp,
          **{op: loss(op) for op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")}}
