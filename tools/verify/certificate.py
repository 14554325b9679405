"""Run certificates: their bytes, and the rules that join slices. docs/formats/dscert.md, docs/protocol/linking.md."""

from dataclasses import dataclass, field
from math import prod

from . import blake3
from .reading import Reader
from .statements import Boundary, Link, Statement, check_boundary, verify_link, verify_ranges, verify_slice, verify_tie
from .verdict import Rejected, require, well_formed

MAX_NONCE, MAX_PROOF, MAX_LINKS, MAX_RECORD = 64, 1 << 28, 2, 64 << 20


@dataclass
class SliceProof:
    slice: int
    weights: bytes  # None without a weight tree
    opening: int
    links: list
    proof: bytes


@dataclass
class Certificate:
    model_id: bytes
    nonce: bytes
    salt: bytes
    table: list
    slices: list
    record: bytes = b""  # what answers for slices without proof; not read here


@dataclass
class Expectation:
    """What the user knows without the certificate. Tensors by edge: {"values": [...]} or {"roots": [...]}."""
    model_id: bytes = None
    nonce: bytes = None
    policy: set = None  # slices that must be proved; None: all
    inputs: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)


@dataclass
class Coverage:
    slices: int = 0
    slices_proved: int = 0
    operators: int = 0
    operators_proved: int = 0
    multiply_adds: int = 0
    multiply_adds_proved: int = 0
    multiply_adds_with_ancestors_proved: int = 0


def decode_certificate(key, data):
    well_formed(data[:8] in (b"DSCRT001", b"DSCRT002"), "certificate: not a dsperse certificate")
    r = Reader(data, "certificate: truncated, or bytes after its end")
    r.take(8)
    model_id, nonce, salt = r.take(32), r.bytes(MAX_NONCE), r.take(32)
    table = [_boundary(r, chunk) for chunk in key.chunks]
    slices = r.listed(len(key.slices), lambda: _slice_proof(r, key))
    record = b""
    if data[:8] == b"DSCRT002":
        record = r.bytes(MAX_RECORD)
        well_formed(record, "certificate: bytes are not canonical")
    r.end()
    return Certificate(model_id, nonce, salt, table, slices, record)


def _boundary(r, chunk):
    number, kind = r.u32(), r.flag()
    if kind:
        return Boundary(number, r.take(32), None)
    return Boundary(number, None, r.listed(prod(chunk.shape), r.i32))


def _slice_proof(r, key):
    number = r.u32()
    well_formed(number < len(key.slices), "certificate: slice index")
    weights = r.take(32) if key.slices[number].weight_root is not None else None
    return SliceProof(number, weights, r.u32(), r.listed(MAX_LINKS, lambda: Link(
        r.take(32), r.take(32), r.u32(), r.u32(), r.bytes(MAX_PROOF))), r.bytes(MAX_PROOF))


def verify_certificate(key, certificate, user, on_slice=lambda i: None, known_ranges=None):
    """Every rule of docs/protocol/linking.md, in its order. The coverage; raises Rejected.

    known_ranges: (slice digest, range proof), and ties, that were accepted before and are not verified again; grows.
    """
    require(user.model_id in (None, key.model_id), "the key is not the pinned model")
    require(certificate.model_id == key.model_id, "certificate of another model")
    require(user.nonce in (None, certificate.nonce), "nonce differs: the certificate is not for this request")
    wanted = set(range(len(key.slices))) if user.policy is None else set(user.policy)
    for i in sorted(wanted):
        require(i < len(key.slices), "policy names no slice", f"slice {i}")
    if certificate.record:  # disputes and audits end with proofs that the policy did not ask for
        wanted.update(s.slice for s in certificate.slices)
    for i in sorted(wanted):
        in_float = key.slices[i].in_float
        require(in_float is None, "a proof is asked for a slice that runs in float: nothing but trust can hold it",
                f"slice {i}, {in_float.where if in_float else ''}")

    for i, (b, chunk) in enumerate(zip(certificate.table, key.chunks)):
        require(b.chunk == i, "boundary table out of order", chunk.name)
        check_boundary(b, chunk.public, chunk)
    check_edges(key, certificate, user.inputs, "input")
    check_edges(key, certificate, user.outputs, "output")

    given = [s.slice for s in certificate.slices]
    require(all(a < b for a, b in zip(given, given[1:])), "proofs are not in order, each slice once")
    for i in sorted(wanted):
        require(i in given, "proof missing: the policy asks for it", f"slice {i}")
    require(len(given) == len(wanted), "a proof that the policy does not ask for")

    used = set()
    for tie in key.ties:
        slice_key, base = key.slices[tie.slice], key.slices[tie.base]
        known = (slice_key.digest, base.digest, tie.body, tie.proof)
        if known_ranges is None or known not in known_ranges:
            verify_tie(key, tie)
            if known_ranges is not None:
                known_ranges.add(known)
        use(used, slice_key.weight_root, tie.opening)
        use(used, base.weight_root, tie.base_opening)
    run_id = blake3.hash_tagged("dsperse run id v1", key.model_id, certificate.nonce, certificate.salt)
    for s in certificate.slices:
        on_slice(s.slice)
        slice_key = key.slices[s.slice]
        statement = Statement(slice_key.digest, s.weights, s.opening, run_id, s.slice,
                              [certificate.table[p.chunk] for p in slice_key.ports])
        try:
            ranges = (slice_key.digest, slice_key.range_proof)
            if known_ranges is None or ranges not in known_ranges:
                verify_ranges(slice_key)
                if known_ranges is not None:
                    known_ranges.add(ranges)
            check_epoch(slice_key, s, used)
            verify_slice(slice_key, statement, s.proof)
        except Rejected as rejection:
            raise rejection.inside(f"slice {s.slice}") from rejection
    return coverage(key, wanted)


def check_edges(key, certificate, tensors, what):
    """The key's input (or output) edges equal the user's tensors; names match as sets."""
    names = set()
    for edge in key.edges:
        if not (edge.is_input if what == "input" else edge.is_output):
            continue
        names.add(edge.name)
        require(edge.name in tensors, f"{what} not given", edge.name)
        boundaries = [certificate.table[c] for c in edge.chunks]
        roots = [b.root for b in boundaries if b.root is not None]
        values = [v for b in boundaries if b.root is None for v in b.values]
        tensor = tensors[edge.name]
        same = tensor.get("roots", []) == roots and (tensor.get("values") or []) == values
        require(same, f"{what} differs from the certificate", edge.name)
    for name in tensors:
        require(name in names, f"the model has no such {what}", name)


def check_epoch(key, s, used):
    """The weights are the origin's or linked to it, and no opening occurs twice."""
    if s.weights is None:
        require(not s.links, "epoch link without weights")
        return
    at = key.weight_root
    for link in s.links:
        require(link.base == at, "epoch links do not start at the key's weights")
        verify_link(key, link)
        use(used, link.base, link.base_opening)
        use(used, link.epoch, link.epoch_opening)
        at = link.epoch
    require(at == s.weights, "epoch without link")
    use(used, s.weights, s.opening)


def use(used, root, opening):
    require((root, opening) not in used, "an opening is used twice")
    used.add((root, opening))


def coverage(key, proved):
    """docs/protocol/linking.md, "Coverage"."""
    out = Coverage(slices=len(key.slices), slices_proved=len(proved))
    sound = {c for e in key.edges if e.is_input for c in e.chunks}  # chunks whose whole ancestry is proved, or given
    for i, s in enumerate(key.slices):
        work = sum(s.program.multiply_adds(op) for op in s.program.ops)
        out.operators += len(s.program.ops) if s.in_float is None else len(s.in_float.operators)
        out.multiply_adds += work
        if i in proved:
            out.operators_proved += len(s.program.ops)
            out.multiply_adds_proved += work
            if all(p.chunk in sound for p in s.inputs):
                sound.update(p.chunk for p in s.outputs)
                out.multiply_adds_with_ancestors_proved += work
    return out
