#!/usr/bin/env python3
"""Stands where float_engine expects a Python: the other end of bridge.py's protocol, with an engine that turns its first input around.

For tests without an engine. The standard library alone. FAKE_ENGINE says what is wrong with it: "missing", "refuses", "dies", "shape",
"nan"; FAKE_VERSION is its version.
"""

import os
import socket
import struct
import sys

channel = socket.socket(fileno=os.dup(0))
fault = os.environ.get("FAKE_ENGINE", "")


def take(size):
    data = b""
    while len(data) < size:
        part = channel.recv(size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data


def number(form):
    return struct.unpack(form, take(struct.calcsize(form)))[0]


def say(*parts):
    channel.sendall(b"".join(parts))


def text(value):
    return struct.pack("<I", len(value)) + value.encode()


def read_tensor():
    take(number("<I"))
    kind, rank = number("<B"), number("<I")
    shape = struct.unpack(f"<{rank}q", take(8 * rank))
    return kind, shape, take(number("<Q"))


if fault == "missing":
    say(b"\0", text("ModuleNotFoundError: No module named 'onnxruntime'"))
    sys.exit(1)
say(b"\1", text(os.environ.get("FAKE_VERSION", "1.0.fake")))
while True:
    what = take(1)
    if what == b"L":
        take(number("<Q"))
        say(b"\0", text("no such operator")) if fault == "refuses" else say(b"\1")
        continue
    number("<I")
    kind, shape, data = [read_tensor() for _ in range(number("<I"))][0]
    if fault == "dies":
        sys.exit(1)
    size = 4 if kind == 0 else 8
    data = b"".join(reversed([data[i:i + size] for i in range(0, len(data), size)]))
    if fault == "nan":
        data = struct.pack("<f", float("nan")) + data[4:]
    if fault == "shape":
        shape = (*shape, 1)
    say(b"\1", struct.pack("<I", 1), struct.pack(f"<BI{len(shape)}qQ", kind, len(shape), *shape, len(data)), data)
