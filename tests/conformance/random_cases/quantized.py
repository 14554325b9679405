"""Quantized tensors."""
import numpy as np
from linear import placed, window

BYTES = (np.uint8, np.int8)


def span(kind):
    i = np.iinfo(kind)
    return int(i.min), int(i.max)


def zero(d, kind, shape=()):
    low, high = span(kind)
    return d.wholes(shape, low // 2, high // 2 + 1, kind)


def quantize(d):
    shape, opset, kind = d.shape(1, 4), d.opset(10), d.of(*BYTES)
    if opset >= 13 and d.flip(0.4):
        axis = d.axis(len(shape))
        n = [shape[axis]]
        inputs = [d.reals(shape), d.reals(n, 0.02, 0.2), zero(d, kind, n)]
        return d.case("QuantizeLinear", inputs, opset, attributes={"axis": axis}, fixed=(1, 2))
    inputs = [d.reals(shape), np.asarray(d.real(0.01, 0.2), np.float32), zero(d, kind) if d.flip(0.8) else None]
    return d.case("QuantizeLinear", inputs, opset, fixed=(1, 2))


def dequantize(d):
    shape, opset, kind = d.shape(1, 4), d.opset(10), d.of(*BYTES)
    x = d.wholes(shape, *span(kind), kind)
    if opset >= 13 and d.flip(0.4):
        axis = d.axis(len(shape))
        n = [shape[axis]]
        return d.case("DequantizeLinear", [x, d.reals(n, 0.02, 0.2), zero(d, kind, n)], opset, attributes={"axis": axis}, fixed=(1, 2))
    return d.case("DequantizeLinear", [x, np.asarray(d.real(0.01, 0.2), np.float32), zero(d, kind) if d.flip(0.8) else None], opset,
                  fixed=(1, 2))


def dynamic(d):
    return d.case("DynamicQuantizeLinear", [d.reals(d.shape())], d.opset(11), 3)


def matmul_integer(d):
    m, k, n = d.int(1, 4), d.int(1, 6), d.int(1, 4)
    a, b = d.of(*BYTES), d.of(*BYTES)
    inputs = [d.wholes([m, k], *([0, 60] if a is np.uint8 else [-40, 40]), a), d.wholes([k, n], *([0, 60] if b is np.uint8 else [-40, 40]), b),
              d.wholes((), 0, 9, a) if d.flip() else None, d.wholes((), 0, 9, b) if d.flip() else None]
    return d.case("MatMulInteger", inputs, d.opset(10), fixed=(2, 3), maybe=(1,))


def conv_integer(d):
    sizes = d.ints(2, 1, 5)
    kernel, strides, dilations, pads = window(d, 2, sizes)
    attributes, c = placed(d, kernel, strides, dilations, pads), d.int(1, 2)
    inputs = [d.wholes([1, c, *sizes], 0, 40, np.uint8), d.wholes([d.int(1, 2), c, *kernel], 0, 30, np.uint8),
              d.wholes((), 0, 9, np.uint8) if d.flip() else None, d.wholes((), 0, 9, np.uint8) if d.flip() else None]
    return d.case("ConvInteger", inputs, d.opset(10), attributes=attributes, fixed=(2, 3), maybe=(1,))


def scale(d, low=0.02, high=0.1):
    return np.asarray(d.real(low, high), np.float32)


def qlinear_matmul(d):
    m, k, n, kind = d.int(1, 4), d.int(1, 5), d.int(1, 4), d.of(*BYTES)
    low, high = span(kind)
    inputs = [d.wholes([m, k], low, high, kind), scale(d), zero(d, kind), d.wholes([k, n], low, high, kind), scale(d), zero(d, kind),
              scale(d, 0.1, 0.5), zero(d, kind)]
    return d.case("QLinearMatMul", inputs, d.opset(10), fixed=(1, 2, 4, 5, 6, 7), maybe=(3,))


def qlinear_conv(d):
    sizes = d.ints(2, 1, 5)
    kernel, strides, dilations, pads = window(d, 2, sizes)
    attributes, c, out = placed(d, kernel, strides, dilations, pads), d.int(1, 2), d.int(1, 2)
    bias = d.wholes([out], -200, 200, np.int32) if d.flip() else None
    inputs = [d.wholes([1, c, *sizes], 0, 255, np.uint8), scale(d), zero(d, np.uint8), d.wholes([out, c, *kernel], 0, 255, np.uint8), scale(d),
              zero(d, np.uint8), scale(d, 0.1, 0.5), zero(d, np.uint8), bias]
    return d.case("QLinearConv", inputs, d.opset(10), attributes=attributes, fixed=(1, 2, 4, 5, 6, 7, 8), maybe=(3,))


MAKERS = {"ConvInteger": conv_integer, "DequantizeLinear": dequantize, "DynamicQuantizeLinear": dynamic, "MatMulInteger": matmul_integer,
          "QLinearConv": qlinear_conv, "QLinearMatMul": qlinear_matmul, "QuantizeLinear": quantize}
