"""Writes small ONNX files: just enough of the protobuf format for tests. Weights are random with a fixed seed."""

import random
import struct

FLOAT, INT64 = 1, 7


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """An int as a varint, a float as 32 bits, text or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, shape, values, kind=FLOAT):
    raw = struct.pack(f"<{len(values)}{'f' if kind == FLOAT else 'q'}", *values)
    return b"".join(field(1, d) for d in shape) + field(2, kind) + field(8, name) + field(9, raw)


def attribute(name, value):
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    return field(1, name) + b"".join(field(8, x) for x in value) + field(20, 7)


def value_info(name, shape, kind=FLOAT):
    dims = b"".join(field(1, field(1, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


class Graph:
    def __init__(self, seed=1):
        self.random = random.Random(seed)
        self.nodes, self.constants, self.count = [], [], 0

    def weights(self, *shape, scale=1.0):
        size = 1
        for d in shape:
            size *= d
        return self.constant(shape, [self.random.uniform(-scale, scale) for _ in range(size)])

    def constant(self, shape, values, kind=FLOAT):
        name = f"c{len(self.constants)}"
        self.constants.append(tensor(name, shape, values, kind))
        return name

    def op(self, kind, *inputs, output=None, **attributes):
        self.count += 1
        output = output or f"t{self.count}"
        node = (b"".join(field(1, x) for x in inputs) + field(2, output) + field(3, f"n{self.count}") + field(4, kind)
                + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))
        self.nodes.append(node)
        return output

    def model(self, inputs, outputs, opset=13):
        """inputs, outputs: (name, shape), or (name, shape, kind)."""
        graph = (b"".join(field(1, n) for n in self.nodes) + field(2, "tiny") + b"".join(field(5, c) for c in self.constants)
                 + b"".join(field(11, value_info(*i)) for i in inputs) + b"".join(field(12, value_info(*o)) for o in outputs))
        return field(1, 8) + field(7, graph) + field(8, field(2, opset))
