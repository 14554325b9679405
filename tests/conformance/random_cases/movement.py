"""Data that is only moved."""
import math

import numpy as np
from draw import vector


def data(d, shape):
    """Floats, sometimes integers."""
    return d.wholes(shape) if d.flip(0.15) else d.reals(shape)


def simple(op):
    def make(d):
        shape = d.shape()
        attributes = {}
        if op == "Flatten" and d.flip(0.8):
            attributes["axis"] = d.int(0, len(shape))
        if op == "Transpose" and d.flip(0.8):
            attributes["perm"] = d.permutation(len(shape))
        return d.case(op, [data(d, shape)], d.opset(9), attributes=attributes)

    return make


def reshape(d):
    shape, opset = d.shape(), d.opset()
    left, parts = math.prod(shape), []
    for _ in range(d.int(0, 3)):
        parts.append(d.of(*[k for k in range(1, left + 1) if left % k == 0]))
        left //= parts[-1]
    parts.append(left)
    parts = [0 if i < len(shape) and shape[i] == n and d.flip(0.3) else n for i, n in enumerate(parts)]
    if d.flip():
        parts[d.int(0, len(parts) - 1)] = -1
    return d.case("Reshape", [data(d, shape), vector(*parts)], opset, fixed=(1,))


def squeeze(d):
    shape, opset = d.shape(0, 3), d.opset()
    for _ in range(d.int(1, 2)):
        shape.insert(d.int(0, len(shape)), 1)
    ones = [i - d.of(0, len(shape)) for i, n in enumerate(shape) if n == 1]
    ones = [ones[i] for i in d.permutation(len(ones))[: d.int(1, len(ones))]]
    return axes_of(d, "Squeeze", data(d, shape), ones if d.flip(0.8) else None, opset)


def axes_of(d, op, x, axes, opset):
    """Axes as an attribute or an input; negative attributes are of opset 11 on."""
    rank = x.ndim + (len(axes) if op == "Unsqueeze" else 0)
    if axes is not None and opset < 11:
        axes = [a % rank for a in axes]
    if axes is None:
        return d.case(op, [x], opset)
    if opset < 13:
        return d.case(op, [x], opset, attributes={"axes": axes})
    return d.case(op, [x, vector(*axes)], opset, fixed=(1,))


def unsqueeze(d):
    shape, count = d.shape(0, 3), d.int(1, 3)
    rank = len(shape) + count
    return axes_of(d, "Unsqueeze", data(d, shape), [a - d.of(0, rank) for a in d.permutation(rank)[:count]], d.opset())


def concat(d):
    shape = d.shape(1, 4, 40)
    axis, opset = d.axis(len(shape)), d.opset()
    if opset < 11:
        axis %= len(shape)
    whole, operands = d.flip(0.15), []
    for _ in range(d.int(1, 4)):
        shape[axis] = d.int(1, 4)
        operands.append(d.wholes(shape) if whole else d.reals(shape))
    return d.case("Concat", operands, opset, attributes={"axis": axis}, maybe=(d.int(0, 4), ))


def slices(d):
    shape, opset = d.shape(), d.opset()
    axes = [a for a in d.permutation(len(shape))[: d.int(1, len(shape))]]
    starts, ends, steps = [], [], []
    for a in axes:
        n = shape[a]
        step = d.of(1, 1, 1, 2, 3) * (d.of(1, 1, -1) if opset >= 10 else 1)
        low = d.int(0, n - 1)
        high = d.int(low, n - 1)
        if step > 0:
            start, end = low, d.of(high + 1, high + 1, 1000)
        else:
            start, end = d.of(high, high, 1000), low - 1 if low else -n - 1
        starts.append(start - n if start < n and d.flip(0.3) else start)
        ends.append(end - n if 0 <= end < n and end > 0 and d.flip(0.3) else end)
        steps.append(step)
    if opset < 10:
        return d.case("Slice", [data(d, shape)], opset, attributes={"starts": starts, "ends": ends, "axes": axes})
    axes = [a - d.of(0, len(shape)) for a in axes]
    inputs = [vector(*starts), vector(*ends), vector(*axes), vector(*steps)]
    if all(s == 1 for s in steps) and d.flip():
        inputs.pop()
    return d.case("Slice", [data(d, shape), *inputs], opset, fixed=(1, 2, 3, 4))


def split(d):
    shape, opset = d.shape(1, 4, 60), d.opset()
    axis = d.axis(len(shape))
    count = d.int(1, min(3, shape[axis]))
    cuts = sorted(d.permutation(shape[axis] - 1)[: count - 1]) if count > 1 else []
    edges = [0, *(c + 1 for c in cuts), shape[axis]]
    sizes = [b - a for a, b in zip(edges, edges[1:])]
    attributes = {"axis": axis % len(shape) if opset < 11 else axis}
    if opset < 13:
        return d.case("Split", [data(d, shape)], opset, count, {**attributes, "split": sizes})
    if opset >= 18 and d.flip():
        return d.case("Split", [data(d, shape)], opset, -(-shape[axis] // -(-shape[axis] // count)),
                      {**attributes, "num_outputs": -(-shape[axis] // -(-shape[axis] // count))})
    return d.case("Split", [data(d, shape), vector(*sizes)], opset, count, attributes, fixed=(1,))


def expand(d):
    shape = d.shape()
    return d.case("Expand", [data(d, d.broadcast(shape)), vector(*(1 if d.flip(0.1) and n == 1 else n for n in shape))], d.opset(8),
                  fixed=(1,))


def tile(d):
    shape = d.shape(1, 4, 30)
    return d.case("Tile", [data(d, shape), vector(*d.ints(len(shape), 1, 3))], d.opset(), fixed=(1,))


def pad(d):
    shape, opset = d.shape(1, 4, 60), d.opset()
    mode = d.of("constant", "constant", "edge", "reflect", *(["wrap"] if opset >= 19 else []))
    rank = len(shape)
    axes = d.axes(rank) if opset >= 18 and d.flip() else None
    reach = [shape[a] for a in axes] if axes else shape
    if mode == "constant":
        amounts = [d.int(0 if n == 1 else -((n - 1) // 2), 3) for n in reach * 2]
    else:
        amounts = [d.int(0, n - 1 if mode == "reflect" else min(n, 3)) for n in reach * 2]
    value = d.real(-2, 2)
    if opset < 11:
        return d.case("Pad", [d.reals(shape)], opset, attributes={"mode": mode, "pads": amounts, **d.some({"value": value})})
    inputs = [d.reals(shape), vector(*amounts), np.asarray(value, np.float32) if mode == "constant" and d.flip() else None,
              vector(*axes) if axes else None]
    return d.case("Pad", inputs, opset, attributes={"mode": mode}, fixed=(1, 2, 3))


def center_crop_pad(d):
    shape = d.shape()
    axes = d.axes(len(shape)) if d.flip() else None
    return d.case("CenterCropPad", [d.reals(shape), vector(*d.ints(len(axes or shape), 1, 7))], d.opset(18),
                  attributes={"axes": axes} if axes else {}, fixed=(1,))


def compress(d):
    shape = d.shape()
    axis = d.axis(len(shape)) if d.flip(0.7) else None
    n = math.prod(shape) if axis is None else shape[axis]
    chosen = d.truths([d.int(1, n)])
    chosen[d.int(0, len(chosen) - 1)] = True
    return d.case("Compress", [d.reals(shape), chosen], d.opset(11), attributes={} if axis is None else {"axis": axis}, fixed=(1,))


def reverse_sequence(d):
    shape = [d.int(1, 4), d.int(1, 4), *d.shape(0, 2, 6)]
    batch = d.int(0, 1)
    return d.case("ReverseSequence", [d.reals(shape), d.wholes([shape[batch]], 1, shape[1 - batch])], d.opset(10),
                  attributes={"batch_axis": batch, "time_axis": 1 - batch}, fixed=(1,))


def blocks(op):
    def make(d):
        size, opset = d.int(1, 3), d.opset(13)
        c, h, w = d.int(1, 2), d.int(1, 3), d.int(1, 3)
        if op == "DepthToSpace":
            return d.case(op, [d.reals([d.int(1, 2), c * size * size, h, w])], opset,
                          attributes={"blocksize": size, **d.some({"mode": d.of("DCR", "CRD")})})
        return d.case(op, [d.reals([d.int(1, 2), c, h * size, w * size])], opset, attributes={"blocksize": size})

    return make


def trilu(d):
    shape = d.shape(2, 4)
    k = np.asarray(d.int(-4, 4), np.int64) if d.flip() else None
    return d.case("Trilu", [data(d, shape), k], d.opset(14), attributes=d.some({"upper": d.int(0, 1)}), fixed=(1,))


MAKERS = {**{op: simple(op) for op in ("Flatten", "Transpose")}, **{op: blocks(op) for op in ("DepthToSpace", "SpaceToDepth")},
          "CenterCropPad": center_crop_pad, "Compress": compress, "Concat": concat, "Expand": expand, "Pad": pad, "Reshape": reshape,
          "ReverseSequence": reverse_sequence, "Slice": slices, "Split": split, "Squeeze": squeeze, "Tile": tile, "Trilu": trilu,
          "Unsqueeze": unsqueeze}
