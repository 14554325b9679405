"""The user's tensors as integers: .npy, JSON and 8-bit PNG. docs/formats/tensors.md, docs/semantics.md ("Input and output").

Everything becomes float32 first, as docs/formats/tensors.md says; then q = x 2^e rounded half away from zero and clamped.
"""

import ast
import json
import math
import struct
import zlib
from dataclasses import dataclass
from math import prod

from .verdict import BadInput, Unsupported, Usage, well_formed


@dataclass
class FileTensor:
    shape: list
    values: list       # float32, as Python floats
    image: bool = False  # pixels, shape (C, H, W)


def f32(x):
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError as error:
        raise BadInput("a value is beyond float32") from error


def read_tensors(path):
    """Tensors by name; the name of a nameless one is ""."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return {"": read_png(data)}
    if data[:6] == b"\x93NUMPY":
        return {"": read_npy(data)}
    try:
        document = json.loads(data)
    except ValueError as error:
        raise Unsupported("this verifier reads .npy, JSON and 8-bit PNG", path) from error
    if isinstance(document, dict):
        return {name: read_list(value) for name, value in document.items()}
    return {"": read_list(document)}


def read_list(value):
    """Nested lists: the nesting is the shape, and must be even."""
    shape, level = [], [value]
    while level and isinstance(level[0], list):
        well_formed(all(isinstance(x, list) and len(x) == len(level[0]) for x in level), "nested lists are uneven")
        shape.append(len(level[0]))
        level = [x for part in level for x in part]
    return FileTensor(shape, [number(x) for x in level])


def number(x):
    well_formed(isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x), "a value is no finite number")
    well_formed(not isinstance(x, int) or abs(x) <= 1 << 24, "an integer is beyond 2^24")
    return f32(x)


NPY_TYPES = {"<f4": "f", "<f8": "d", "|i1": "b", "|u1": "B", "|b1": "?", "<i2": "h", "<u2": "H", "<i4": "i", "<u4": "I",
             "<i8": "q", "<u8": "Q"}


def read_npy(data):
    wide = data[6] >= 2
    length, = struct.unpack_from("<I" if wide else "<H", data, 8)
    start = (12 if wide else 10) + length
    header = ast.literal_eval(data[12 if wide else 10:start].decode("latin-1"))
    if header["fortran_order"] or header["descr"] not in NPY_TYPES:
        raise BadInput("an .npy file in this order or of this type")
    shape, code = list(header["shape"]), NPY_TYPES[header["descr"]]
    well_formed(len(data) - start == prod(shape) * struct.calcsize("<" + code), "the .npy file's length is not its shape's")
    values = struct.unpack(f"<{prod(shape)}{code}", data[start:])
    return FileTensor(shape, [number(int(x) if isinstance(x, bool) else x) for x in values])


def read_png(data):
    """8 bits a channel, gray, RGB or palette; not interlaced, no gamma."""
    at, body, palette, header = 8, b"", None, None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at + 8:at + 8 + length]
        well_formed(zlib.crc32(kind + chunk) == struct.unpack_from(">I", data, at + 8 + length)[0], "PNG: a checksum is wrong")
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", chunk)
        elif kind == b"PLTE":
            palette = chunk
        elif kind == b"IDAT":
            body += chunk
        elif kind in (b"gAMA", b"tRNS"):
            raise Unsupported("this verifier reads no PNG with gamma or transparency")
        at += 12 + length
    width, height, depth, color, _, _, interlaced = header
    if depth != 8 or color not in (0, 2, 3) or interlaced:
        raise Unsupported("this verifier reads PNG with 8 bits a channel, gray, RGB or palette, not interlaced")
    channels = 3 if color == 2 else 1
    rows = unfilter(zlib.decompress(body), height, width * channels, channels)
    pixels = bytes(b for row in rows for b in row)
    if color == 3:
        pixels = b"".join(palette[3 * i:3 * i + 3] for i in pixels)
        channels = 3
    planes = [pixels[channel::channels] for channel in range(channels)]
    return FileTensor([channels, height, width], [float(x) for plane in planes for x in plane], image=True)


def unfilter(raw, height, stride, channels):
    rows, above = [], bytes(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a = row[i - channels] if i >= channels else 0
            b, c = above[i], above[i - channels] if i >= channels else 0
            if kind == 4:
                nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))
                row[i] = (row[i] + nearest[2]) & 255
            else:
                row[i] = (row[i] + (0, a, b, (a + b) // 2)[kind]) & 255
        rows.append(row)
        above = row
    return rows


# ---- layout and rounding

def storage_index(mapping):
    """Where each element of the user's tensor (row major) lies in the integer tensor: axis k of that is axis perm[k]."""
    shape, perm = mapping.shape, mapping.perm
    well_formed(sorted(perm) == list(range(len(shape))), "the layout does not belong to this tensor")
    strides, stride = [0] * len(shape), 1
    for k in reversed(perm):
        strides[k] = stride
        stride *= shape[k]
    index = [0]
    for size, stride in zip(shape, strides):
        index = [i + j * stride for i in index for j in range(size)]
    return index


def real_values(mapping, tensor):
    """float32 values in the order of the user's tensor: pixels are scaled, arrays are the model's own values."""
    def without_ones(shape):
        return [n for n in shape if n != 1]

    shape = list(mapping.shape)
    if not tensor.image:
        flat = len(tensor.shape) == 1 and tensor.shape[0] == prod(shape)
        well_formed(flat or without_ones(tensor.shape) == without_ones(shape), f"a tensor of shape {tensor.shape}, not {shape}")
        return tensor.values
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    c, h, w = tensor.shape
    pixels = tensor.values
    if shape == [h, w, c] and shape != [c, h, w]:
        pixels = [pixels[channel * h * w + i] for i in range(h * w) for channel in range(c)]
    elif shape != [c, h, w]:
        well_formed(c == 1 and without_ones(shape) in (without_ones([h, w]), [h * w]), f"an image of shape {tensor.shape}")
    block = prod(mapping.shape[2:])
    scale, bias = mapping.scale or [f32(1 / 255)], mapping.bias or [0.0]
    return [f32(f32(x * scale[i // block % len(scale)]) + bias[i // block % len(bias)]) for i, x in enumerate(pixels)]


def quantize(mapping, exponent, lo, hi, values):
    """q = round half away from zero(x 2^exponent), clamped, in the order of the integer tensor. An input of integers (exponent 0
    and a range that is not symmetric) takes whole numbers in its range."""
    integers = exponent == 0 and lo != -hi
    index = storage_index(mapping)
    well_formed(len(values) == len(index), f"{len(values)} values where {len(index)} are needed")
    out = [0] * len(index)
    for i, x in zip(index, values):
        well_formed(math.isfinite(x), "a value is NaN or infinite")
        well_formed(not integers or (x == math.floor(x) and lo <= x <= hi), "a value is not a whole number in the input's range")
        scaled = math.ldexp(abs(x), exponent)
        q = math.floor(scaled) + (scaled - math.floor(scaled) >= 0.5)
        out[i] = min(max(-q if x < 0 else q, lo), hi)
    return out


def read_inputs(arguments, key):
    """--input FILE, NAME=FILE, commit:HEX, NAME=commit:HEX: the inputs of an expectation."""
    edges = {e.mapping.name: e for e in key.edges if e.is_input}
    inputs, tensors = {}, {}
    for argument in arguments:
        name = next((n for n in edges if argument.startswith(n + "=")), "")
        value = argument[len(name) + 1:] if name else argument
        if value.startswith("commit:"):
            if not name and len(edges) != 1:
                raise Usage("which input is committed? write NAME=commit:HEX")
            roots = [from_hex(root, 32) for root in value[7:].split(",")]
            inputs.setdefault(name or next(iter(edges)), {"roots": []})["roots"] += roots
            continue
        read = read_tensors(value)
        if name:
            well_formed(len(read) == 1, "holds several tensors where one is named")
            read = {name: next(iter(read.values()))}
        for given, tensor in read.items():
            given = given or (next(iter(edges)) if len(edges) == 1 else given)
            well_formed(given in edges, f"the model has no such input: {given or '(unnamed)'}")
            well_formed(given not in tensors, f"input given twice: {given}")
            tensors[given] = tensor
    for name, edge in edges.items():
        if name in inputs:
            well_formed(name not in tensors, f"input given twice: {name}")
            continue
        well_formed(name in tensors, f"input not given: {name}")
        first = key.chunks[edge.chunks[0]]
        values = real_values(edge.mapping, tensors[name])
        inputs[name] = {"values": quantize(edge.mapping, first.exponent, first.lo, first.hi, values)}
    return inputs


def from_hex(text, size=None):
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Usage(f"not hexadecimal: {text}") from error
    if size is not None and len(data) != size or len(text) != 2 * len(data):
        raise Usage(f"expected {size} bytes in hexadecimal: {text}")
    return data
