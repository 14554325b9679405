"""The claimed output: output.json. docs/formats/output.md. Only its integers are claims; the rest must follow from them."""

import json
import math

from .inputs import f32, storage_index
from .verdict import BadInput, Rejected, well_formed


def read_output(data, key):
    """The outputs of an expectation, and what the document says that does not follow from its integers: a rejection or None."""
    try:
        document = json.loads(data)
    except ValueError as error:
        raise BadInput("output: not JSON") from error
    well_formed(isinstance(document, dict) and document.get("format") == "dsperse-output" and document.get("version") == 1
                and isinstance(document.get("outputs"), dict), "output: not a dsperse output")
    edges = {e.name: e for e in key.edges if e.is_output}
    outputs, inconsistent = {}, None
    for name, claimed in document["outputs"].items():
        if name not in edges:
            inconsistent = inconsistent or Rejected("the model has no such output", name)
            continue
        integers = claimed.get("integers") if isinstance(claimed, dict) else None
        well_formed(isinstance(integers, list) and all(type(x) is int and abs(x) <= 1 << 24 for x in integers),
                    f"output: an integer is none: {name}")
        edge = edges[name]
        index = storage_index(edge.mapping)
        well_formed(len(integers) == len(index), f"output: {len(integers)} values where {len(index)} are needed: {name}")
        outputs[name] = {"values": [q for _, q in sorted(zip(index, integers))]}
        if not same(claimed, reading(key, edge, integers)):
            inconsistent = inconsistent or Rejected(
                "output: values, shape, exponent or label do not follow from the integers", name)
    if document.get("model_id") != key.model_id.hex():
        inconsistent = inconsistent or Rejected("output of another model")
    return outputs, inconsistent


def reading(key, edge, integers):
    """What a document with these integers says of an output."""
    exponent = key.chunks[edge.chunks[0]].exponent
    out = {"shape": edge.mapping.shape, "exponent": exponent, "integers": integers,
           "values": [f32(math.ldexp(q, -exponent)) for q in integers]}
    if len(integers) > 1:
        out["top1"] = integers.index(max(integers))
        if len(key.labels) == len(integers) and key.labels[out["top1"]]:
            out["label"] = key.labels[out["top1"]]
    return out


def same(a, b):
    """Equal as JSON: numbers by value, true and 1 apart."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b
