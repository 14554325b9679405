# Runs ONNX networks in float32 with an engine that this Python has, for the process at the other end of standard input.
#
# Embedded into dsperse (float_engine/engine.cc has the other side). Little-endian; a message from there is "L" (a network to load)
# or "R" (run one); the answer begins with 1, or with 0 and a text. Inputs get the network's types; of outputs float16 and double
# become float32, integers int64.
import os
import socket
import struct
import sys

if sys.path and sys.path[0] == "":
    del sys.path[0]  # nothing of the working folder
channel = socket.socket(fileno=os.dup(0))
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)  # what libraries print is no message


def take(size):
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        got = channel.recv_into(view[at:])
        if got == 0:
            sys.exit(0)
        at += got
    return bytes(data)


def number(form):
    return struct.unpack(form, take(struct.calcsize(form)))[0]


def say(*parts):
    channel.sendall(b"".join(parts))


def text(value):
    data = value.encode("utf-8", "replace")
    return struct.pack("<I", len(data)) + data


class OnnxRuntime:
    def __init__(self):
        import onnxruntime

        self.library = onnxruntime
        self.version = onnxruntime.__version__

    def load(self, network):
        options = self.library.SessionOptions()
        options.log_severity_level = 3
        session = self.library.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        types = {i.name: {"tensor(int64)": "<i8", "tensor(bool)": "?"}.get(i.type, "<f4") for i in session.get_inputs()}
        return lambda inputs: session.run(None, {name: value.astype(types[name]) for name, value in inputs.items()})


class OpenVino:
    def __init__(self):
        import openvino

        self.core = openvino.Core()
        self.version = openvino.__version__.split("-")[0]

    def load(self, network):
        model = self.core.read_model(network, b"")
        compiled = self.core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        types = {port.get_any_name(): port.get_element_type().to_dtype() for port in compiled.inputs}

        def run(inputs):
            answer = compiled({name: value.astype(types[name]) for name, value in inputs.items()})
            return [answer[port] for port in compiled.outputs]

        return run


try:
    import numpy

    engine = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}[sys.argv[1]]()
except Exception as error:
    say(b"\0", text(f"{type(error).__name__}: {error}"))
    sys.exit(1)
TYPES = [numpy.dtype("<f4"), numpy.dtype("<i8"), numpy.dtype("?")]


def read_tensor():
    name = take(number("<I")).decode()
    dtype, rank = TYPES[number("<B")], number("<I")
    shape = struct.unpack(f"<{rank}q", take(8 * rank))
    return name, numpy.frombuffer(take(number("<Q")), dtype).reshape(shape)


def written(value):
    value = numpy.asarray(value)
    kind = {"f": 0, "i": 1, "u": 1, "b": 2}.get(value.dtype.kind)
    if kind is None:
        raise TypeError(f"an output of type {value.dtype}")
    shape = value.shape
    data = numpy.ascontiguousarray(value, TYPES[kind]).tobytes()
    return struct.pack(f"<BI{len(shape)}qQ", kind, len(shape), *shape, len(data)) + data


networks = []
say(b"\1", text(engine.version))
while True:
    what = take(1)
    try:
        if what == b"L":
            networks.append(engine.load(take(number("<Q"))))
            say(b"\1")
        else:
            run = networks[number("<I")]
            inputs = dict(read_tensor() for _ in range(number("<I")))
            outputs = [written(value) for value in run(inputs)]
            say(b"\1", struct.pack("<I", len(outputs)), *outputs)
    except Exception as error:
        say(b"\0", text(f"{type(error).__name__}: {error}"))
