"""float_run.py MODEL SHAPE REPEAT: times ONNX Runtime on one thread and prints JSON. Needs onnxruntime (bench/peers.py installs it)."""
import json
import statistics
import sys
import time
from pathlib import Path

import numpy
import onnxruntime

sys.path.insert(0, str(Path(__file__).parent))
import tensor  # noqa: E402

model, shape, repeat = sys.argv[1], [int(d) for d in sys.argv[2].split(",")], int(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
image = numpy.array(tensor.normal(int(numpy.prod(shape))), numpy.float32).reshape(shape)
feed = {session.get_inputs()[0].name: image}
session.run(None, feed)  # the first one plans memory
times = []
for _ in range(repeat):
    started = time.perf_counter()
    found = session.run(None, feed)
    times.append(time.perf_counter() - started)
print(json.dumps({"run_s": [statistics.median(times), min(times), max(times)], "version": onnxruntime.__version__,
                  "outputs": [float(x) for x in found[0].reshape(-1)][:1000]}))
