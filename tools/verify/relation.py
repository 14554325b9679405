"""A slice as constraints: views, terms, lookups, identities, products, tables. docs/protocol/relations.md, "Data".

Data only: no values, no challenges. Tensors are numbered: the program's weights, its tensors, then what constraints add, and one
vector of multiplicities a table at the end. Scalars are elements of F, as ints.
"""

from dataclasses import dataclass, field
from math import prod

from . import work
from .program import AxisMap
from .verdict import Unsupported

WIDTH = 3                    # columns of the widest table
MAX_TABLE_ROWS = 1 << 20     # of all tables of a slice
MAX_LOOKUPS = 1 << 25        # lookups and rows of a slice


def bits_for(n):
    """Variables of an axis of n entries."""
    return (n - 1).bit_length()


@dataclass
class View:
    """How letters address a tensor whose flat index is read over `axes`: one map per axis; outside of an axis it is zero."""
    axes: list
    maps: list


@dataclass
class Term:
    """scalar * scales * (1 | tensor[view] | product) at each element of a site; `extra` letters follow the site's and are summed."""
    scalar: int = 1
    tensor: int = None
    product: int = None
    view: View = field(default_factory=lambda: View([], []))
    extra: list = field(default_factory=list)
    scales: list = field(default_factory=list)  # (letter, one value per entry)

    def but(self, **changes):
        return Term(**{**self.__dict__, **changes})


@dataclass
class Lookup:
    name: str
    shape: list
    table: int
    columns: list  # of lists of terms


@dataclass
class Identity:
    name: str
    shape: list
    terms: list


@dataclass
class Product:
    """out[maps(letters)] = sum over the other letters of a[view a] b[view b]; never committed."""
    name: str
    letters: list  # sizes
    out: list      # one AxisMap per axis of the virtual tensor
    a: int
    a_view: View
    b: int
    b_view: View


@dataclass
class Table:
    name: str
    rows: list  # tuples of ints


def axis(letter, coef=1, offset=0):
    return AxisMap(offset, [(letter, coef)])


def identity_view(axes):
    return View(list(axes), [axis(k) for k in range(len(axes))])


def broadcast_view(shape, site):
    """How numpy broadcasting reads an operand at the letters of a site."""
    first = len(site) - len(shape)
    return View(shape, [AxisMap() if n == 1 else axis(first + k) for k, n in enumerate(shape)])


def tensor_term(tensor, view, coef=1):
    return Term(scalar=coef, tensor=tensor, view=view)


class Relation:
    """Collects constraints in the order in which operators make them; that order is part of the protocol."""

    def __init__(self, program, tensors):
        self.program = program
        self.shapes = [w.shape for w in program.weights] + ([t.shape for t in program.tensors] if tensors else [])
        self.tables, self.lookups, self.identities, self.products = [], [], [], []
        self.multiplicities = []  # tensor of each table
        self._table_numbers = {}

    def value(self, tensor):
        return len(self.program.weights) + tensor

    def add_tensor(self, shape):
        self.shapes.append(list(shape))
        return len(self.shapes) - 1

    def table(self, name, size, make):
        """The table of that name; `make` gives its rows at the first use. Tables are numbered in order of first use."""
        if name not in self._table_numbers:
            if sum(len(t.rows) for t in self.tables) + size > MAX_TABLE_ROWS:
                raise Unsupported("the lookup tables need more than 2^20 rows")
            self._table_numbers[name] = len(self.tables)
            self.tables.append(Table(name, make()))
        return self._table_numbers[name]

    def range_table(self, lo, hi):
        return self.table(f"range {lo} {hi}", hi - lo + 1, lambda: [(v,) for v in range(lo, hi + 1)])

    def lookup_size(self):
        return sum(prod(l.shape) for l in self.lookups) + sum(len(t.rows) for t in self.tables)

    def finish(self):
        self.multiplicities = [self.add_tensor([len(t.rows)]) for t in self.tables]
        if self.lookup_size() > MAX_LOOKUPS:
            raise Unsupported(f"the slice needs {self.lookup_size()} lookups, more than 2^25")
        if work.of_relation(self) > work.MAX_WORK:
            raise Unsupported("the slice would make a verifier work on more than 2^26 field elements")
        return self
