"""Products: convolutions, matrices, Einsum, and what is written as them."""
import numpy as np


def window(d, axes, sizes, dilated=True):
    """Kernel, strides, dilations, pads of a window that fits into the sizes; the padded reach is at least the window."""
    kernel = [d.int(1, min(3, n)) for n in sizes]
    strides = d.ints(axes, 1, 3)
    dilations = [d.int(1, 2) if dilated and (k - 1) * 2 + 1 <= n else 1 for k, n in zip(kernel, sizes)]
    reach = [(k - 1) * g + 1 for k, g in zip(kernel, dilations)]
    pads = [d.int(0, min(2, k - 1)) for k in reach] + [d.int(0, min(2, k - 1)) for k in reach]
    return kernel, strides, dilations, pads


def placed(d, kernel, strides, dilations, pads):
    """Attributes of a window, with explicit pads or an auto_pad."""
    out = {"kernel_shape": kernel, **d.some({"strides": strides, "dilations": dilations})}
    if d.flip(0.3):
        out["auto_pad"] = d.of("VALID", "SAME_UPPER", "SAME_LOWER", "NOTSET")
        if out["auto_pad"].startswith("SAME"):
            out.pop("dilations", None)
    elif d.flip(0.7):
        out["pads"] = pads
    return out


def spatial(d, low=1):
    axes = d.of(1, 2, 2, 2, 3)
    return axes, [d.int(max(low, 1), {1: 12, 2: 7, 3: 4}[axes]) for _ in range(axes)]


def conv(d):
    axes, sizes = spatial(d)
    group, batch = d.of(1, 1, 1, 2, 3), d.int(1, 2)
    inward, outward = d.int(1, 2), d.int(1, 3)
    kernel, strides, dilations, pads = window(d, axes, sizes)
    attributes = placed(d, kernel, strides, dilations, pads)
    if d.flip(0.2):
        del attributes["kernel_shape"]
    if group > 1 or d.flip(0.2):
        attributes["group"] = group
    bias = d.weights([group * outward], 0.5) if d.flip() else None
    weights = d.weights([group * outward, inward, *kernel], 0.5)
    return d.case("Conv", [d.reals([batch, group * inward, *sizes]), weights, bias], d.opset(), attributes=attributes, maybe=(1, 2))


def conv_transpose(d):
    axes = d.of(1, 2, 2, 2, 3)
    sizes = [d.int(1, {1: 8, 2: 4, 3: 3}[axes]) for _ in range(axes)]
    group, inward, outward = d.of(1, 1, 2), d.int(1, 2), d.int(1, 2)
    kernel, strides, dilations = d.ints(axes, 1, 3), d.ints(axes, 1, 3), [d.of(1, 1, 2) for _ in range(axes)]
    attributes = {"kernel_shape": kernel, "strides": strides, **d.some({"dilations": dilations})}
    used = attributes.get("dilations", [1] * axes)
    whole = [s * (n - 1) + (k - 1) * g + 1 for n, k, s, g in zip(sizes, kernel, strides, used)]
    how = d.int(0, 3)
    if how == 0 and all((k - 1) * g + 1 >= s for k, g, s in zip(kernel, used, strides)):  # beyond, SAME means what whoever computes it says
        attributes["auto_pad"] = d.of("VALID", "SAME_UPPER", "SAME_LOWER")
    elif how == 1:
        attributes["output_padding"] = [d.int(0, max(s, g) - 1) for s, g in zip(strides, used)]
    elif how == 2:
        attributes["pads"] = [d.int(0, min(1, (n - 1) // 2)) for n in whole * 2]
    if group > 1:
        attributes["group"] = group
    bias = d.weights([group * outward], 0.5) if d.flip() else None
    weights = d.weights([group * inward, outward, *kernel], 0.5)
    return d.case("ConvTranspose", [d.reals([d.int(1, 2), group * inward, *sizes]), weights, bias], d.opset(), attributes=attributes,
                  maybe=(1, 2))


def gemm(d):
    m, k, n = d.int(1, 6), d.int(1, 8), d.int(1, 6)
    attributes = d.some({"alpha": d.real(-1.5, 2), "beta": d.real(-1, 2), "transA": d.int(0, 1), "transB": d.int(0, 1)})
    a = [k, m] if attributes.get("transA") else [m, k]
    b = [n, k] if attributes.get("transB") else [k, n]
    opset = d.opset()
    c = d.weights(d.of([m, n], [n], [1, n], [m, 1], [1], [])) if opset < 11 or d.flip(0.7) else None
    return d.case("Gemm", [d.reals(a), d.weights(b, 0.6), c], opset, attributes=attributes, maybe=(1, 2))


def matmul(d):
    m, k, n = d.int(1, 5), d.int(1, 7), d.int(1, 5)
    batch_a, batch_b = d.pair(12) if d.flip() else ([], [])
    a = [k] if not batch_a and d.flip(0.2) else [*batch_a, m, k]
    b = [k] if not batch_b and d.flip(0.2) else [*batch_b, k, n]
    return d.case("MatMul", [d.reals(a), d.weights(b, 0.6)], d.opset(), maybe=(d.int(0, 1),))


EQUATIONS = ("ij,jk->ik", "bij,bjk->bik", "ij->ji", "ij->", "ij->i", "i,j->ij", "bi,bi->b", "ijk,jl->ikl", "bhid,bhjd->bhij", "ii->i",
             "ij,jk,kl->il", "...ij,...jk->...ik", "ij,ij", "ijk->kij", "i,i->", "iij->j", "ab,cb", "...i->...", "aij,j->ai", "ij,kj->kij")


def einsum(d):
    equation = d.of(*EQUATIONS)
    size, front = {c: d.int(1, 4) for c in equation if c.isalpha()}, d.ints(d.int(0, 2), 1, 3)
    operands = []
    for term in equation.split("->")[0].split(","):
        lead = front if term.startswith("...") else []
        operands.append(d.reals([*lead, *(size[c] for c in term.removeprefix("..."))], -2, 2))
    return d.case("Einsum", operands, d.opset(12), attributes={"equation": equation}, maybe=(1,))


def batch_normalization(d):
    shape = [d.int(1, 2), d.int(1, 4), *d.shape(0, 3, 16)]
    c = shape[1]
    inputs = [d.reals(shape), d.reals([c], 0.3, 2), d.reals([c], -1, 1), d.reals([c], -1, 1), d.reals([c], 0.2, 3)]
    return d.case("BatchNormalization", inputs, d.opset(9), attributes=d.some({"epsilon": d.of(1e-5, 1e-3, 0.1)}), maybe=(1, 2, 3, 4))


def lrn(d):
    shape = [d.int(1, 2), d.int(1, 6), *d.ints(2, 1, 3)]
    attributes = {"size": d.of(1, 3, 5), **d.some({"alpha": d.real(0.0001, 0.5), "beta": d.real(0.3, 1), "bias": d.real(0.5, 2)})}
    return d.case("LRN", [d.reals(shape)], d.opset(), attributes=attributes)


MAKERS = {"BatchNormalization": batch_normalization, "Conv": conv, "ConvTranspose": conv_transpose, "Einsum": einsum, "Gemm": gemm,
          "LRN": lrn, "MatMul": matmul}
