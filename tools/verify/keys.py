"""Verification keys: bytes, digests, and the rules of a key. docs/formats/dsk.md, docs/protocol/keys.md."""

import re
import struct
from dataclasses import dataclass
from math import isfinite, prod

from . import blake3
from .argument import PROTOCOL_VERSION
from .parameters import (BOUNDARY_OPENINGS, DEGREE, MAX_SLACK, MAX_WORK, WEIGHT_OPENINGS, Geometry, Security, least_slack,
                         sound_geometry)
from .program import (MAX_ELEMENTS, MAX_EXPONENT, MAX_RANK, MAX_TOTAL_ELEMENTS, MAX_VALUE, Program, Tensor,
                      decode_program)
from .program_rules import check_program
from .reading import Reader
from .verdict import BadInput, Unsupported

NO_TREE = Geometry(0, 0, 0, 0)
MAX_TIES = 8  # that open one tree
FLOAT_MARK = 1  # the first byte of a slice that runs in float: no profile
PLAIN = re.compile(r"[A-Za-z0-9._+:-]{1,64}", re.ASCII)


@dataclass
class Port:
    tensor: int
    chunk: int
    public: bool


@dataclass
class FloatSlice:
    """Who runs a slice in float. docs/protocol/keys.md, "Slices in float"."""
    engine: str
    version: str
    operators: list
    network: bytes
    mappings: list  # by port

    @property
    def where(self):
        return f"run in float by {self.engine} {self.version}"


@dataclass
class SliceKey:
    security: Security
    program: object
    inputs: list
    outputs: list
    limb_bits: int
    wide_rows: int
    top_bits: int
    far_bits: int
    split_ranges: bool
    weights: Geometry
    boundary: Geometry
    witness: Geometry
    end: Geometry
    range_witness: Geometry
    range_end: Geometry
    link_witness: Geometry
    link_end: Geometry
    weight_root: bytes = None    # None without a weight tree
    public_weights: list = None  # values by weight; None if there is a weight tree
    range_proof: bytes = b""
    digest: bytes = b""
    in_float: FloatSlice = None  # nothing to prove: the program has the ports' tensors alone

    @property
    def ports(self):
        return self.inputs + self.outputs


@dataclass
class Chunk:
    name: str
    shape: list
    exponent: int
    lo: int
    hi: int
    public: bool


@dataclass
class Mapping:
    """How a model input or output of the user lies in its integer tensor. docs/formats/dsk.md, "Mapping"."""
    name: str
    shape: list
    perm: list
    scale: list
    bias: list


@dataclass
class Edge:
    name: str
    chunks: list
    is_input: bool
    is_output: bool
    mapping: Mapping


@dataclass
class Tie:
    """Weights of two slices that are the same. docs/protocol/keys.md, "Weight ties"."""
    slice: int
    base: int
    weights: list  # pairs: of the slice, of the base
    opening: int
    base_opening: int
    witness: Geometry
    end: Geometry
    body: bytes    # all of it but the proof
    proof: bytes

    @property
    def where(self):
        return f"weights of slices {self.base} and {self.slice}"


@dataclass
class ModelKey:
    slices: list
    chunks: list
    edges: list
    labels: list
    ties: list
    model_id: bytes

    @property
    def profile(self):
        return key_profile(self.slices)


def key_profile(slices):
    return slices[0].security.profile


def decode_key(data):
    rule(data[:8] == b"DSKEY003", "not a dsperse key")
    r = Reader(data, "key: truncated, or bytes after its end")
    r.take(8)
    slices = r.listed(4096, lambda: _slice(r))
    graph_start = r.at
    chunks = r.listed(1 << 16, lambda: Chunk(r.text(), _shape(r), r.i32(), r.i64(), r.i64(), r.flag()))
    edges = r.listed(1 << 16, lambda: _edge(r))
    labels = r.listed(1 << 16, r.text)
    graph = data[graph_start:r.at]
    ties = []
    if r.left():  # a key without ties has no section for them
        ties = r.listed(4096 * MAX_TIES, lambda: _tie(r))
        rule(ties, "bytes are not canonical")
        graph += struct.pack("<I", len(ties)) + b"".join(t.body for t in ties)
    r.end()
    rule(slices, "no slices")
    body = (struct.pack("<I", len(PROTOCOL_VERSION)) + PROTOCOL_VERSION.encode() + struct.pack("<BI", key_profile(slices), len(slices))
            + b"".join(s.digest for s in slices) + graph)
    key = ModelKey(slices, chunks, edges, labels, ties, blake3.hash_tagged("dsperse model id v1", body))
    check_key(key)
    return key


def _shape(r):
    return r.listed(16, r.i64)


def _port(r):
    return Port(r.u32(), r.u32(), r.flag())


def _geometry(r):
    return Geometry(r.u32(), r.u64(), r.u32(), r.u32())


def _float_slice(r, start):
    security = Security(r.u8(), r.u8(), r.u8())
    counts = r.count(4096), r.count(4096)
    program, ports, mappings = Program([], [], [], [], []), ([], []), []
    for i in range(sum(counts)):
        outer = int(i >= counts[0])
        chunk = r.u32()
        program.tensors.append(Tensor(r.text(), _shape(r), r.i32(), r.i64(), r.i64()))
        (program.outputs if outer else program.inputs).append(i)
        ports[outer].append(Port(i, chunk, r.flag()))
        mappings.append(_mapping(r))
    boundary = _geometry(r)
    in_float = FloatSlice(r.text(), r.text(), r.listed(1 << 16, r.text), r.take(32), mappings)
    digest = blake3.hash_tagged("dsperse slice key v3", r.data[start:r.at])
    rule(r.u32() == 0, "truncated, or bytes after its end")  # the place of a range proof
    none = NO_TREE
    return SliceKey(security, program, *ports, 0, 0, 0, 0, False, none, boundary, none, none, none, none, none, none, None, [], b"", digest,
                    in_float)


def _slice(r):
    start = r.at
    if r.data[start:start + 1] == bytes([FLOAT_MARK]):
        r.u8()
        return _float_slice(r, start)
    security = Security(r.u8(), r.u8(), r.u8())
    try:
        program = decode_program(r.bytes(1 << 26))
        check_program(program)
    except Unsupported as error:
        raise BadInput(error.what, error.where) from error  # no compiler writes such a key
    key = SliceKey(security, program, r.listed(4096, lambda: _port(r)), r.listed(4096, lambda: _port(r)), r.u32(), r.u64(), r.u32(), r.u32(), r.flag(),
                   *(_geometry(r) for _ in range(8)))
    if key.weights.t != 0:
        key.weight_root = r.take(32)
    else:
        key.public_weights = [_weight(r, w) for w in program.weights]
    key.digest = blake3.hash_tagged("dsperse slice key v3", r.data[start:r.at])
    key.range_proof = r.bytes(1 << 28)
    return key


def _tie(r):
    start = r.at
    fields = r.u32(), r.u32(), r.listed(1 << 16, lambda: (r.u32(), r.u32())), r.u32(), r.u32(), _geometry(r), _geometry(r)
    return Tie(*fields, r.data[start:r.at], r.bytes(1 << 28))


def _weight(r, spec):
    """Values of a public weight: the least number of bytes that max_abs fits, two's complement."""
    size = spec.max_abs.bit_length() // 8 + 1
    data = r.take(prod(spec.shape) * size)
    return [int.from_bytes(data[i:i + size], "little", signed=True) for i in range(0, len(data), size)]


def _edge(r):
    name, chunks, flags = r.text(), r.listed(1 << 16, r.u32), r.u8()
    rule(flags < 8, "unknown flags", name)
    return Edge(name, chunks, bool(flags & 1), bool(flags & 2), _mapping(r) if flags & 4 else None)


def _mapping(r):
    return Mapping(r.text(), _shape(r), r.listed(16, r.u32), r.listed(1 << 16, lambda: _f32(r)),
                   r.listed(1 << 16, lambda: _f32(r)))


def _f32(r):
    return struct.unpack("<f", r.take(4))[0]


def rule(condition, what, where=""):
    if not condition:
        raise BadInput(f"key: {what}", where)


def check_key(key):
    """docs/protocol/keys.md, "Model key"."""
    rule(len({e.name for e in key.edges}) == len(key.edges), "two edges have one name")
    rule(any(e.is_output for e in key.edges), "no output")
    for e in key.edges:
        rule(e.chunks, "edge without chunks", e.name)
        rule((e.mapping is not None) == (e.is_input or e.is_output), "input or output mapping", e.name)
    covered = sorted(c for e in key.edges for c in e.chunks)
    rule(covered == list(range(len(key.chunks))), "edges do not cover the chunks once")
    for chunk in key.chunks:
        rule(1 <= len(chunk.shape) <= MAX_RANK and elements(chunk.shape) <= MAX_ELEMENTS, "shape of a chunk", chunk.name)
        rule(chunk.lo <= chunk.hi, "empty range", chunk.name)
        rule(-MAX_VALUE <= chunk.lo and chunk.hi <= MAX_VALUE and abs(chunk.exponent) <= MAX_EXPONENT,
             "range or exponent of a chunk", chunk.name)
    for edge in key.edges:
        check_edge(key, edge)

    produced = {c for e in key.edges if e.is_input for c in e.chunks}
    readers = [0] * len(key.chunks)
    for i, s in enumerate(key.slices):
        check_slice(key, s, f"slice {i}")
        for port in s.inputs:
            rule(port.chunk in produced, "a chunk is read before a slice produces it", key.chunks[port.chunk].name)
            readers[port.chunk] += 1
        for port in s.outputs:
            rule(port.chunk not in produced, "a chunk has two producers", key.chunks[port.chunk].name)
            produced.add(port.chunk)
    rule(len({s.weight_root is None for s in key.slices if s.program.weights}) <= 1, "some weights are hidden and some public")
    rule(len({s.boundary for s in key.slices if s.boundary.t != 0}) <= 1, "boundary geometries differ")
    for c, chunk in enumerate(key.chunks):
        rule(c in produced, "chunk without a producer", chunk.name)
        rule(chunk.public or readers[c] <= 4, "more than four slices read a committed chunk", chunk.name)
    check_ties(key)


def check_ties(key):
    """docs/protocol/keys.md, "Weight ties"."""
    opened = set()
    for before, tie in zip([None] + key.ties, key.ties):
        rule(before is None or (before.slice, before.base) < (tie.slice, tie.base), "weight ties are not in order", tie.where)
        rule(tie.base < tie.slice < len(key.slices), "tied slices", tie.where)
        s, base = key.slices[tie.slice], key.slices[tie.base]
        rule(s.weight_root is not None and base.weight_root is not None, "tied slices without hidden weights", tie.where)
        rule(tie.weights, "a tie of no weights", tie.where)
        rule(all(a[0] < b[0] for a, b in zip(tie.weights, tie.weights[1:])), "tied weights are not in order", tie.where)
        for weight, of_base in tie.weights:
            rule(weight < len(s.program.weights) and of_base < len(base.program.weights), "tied weights that do not exist", tie.where)
            rule(s.program.weights[weight].shape == base.program.weights[of_base].shape, "tied weights differ in shape", tie.where)
        for opening in (tie.slice, tie.opening), (tie.base, tie.base_opening):
            rule(WEIGHT_OPENINGS - MAX_TIES <= opening[1] < WEIGHT_OPENINGS, "a tie's opening is not among the last ones", tie.where)
            rule(opening not in opened, "two ties use one opening", tie.where)
            opened.add(opening)
        rule(sound_geometry(s.security, tie.witness, 1) and sound_geometry(s.security, tie.end, 1),
             "geometry of a tie below the profile", tie.where)


def elements(shape):
    """Elements of a shape; too many for any limit if a dimension is below 1."""
    return prod(shape) if all(n >= 1 for n in shape) else MAX_TOTAL_ELEMENTS + 1


def maps(mapping, size):
    """It permutes the axes of a tensor of so many elements."""
    return sorted(mapping.perm) == list(range(len(mapping.shape))) and elements(mapping.shape) == size


def check_float(s, where):
    """docs/protocol/keys.md, "Slices in float"."""
    f = s.in_float
    rule(s.outputs, "a float slice without outputs", where)
    rule(all(PLAIN.fullmatch(text) for text in (f.engine, f.version, *f.operators)),
         "a float slice does not say in plain text what runs it", where)
    for port, mapping in zip(s.ports, f.mappings):
        rule(maps(mapping, elements(s.program.tensors[port.tensor].shape)) and not mapping.scale and not mapping.bias,
             "mapping of a float slice", f"{where} > {s.program.tensors[port.tensor].name}")


def check_edge(key, edge):
    """Chunks lie one after the other along the leading axis; a mapping permutes exactly their elements."""
    chunks = [key.chunks[c] for c in edge.chunks]
    kinds = {(c.exponent, c.lo, c.hi, c.public, tuple(c.shape[1:])) for c in chunks}
    rule(len(kinds) == 1, "chunks of an edge do not fit each other", edge.name)
    size = sum(elements(c.shape) for c in chunks)
    rule(size <= MAX_TOTAL_ELEMENTS, "an edge has more than 2^31 elements", edge.name)
    if edge.mapping is None:
        return
    rule(edge.mapping.name == edge.name, "mapping of another tensor", edge.name)
    shape = edge.mapping.shape
    rule(maps(edge.mapping, size), "input or output mapping", edge.name)
    for values in (edge.mapping.scale, edge.mapping.bias):
        rule(len(values) <= 1 or len(shape) > 1 and len(values) == shape[1], "preprocessing has another number of channels", edge.name)
        rule(all(isfinite(x) for x in values), "preprocessing is no number", edge.name)


def check_slice(key, s, where):
    rule(s.security.profile in DEGREE, "unknown security profile", where)
    rule(s.security.profile == key.profile, "slices of different security profiles", where)
    rule(s.in_float is not None or 1 <= s.limb_bits <= 16 and s.top_bits <= 16 and s.far_bits <= 20, "limb size", where)
    rule([p.tensor for p in s.inputs] == s.program.inputs and [p.tensor for p in s.outputs] == s.program.outputs,
         "ports and the program's inputs and outputs differ", where)
    rule(len({p.tensor for p in s.ports}) == len(s.ports), "ports and the program's inputs and outputs differ", where)
    rule(len({p.chunk for p in s.inputs}) == len(s.inputs), "two inputs of a slice are one chunk", where)
    for port in s.ports:
        rule(port.chunk < len(key.chunks), "port names no chunk", where)
        chunk, tensor = key.chunks[port.chunk], s.program.tensors[port.tensor]
        rule((chunk.public, chunk.shape, chunk.exponent, chunk.lo, chunk.hi)
             == (port.public, tensor.shape, tensor.exponent, tensor.lo, tensor.hi),
             "port and chunk differ in shape, exponent, range or visibility", where)
    hidden = s.weights.t != 0
    rule((not hidden or bool(s.program.weights)) and bool(s.range_proof) == hidden, "weight tree", where)
    for spec, values in zip(s.program.weights, s.public_weights or []):
        rule(all(abs(x) <= spec.max_abs for x in values), "a public weight is beyond its declared bound", f"{where} > {spec.name}")
    rule((s.boundary.t != 0) == any(not p.public for p in s.ports), "boundary geometry", where)
    rule(least_slack(len(key.slices)) <= s.security.slack <= MAX_SLACK and s.security.work <= MAX_WORK,
         "slack or work outside of their bounds", where)

    def sound(geometry, openings):
        return sound_geometry(s.security, geometry, openings)

    if s.in_float is not None:
        check_float(s, where)
        rule(s.boundary.t == 0 or sound(s.boundary, BOUNDARY_OPENINGS), "boundary geometry below the profile", where)
        return
    rule(not hidden or sound(s.weights, WEIGHT_OPENINGS), "weight geometry below the profile", where)
    rule(s.boundary.t == 0 or sound(s.boundary, BOUNDARY_OPENINGS), "boundary geometry below the profile", where)
    rule(sound(s.witness, 1) and sound(s.end, 1), "geometry below the profile", where)
    for geometry in (s.range_witness, s.range_end, s.link_witness, s.link_end):
        rule(sound(geometry, 1) if hidden else geometry == NO_TREE, "geometry of the range proof or link below the profile", where)
