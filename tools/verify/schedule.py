"""The schedule of a slice: every check of a relation, in order. docs/protocol/relations.md, "Schedule"."""

from itertools import product as assignments
from operator import mul

from .field import LIMBS, P, dot, eq_at, eq_table, inverses, total
from .hidden import Claim, Form
from .lookups import beta_powers, fraction_tree, leaf_cube, lookup_counts
from .relation import WIDTH, bits_for
from .sumcheck import sumcheck
from .verdict import Rejected


def counts(relation):
    """Pads, slots and checks of the schedule: docs/protocol/relations.md, "Counts"."""
    pads, slots, checks = lookup_counts(relation.lookups)
    checks += len(relation.identities)
    for product in relation.products:
        variables = sum(bits_for(product.letters[letter]) for letter in shared_letters(product))
        pads += 1 + 2 * variables + 2
        slots += 1
        checks += 3
    return pads, slots, checks + 3 * slots


class Schedule:
    """One run of the verifier. publics: values of public tensors, by tensor."""

    def __init__(self, party, relation, publics):
        self.party, self.relation, self.publics = party, relation, publics
        self.one = party.one()
        self.open_products = []  # (product, claim vectors, form of the accumulator)

    def run(self):
        if self.relation.lookups:
            self.lookups()
        for identity in self.relation.identities:
            self.identity(identity)
        for opened in self.open_products:
            self.contract(*opened)
        self.party.sacrifice()

    # ---- claims

    def claim(self, tensor, scalar, vectors):
        """scalar * <vectors, tensor>: a claim on a commitment, or a number for a public tensor."""
        if tensor not in self.publics:
            return Form(self.one * 0, claims=[Claim(tensor, scalar, vectors)])
        values = self.publics[tensor]
        for vector in reversed(vectors):
            values = [dot(vector, values[i:i + len(vector)]) for i in range(0, len(values), len(vector))]
        return Form(values[0] * scalar)

    def term(self, term, vectors):
        """<vectors, term> over a site: "Claims are pulled back for nothing"."""
        vectors = list(vectors)
        for letter, values in term.scales:
            vectors[letter] = [w * s for w, s in zip(vectors[letter], values)]
        scalar = self.one * term.scalar
        if term.product is not None:
            accumulator = self.party.hide("accumulator")
            self.open_products.append((self.relation.products[term.product], vectors, accumulator))
            return accumulator * scalar
        vectors += [[self.one] * n for n in term.extra]
        used = {letter for m in term.view.maps for letter, _ in m.parts}
        for letter, vector in enumerate(vectors):
            if letter not in used:
                scalar = scalar * total(vector)
        axes = [pull_back(m, size, vectors, self.one) for m, size in zip(term.view.maps, term.view.axes)]
        if term.tensor is not None:
            return self.claim(term.tensor, scalar, axes)
        for vector in axes:
            scalar = scalar * total(vector)
        return Form(scalar)

    # ---- lookups

    def lookups(self):
        party, relation, one = self.party, self.relation, self.one
        beta, alpha = party.challenge("beta"), party.challenge("alpha")
        beta = beta_powers(beta)
        blocks, variables = leaf_cube(relation.lookups)
        point, p, q = fraction_tree(party, variables, self.tables(alpha, beta))

        used, p_leaves, q_leaves = one * 0, one * 0, Form(one * 0)
        for lookup, block_variables, offset in blocks:
            sel = eq_at(point[block_variables:], offset >> block_variables, one)
            vectors = site_vectors(lookup.shape, point[:block_variables], one)
            real = one
            for vector in vectors:
                real = real * total(vector)
            used = used + sel
            p_leaves = p_leaves + sel * real
            q_leaves = q_leaves + ((alpha - beta[WIDTH] * (lookup.table + 1)) * real + 1 - real) * sel
            for column, power in zip(lookup.columns, beta):
                for term in column:
                    q_leaves = q_leaves - self.term(term, vectors) * (power * sel)
        party.check(p - p_leaves)
        party.check(q - q_leaves - (1 - used))

    def tables(self, alpha, beta):
        """Sum over all rows of m / (alpha - row), a functional of the committed multiplicities."""
        form = Form(self.one * 0)
        for number, (table, m) in enumerate(zip(self.relation.tables, self.relation.multiplicities), start=1):
            base = alpha - beta[WIDTH] * number
            fractions = inverses(gaps(base, beta, table.rows))
            if fractions is None:
                raise Rejected("degenerate challenge")
            form = form + self.claim(m, self.one, [fractions])
        return form

    # ---- identities and products

    def identity(self, identity):
        vectors = []
        for n in identity.shape:
            point = [self.party.challenge("identity") for _ in range(bits_for(n))]
            vectors.append(eq_table(point, self.one)[:n])
        form = Form(self.one * 0)
        for term in identity.terms:
            form = form + self.term(term, vectors)
        self.party.check(form)

    def contract(self, product, claim, accumulator):
        """docs/protocol/relations.md, "Products"."""
        party, letters = self.party, shared_letters(product)
        variables = sum(bits_for(product.letters[letter]) for letter in letters)
        point, end = sumcheck(party, party.hide, "product", accumulator, variables)
        a, b = party.hide("factor a"), party.hide("factor b")
        party.check(end - party.mul(a, b))
        eqs, at = {}, 0  # eq at the point, per shared letter; the last letter has the lowest variables
        for letter in reversed(letters):
            bits = bits_for(product.letters[letter])
            eqs[letter] = eq_table(point[at:at + bits], self.one)
            at += bits
        joined = set()  # axes of the claim that have joined a factor axis
        for tensor, view, factor in ((product.a, product.a_view, a), (product.b, product.b_view, b)):
            axes = [self.factor_axis(product, m, size, claim, eqs, joined) for m, size in zip(view.maps, view.axes)]
            party.check(self.claim(tensor, self.one, axes) - factor)

    def factor_axis(self, product, m, size, claim, eqs, joined):
        """The vector on one axis of a factor: eq of its shared letters times the claim's vectors that join it."""
        letters = [letter for letter, _ in m.parts]
        weights = []
        for o, out in enumerate(product.out):
            if o not in joined and all(letter in letters for letter, _ in out.parts):
                joined.add(o)
                weights.append((out, claim[o]))
        vector = [self.one * 0] * size
        for values in assignments(*(range(product.letters[letter]) for letter in letters)):
            value = dict(zip(letters, values))
            index = m.offset + sum(c * value[letter] for letter, c in m.parts)
            if not 0 <= index < size:
                continue
            weight = self.one
            for letter in letters:
                if letter in eqs:
                    weight = weight * eqs[letter][value[letter]]
            for out, entries in weights:
                weight = weight * entries[out.offset + sum(c * value[letter] for letter, c in out.parts)]
            vector[index] = vector[index] + weight
        return vector


def shared_letters(product):
    """Letters in both factors, ascending: the variables of the product's sumcheck."""
    a, b = ({letter for m in view.maps for letter, _ in m.parts} for view in (product.a_view, product.b_view))
    return sorted(a & b)


def gaps(base, factors, rows):
    """base - the sum of factor times entry, for each row of a table."""
    limbs = [[(b - sum(map(mul, limb, row))) % P for row in rows] for b, limb in zip(base.limbs, zip(*map(LIMBS, factors)))]
    return list(map(type(base), zip(*limbs)))


def site_vectors(shape, point, one):
    """eq at the point on the real entries of each axis; the last axis has the lowest variables."""
    vectors, at = [], 0
    for n in reversed(shape):
        bits = bits_for(n)
        vectors.insert(0, eq_table(point[at:at + bits], one)[:n])
        at += bits
    return vectors


def pull_back(m, size, vectors, one):
    """out[i] = sum over the map's letters, where they address i, of the product of their vectors."""
    sums = {m.offset: one}
    for letter, coef in m.parts:
        longer = {}
        for at, weight in sums.items():
            for j, w in enumerate(vectors[letter]):
                index = at + coef * j
                product = w if weight is one else weight * w
                longer[index] = longer[index] + product if index in longer else product
        sums = longer
    zero = one * 0
    return [sums.get(i, zero) for i in range(size)]
