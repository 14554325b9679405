"""What a constraint costs a verifier, in units: the bound that a hostile key meets. docs/formats/limits.md, "Units"."""

from math import prod

TERM = 256
MAX_WORK = 1 << 26


def of_map(m, size, letters):
    """Assignments of the letters of a map, and the axis that they write."""
    return prod(letters[letter] for letter, _ in m.parts) + size


def of_claim(axes):
    """A claim on a tensor: its best split into runs, in blocks of at least a 32nd of a run."""
    total, run, costs = prod(axes), 1, []
    for n in [1, *reversed(axes)]:
        run *= n
        costs.append(total // run * min(run, 32) + run)
    return min(costs)


def of_terms(terms, site):
    work = 0
    for term in terms:
        work += TERM + sum(site) + sum(len(values) for _, values in term.scales)
        if term.product is not None:
            continue  # counted as a product
        letters = list(site) + term.extra
        work += sum(of_map(m, size, letters) for m, size in zip(term.view.maps, term.view.axes))
        if term.tensor is not None:
            work += of_claim(term.view.axes)
    return work


def of_product(product):
    work = 0
    for view in (product.a_view, product.b_view):
        work += 3 * sum(of_map(m, size, product.letters) for m, size in zip(view.maps, view.axes)) + of_claim(view.axes)
    return work


def of_relation(relation):
    work = sum(of_product(product) for product in relation.products)
    for lookup in relation.lookups:
        work += 2 * sum(lookup.shape) + sum(of_terms(column, lookup.shape) for column in lookup.columns)
    for identity in relation.identities:
        work += 2 * sum(identity.shape) + of_terms(identity.terms, identity.shape)
    return work
