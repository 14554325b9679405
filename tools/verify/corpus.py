"""A folder of certificates with known verdicts: manifest.json lists them, and this verifier must agree with every one.

An entry: name, key, certificate, expectation (files in the folder), accept, and for rejections reason and where.
Expectations: docs/formats/expectation.md.

Files that do not decode are no verdicts but bad input, and their words no part of the formats (docs/formats/verdicts.md): of these
entries, known by a `where` that begins with "key" or "certificate", agreement means that this verifier refuses them too, and as the
same `fault` if the entry names one: "malformed" or "unsupported".
"""

import json
import os
from functools import lru_cache, partial
from multiprocessing import Pool

from .certificate import Expectation, decode_certificate, verify_certificate
from .keys import decode_key
from .verdict import BadInput, Rejected, Unsupported, well_formed


def read_expectation(document):
    """docs/formats/expectation.md, "JSON"."""
    def members(thing, names):
        well_formed(isinstance(thing, dict) and set(thing) <= names, "the expectation has an unknown member")
        return thing

    def integers(values):
        well_formed(isinstance(values, list) and all(type(x) is int for x in values), "the expectation's integers are none")
        return values

    def data(text, size=None):
        try:
            value = bytes.fromhex(text)
        except (TypeError, ValueError) as error:
            raise BadInput("the expectation has no hexadecimal digits where it should") from error
        well_formed(size in (None, len(value)) and len(value) <= 64, "the expectation's digests or nonce have a wrong length")
        return value

    def tensors(edges):
        out = {}
        for name, tensor in edges.items():
            members(tensor, {"values", "roots"})
            out[name] = {kind: integers(given) if kind == "values" else [data(root, 32) for root in given]
                         for kind, given in tensor.items()}
        return out

    members(document, {"model_id", "nonce", "policy", "inputs", "outputs"})
    model_id, nonce, policy = (document.get(name) for name in ("model_id", "nonce", "policy"))
    return Expectation(None if model_id is None else data(model_id, 32), None if nonce is None else data(nonce),
                       None if policy is None else set(integers(policy)),
                       tensors(document.get("inputs", {})), tensors(document.get("outputs", {})))


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


@lru_cache(maxsize=4)
def key_of(folder, file):
    """Entries of one key follow each other."""
    return decode_key(read(folder, file))


known_ranges = set()  # of this process: docs of verify_certificate


def verdict(folder, entry):
    """(accepted, reason, where) of one entry, and the fault of files that do not decode."""
    user = read_expectation(json.loads(read(folder, entry["expectation"])))
    part = "key"
    try:
        key = key_of(folder, entry["key"])
        part = "certificate"
        certificate = decode_certificate(key, read(folder, entry["certificate"]))
        verify_certificate(key, certificate, user, known_ranges=known_ranges)
        return (True, "", ""), None
    except Rejected as rejection:
        return (False, rejection.reason, rejection.where), None
    except (BadInput, Unsupported) as error:
        fault = "unsupported" if isinstance(error, Unsupported) else "malformed"
        return (False, error.what, f"{part} > {error.where}" if error.where else part), fault


def run(folder, say, processes=None):
    """Whether every verdict agrees; `say` takes one line an entry, in the manifest's order. A process a core, if not told."""
    manifest = json.loads(read(folder, "manifest.json"))
    agreed = 0
    with Pool(processes) as pool:
        for entry, (given, fault) in zip(manifest, pool.imap(partial(verdict, folder), manifest)):
            accepted, reason, where = given
            expected = (entry["accept"], entry.get("reason") or "", entry.get("where") or "")
            same = given == expected
            if not expected[0] and expected[2].split(" > ")[0] in ("key", "certificate"):
                same = fault is not None and entry.get("fault") in (None, fault)
            agreed += same
            mine = "accepted" if accepted else f"rejected {reason} ({where})"
            say(f"{'agree ' if same else 'DIFFER'}  {entry['name']}: {mine}" + ("" if same else f"; expected {expected}"))
    say(f"{agreed} of {len(manifest)} verdicts agree")
    return agreed == len(manifest) and manifest != []
