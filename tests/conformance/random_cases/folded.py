"""Operators that are computed when a model is read."""
import numpy as np
from onnx import helper, numpy_helper


def shape_of(op):
    def make(d):
        shape, opset = d.shape(0), d.opset()
        attributes = {}
        if op == "Shape" and opset >= 15 and shape:
            attributes = d.some({"start": d.axis(len(shape)), "end": d.axis(len(shape), 1)}, 0.4)
        return d.case(op, [d.reals(shape)], opset, attributes=attributes)

    return make


def constant(d):
    opset, x = d.opset(), d.reals(d.shape(0))
    if opset >= 12 and d.flip():
        attributes = d.of({"value_float": d.real(-3, 3)}, {"value_int": d.int(-9, 9)}, {"value_ints": d.ints(3, -9, 9)},
                          {"value_floats": [d.real(-3, 3)] * 2})
    else:
        attributes = {"value": numpy_helper.from_array(x)}
    return d.case("Constant", [], opset, attributes=attributes)


def constant_of_shape(d):
    value = d.of({}, {"value": helper.make_tensor("v", 1, [1], [d.real(-3, 3)])}, {"value": helper.make_tensor("v", 7, [1], [d.int(-9, 9)])})
    return d.case("ConstantOfShape", [np.asarray(d.shape(), np.int64)], d.opset(9), attributes=value, fixed=(0,))


def eye_like(d):
    return d.case("EyeLike", [d.reals(d.ints(2, 1, 5))], d.opset(9), attributes=d.some({"k": d.int(-3, 3), "dtype": d.of(1, 7)}))


def numbers_to(d):
    if d.flip():
        values = [np.asarray(v, np.int64) for v in (d.int(-5, 5), d.int(6, 20), d.int(1, 4))]
    else:
        values = [np.asarray(v, np.float32) for v in (2.0, -1.0, -0.5)]
    return d.case("Range", values, d.opset(11), fixed=(0, 1, 2))


def non_zero(d):
    x = d.wholes(d.shape(), 0, 2)
    x.flat[0] = 1
    return d.case("NonZero", [x], d.opset(9), fixed=(0,))


def unique(d):
    shape = d.shape(1, 3, 24)
    attributes = d.some({"sorted": d.int(0, 1), "axis": d.axis(len(shape))})
    return d.case("Unique", [d.wholes(shape, 0, 3).astype(np.float32)], d.opset(11), 4, attributes, fixed=(0,))


MAKERS = {"Constant": constant, "ConstantOfShape": constant_of_shape, "EyeLike": eye_like, "NonZero": non_zero, "Range": numbers_to,
          "Shape": shape_of("Shape"), "Size": shape_of("Size"), "Unique": unique}
