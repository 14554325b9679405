#!/usr/bin/env python3
"""Writes ONNX's single-operator cases as files: FOLDER/NAME/{model.onnx, test_data_set_0/{input,output}_i.pb}, and FOLDER/index.json.

    python3 tests/conformance/write_cases.py FOLDER

Runs in the environment that tools/conformance.py makes (requirements.txt beside it). The same files every time: random numbers have one
seed, messages are serialized in one order. index.json lists per case: name, operator (of an expanded case that of the case it expands),
operators of its nodes, opsets. Tested by tools/conformance_test.py.
"""
import json
import random
import sys
import warnings
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

SEED = 20240601


def collect():
    """All cases. Importing the modules makes them, so the seed comes first."""
    random.seed(SEED)
    np.random.seed(SEED)
    draws = np.random.default_rng
    np.random.default_rng = lambda seed=None: draws(SEED if seed is None else seed)
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    return collect_testcases()


def message(value, port):
    """A value as the protobuf message that files hold: a tensor, a sequence, or an optional one."""
    if hasattr(value, "SerializeToString"):
        return value
    kind = port.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, port.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, port.name)
    if kind == "map_type":
        return numpy_helper.from_dict(value, port.name)
    return numpy_helper.from_array(np.asarray(value), port.name)


def element_types(ports):
    kinds = set()
    for port in ports:
        kind = port.type.WhichOneof("value")
        kinds.add(TensorProto.DataType.Name(port.type.tensor_type.elem_type) if kind == "tensor_type" else kind)
    return sorted(kinds)


def operators(graph):
    """Types of all nodes, inner graphs included, each once."""
    found = set()
    for node in graph.node:
        found.add(node.op_type if node.domain in ("", "ai.onnx") else node.domain + "." + node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found.update(operators(attribute.g))
    return sorted(found)


def write(case, folder):
    """The case's files; a line of the index without its operator."""
    data = folder / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString(deterministic=True))
    for prefix, values, ports in zip(("input", "output"), case.data_sets[0], (case.model.graph.input, case.model.graph.output)):
        for i, (value, port) in enumerate(zip(values, ports)):
            (data / f"{prefix}_{i}.pb").write_bytes(message(value, port).SerializeToString(deterministic=True))
    graph = case.model.graph
    return {
        "name": case.name,
        "nodes": len(graph.node),
        "operators": operators(graph),
        "types": element_types([*graph.input, *graph.output]),
        "opsets": {o.domain: o.version for o in case.model.opset_import},
    }


def name_operators(entries):
    """The operator of every case. One that ends in _expanded (and maybe a version) is a function's body: its operator is that of
    the case before it that it expands."""
    whole = {}
    for entry in entries:
        base = entry["name"].split("_expanded")[0]
        if "_expanded" not in entry["name"]:
            whole[base] = entry["operators"][-1] if entry["nodes"] == 1 and len(entry["operators"]) == 1 else None
    for entry in entries:
        name = entry["name"]
        base = name.split("_expanded")[0]
        entry["expanded"] = "_expanded" in name and base in whole
        entry["operator"] = whole.get(base) or entry["main"]
        del entry["main"]


def main(folder):
    cases = collect()
    entries = []
    for case in cases:
        if len(case.data_sets) != 1:
            sys.exit(f"{case.name}: expected one data set")
        entry = write(case, folder / case.name)
        entry["main"] = case.model.graph.node[0].op_type
        entries.append(entry)
    entries.sort(key=lambda e: e["name"])
    if len({e["name"] for e in entries}) != len(entries):
        sys.exit("two cases have one name")
    name_operators(entries)
    (folder / "index.json").write_text(json.dumps(entries, indent=0) + "\n")
    print(f"{len(entries)} cases")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
