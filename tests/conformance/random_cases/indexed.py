"""What moves by indices, and images that change their size."""
import numpy as np
from draw import vector
from movement import data


def indices(d, shape, n):
    """Positions on an axis of n; some count from its end."""
    low = -n if d.flip() else 0
    return d.wholes(shape, low, n - 1, d.of(np.int64, np.int64, np.int32))


def gather(d):
    """Indices of the user count from the front: dsperse takes no others."""
    shape, opset = d.shape(1, 4, 60), d.opset(11)
    axis, many = d.axis(len(shape)), d.shape(0, 2, 6)
    attributes = {"axis": axis} if d.flip(0.8) or axis % len(shape) else {}
    if d.flip():
        return d.case("Gather", [data(d, shape), indices(d, many, shape[axis])], opset, attributes=attributes, fixed=(1,), maybe=(0,))
    return d.case("Gather", [data(d, shape), d.wholes(many, 0, shape[axis] - 1)], opset, attributes=attributes, fixed=(0,))


def gather_elements(d):
    shape = d.shape(1, 3, 40)
    axis = d.axis(len(shape))
    reach = [d.int(1, n) for n in shape]
    reach[axis] = d.int(1, 5)
    return d.case("GatherElements", [data(d, shape), indices(d, reach, shape[axis])], d.opset(11), attributes={"axis": axis}, fixed=(1,))


def tuples(d, lead, sizes):
    return np.stack([indices(d, lead, n).astype(np.int64) for n in sizes], axis=-1)


def gather_nd(d):
    shape, opset = d.shape(1, 4, 60), d.opset(11)
    batch = d.int(0, len(shape) - 1) if opset >= 12 and d.flip(0.4) else 0
    depth = d.int(1, len(shape) - batch)
    lead = shape[:batch] + d.shape(0 if batch else 1, 2, 5)
    return d.case("GatherND", [data(d, shape), tuples(d, lead, shape[batch: batch + depth])], opset,
                  attributes={"batch_dims": batch} if batch else {}, fixed=(1,))


def scatter_elements(op):
    def make(d):
        shape = d.shape(1, 3, 40)
        axis = d.axis(len(shape))
        reach = [d.int(1, n) for n in shape]
        positions = np.argsort(d.rng.random(reach[:axis % len(shape)] + [shape[axis]] + reach[axis % len(shape) + 1:]), axis=axis)
        positions = np.take(positions, range(reach[axis]), axis=axis)  # none twice
        positions = np.where(d.rng.random(positions.shape) < d.of(0, 0.4), positions - shape[axis], positions).astype(np.int64)
        opset = d.opset(11, 10 ** 9 if op == "ScatterElements" else 10) if op == "ScatterElements" else d.int(9, 10)
        opset = min(opset, 28)
        attributes = {"axis": axis if op == "ScatterElements" else axis % len(shape)}
        if opset >= 16 and d.flip(0.3):
            attributes["reduction"] = "add"
        return d.case(op, [d.reals(shape), positions, d.reals(reach)], opset, attributes=attributes, fixed=(1,), maybe=(0, 2))

    return make


def scatter_nd(d):
    shape, opset = d.shape(1, 3, 40), d.opset(11)
    depth = d.int(1, len(shape))
    count = int(np.prod(shape[:depth]))
    chosen = d.permutation(count)[: d.int(1, count)]
    positions = np.stack(np.unravel_index(chosen, shape[:depth]), axis=-1).astype(np.int64)
    attributes = {"reduction": d.of("add", "none")} if opset >= 16 and d.flip(0.4) else {}
    return d.case("ScatterND", [d.reals(shape), positions, d.reals([len(chosen), *shape[depth:]])], opset, attributes=attributes,
                  fixed=(1,), maybe=(0, 2))


def one_hot(d):
    shape, depth = d.shape(0, 3, 12), d.int(1, 6)
    return d.case("OneHot", [d.wholes(shape, -depth - 1, depth + 1), np.asarray(depth, np.int64).reshape(d.of((), (1,))),
                             d.reals([2], -3, 3)], d.opset(11), attributes=d.some({"axis": d.axis(len(shape) + 1)}), fixed=(1, 2))


MODES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "tf_crop_and_resize", "half_pixel_symmetric")


def resize(d):
    opset, mode = d.of(10, 11, 13, 18, 19, 22, 24), d.of("nearest", "linear", "cubic")
    shape = [d.int(1, 2), d.int(1, 2), d.int(1, 5), d.int(1, 5)]
    scales = [1.0, 1.0, d.of(0.5, 0.6, 0.8, 1, 1.5, 2, 2.3, 3), d.of(0.5, 0.6, 0.8, 1, 1.5, 2, 3)]
    scales = [s if int(n * s) >= 1 else 1.0 for n, s in zip(shape, scales)]
    x = d.reals(shape)
    if opset == 10:
        return d.case("Resize", [x, np.asarray(scales, np.float32)], 10, attributes={"mode": "linear" if mode == "cubic" else mode}, fixed=(1,))
    coordinates = d.of(*MODES[: 6 if opset >= 19 else 5])
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes.update(d.some({"nearest_mode": d.of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")}))
    if mode == "cubic":
        attributes.update(d.some({"cubic_coeff_a": d.of(-0.5, -0.75), "exclude_outside": d.int(0, 1)}))
    if opset >= 18 and mode != "nearest" and coordinates != "tf_crop_and_resize" and d.flip(0.3):
        attributes["antialias"] = 1
    roi = None
    if coordinates == "tf_crop_and_resize":
        low = [0.0, 0.0, d.real(0, 0.4), d.real(0, 0.4)]
        roi = np.asarray([*low, 1.0, 1.0, d.real(0.5, 1), d.real(0.5, 1.2)], np.float32)
        attributes.update(d.some({"extrapolation_value": d.of(0.0, 2.5)}, 0.3))
    sizes = None
    if d.flip():
        sizes, scales = vector(*[max(1, int(n * s)) for n, s in zip(shape, scales)]), None
    if opset < 13:
        roi = np.zeros(0, np.float32) if roi is None else roi
        scales = np.zeros(0, np.float32) if scales is None else scales
    given = None if scales is None else np.asarray(scales, np.float32)
    return d.case("Resize", [x, roi, given, sizes], opset, attributes=attributes, fixed=(1, 2, 3))


def upsample(d):
    opset, shape = d.int(7, 9), [d.int(1, 2), d.int(1, 2), d.int(1, 4), d.int(1, 4)]
    scales, mode = [1.0, 1.0, d.of(1.0, 2.0, 2.5, 3.0), d.of(1.0, 1.5, 2.0)], d.of("nearest", "linear")
    if opset < 9:
        return d.case("Upsample", [d.reals(shape)], opset, attributes={"mode": mode, "scales": scales})
    return d.case("Upsample", [d.reals(shape), np.asarray(scales, np.float32)], opset, attributes={"mode": mode}, fixed=(1,))


def grid_sample(d):
    opset, volume = d.opset(16), d.flip(0.2)
    if opset < 20:
        volume, mode = False, d.of("bilinear", "nearest", "bicubic")
    else:
        mode = d.of("linear", "nearest", *([] if volume else ["cubic"]))
    n, axes = d.int(1, 2), 3 if volume else 2
    x = d.reals([n, d.int(1, 2), *d.ints(axes, 2, 4)])
    attributes = {"mode": mode, **d.some({"padding_mode": d.of("zeros", "border", "reflection"), "align_corners": d.int(0, 1)})}
    grid = d.rng.uniform(-1.3, 1.3, [n, *d.ints(axes, 1, 3), axes]).astype(np.float32)
    return d.case("GridSample", [x, grid], opset, attributes=attributes, fixed=(1,))


def affine_grid(d):
    axes, n = d.of(2, 2, 3), d.int(1, 2)
    size = vector(n, d.int(1, 2), *d.ints(axes, 2, 4))
    return d.case("AffineGrid", [d.reals([n, axes, axes + 1], -1, 1), size], d.opset(20), attributes=d.some({"align_corners": d.int(0, 1)}),
                  fixed=(1,))


MAKERS = {"AffineGrid": affine_grid, "Gather": gather, "GatherElements": gather_elements, "GatherND": gather_nd, "GridSample": grid_sample, "OneHot": one_hot, "Resize": resize,
          "Scatter": scatter_elements("Scatter"), "ScatterElements": scatter_elements("ScatterElements"), "ScatterND": scatter_nd,
          "Upsample": upsample}
