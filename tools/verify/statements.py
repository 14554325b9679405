"""What a slice proof, a weight range proof and an epoch link claim, and their verification. docs/protocol/statements.md."""

import struct
from dataclasses import dataclass
from math import prod

from .argument import verify_argument
from .layout import Tree, plan_layout
from .field import eq_table
from .hidden import Claim, Form
from .operators import range_relation, slice_relation
from .parameters import WEIGHT_OPENINGS, weakest_round
from .relation import bits_for
from .schedule import Schedule, counts
from .verdict import Rejected, Unsupported, require


@dataclass
class Boundary:
    """A root, or values: the other one is None."""
    chunk: int
    root: bytes
    values: list

    def encode(self):
        if self.root is not None:
            return struct.pack("<IB", self.chunk, 1) + self.root
        return struct.pack(f"<IBI{len(self.values)}i", self.chunk, 0, len(self.values), *self.values)


@dataclass
class Statement:
    key: bytes
    weights: bytes  # root of the epoch in use, or None
    opening: int
    run_id: bytes
    slice: int
    boundaries: list

    def encode(self):
        weights = b"\0" if self.weights is None else b"\1" + self.weights
        return (self.key + weights + struct.pack("<I", self.opening) + self.run_id
                + struct.pack("<II", self.slice, len(self.boundaries)) + b"".join(b.encode() for b in self.boundaries))


def verify_slice(key, statement, proof):
    require(statement.key == key.digest, "statement names another key")
    require((statement.weights is None) == (key.weight_root is None), "weights")
    require(statement.opening < WEIGHT_OPENINGS, "opening budget")
    if statement.weights is None:
        require(statement.opening == 0, "opening budget")
    else:  # opening 0 of the origin is the range proof's
        require(statement.weights != key.weight_root or statement.opening != 0, "opening budget")
    check_boundaries(key, statement)

    relation, layout = slice_argument(key)
    check_layout(key, layout, relation.lookup_size(), counts(relation)[2])
    roots = [] if statement.weights is None else [[statement.weights]]
    committed = [b.root for p, b in zip(key.ports, statement.boundaries) if not p.public]
    if committed:
        roots.append(committed)
    publics = dict(enumerate(key.public_weights or []))
    publics.update({relation.value(p.tensor): b.values for p, b in zip(key.ports, statement.boundaries) if p.public})
    head = [("vk", statement.key), ("statement", statement.encode())]
    verify_argument(key.security, layout, head, roots, proof, lambda party: Schedule(party, relation, publics).run())


def slice_argument(key):
    """The constraints of a slice, and which of its tensors lie in which tree: weights, one tree a committed port, the witness."""
    program = key.program
    ranged = [p.tensor for p in key.inputs if not p.public]
    relation = relation_of(lambda: slice_relation(program, ranged, key))
    weights = list(range(len(program.weights)))
    given = []
    if key.weight_root is not None:
        given.append(("weights", key.weights, [Tree("weights", weights)]))
    boundary = [Tree(f"boundary {p.chunk}", [relation.value(p.tensor)]) for p in key.ports if not p.public]
    if boundary:
        given.append(("boundary", key.boundary, boundary))
    elsewhere = set(weights) | {relation.value(p.tensor) for p in key.ports}
    witness = [t for t in range(len(relation.shapes)) if t not in elsewhere]
    layout = plan_layout(key.security.degree, relation.shapes, given, witness, key.witness, key.end, *counts(relation)[:2])
    return relation, layout


def check_layout(key, layout, lookups, checks):
    """The key's geometries carry the argument."""
    require(1 << layout.end.c >= 2 * layout.variables, "key: end geometry")
    require(weakest_round(layout, key.security.work, lookups, checks) >= key.security.profile, "key: below the profile")


def relation_of(make):
    try:
        return make()
    except Unsupported as error:
        raise Rejected(f"key: {error.what}", error.where) from error


def check_boundaries(key, statement):
    """The statement's boundaries are the key's ports, in order."""
    require(len(statement.boundaries) == len(key.ports), "boundaries of the key")
    for port, b in zip(key.ports, statement.boundaries):
        tensor = key.program.tensors[port.tensor]
        require(b.chunk == port.chunk, "not the key's tensor", tensor.name)
        check_boundary(b, port.public, tensor)


def check_boundary(b, public, tensor):
    """A root if committed; all values, in range, if public. `tensor`: a tensor of a program, or a chunk."""
    require((b.root is None) == public, "root or values", tensor.name)
    if public:
        require(len(b.values) == prod(tensor.shape), "public values", tensor.name)
        require(all(tensor.lo <= v <= tensor.hi for v in b.values), "public value out of range", tensor.name)


def verify_ranges(key):
    """The key's weight range proof. docs/protocol/keys.md, "Range proof"."""
    if key.weight_root is None:
        require(key.range_proof == b"", "weights")
        return
    try:
        relation = relation_of(lambda: range_relation(key.program))
        weights = list(range(len(key.program.weights)))
        witness = list(range(len(weights), len(relation.shapes)))
        layout = plan_layout(key.security.degree, relation.shapes, [("weights", key.weights, [Tree("weights", weights)])], witness,
                             key.range_witness, key.range_end, *counts(relation)[:2])
        check_layout(key, layout, relation.lookup_size(), counts(relation)[2])
        head = [("vk", key.digest), ("weight ranges", b"")]
        verify_argument(key.security, layout, head, [[key.weight_root]], key.range_proof,
                        lambda party: Schedule(party, relation, {}).run())
    except Rejected as rejection:
        raise rejection.inside("weight ranges") from rejection


@dataclass
class Link:
    base: bytes
    epoch: bytes
    base_opening: int
    epoch_opening: int
    proof: bytes


def verify_link(key, link):
    """Base and epoch hold the same weights. docs/protocol/keys.md, "Epochs and opening budgets"."""
    require(key.weight_root is not None, "weights")
    require(link.base != link.epoch, "epoch link to itself")
    require(link.base_opening < WEIGHT_OPENINGS and link.epoch_opening < WEIGHT_OPENINGS, "opening budget")
    require(link.base != key.weight_root or link.base_opening != 0, "opening budget")
    shapes = [w.shape for w in key.program.weights]
    n = len(shapes)
    given = [("weights", key.weights, [Tree("base", list(range(n))), Tree("epoch", list(range(n, 2 * n)))])]
    layout = plan_layout(key.security.degree, shapes + shapes, given, [], key.link_witness, key.link_end, 1, 0)
    check_layout(key, layout, 0, 2)
    head = [("vk", key.digest),
            ("link", link.base + link.epoch + struct.pack("<II", link.base_opening, link.epoch_opening))]

    pairs = [(w, n + w, prod(shape)) for w, shape in enumerate(shapes)]
    verify_argument(key.security, layout, head, [[link.base, link.epoch]], link.proof, lambda party: equal_vectors(party, pairs))


def equal_vectors(party, pairs):
    """Vectors (one, other, size) are equal: one random linear functional of their differences."""
    party.check(party.hide("zero"))
    difference = Form(party.one() * 0)
    for one, other, size in pairs:
        point = [party.challenge("link point") for _ in range(bits_for(size))]
        gamma = party.challenge("link weight")
        vectors = [eq_table(point, party.one())[:size]]
        difference = difference + Form(party.one() * 0, claims=[Claim(one, gamma, vectors), Claim(other, -gamma, vectors)])
    party.check(difference)
    party.sacrifice()


def verify_tie(key, tie):
    """Two slices have the same weights. docs/protocol/keys.md, "Weight ties"."""
    s, base = key.slices[tie.slice], key.slices[tie.base]
    shapes = [w.shape for w in base.program.weights + s.program.weights]
    n = len(base.program.weights)
    given = [("base weights", base.weights, [Tree("weights", list(range(n)))]),
             ("slice weights", s.weights, [Tree("weights", list(range(n, len(shapes))))])]
    try:
        layout = plan_layout(s.security.degree, shapes, given, [], tie.witness, tie.end, 1, 0)
        check_layout(s, layout, 0, 2)
        head = [("vk", s.digest), ("vk base", base.digest), ("tie", tie.body)]
        pairs = [(n + weight, of_base, prod(shapes[of_base])) for weight, of_base in tie.weights]
        verify_argument(s.security, layout, head, [[base.weight_root], [s.weight_root]], tie.proof,
                        lambda party: equal_vectors(party, pairs))
    except Rejected as rejection:
        raise rejection.inside(tie.where) from rejection
