"""F, the integers modulo p = 2^64 - 2^32 + 1, and its extensions E = F[X] / (X^d - 7), d = 2 or 3. docs/protocol/parameters.md.

Elements of F are ints below p. Elements of E are objects with operators; an int beside one stands for an element of F.
"""

P = 2**64 - 2**32 + 1
GENERATOR = 7
NON_RESIDUE = 7


def inverse(a):
    return pow(a, P - 2, P)


def root_of_unity(log_n):
    """The element of order 2^log_n that codes use: 7^((p - 1) / n)."""
    return pow(GENERATOR, (P - 1) >> log_n, P)


class Element:
    """Base of Ext2 and Ext3: everything that does not depend on the degree. `limbs` are the coefficients of 1, X, ..."""

    __slots__ = ("limbs",)
    degree = 0

    def __init__(self, limbs):
        self.limbs = limbs

    @classmethod
    def of(cls, a):
        return cls((a % P,) + (0,) * (cls.degree - 1))

    @classmethod
    def power_of_x(cls, exponent):
        return cls(tuple(1 if i == exponent else 0 for i in range(cls.degree)))

    def __add__(self, other):
        if isinstance(other, int):
            return type(self)(((self.limbs[0] + other) % P,) + self.limbs[1:])
        return type(self)(tuple((a + b) % P for a, b in zip(self.limbs, other.limbs)))

    __radd__ = __add__

    def __neg__(self):
        return type(self)(tuple(-a % P for a in self.limbs))

    def __sub__(self, other):
        if isinstance(other, int):
            return type(self)(((self.limbs[0] - other) % P,) + self.limbs[1:])
        return type(self)(tuple((a - b) % P for a, b in zip(self.limbs, other.limbs)))

    def __rsub__(self, other):
        return -self + other

    def __rmul__(self, other):
        return self * other

    def __eq__(self, other):
        return self.limbs == (other.limbs if isinstance(other, Element) else self.of(other).limbs)

    def __hash__(self):
        return hash(self.limbs)

    def is_zero(self):
        return not any(self.limbs)

    def __pow__(self, exponent):
        result, base = self.of(1), self
        while exponent:
            if exponent & 1:
                result = result * base
            base = base * base
            exponent >>= 1
        return result

    def __repr__(self):
        return f"E{self.degree}{self.limbs}"


class Ext2(Element):
    __slots__ = ()
    degree = 2

    def __mul__(self, other):
        a0, a1 = self.limbs
        if isinstance(other, int):
            return Ext2((a0 * other % P, a1 * other % P))
        b0, b1 = other.limbs
        return Ext2(((a0 * b0 + NON_RESIDUE * a1 * b1) % P, (a0 * b1 + a1 * b0) % P))

    def inverse(self):
        """(a0 - a1 X) / (a0^2 - 7 a1^2): the product with the conjugate lies in F."""
        a0, a1 = self.limbs
        norm = inverse((a0 * a0 - NON_RESIDUE * a1 * a1) % P)
        return Ext2((a0 * norm % P, -a1 * norm % P))


class Ext3(Element):
    __slots__ = ()
    degree = 3

    def __mul__(self, other):
        a0, a1, a2 = self.limbs
        if isinstance(other, int):
            return Ext3((a0 * other % P, a1 * other % P, a2 * other % P))
        b0, b1, b2 = other.limbs
        return Ext3(((a0 * b0 + NON_RESIDUE * (a1 * b2 + a2 * b1)) % P,
                     (a0 * b1 + a1 * b0 + NON_RESIDUE * a2 * b2) % P,
                     (a0 * b2 + a1 * b1 + a2 * b0) % P))

    def inverse(self):
        """Cofactors of the matrix of multiplication by self, over its determinant."""
        a0, a1, a2 = self.limbs
        c0 = a0 * a0 - NON_RESIDUE * a1 * a2
        c1 = NON_RESIDUE * a2 * a2 - a0 * a1
        c2 = a1 * a1 - a0 * a2
        norm = inverse((a0 * c0 + NON_RESIDUE * (a2 * c1 + a1 * c2)) % P)
        return Ext3((c0 * norm % P, c1 * norm % P, c2 * norm % P))


EXTENSION = {100: Ext2, 128: Ext3}  # by profile


def inverses(xs):
    """The inverses of all xs with one inversion (Montgomery's trick); None if one of them is zero."""
    if not xs:
        return []
    prefix = [xs[0]]
    for x in xs[1:]:
        prefix.append(prefix[-1] * x)
    if prefix[-1].is_zero():
        return None
    running = prefix[-1].inverse()
    out = [None] * len(xs)
    for i in range(len(xs) - 1, 0, -1):
        out[i] = running * prefix[i - 1]
        running = running * xs[i]
    out[0] = running
    return out


def eq_table(point, one):
    """eq(point, i) for i in 0 .. 2^len(point) - 1; coordinate 0 belongs to the lowest bit of i."""
    table = [one]
    for r in point:
        high = [t * r for t in table]
        table = [t - h for t, h in zip(table, high)] + high
    return table


def eq_at(point, index, one):
    """eq(point, index) for one index."""
    result = one
    for j, r in enumerate(point):
        result = result * (r if index >> j & 1 else 1 - r)
    return result
