"""Rounding, clamp and activation of an accumulator. docs/protocol/operators.md, "Requantization"."""

from .activations import activate
from .bounds import accumulator_bound
from .field import P, inverse
from .program import SIGMOID, TANH
from .relation import MAX_TABLE_ROWS, Lookup, Term, identity_view, tensor_term
from .row_rules import range_shift, row_ranges
from .verdict import Unsupported


def limb_width(bits, limb_bits, limb):
    return min(max(bits - limb_bits * limb, 0), limb_bits)


def power_of_two(s):
    return pow(2, s, P) if s >= 0 else inverse(pow(2, -s, P))


def scaled(term, letter, per_entry):
    """The term times per_entry[i] on a letter: one scalar when all entries are equal."""
    if all(x == per_entry[0] for x in per_entry):
        return term.but(scalar=term.scalar * per_entry[0] % P)
    return term.but(scales=term.scales + [(letter, per_entry)])


class Blocks:
    """The table of an activation: v in [-middle, middle) as it is, and if some op is far, blocks of `block` values beyond -big and big."""

    def __init__(self, near, far, c, block):
        self.middle = max(near + 1, c) if far else near + 1
        self.block = block if far else 0
        self.steps = -(-far // block)
        self.big = far + self.steps * block + 8 * self.middle + 1 if far else 0
        self.last = self.big + self.middle + self.block

    def offsets(self):
        return sorted([0] + [sign * (self.big - i * self.block) for i in range(self.steps) for sign in (1, -1)])

    def rows(self, top_widths):
        """Of the table and of that of tops."""
        return 2 * (self.middle + self.block) + sum((2 * self.steps + 1) << w for w in top_widths)


class Requantizer:
    """What the ops of a slice share: vmax of each activation, and the widths of limbs."""

    def __init__(self, relation, ranged, options):
        """ranged: the committed inputs."""
        self.relation, self.limb_bits, self.wide_rows = relation, options.limb_bits, min(options.wide_rows, MAX_TABLE_ROWS)
        self.top_bits, self.block = options.top_bits, 1 << options.far_bits
        self.split_ranges = options.split_ranges
        self.near, self.far, self.top_shifts, widths = {}, {}, {}, set()
        for op in relation.program.ops:
            numbers = [[range_shift(bits)] for bits in row_ranges(relation.program, op.body)]
            if op.requant is not None:
                name, v_max = self.activation_name(op.requant), self.v_max(op)
                if self.is_near(op):
                    self.near[name] = max(self.near.get(name, 0), v_max)
                else:
                    self.far[name] = max(self.far.get(name, 0), v_max)
                    self.top_shifts.setdefault(name, set()).update(op.requant.shift)
                numbers.append(self.low_bits(op))
            for bits in numbers:
                widths.update(limb_width(n, self.limb_bits, i) for i in range(self.limb_count(bits)) for n in bits)
        for spec in (relation.program.tensors[t] for t in ranged):
            if self.is_split(spec):
                shift = range_shift((spec.hi - spec.lo).bit_length())
                widths.update(limb_width(shift, self.limb_bits, i) for i in range(self.limb_count([shift])))
        self.limb_widths = sorted(widths)

    def v_max(self, op):
        """The largest |v| of an op, and one."""
        return op.requant.rounded_bound(accumulator_bound(self.relation.program, op)) + 1

    def is_near(self, op):
        """Whether the table holds every v of the op."""
        return 2 * self.v_max(op) + 1 <= max(self.wide_rows, 4 << op.requant.clamp_bits)

    def blocks(self, requant):
        name = self.activation_name(requant)
        return Blocks(self.near.get(name, 0), self.far.get(name, 0), 1 << requant.clamp_bits, self.block)

    def limb_count(self, bits):
        return max(0, -(-max(bits) // self.limb_bits))

    def top_width(self, shift):
        return min(max(shift, 0), self.top_bits)

    def low_bits(self, op):
        """Bits of the remainder that limbs hold, by channel: all of them, or those below the top."""
        near = self.is_near(op)
        return [max(s, 0) - (0 if near else self.top_width(s)) for s in op.requant.shift]

    @staticmethod
    def activation_name(requant):
        """Equal names mean equal tables. Exponents matter only to functions on a grid."""
        a = requant.activation
        grid = (a.in_exponent, a.out_exponent) if a.f in (SIGMOID, TANH) else (0, 0)
        return (a.f, *grid, a.lo, a.hi, a.a, a.b, requant.clamp_bits, tuple(a.values))

    def limb_table(self):
        return self.relation.table("limbs", sum(1 << k for k in self.limb_widths),
                                   lambda: [(k, r) for k in self.limb_widths for r in range(1 << k)])

    def look_up_bits(self, name, site, x, bits):
        """The sum of x lies in [0, 2^bits) everywhere: limbs of the low bits, and a table of the others."""
        shift = range_shift(bits)
        table = self.relation.range_table(0, (1 << (bits - shift)) - 1)
        for i in range(self.limb_count([shift])):
            limb = self.relation.add_tensor(site)
            self.relation.lookups.append(Lookup(f"{name} limb {i}", site, self.limb_table(), [
                [Term(limb_width(shift, self.limb_bits, i))], [tensor_term(limb, identity_view(site))]]))
            x = x + [tensor_term(limb, identity_view(site), -power_of_two(self.limb_bits * i))]
        self.relation.lookups.append(Lookup(name, site, table, [[t.but(scalar=t.scalar * power_of_two(-shift) % P) for t in x]]))

    def is_split(self, spec):
        """Whether the range of a committed input is looked up in parts."""
        return self.split_ranges and range_shift((spec.hi - spec.lo).bit_length()) > 0

    def look_up_range(self, t):
        """The declared range of a committed input."""
        spec, relation = self.relation.program.tensors[t], self.relation
        x = tensor_term(relation.value(t), identity_view(spec.shape))
        if not self.is_split(spec):
            relation.lookups.append(Lookup(f"{spec.name} range", spec.shape, relation.range_table(spec.lo, spec.hi), [[x]]))
            return
        bits = (spec.hi - spec.lo).bit_length()
        self.look_up_bits(f"{spec.name} range low", spec.shape, [x, Term(-spec.lo)], bits)
        if spec.hi - spec.lo + 1 != 1 << bits:
            self.look_up_bits(f"{spec.name} range high", spec.shape, [x.but(scalar=-1), Term(spec.hi)], bits)

    def largest_rounded(self, op):
        """The largest |v| that the lookups of the op's requantization let through."""
        blocks = self.blocks(op.requant)
        return blocks.last if self.is_near(op) else blocks.last + blocks.big

    def constrain(self, op, site, acc):
        """acc: terms in integer units over the site; the op's output is read over the site."""
        relation, requant = self.relation, op.requant
        name, blocks, near = self.activation_name(requant), self.blocks(requant), self.is_near(op)
        top_widths = sorted({self.top_width(s) for s in self.top_shifts.get(name, ())})
        shifts = requant.shift * site[-1] if len(requant.shift) == 1 else requant.shift
        last = len(site) - 1

        bound = accumulator_bound(relation.program, op)
        largest = self.largest_rounded(op)
        for s in shifts:
            if (bound << max(-s, 0)) + (1 << max(s, 0)) >= P // 2 or (largest + 1) << max(s, 0) >= P // 2:
                raise Unsupported("accumulators are too large for the proof field", op.name)
        if blocks.rows(top_widths) > MAX_TABLE_ROWS:
            raise Unsupported(f"the rounded accumulator reaches {self.v_max(op)}, too far beyond the clamp", op.name)

        def part(name, widths, table):
            """A part of the remainder, looked up beside its width."""
            tensor = relation.add_tensor(site)
            relation.lookups.append(Lookup(name, site, table(), [[scaled(Term(), last, widths)],
                                                                 [tensor_term(tensor, identity_view(site))]]))
            return tensor

        v = acc + [scaled(Term(), last, [1 << (s - 1) if s > 0 else 0 for s in shifts])]
        low = self.low_bits(op)
        low = low * site[-1] if len(low) == 1 else low
        for i in range(self.limb_count(low)):
            limb = part(f"{op.name} remainder {i}", [limb_width(n, self.limb_bits, i) for n in low], self.limb_table)
            v.append(tensor_term(limb, identity_view(site), -power_of_two(self.limb_bits * i)))
        v = [scaled(term, last, [power_of_two(-s) for s in shifts]) for term in v]
        y = [tensor_term(relation.value(op.body.y), identity_view(site))]
        if not near:
            rows = sum((2 * blocks.steps + 1) << w for w in top_widths)
            widths = [self.top_width(s) for s in shifts]
            top = part(f"{op.name} top", widths, lambda: relation.table(("top", name), rows, lambda: [
                (w, (d << w) + r) for w in top_widths for d in blocks.offsets() for r in range(1 << w)]))
            v.append(scaled(tensor_term(top, identity_view(site), -1), last, [power_of_two(-w) for w in widths]))
        middle, block, big = blocks.middle, blocks.block, blocks.big

        def rows_of(lo, hi, move):
            return [(u + move, activate(requant, u)) for u in range(lo, hi)]
        table = relation.table(("activation", name), 2 * (middle + block), lambda: (
            rows_of(-middle - block, -middle, -big) + rows_of(-middle, middle, 0) + rows_of(middle, middle + block, big)))
        relation.lookups.append(Lookup(f"{op.name} activation", site, table, [v, y]))
