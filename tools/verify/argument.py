"""The masked argument: a proof's bytes, and everything the verifier checks of it. docs/protocol/argument.md, docs/formats/proof.md."""

import struct
from dataclasses import dataclass

from .commitments import evaluate_word, opened_root, path_length
from .field import EXTENSION, P, dot, eq_at, eq_table
from .hidden import Form, Party
from .layout import eq_range, evaluate_functional
from .sumcheck import sumcheck
from .transcript import Transcript
from .verdict import require

PROTOCOL_VERSION = "dsperse slice proof v3"
MAGIC = b"DSPRF002"


@dataclass
class Opening:
    columns: list  # t lists of rows
    salts: list
    path: list


@dataclass
class Proof:
    fresh_roots: list
    end_root: bytes
    nonces: list   # of the two proofs of work
    hidden: list
    clear: list
    last: list
    v: list
    u: list        # per group
    h: object
    u_end: list
    openings: list  # per group a list of its trees' openings; the end tree's alone at the end


class ProofReader:
    def __init__(self, data, ext):
        self.data, self.at, self.ext, self.canonical = data, 0, ext, True

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def digests(self, count):
        return [self.take(32) for _ in range(count)]

    def numbers(self, count):
        numbers = list(struct.unpack(f"<{count}Q", self.take(8 * count)))
        self.canonical = self.canonical and all(x < P for x in numbers)
        return numbers

    def elements(self, count):
        d = self.ext.degree
        numbers = self.numbers(d * count)
        return [self.ext(tuple(numbers[d * i:d * i + d])) for i in range(count)]

    def opening(self, geometry, rows):
        t = geometry.t
        require(len(self.data) - self.at >= t * (8 * rows + 32) + 4, "proof truncated")  # an earlier path was too long
        numbers = self.numbers(t * rows)
        salts = self.digests(t)
        length, = struct.unpack("<I", self.take(4))
        require(32 * length <= len(self.data) - self.at, "proof truncated")
        return Opening([numbers[rows * j:rows * j + rows] for j in range(t)], salts, self.digests(length))


def decode_proof(layout, data, ext):
    """Every count follows from the layout; only the lengths of Merkle paths are read."""
    groups, end = layout.groups, layout.end
    trees = [(g.geometry, tree.rows) for g in groups for tree in g.trees] + [(end, 2 * layout.degree)]
    elements = (layout.pads + 2 * layout.slots + 2 * layout.variables + len(groups) + sum(g.geometry.k for g in groups) + 1
                + end.k)
    fixed = (len(MAGIC) + 32 * (len(groups) + 1) + 16 + 8 * layout.degree * elements
             + sum(g.t * (8 * rows + 32) + 4 for g, rows in trees))
    longest = fixed + 32 * sum(g.t * g.log_n for g, _ in trees)
    require(fixed <= len(data) <= longest, "proof length")
    r = ProofReader(data, ext)
    require(r.take(len(MAGIC)) == MAGIC, "proof magic")
    proof = Proof(r.digests(len(groups)), r.take(32), list(struct.unpack("<2Q", r.take(16))),
                  r.elements(layout.pads), r.elements(2 * layout.slots), r.elements(2 * layout.variables),
                  r.elements(len(groups)), [r.elements(g.geometry.k) for g in groups], r.elements(1)[0], r.elements(end.k), [])
    for group in groups:
        proof.openings.append([r.opening(group.geometry, tree.rows) for tree in group.trees])
    proof.openings.append([r.opening(end, 2 * layout.degree)])
    require(r.at == len(data), "trailing bytes")
    require(r.canonical, "element not canonical")
    return proof


def begin_transcript(layout, head, roots, end_root, ext):
    """Head, then every root with rows, c, r, log n, t: group by group, given trees before the fresh one; the end root last."""
    transcript = Transcript(PROTOCOL_VERSION, ext)
    for label, data in head:
        transcript.absorb(label, "head", data)

    def absorb_root(label, rows, g, root):
        transcript.absorb(label, "root", struct.pack("<QIQII", rows, g.c, g.r, g.log_n, g.t) + root)

    for group, group_roots in zip(layout.groups, roots):
        for tree, root in zip(group.trees, group_roots):
            absorb_root(tree.label, tree.rows, group.geometry, root)
    absorb_root("end", 2 * layout.degree, layout.end, end_root)
    return transcript


def check_opening(geometry, root, columns, opening, where):
    expected = path_length(geometry.log_n, columns)
    require(len(opening.path) >= expected, "Merkle path too short", where)
    require(len(opening.path) <= expected, "Merkle path too long", where)
    require(opened_root(geometry.log_n, columns, opening.columns, opening.salts, opening.path) == root, "Merkle root", where)


def check_columns(geometry, word, columns, weights, openings, where):
    """Enc(word)_j = sum of weights times the opened columns, at every opened index."""
    d = word[0].degree
    limbs = [[w.limbs[limb] for w in weights] for limb in range(d)]
    for j, expected in enumerate(evaluate_word(word, geometry.log_n, columns)):
        column = [x for opening in openings for x in opening.columns[j]]
        combined = tuple(sum(map(int.__mul__, limb, column)) % P for limb in limbs)
        require(combined == expected.limbs, "column inconsistent with row combination", where)


def verify_argument(security, layout, head, given_roots, data, schedule):
    """given_roots: per group but the witness, the roots that the statement names. Raises Rejected."""
    ext = EXTENSION[security.profile]
    one = ext.of(1)
    proof = decode_proof(layout, data, ext)
    roots = [given + [fresh] for given, fresh in zip(given_roots + [[]], proof.fresh_roots)]
    require(all(len(r) == len(g.trees) for r, g in zip(roots, layout.groups)), "roots of the statement")
    transcript = begin_transcript(layout, head, roots, proof.end_root, ext)
    require(transcript.work("first work", security.work, proof.nonces[0]), "proof of work", "challenges")
    party = Party(transcript, proof.hidden, proof.clear, proof.last)
    schedule(party)
    require(len(party.slots) == layout.slots, "message missing")
    folded = party.fold_checks()

    # <l, w> = V: the claims and coefficients are l, minus the constant is V.
    point, claim = sumcheck(party, party.hide_end, "last", Form(-folded.constant), layout.variables)
    require(party.finished(), "message missing")
    opened = ext.of(0)  # w(point)
    for group, v, u in zip(layout.groups, proof.v, proof.u):
        transcript.absorb_ext("v", [v])
        transcript.absorb_ext("u", u)
        eq = eq_table(point[:group.geometry.c], one)
        require(dot(eq, u[:len(eq)]) == v, "u does not evaluate to v", group.label)
        opened = opened + eq_at(point[group.variables:], group.offset >> group.variables, one) * v
    transcript.absorb_ext("h", [proof.h])
    eps = transcript.challenge("eps")
    transcript.absorb_ext("u_end", proof.u_end)
    combined = sum((c * proof.u_end[i] for (_, i), c in claim.coefficients.items()), ext.of(0))
    functional = evaluate_functional(layout, folded, point)
    require(combined == eps * (opened * functional - claim.constant) + proof.h, "end check")

    require(transcript.work("column work", security.work, proof.nonces[1]), "proof of work", "columns")
    x_powers = [ext.power_of_x(limb) for limb in range(layout.degree)]
    for group, group_roots, u, openings in zip(layout.groups, roots, proof.u, proof.openings):
        geometry = group.geometry
        columns = transcript.columns("columns", geometry.n, geometry.t)
        for tree, root, opening in zip(group.trees, group_roots, openings):
            check_opening(geometry, root, columns, opening, tree.label)
        weights = eq_range(point[geometry.c:group.variables], 0, group.data_rows + 1, one)
        mask = weights.pop()
        weights += [mask * x for x in x_powers]
        check_columns(geometry, u, columns, weights, openings, group.label)
    columns = transcript.columns("end columns", layout.end.n, layout.end.t)
    check_opening(layout.end, proof.end_root, columns, proof.openings[-1][0], "end")
    check_columns(layout.end, proof.u_end, columns, [eps * x for x in x_powers] + x_powers, proof.openings[-1], "end")
