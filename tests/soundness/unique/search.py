"""All witnesses of a small slice: every assignment of its committed cells that satisfies its constraints, found by search.

Nothing is sampled and no range is assumed: a cell takes its value from a table that a lookup must be in, or from the one linear
equation in F that it is the last unknown of. The constraints are those of tools/verify, the independent verifier; what is summed over
multiplicities is taken as what it proves: that every looked-up tuple is a row of its table.
"""

from itertools import groupby
from itertools import product as assignments
from math import prod

from verify import field


class Unbound(Exception):
    """Cells that no table bounds and no equation gives: there may be as many witnesses as elements of F."""


def flat(axes, indices):
    at = 0
    for n, i in zip(axes, indices):
        at = at * n + i
    return at


def addressed(view, letters):
    """The flat index that a view reads at these letters; None beyond an axis."""
    indices = [m.offset + sum(c * letters[letter] for letter, c in m.parts) for m in view.maps]
    return flat(view.axes, indices) if all(0 <= i < n for i, n in zip(indices, view.axes)) else None


def elements(shape):
    return assignments(*map(range, shape))


class Polynomial:
    """constant + sum of coefficient * cell + sum of coefficient * cell * cell, over F. A cell: (tensor, flat index)."""

    def __init__(self):
        self.constant, self.terms = 0, {}  # by sorted tuple of cells

    def add(self, coef, cells=()):
        key = tuple(sorted(cells))
        if not key:
            self.constant = (self.constant + coef) % field.P
            return
        self.terms[key] = (self.terms.get(key, 0) + coef) % field.P

    def given(self, known):
        """With what is known put in: the constant, and what is left over."""
        constant, left = self.constant, {}
        for cells, coef in self.terms.items():
            unknown = []
            for cell in cells:
                if cell in known:
                    coef = coef * known[cell] % field.P
                else:
                    unknown.append(cell)
            if unknown:
                key = tuple(unknown)
                left[key] = (left.get(key, 0) + coef) % field.P
            else:
                constant = (constant + coef) % field.P
        return constant, {cells: coef for cells, coef in left.items() if coef}


def polynomial(relation, terms, site):
    """The sum of the terms at one element of a site."""
    out = Polynomial()
    for term in terms:
        for extra in elements(term.extra):
            letters = (*site, *extra)
            coef = term.scalar
            for letter, values in term.scales:
                coef = coef * values[letters[letter]] % field.P
            if term.product is not None:
                for a, b in pairs(relation.products[term.product], letters):
                    out.add(coef, (a, b))
                continue
            at = addressed(term.view, letters)
            if at is not None:
                out.add(coef, () if term.tensor is None else ((term.tensor, at),))
    return out


def pairs(product, site):
    """The pairs of cells whose products are summed at one element of a product."""
    for letters in elements(product.letters):
        if tuple(m.offset + sum(c * letters[letter] for letter, c in m.parts) for m in product.out) == tuple(site):
            a, b = addressed(product.a_view, letters), addressed(product.b_view, letters)
            if a is not None and b is not None:
                yield (product.a, a), (product.b, b)


class TooMany(Exception):
    """The search was not to take that many steps."""


class Search:
    def __init__(self, relation, steps=1 << 20):
        self.steps = steps
        self.relation = relation
        # Neighbours over one site element by element: what is chosen for an element is judged before the next one is chosen for.
        self.lookups = [(lookup.table, [polynomial(relation, column, site) for column in lookup.columns])
                        for shape, run in groupby(relation.lookups, key=lambda lookup: lookup.shape)
                        for site, lookup in assignments(elements(shape), list(run))]
        self.identities = [polynomial(relation, i.terms, site) for i in relation.identities for site in elements(i.shape)]
        self.rows = [[tuple(x % field.P for x in row) for row in table.rows] for table in relation.tables]
        self.row_sets = list(map(set, self.rows))
        made = set(relation.multiplicities)
        self.cells = [(t, i) for t, shape in enumerate(relation.shapes) if t not in made for i in range(prod(shape))]

    def solutions(self, known):
        """Each assignment of all cells that agrees with what is known."""
        known = {cell: value % field.P for cell, value in known.items()}
        yield from self._search(known, self.identities, self.lookups)

    def _search(self, known, identities, lookups):
        self.steps -= 1
        if self.steps < 0:
            raise TooMany
        progress = True
        while progress:  # what follows without a choice
            progress, open_identities = False, []
            for identity in identities:
                constant, left = identity.given(known)
                if not left:
                    if constant:
                        return
                    continue
                (cells, coef), *more = left.items()
                if not more and len(cells) == 1:
                    known[cells[0]] = -constant * field.inverse(coef) % field.P
                    progress = True
                    continue
                open_identities.append(identity)
            identities = open_identities
            best, open_lookups = None, []
            for lookup in lookups:
                table, columns = lookup
                given = [column.given(known) for column in columns]
                if not any(left for _, left in given):
                    if tuple(constant for constant, _ in given) not in self.row_sets[table]:
                        return
                    continue
                open_lookups.append(lookup)
                choices = self._choices(table, given)
                if choices is None:
                    continue
                if not choices:
                    return
                if len(choices) == 1:
                    known.update(choices[0])
                    progress = True
                elif best is None:  # the first that can be chosen: what a constraint makes lies before what is made of it
                    best = choices
            lookups = open_lookups
        if best is None:
            if identities or lookups or any(cell not in known for cell in self.cells):
                raise Unbound
            yield known
            return
        for choice in best:
            yield from self._search({**known, **choice}, identities, lookups)

    def _choices(self, table, given):
        """What the rows of a table would make of the unknowns, each once; None if a column has several."""
        unknown = []
        for constant, left in given:
            if len(left) > 1 or any(len(cells) > 1 for cells in left):
                return None
            for cells, coef in left.items():
                unknown.append((cells[0], constant, field.inverse(coef)))
        fixed = [(i, constant) for i, (constant, left) in enumerate(given) if not left]
        loose = [i for i, (_, left) in enumerate(given) if left]
        out = set()
        for row in self.rows[table]:
            if all(row[i] == constant for i, constant in fixed):
                values = {}
                for i, (cell, constant, over) in zip(loose, unknown):
                    x = (row[i] - constant) * over % field.P
                    if values.setdefault(cell, x) != x:
                        break
                else:
                    out.add(tuple(sorted(values.items())))
        return [dict(choice) for choice in sorted(out)]
