"""float_run.py MODEL INPUT.npy REPEAT: times ONNX Runtime on one thread and prints JSON. Needs onnxruntime (bench/peers.py installs it)."""
import json
import statistics
import sys
import time

import numpy
import onnxruntime

from suite import MOST_OUTPUTS

model, values, repeat = sys.argv[1], numpy.load(sys.argv[2]), int(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
port = session.get_inputs()[0]
feed = {port.name: values.astype(numpy.int64 if port.type == "tensor(int64)" else numpy.float32)}
session.run(None, feed)  # the first one plans memory
times = []
for _ in range(repeat):
    started = time.perf_counter()
    found = session.run(None, feed)
    times.append(time.perf_counter() - started)
document = {"run_s": [statistics.median(times), min(times), max(times)], "version": onnxruntime.__version__}
if found[0].size <= MOST_OUTPUTS:
    document["outputs"] = [float(x) for x in found[0].reshape(-1)]
print(json.dumps(document))
