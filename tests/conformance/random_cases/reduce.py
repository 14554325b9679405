"""Reductions, positions, sums along an axis, what sorts."""
import numpy as np
from draw import vector
from movement import axes_of

REDUCTIONS = ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
              "ReduceSumSquare")


def reduction(op):
    def make(d):
        shape, opset = d.shape(1, 4, 48), d.opset()
        low, high = (0.1, 2) if op == "ReduceLogSum" else (-1.5, 1.5) if op == "ReduceProd" else (-3, 3)
        x = d.reals(shape, low, high)
        if op in ("ReduceMax", "ReduceMin", "ReduceSum") and opset >= 13 and d.flip(0.2):
            x = d.wholes(shape, -9, 9, d.of(np.int32, np.int64))
        axes = d.axes(len(shape)) if d.flip(0.8) else None
        attributes = d.some({"keepdims": d.int(0, 1)})
        late = opset >= (13 if op == "ReduceSum" else 18)
        if late and d.flip(0.3):
            attributes["noop_with_empty_axes"] = d.int(0, 1)
        case = axes_of(d, op, x, axes, opset)
        if not late and opset >= 13 and axes is not None:
            case = d.case(op, [x], opset, attributes={"axes": axes})
        case.attributes.update(attributes)
        return case

    return make


def arg(op):
    def make(d):
        shape, opset = d.shape(1, 4), d.opset()
        attributes = d.some({"keepdims": d.int(0, 1), "axis": d.axis(len(shape)) if opset >= 11 else d.int(0, len(shape) - 1)})
        if opset >= 12 and d.flip(0.3):
            attributes["select_last_index"] = 1
        x = d.wholes(shape, -4, 4, d.of(np.int32, np.int64)) if opset >= 12 and d.flip(0.2) else d.reals(shape)
        return d.case(op, [x], opset, attributes=attributes)

    return make


def cum_sum(d):
    shape = d.shape(1, 3)
    return d.case("CumSum", [d.reals(shape), np.asarray(d.axis(len(shape)), np.int64)], d.opset(11),
                  attributes=d.some({"exclusive": d.int(0, 1), "reverse": d.int(0, 1)}), fixed=(1,))


def cum_prod(d):
    shape = d.shape(1, 3)
    return d.case("CumProd", [d.reals(shape, -1.5, 1.5), np.asarray(d.axis(len(shape)), np.int64)], d.opset(26),
                  attributes=d.some({"exclusive": d.int(0, 1), "reverse": d.int(0, 1)}), fixed=(1,))


def top_k(d):
    shape, opset = d.shape(1, 3, 36), d.opset()
    axis = d.axis(len(shape))
    k = d.int(1, min(shape[axis], 4)) if d.flip(0.7) else 1
    outputs = ["y0", "y1"] if d.flip(0.8) else d.of(["y0", ""], ["", "y1"])
    if opset < 10:
        return d.case("TopK", [d.reals(shape)], opset, ["y0", "y1"], {"axis": axis % len(shape), "k": k})
    attributes = {"axis": axis if opset >= 11 else axis % len(shape)}
    if opset >= 11 and d.flip(0.4):
        attributes["largest"] = 0
    whole = opset >= 11 and d.flip(0.3)
    return d.case("TopK", [d.wholes(shape, -5, 5) if whole else d.reals(shape), vector(k)], opset, outputs, attributes, fixed=(1,))


def rows(op):
    def make(d):
        shape, opset = d.shape(1, 4), d.opset()
        attributes = {"axis": d.axis(len(shape)) if opset >= 11 else d.int(0, len(shape) - 1)}
        if opset >= 13 and len(shape) > 0 and d.flip(0.2) or opset < 13 and len(shape) > 1 and d.flip(0.2):
            attributes = {}
        return d.case(op, [d.reals(shape, -4, 4)], opset, attributes=attributes)

    return make


MAKERS = {**{op: reduction(op) for op in REDUCTIONS}, **{op: arg(op) for op in ("ArgMax", "ArgMin")},
          **{op: rows(op) for op in ("Hardmax", "LogSoftmax", "Softmax")}, "CumProd": cum_prod, "CumSum": cum_sum, "TopK": top_k}
