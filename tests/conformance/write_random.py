#!/usr/bin/env python3
"""Writes random models of one operator, their inputs, and the outputs that ONNX Runtime gives, as write_cases.py writes ONNX's own.

    python3 tests/conformance/write_random.py FOLDER --count N --seed S [--only REGEX]

N for each operator of the modules in random_cases. A case depends on the seed, the operator and its number, and on nothing else: case 3
of Conv is the same whatever N is. What ONNX Runtime has no kernel for (element types, opsets that it does not know), ONNX's reference
evaluator computes; what neither takes is drawn again. index.json: name, operator, opset, and who computed it.
"""
import argparse
import json
import re
import shutil
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, str(Path(__file__).resolve().parent / "random_cases"))
import control  # noqa: E402
import elementwise  # noqa: E402
import folded  # noqa: E402
import indexed  # noqa: E402
import linear  # noqa: E402
import movement  # noqa: E402
import normalize  # noqa: E402
import pool  # noqa: E402
import quantized  # noqa: E402
import reduce  # noqa: E402
import sequences  # noqa: E402
from draw import Draw  # noqa: E402

MODULES = (elementwise, linear, pool, movement, indexed, reduce, normalize, quantized, sequences, control, folded)
MAKERS = {op: make for module in MODULES for op, make in module.MAKERS.items()}
TRIES = 40


def model_of(case, outputs):
    """The case's model; outputs: value infos by name, or none yet."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(case.inputs)]
    given = [(n, x) for i, (n, x) in enumerate(zip(names, case.inputs)) if n]
    ports = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in given
             if int(n[1:]) not in case.constant]
    constants = [numpy_helper.from_array(x, n) for n, x in given if int(n[1:]) in case.constant]
    node = helper.make_node(case.op, [n for i, n in enumerate(names) if i not in case.outer], case.outputs, **case.attributes)
    wanted = [outputs.get(n) or helper.make_empty_tensor_value_info(n) for n in case.outputs if n]
    graph = helper.make_graph([node], case.op, ports, wanted, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)], ir_version=8)


def runtime(model, feed):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feed)


def reference(model, feed):
    with np.errstate(all="ignore"):
        return [np.asarray(v) for v in ReferenceEvaluator(model).run(None, feed)]


def computed(case):
    """(model, inputs, outputs, who computed), or None if the case is no valid model."""
    model = onnx.shape_inference.infer_shapes(model_of(case, {}))
    feed = {p.name: case.inputs[int(p.name[1:])] for p in model.graph.input}
    for who, run in (("onnxruntime", runtime), ("reference", reference)):
        try:
            values = run(model, feed)
            break
        except Exception as e:  # each raises types of its own
            said = e
    else:
        return None, str(said)
    names = [n for n in case.outputs if n]
    if any(v.size == 0 or v.dtype == object for v in values):
        return None, "an output without elements"
    if not all(np.isfinite(v).all() for v in values):
        return None, "NaN or infinity"
    infos = {n: helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in zip(names, values)}
    return (model_of(case, infos), list(feed.values()), values, who), ""


def make(op, seed, number):
    """A case of the operator: the first draw that is a valid model."""
    last = ""
    for attempt in range(TRIES):
        draw = Draw(seed, zlib.crc32(op.encode()), number, attempt)
        found, last = computed(MAKERS[op](draw))
        if found:
            return found
    sys.exit(f"{op} {number}: none of {TRIES} draws is a model that runs; the last: {last[:500]}")


def write(folder, model, inputs, outputs):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    for prefix, values in (("input", inputs), ("output", outputs)):
        for i, v in enumerate(values):
            (data / f"{prefix}_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(v)).SerializeToString(deterministic=True))


def main(words):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("folder", type=Path)
    p.add_argument("--count", type=int, default=10)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only")
    args = p.parse_args(words)
    warnings.simplefilter("ignore")
    shutil.rmtree(args.folder, ignore_errors=True)
    index = []
    for op in sorted(MAKERS):
        for number in range(args.count):
            name = f"{op.lower()}_{args.seed}_{number}"
            if args.only and not re.search(args.only, name):
                continue
            model, inputs, outputs, who = make(op, args.seed, number)
            write(args.folder / name, model, inputs, outputs)
            index.append({"name": name, "operator": op, "expanded": False, "opset": model.opset_import[0].version, "by": who})
    (args.folder / "index.json").write_text(json.dumps(index, indent=0) + "\n")
    print(f"{len(index)} cases")


if __name__ == "__main__":
    main(sys.argv[1:])
