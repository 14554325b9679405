"""Where committed tensors, pads and slots lie: one address space. docs/protocol/argument.md, "Trees, groups, addresses"."""

from dataclasses import dataclass, field
from math import prod

from .field import dot, eq_at, eq_table
from .relation import bits_for


def round_up(x, b):
    return (x + (1 << b) - 1) >> b << b


@dataclass
class Place:
    """A tensor: `runs` runs of `run` elements, each padded to `stride`, a multiple of 2^b; `base` is its address in the group."""
    runs: int
    run: int
    stride: int
    b: int
    base: int

    def end(self):
        return self.base + self.runs * self.stride


def run_bits(n, max_b):
    """The largest b such that rounding n up to a multiple of 2^b wastes at most 1/16."""
    fitting = [b for b in range(1, max_b + 1) if 1 << b <= n and 16 * (round_up(n, b) - n) <= n]
    return fitting[-1] if fitting else 0


def place(shape, at, max_b):
    """Which suffix of the axes is the run: the cheapest to evaluate; of equals the shortest."""
    total, run, best = prod(shape), 1, None
    for k in range(len(shape), -1, -1):
        if k < len(shape):
            run *= shape[k]
        b = run_bits(run, max_b)
        stride = round_up(run, b)
        cost = total // run * (stride >> b) + run
        if best is None or cost < best[0]:
            best = cost, Place(total // run, run, stride, b, round_up(at, b))
    return best[1]


@dataclass
class Tree:
    label: str
    members: list
    rows: int = 0


@dataclass
class Group:
    label: str
    geometry: object
    trees: list          # the fresh one last
    data_rows: int = 0   # rows before the mask row
    variables: int = 0   # of its block
    offset: int = 0      # of its block


@dataclass
class Layout:
    degree: int
    groups: list         # the witness last
    end: object          # geometry of the end tree
    pads: int
    slots: int
    places: dict = field(default_factory=dict)    # by tensor: (group, place)
    variables: int = 0
    pad_base: int = 0
    slot_base: int = 0

    @property
    def witness(self):
        return self.groups[-1]


def plan_layout(degree, shapes, given, witness, witness_geometry, end_geometry, pads, slots):
    """given: (label, geometry, [Tree]) of the groups whose trees were committed before; witness: tensors of the witness tree."""
    groups = [Group(label, geometry, trees + [Tree(f"{label} mask", [])]) for label, geometry, trees in given]
    groups.append(Group("witness", witness_geometry, [Tree("witness", witness)]))
    layout = Layout(degree, groups, end_geometry, pads, slots)
    for group in groups:
        c = group.geometry.c
        for tree in group.trees:
            at = group.data_rows << c
            for tensor in tree.members:
                spot = place(shapes[tensor], at, c)
                layout.places[tensor] = (group, spot)
                at = spot.end()
            if group is layout.witness:
                layout.pad_base, layout.slot_base = at, at + degree * pads
                at = layout.slot_base + degree * 4 * slots
            end_row = round_up(at, c) >> c
            tree.rows = end_row - group.data_rows
            group.data_rows = end_row
        group.trees[-1].rows += degree  # limbs of the mask row
        group.variables = c + bits_for(group.data_rows + 1)
    at = 0
    for group in sorted(groups, key=lambda g: -g.variables):  # stable
        group.offset = at
        at += 1 << group.variables
    layout.variables = bits_for(at)
    return layout


def eq_range(point, begin, end, one):
    """eq(point, i) for i in [begin, end)."""
    low = min(len(point), bits_for(max(end - begin, 1)))
    table, out, size = eq_table(point[:low], one), [], 1 << low
    for block in range(begin >> low, -(-end >> low)):
        first, last = max(begin - block * size, 0), min(end - block * size, size)
        out += one.times(table[first:last], eq_at(point[low:], block, one))
    return out


def evaluate_functional(layout, form, point):
    """l(point): the functional of the folded checks as a multilinear polynomial over all addresses."""
    one = point[0] ** 0
    total = one * 0
    first = layout.witness.offset + layout.pad_base
    eqs = eq_range(point, first, layout.witness.offset + layout.slot_base + layout.degree * 4 * layout.slots, one)
    x_powers = [type(one).power_of_x(limb) for limb in range(layout.degree)]
    for (kind, i), c in form.coefficients.items():
        at = layout.degree * (i if kind == "pad" else layout.pads + i)
        total = total + c * sum((eqs[at + limb] * x for limb, x in enumerate(x_powers)), one * 0)
    by_tensor = {}
    for claim in form.claims:
        by_tensor.setdefault(claim.tensor, []).append(claim)
    for tensor, claims in by_tensor.items():
        total = total + evaluate_claims(*layout.places[tensor], claims, point, one)
    return total


def evaluate_claims(group, spot, claims, point, one):
    """Sum over claims and elements of scalar * product of the vectors' entries * eq(point, address of the element)."""
    base = group.offset + spot.base
    low = eq_table(point[:spot.b], one)
    high = eq_range(point[spot.b:], base >> spot.b, (group.offset + spot.end()) >> spot.b, one)
    eqs, blocks = [], spot.stride >> spot.b  # of the real elements, in order
    for run in range(spot.runs):
        of_run = high[run * blocks:(run + 1) * blocks]
        if spot.b > 0:
            of_run = [x for block in of_run for x in one.times(low, block)]
        eqs += of_run[:spot.run]
    total = one * 0
    for claim in claims:
        left = eqs
        for vector in reversed(claim.vectors):  # axis by axis, the last first
            left = [dot(vector, left[i:i + len(vector)]) for i in range(0, len(left), len(vector))]
        total = total + claim.scalar * left[0]
    return total
