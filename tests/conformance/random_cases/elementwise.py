"""Functions of one number, arithmetic, comparisons, logic."""
import numpy as np
from draw import vector

# operator: the range of its input, the first opset
UNARY = {
    "Abs": (-5, 5, 7), "Acos": (-0.98, 0.98, 7), "Acosh": (1.02, 6, 9), "Asin": (-0.98, 0.98, 7), "Asinh": (-5, 5, 9), "Atan": (-5, 5, 7),
    "Atanh": (-0.9, 0.9, 9), "Ceil": (-5, 5, 7), "Cos": (-7, 7, 7), "Cosh": (-3, 3, 9), "Erf": (-3, 3, 9), "Exp": (-4, 3, 7),
    "Floor": (-5, 5, 7), "HardSwish": (-5, 5, 14), "Identity": (-5, 5, 7), "Log": (0.05, 9, 7), "Mish": (-5, 5, 18), "Neg": (-5, 5, 7),
    "Reciprocal": (0.2, 5, 7), "Relu": (-5, 5, 7), "Round": (-5, 5, 11), "Sigmoid": (-6, 6, 7), "Sign": (-3, 3, 9), "Sin": (-7, 7, 7),
    "Sinh": (-3, 3, 9), "Softplus": (-5, 5, 7), "Softsign": (-5, 5, 7), "Sqrt": (0, 9, 7), "Tan": (-1.2, 1.2, 7), "Tanh": (-4, 4, 7),
}
WHOLE = ("Abs", "Neg", "Sign", "Identity", "Relu")


def unary(op):
    low, high, first = UNARY[op]

    def make(d):
        opset, shape = d.opset(first), d.shape(0, 5)
        if op in WHOLE and d.flip(0.2) and (op != "Relu" or opset >= 14):
            return d.case(op, [d.wholes(shape, kind=d.of(np.int32, np.int64, np.int8))], opset)
        scale = d.of(1, 1, 1, 0.25) if low < 0 else 1
        return d.case(op, [d.reals(shape, low * scale, high * scale, d.float_type())], opset)

    return make


# operator: its attributes, the first opset
SHAPED = {
    "Celu": (lambda d: {"alpha": d.real(0.2, 3)}, 12),
    "Elu": (lambda d: {"alpha": d.real(0.1, 3)}, 7),
    "Gelu": (lambda d: {"approximate": d.of("none", "tanh")}, 20),
    "HardSigmoid": (lambda d: {"alpha": d.real(0.05, 0.9), "beta": d.real(-0.5, 1.2)}, 7),
    "LeakyRelu": (lambda d: {"alpha": d.of(d.real(0, 1), d.real(-1, 2))}, 7),
    "Selu": (lambda d: {"alpha": d.real(0.5, 3), "gamma": d.real(0.3, 2)}, 7),
    "Shrink": (lambda d: {"lambd": d.real(0.1, 2), "bias": d.real(-1, 2)}, 9),
    "Swish": (lambda d: {"alpha": d.real(-1, 2)}, 24),
    "ThresholdedRelu": (lambda d: {"alpha": d.real(0, 2)}, 10),
}


def shaped(op):
    attributes, first = SHAPED[op]
    return lambda d: d.case(op, [d.reals(d.shape(1, 4), -4, 4)], d.opset(first), attributes=d.some(attributes(d)))


def numbers(d, shape, whole, low, high):
    return d.wholes(shape, low, high, whole) if whole else d.reals(shape, low, high)


def arithmetic(op):
    def make(d):
        a, b = d.pair()
        whole = d.of(None, None, None, np.int32, np.int64)
        x, y = numbers(d, a, whole, -9, 9), numbers(d, b, whole, -9, 9)
        if op == "Div":
            positive = d.flip(0.3)
            y = np.where(y < (1 if whole else 0.25), np.asarray(y.dtype.type(3)), y) if positive else \
                np.where(np.abs(y) < (1 if whole else 0.5), np.asarray(y.dtype.type(2)), y)
        return d.case(op, [x, y], d.opset(7), maybe=(d.int(0, 1),))

    return make


def power(d):
    """Whole powers of any number, any power of what is positive; sometimes a power for each element."""
    shape = d.shape()
    if d.flip(0.2):
        return d.case("Pow", [d.wholes(shape, -5, 5), vector(d.int(0, 4)).reshape(d.of((), (1,)))], d.opset(12), maybe=(1,))
    if d.flip(0.3):
        a, b = d.pair()
        return d.case("Pow", [d.reals(a, 0.3, 3), d.reals(b, -2, 2.5)], d.opset(7), maybe=(0, 1))
    y = float(d.of(0, 1, 2, 3, -1)) if d.flip() else d.real(-2, 3)
    x = d.reals(shape, *((0.3, 4) if y < 0 or y != int(y) else (-3, 3)))
    return d.case("Pow", [x, np.full(d.of((), (1,)), y, np.float32)], d.opset(7), maybe=(1,))


def remainder(d):
    a, b = d.pair()
    whole = d.of(None, np.int32, np.int64)
    if d.flip():
        b = d.of([], [1])
    y = numbers(d, b, whole, -7, 7)
    y = np.where(np.abs(y) < 1, y.dtype.type(3), y).astype(y.dtype)
    fmod = 1 if whole is None or d.flip() else 0
    return d.case("Mod", [numbers(d, a, whole, -20, 20), y], d.opset(13), attributes={"fmod": fmod}, maybe=(1,))


def variadic(op):
    def make(d):
        whole, opset = d.of(None, None, None, np.int64, np.int32), d.opset(8)
        if op in ("Sum", "Mean") or opset < 12:
            whole = None
        shape = d.shape()
        operands = [shape] + [d.broadcast(shape) for _ in range(d.int(0, 3))]
        return d.case(op, [numbers(d, s, whole, -6, 6) for s in operands], opset, maybe=(d.int(0, 4),))

    return make


def compare(op):
    def make(d):
        opset = d.opset(9 if op != "Equal" else 11) if not op.endswith("OrEqual") else d.opset(12)
        a, b = d.pair()
        if op == "Equal" and d.flip(0.2):
            return d.case(op, [d.truths(a), d.truths(b)], opset)
        whole = d.of(None, None, np.int32, np.int64)
        x, y = numbers(d, a, whole, -4, 4), numbers(d, b, whole, -4, 4)
        return d.case(op, [x, y], opset, maybe=(d.int(0, 1),))

    return make


def logical(op):
    def make(d):
        a, b = d.pair()
        return d.case(op, [d.truths(a), d.truths(b)], d.opset(7), maybe=(1,))

    return make


def where(d):
    shape = d.shape()
    condition, a, b = ([shape, d.broadcast(shape), d.broadcast(shape)][i] for i in d.permutation(3))
    whole = d.of(None, None, np.int64)
    return d.case("Where", [d.truths(condition), numbers(d, a, whole, -5, 5), numbers(d, b, whole, -5, 5)], d.opset(9),
                  maybe=(0, d.int(1, 2)))


CODES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 3: np.int8, 2: np.uint8, 11: np.float64, 10: np.float16}


def drawn(d, shape, code):
    kind = CODES[code]
    if code == 9:
        return d.truths(shape)
    return d.reals(shape, -9, 9, kind) if code in (1, 10, 11) else d.wholes(shape, 0 if code == 2 else -9, 9, kind)


def cast(d):
    start, end = d.of(*CODES), d.of(*CODES)
    x = drawn(d, d.shape(0), start)
    if end == 2 and start != 9:
        x = np.abs(x)  # what is below zero has no one value there
    return d.case("Cast", [x], d.opset(9), attributes={"to": end})


def cast_like(d):
    start, end = d.of(1, 6, 7, 9), d.of(1, 6, 7, 9)
    return d.case("CastLike", [drawn(d, d.shape(), start), drawn(d, d.shape(), end)], d.opset(15), maybe=(1,))


def clip(d):
    opset = d.opset(7)
    low, high = sorted([d.real(-3, 3), d.real(-3, 3)])
    if opset < 11:
        return d.case("Clip", [d.reals(d.shape(), -5, 5)], opset, attributes=d.some({"min": low, "max": high}))
    whole = opset >= 12 and d.flip(0.3)
    kind = np.int64 if whole else np.float32
    bounds = [np.asarray(int(v) if whole else v, kind) if d.flip(0.8) else None for v in (low, high)]
    return d.case("Clip", [numbers(d, d.shape(), kind if whole else None, -5, 5), *bounds], opset, maybe=(1, 2))


def prelu(d):
    shape = d.shape(1, 4)
    slope = [1] * len(shape) if d.flip(0.2) else d.broadcast(shape)
    return d.case("PRelu", [d.reals(shape, -4, 4), d.reals(slope, -1, 2)], d.opset(9), maybe=(1,))


def dropout(d):
    opset = d.opset(7)
    x, mask = d.reals(d.shape()), ["y0", "y1"] if opset >= 10 and d.flip(0.2) else ["y0"]
    if opset < 12:
        return d.case("Dropout", [x], opset, mask, d.some({"ratio": d.real(0, 0.9)}))
    ratio = np.asarray(d.real(0, 0.9), np.float32) if d.flip() else None
    training = np.asarray(False) if d.flip() else None
    return d.case("Dropout", [x, ratio, training], opset, mask, fixed=(1, 2))


def swiglu(d):
    shape = d.shape()
    return d.case("SwiGLU", [d.reals(shape), d.reals(shape)], 28, attributes=d.some({"alpha": d.real(0.5, 2)}))


def test_of(op):
    def make(d):
        attributes = d.some({"detect_negative": d.int(0, 1), "detect_positive": d.int(0, 1)}) if op == "IsInf" else {}
        return d.case(op, [d.reals(d.shape())], d.opset(10), attributes=attributes)

    return make


def bitwise(op):
    def make(d):
        a, b = d.pair()
        if op == "BitShift":
            way = {"direction": d.of("LEFT", "RIGHT")}
            return d.case(op, [d.wholes(a, 0, 99, np.uint32), d.wholes(b, 0, 5, np.uint32)], d.opset(11), attributes=way, maybe=(0, 1))
        kind = d.of(np.int32, np.int64, np.uint8)
        return d.case(op, [d.wholes(a, 0, 99, kind), d.wholes(b, 0, 99, kind)], d.opset(18), maybe=(0, 1))

    return make


MAKERS = {
    **{op: unary(op) for op in UNARY}, **{op: shaped(op) for op in SHAPED},
    **{op: arithmetic(op) for op in ("Add", "Sub", "Mul", "Div")}, **{op: variadic(op) for op in ("Max", "Min", "Mean", "Sum")},
    **{op: compare(op) for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")},
    **{op: logical(op) for op in ("And", "Or", "Xor")}, **{op: test_of(op) for op in ("IsNaN", "IsInf")},
    **{op: bitwise(op) for op in ("BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor")},
    "Not": lambda d: d.case("Not", [d.truths(d.shape())], d.opset(7)),
    "Cast": cast, "CastLike": cast_like, "Clip": clip, "Dropout": dropout, "Mod": remainder, "Pow": power, "PRelu": prelu,
    "SwiGLU": swiglu, "Where": where,
}
