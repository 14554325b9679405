#!/usr/bin/env python3
"""The small proofs of this folder under the independent verifier (tools/verify): what it derives from a key is what the C++ derives,
and it accepts the certificates, and none of them with one part changed. Standard library alone; exit code 0 if all is as it should be.
"""

import json
import pathlib
import struct
import sys
from dataclasses import replace

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))

from verify import blake3  # noqa: E402
from verify.certificate import Expectation, decode_certificate, verify_certificate  # noqa: E402
from verify.field import P  # noqa: E402
from verify.keys import decode_key  # noqa: E402
from verify.statements import slice_argument  # noqa: E402
from verify.verdict import Rejected  # noqa: E402

failures = []


def expect(what, got, wanted):
    if got != wanted:
        failures.append(f"{what}: {got}, not {wanted}")


def relation_of(relation):
    """As make_vectors writes it: tables as hashes of their rows."""
    def table(t):
        data = struct.pack("<Q", len(t.rows[0])) + b"".join(struct.pack("<Q", x % P) for row in t.rows for x in row)
        return [len(t.rows), blake3.hash_bytes(data).hex()]

    return {"tensors": [list(shape) for shape in relation.shapes], "tables": list(map(table, relation.tables)),
            "lookups": [[x.name, list(x.shape), x.table] for x in relation.lookups],
            "identities": [[x.name, list(x.shape)] for x in relation.identities],
            "products": [[x.name, list(x.letters)] for x in relation.products]}


def layout_of(layout, work):
    def geometry(g):
        return {"c": g.c, "r": g.r, "log_n": g.log_n, "t": g.t}

    groups = [{**geometry(g.geometry), "label": g.label, "vars": g.variables, "offset": g.offset,
               "trees": [{"label": tree.label, "rows": tree.rows} for tree in g.trees]} for g in layout.groups]
    return {"work": work, "vars": layout.variables, "pads": layout.pads, "slots": layout.slots, "end": geometry(layout.end),
            "groups": groups}


def user_of(key, certificate):
    """A user who knows what the certificate says of its own inputs and outputs."""
    user = Expectation(key.model_id, certificate.nonce)
    for edge in key.edges:
        boundary, = (certificate.table[c] for c in edge.chunks)
        tensor = {"values": boundary.values} if boundary.root is None else {"roots": [boundary.root]}
        (user.inputs if edge.is_input else user.outputs)[edge.name] = tensor
    return user


def verdict(key, certificate):
    try:
        verify_certificate(key, certificate, user_of(key, certificate))
        return "accepted"
    except Rejected as rejection:
        return rejection.reason


def changed(certificate, at):
    """One bit of the proof."""
    proof = bytearray(certificate.slices[0].proof)
    proof[at] ^= 1
    return replace(certificate, slices=[replace(certificate.slices[0], proof=bytes(proof))])


def another_value(key, certificate, is_input):
    """One integer of each public input, or output, told to the user as well."""
    table = list(certificate.table)
    for edge in key.edges:
        b, chunk = table[edge.chunks[0]], key.chunks[edge.chunks[0]]
        if edge.is_input == is_input and b.root is None:
            values = [b.values[0] + (1 if b.values[0] < chunk.hi else -1), *b.values[1:]]
            table[edge.chunks[0]] = replace(b, values=values)
    return replace(certificate, table=table)


def check(name):
    known = json.loads((HERE / f"{name}.json").read_text())
    key = decode_key((HERE / f"{name}.dsk").read_bytes())
    certificate = decode_certificate(key, (HERE / f"{name}.dscert").read_bytes())
    relation, layout = slice_argument(key.slices[0])
    for part, value in relation_of(relation).items():
        expect(f"{name} {part}", value, known["relation"][part])
    expect(f"{name} layout", layout_of(layout, key.slices[0].security.work), known["layout"])
    expect(f"{name} model id", key.model_id.hex(), known["model_id"])
    expect(name, verdict(key, certificate), "accepted")
    for is_input in (False, True):
        expect(f"{name}, another {'input' if is_input else 'output'}", verdict(key, another_value(key, certificate, is_input)),
               "proof of work")
    expect(f"{name}, magic", verdict(key, changed(certificate, 0)), "proof magic")
    expect(f"{name}, a root", verdict(key, changed(certificate, 8)), "proof of work")
    hidden = 8 + 32 * (len(layout.groups) + 1) + 16
    expect(f"{name}, a hidden message", verdict(key, changed(certificate, hidden)), "u does not evaluate to v")
    expect(f"{name}, the last byte", verdict(key, changed(certificate, -1)), "Merkle root")


def main():
    for name in ("proof-100", "proof-128", "rows-100"):
        check(name)
        print(f"{name}: checked")
    for failure in failures:
        print("wrong:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
