"""A folder of certificates with known verdicts: manifest.json lists them, and this verifier must agree with every one.

An entry: name, key, certificate, expectation (files in the folder), accept, and for rejections reason and where. An expectation:
{"model_id": hex or null, "nonce": hex or null, "policy": [numbers] or null, "inputs", "outputs": {edge: {"values": [integers,
chunk after chunk]} or {"roots": [hex]}}}.

Files that do not decode are no verdicts but bad input, and their words no part of the formats (docs/formats/verdicts.md): of these
entries, known by a `where` that begins with "key" or "certificate", agreement means that this verifier calls them malformed too.
"""

import json
import os

from .certificate import Expectation, decode_certificate, verify_certificate
from .keys import decode_key
from .verdict import BadInput, Rejected, Unsupported


def read_expectation(document):
    def tensors(edges):
        return {name: {kind: [bytes.fromhex(r) for r in given] if kind == "roots" else given for kind, given in tensor.items()}
                for name, tensor in (edges or {}).items()}

    def data(name):
        return None if document.get(name) is None else bytes.fromhex(document[name])

    policy = document.get("policy")
    return Expectation(data("model_id"), data("nonce"), None if policy is None else set(policy),
                       tensors(document.get("inputs")), tensors(document.get("outputs")))


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def verdict(folder, entry, known_ranges):
    """(accepted, reason, where) of one entry."""
    user = read_expectation(json.loads(read(folder, entry["expectation"])))
    part = "key"
    try:
        key = decode_key(read(folder, entry["key"]))
        part = "certificate"
        certificate = decode_certificate(key, read(folder, entry["certificate"]))
        verify_certificate(key, certificate, user, known_ranges=known_ranges)
        return True, "", ""
    except Rejected as rejection:
        return False, rejection.reason, rejection.where
    except (BadInput, Unsupported) as error:
        return False, error.what, f"{part} > {error.where}" if error.where else part


def run(folder, say):
    """Whether every verdict agrees; `say` takes one line an entry."""
    manifest = json.loads(read(folder, "manifest.json"))
    agreed, known_ranges = 0, set()
    for entry in manifest:
        accepted, reason, where = verdict(folder, entry, known_ranges)
        expected = (entry["accept"], entry.get("reason") or "", entry.get("where") or "")
        same = (accepted, reason, where) == expected
        if not accepted and not expected[0] and malformed(expected[2]):
            same = malformed(where)
        agreed += same
        mine = "accepted" if accepted else f"rejected {reason} ({where})"
        say(f"{'agree ' if same else 'DIFFER'}  {entry['name']}: {mine}" + ("" if same else f"; expected {expected}"))
    say(f"{agreed} of {len(manifest)} verdicts agree")
    return agreed == len(manifest) and manifest != []


def malformed(where):
    return where.split(" > ")[0] in ("key", "certificate")
