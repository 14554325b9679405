"""F, the integers modulo p = 2^64 - 2^32 + 1, and its extensions E = F[X] / (X^d - 7), d = 2 or 3. docs/protocol/parameters.md.

Elements of F are ints below p. Elements of E are objects with operators; an int beside one stands for an element of F.
"""

from operator import attrgetter, mul

P = 2**64 - 2**32 + 1
GENERATOR = 7
NON_RESIDUE = 7
LIMBS = attrgetter("limbs")


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
    def times(cls, xs, factor):
        """Each of xs times an element."""
        raise NotImplementedError

    @classmethod
    def differences(cls, xs, ys):
        """Each of xs minus its fellow of ys."""
        raise NotImplementedError

    @classmethod
    def power_of_x(cls, exponent):
        return cls(tuple(1 if i == exponent else 0 for i in range(cls.degree)))

    def __radd__(self, other):
        return self + other

    def __neg__(self):
        return type(self)(tuple(-a % P for a in self.limbs))

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

    def inverse(self):
        conjugate, norm = self.cofactor()
        return conjugate * inverse(norm)

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

    def __add__(self, other):
        a0, a1 = self.limbs
        if isinstance(other, int):
            return Ext2(((a0 + other) % P, a1))
        b0, b1 = other.limbs
        return Ext2(((a0 + b0) % P, (a1 + b1) % P))

    def __sub__(self, other):
        a0, a1 = self.limbs
        if isinstance(other, int):
            return Ext2(((a0 - other) % P, a1))
        b0, b1 = other.limbs
        return Ext2(((a0 - b0) % P, (a1 - b1) % P))

    def __mul__(self, other):
        a0, a1 = self.limbs
        if isinstance(other, int):
            return Ext2((a0 * other % P, a1 * other % P))
        b0, b1 = other.limbs
        return Ext2(((a0 * b0 + NON_RESIDUE * a1 * b1) % P, (a0 * b1 + a1 * b0) % P))

    @classmethod
    def times(cls, xs, factor):
        r0, r1 = factor.limbs
        return [cls(((a * r0 + NON_RESIDUE * b * r1) % P, (a * r1 + b * r0) % P)) for a, b in map(LIMBS, xs)]

    @classmethod
    def differences(cls, xs, ys):
        return [cls(((a - c) % P, (b - d) % P)) for (a, b), (c, d) in zip(map(LIMBS, xs), map(LIMBS, ys))]

    def cofactor(self):
        """The conjugate a0 - a1 X, and the product with it, which lies in F."""
        a0, a1 = self.limbs
        return Ext2((a0, -a1 % P)), (a0 * a0 - NON_RESIDUE * a1 * a1) % P


class Ext3(Element):
    __slots__ = ()
    degree = 3

    def __add__(self, other):
        a0, a1, a2 = self.limbs
        if isinstance(other, int):
            return Ext3(((a0 + other) % P, a1, a2))
        b0, b1, b2 = other.limbs
        return Ext3(((a0 + b0) % P, (a1 + b1) % P, (a2 + b2) % P))

    def __sub__(self, other):
        a0, a1, a2 = self.limbs
        if isinstance(other, int):
            return Ext3(((a0 - other) % P, a1, a2))
        b0, b1, b2 = other.limbs
        return Ext3(((a0 - b0) % P, (a1 - b1) % P, (a2 - b2) % P))

    def __mul__(self, other):
        a0, a1, a2 = self.limbs
        if isinstance(other, int):
            return Ext3((a0 * other % P, a1 * other % P, a2 * other % P))
        b0, b1, b2 = other.limbs
        return Ext3(((a0 * b0 + NON_RESIDUE * (a1 * b2 + a2 * b1)) % P,
                     (a0 * b1 + a1 * b0 + NON_RESIDUE * a2 * b2) % P,
                     (a0 * b2 + a1 * b1 + a2 * b0) % P))

    @classmethod
    def times(cls, xs, factor):
        r0, r1, r2 = factor.limbs
        return [cls(((a * r0 + NON_RESIDUE * (b * r2 + c * r1)) % P, (a * r1 + b * r0 + NON_RESIDUE * c * r2) % P,
                     (a * r2 + b * r1 + c * r0) % P)) for a, b, c in map(LIMBS, xs)]

    @classmethod
    def differences(cls, xs, ys):
        return [cls(((a - d) % P, (b - e) % P, (c - f) % P)) for (a, b, c), (d, e, f) in zip(map(LIMBS, xs), map(LIMBS, ys))]

    def cofactor(self):
        """Cofactors of the matrix of multiplication by self, and its determinant."""
        a0, a1, a2 = self.limbs
        c0 = a0 * a0 - NON_RESIDUE * a1 * a2
        c1 = NON_RESIDUE * a2 * a2 - a0 * a1
        c2 = a1 * a1 - a0 * a2
        return Ext3((c0 % P, c1 % P, c2 % P)), (a0 * c0 + NON_RESIDUE * (a2 * c1 + a1 * c2)) % P


EXTENSION = {100: Ext2, 128: Ext3}  # by profile


def inverses(xs):
    """The inverses of all xs with one inversion (Montgomery's trick, on the norms); None if one of them is zero."""
    if not xs:
        return []
    conjugates, norms = zip(*(x.cofactor() for x in xs))
    prefix = [1]
    for norm in norms:
        prefix.append(prefix[-1] * norm % P)
    if prefix[-1] == 0:
        return None
    running, out = inverse(prefix[-1]), []
    for conjugate, norm, before in zip(reversed(conjugates), reversed(norms), reversed(prefix[:-1])):
        out.append(conjugate * (running * before % P))
        running = running * norm % P
    return out[::-1]


def total(xs):
    """The sum of one element of E or more."""
    return type(xs[0])(tuple(sum(limb) % P for limb in zip(*map(LIMBS, xs))))


def dot(xs, ys):
    """The sum of x y over one pair or more: xs of E, ys of E or of F. Reduced once, at the end."""
    ext = type(xs[0])
    x_limbs = list(zip(*map(LIMBS, xs)))
    if isinstance(ys[0], int):
        return ext(tuple(sum(map(mul, limb, ys)) % P for limb in x_limbs))
    sums = [0] * (2 * ext.degree - 1)
    for j, y in enumerate(zip(*map(LIMBS, ys))):
        for i, x in enumerate(x_limbs):
            sums[i + j] += sum(map(mul, x, y))
    return ext(tuple((low + NON_RESIDUE * high) % P for low, high in zip(sums, sums[ext.degree:] + [0])))


def eq_table(point, one):
    """eq(point, i) for i in 0 .. 2^len(point) - 1; coordinate 0 belongs to the lowest bit of i."""
    table = [one]
    for r in point:
        high = one.times(table, r)
        table = one.differences(table, high) + high
    return table


def eq_at(point, index, one):
    """eq(point, index) for one index."""
    result = one
    for j, r in enumerate(point):
        result = result * (r if index >> j & 1 else 1 - r)
    return result
