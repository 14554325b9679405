"""The integer program of a slice and its bytes. docs/formats/program.md, docs/semantics.md. Its rules: program_rules.py."""

from dataclasses import dataclass, field
from math import prod

from .reading import Reader
from .verdict import BadInput

MAX_LIST = 1 << 16            # tensors, weights, ops
MAX_RANK, MAX_NAME, MAX_TERMS, MAX_PIECES, MAX_AXES = 8, 4096, 64, 256, 32
MAX_ELEMENTS, MAX_TOTAL_ELEMENTS = 1 << 28, 1 << 31
MAX_VALUE = (1 << 16) - 1     # |lo|, |hi| of an activation
MAX_NARROW = (1 << 15) - 1    # factors of products
MAX_WEIGHT = (1 << 40) - 1    # biases and constants
ACCUMULATOR_LIMIT = 1 << 61
MAX_WINDOW = 1 << 20
MAX_AXIS_TAPS, MAX_SPARSE_POSITIONS = 1 << 24, 1 << 12  # docs/formats/limits.md
MAX_COEFFICIENT = 1 << 40
MAX_EXPONENT, MAX_GRID_EXPONENT, MAX_OUT_EXPONENT = 256, 32, 24
MIN_SHIFT, MAX_SHIFT, MAX_CLAMP_BITS = -40, 60, 18
AVERAGE_BITS = 16

MAX_CONTRACT_TERMS = 1 << 48  # product of all letters of a contraction
MAX_TABLE_VALUES = 1 << (MAX_CLAMP_BITS + 1)
MAX_QUOTIENT_SHIFT = 40          # of a Divide's numerator
MAX_MASK = 1 << 22               # flags of a softmax's mask

IDENTITY, RELU, LEAKY_RELU, CLIP, SIGMOID, TANH, TABLE = range(7)


@dataclass
class Tensor:
    name: str
    shape: list
    exponent: int
    lo: int
    hi: int

    def largest(self):
        return max(abs(self.lo), abs(self.hi))


@dataclass
class Weight:
    name: str
    shape: list
    max_abs: int


@dataclass
class Activation:
    f: int
    in_exponent: int
    out_exponent: int
    lo: int
    hi: int
    a: int
    b: int
    label: str = ""                             # of a table
    values: list = field(default_factory=list)  # of a table


@dataclass
class Requant:
    shift: list
    clamp_bits: int
    activation: Activation

    def rounded_bound(self, bound):
        """The largest |v| before the clamp for |acc| <= bound."""
        return max((bound + (1 << (s - 1))) >> s if s >= 1 else bound << -s for s in self.shift)


@dataclass
class Window:
    kernel: tuple
    stride: tuple
    dilation: tuple
    pad_begin: tuple
    pad_end: tuple

    def outputs(self, axis, size):
        """Output positions along an axis (0: rows, 1: columns) for `size` input positions; 0 if the window does not fit."""
        span = size + self.pad_begin[axis] + self.pad_end[axis] - self.dilation[axis] * (self.kernel[axis] - 1) - 1
        return 0 if span < 0 else span // self.stride[axis] + 1

    def taps(self, axis, output, low, high):
        """How many taps of an output position read an input position in [low, high)."""
        start, d = output * self.stride[axis] - self.pad_begin[axis], self.dilation[axis]
        first = max(0, -((start - low) // d))
        last = min(self.kernel[axis], -((start - high) // d))
        return max(0, last - first)


@dataclass
class Conv:
    x: int
    y: int
    w: int
    bias: int
    groups: int
    window: Window
    requant: Requant


@dataclass
class Gemm:
    x: int
    y: int
    w: int
    bias: int
    requant: Requant


@dataclass
class SumTerm:
    is_weight: bool
    id: int
    coef: int


@dataclass
class Sum:
    terms: list
    y: int
    requant: Requant


@dataclass
class AveragePool:
    x: int
    y: int
    window: Window
    count_include_pad: bool
    counted_pad_end: tuple
    requant: Requant

    def counted(self, axis, output, size):
        """Taps along an axis that count in the divisor."""
        if not self.count_include_pad:
            return self.window.taps(axis, output, 0, size)
        return self.window.taps(axis, output, -self.window.pad_begin[axis], size + self.counted_pad_end[axis])


@dataclass
class MaxPool:
    x: int
    y: int
    window: Window


@dataclass
class AxisMap:
    """index = offset + sum of coef * letter over the parts (letter, coef)."""
    offset: int = 0
    parts: list = field(default_factory=list)


@dataclass
class Piece:
    x: int
    x_axes: list
    maps: list


@dataclass
class Rearrange:
    y: int
    y_axes: list
    fill: int
    pieces: list


@dataclass
class Factor:
    is_weight: bool
    id: int
    axes: list
    maps: list


@dataclass
class Contract:
    """acc = sum over the letters from `kept` on of a[...] b[...]."""
    a: Factor
    b: Factor
    y: int
    letters: list
    kept: int
    requant: Requant


@dataclass
class Reduce:
    """acc = coef * sum over the letters from `kept` on of x[...]."""
    x: int
    y: int
    letters: list
    kept: int
    axes: list
    maps: list
    coef: int
    requant: Requant


@dataclass
class Extreme:
    """Rows of n entries: the largest (smallest) value, or the index of its first or last occurrence."""
    x: int
    y: int
    n: int
    minimum: bool
    index: bool
    last: bool


@dataclass
class Softmax:
    x: int
    y: int
    n: int
    exp_bits: int
    inverse_bits: int
    exp_table: list
    mask_rows: int
    visible: list
    requant: Requant


@dataclass
class Normalize:
    x: int
    y: int
    n: int
    centered: bool
    epsilon: int
    root_bits: int
    gamma: int
    beta: int
    requant: Requant


@dataclass
class Divide:
    """acc = floor((2 a 2^shift + b) / (2 b))."""
    a: int
    b: int
    y: int
    shift: int
    requant: Requant


@dataclass
class OneHot:
    x: int
    y: int
    depth: int


@dataclass
class Op:
    name: str
    onnx_type: str
    body: object

    @property
    def requant(self):
        return getattr(self.body, "requant", None)

    def reads(self):
        if isinstance(self.body, Sum):
            return [t.id for t in self.body.terms if not t.is_weight]
        if isinstance(self.body, Rearrange):
            return [piece.x for piece in self.body.pieces]
        if isinstance(self.body, Contract):
            return [f.id for f in (self.body.a, self.body.b) if not f.is_weight]
        if isinstance(self.body, Divide):
            return [self.body.a, self.body.b]
        return [self.body.x]

    def reads_weights(self):
        if isinstance(self.body, Sum):
            return [t.id for t in self.body.terms if t.is_weight]
        if isinstance(self.body, (Conv, Gemm)):
            return [self.body.w] + ([] if self.body.bias is None else [self.body.bias])
        if isinstance(self.body, Contract):
            return [f.id for f in (self.body.a, self.body.b) if f.is_weight]
        if isinstance(self.body, Normalize):
            return [w for w in (self.body.gamma, self.body.beta) if w is not None]
        return []


@dataclass
class Program:
    tensors: list
    weights: list
    ops: list
    inputs: list
    outputs: list

    def multiply_adds(self, op):
        if isinstance(op.body, Contract):
            return prod(op.body.letters)
        if not isinstance(op.body, (Conv, Gemm)):
            return 0
        w = self.weights[op.body.w].shape
        return prod(self.tensors[op.body.y].shape) * (prod(w) // w[0])


# ---- bytes

def decode_program(data):
    r = Reader(data, "the integer program is cut short, too long or has an impossible field")
    if r.take(4) != b"DSPM":
        raise BadInput("not an integer program")
    if r.u32() != 1:
        raise BadInput("integer program of another version")
    program = Program(
        r.listed(MAX_LIST, lambda: Tensor(r.text(), _shape(r), r.i32(), r.i64(), r.i64())),
        r.listed(MAX_LIST, lambda: Weight(r.text(), _shape(r), r.i64())),
        r.listed(MAX_LIST, lambda: Op(r.text(), r.text(), _body(r))),
        r.listed(MAX_LIST, r.u32),
        r.listed(MAX_LIST, r.u32))
    r.end()
    return program


def _shape(r):
    return r.listed(MAX_AXES, r.i64)


def _pair(r):
    return (r.i64(), r.i64())


def _window(r):
    return Window(*(_pair(r) for _ in range(5)))


def _requant(r):
    shift = r.listed(MAX_ELEMENTS, r.i32)
    clamp_bits = r.u32()
    f = r.u8()
    a = Activation(f, r.i32(), r.i32(), r.i64(), r.i64(), r.i64(), r.i64())
    if f == TABLE:
        a.label = r.text()
        a.values = r.listed(MAX_TABLE_VALUES, r.i32)
    return Requant(shift, clamp_bits, a)


def _axis_map(r):
    return AxisMap(r.i64(), r.listed(MAX_AXES, lambda: (r.u32(), r.i64())))


def _body(r):
    kind = r.u8()
    if kind == 0:
        return Conv(r.u32(), r.u32(), r.u32(), _optional(r), r.i64(), _window(r), _requant(r))
    if kind == 1:
        return Gemm(r.u32(), r.u32(), r.u32(), _optional(r), _requant(r))
    if kind == 2:
        return Sum(r.listed(MAX_TERMS, lambda: SumTerm(r.flag(), r.u32(), r.i64())), r.u32(), _requant(r))
    if kind == 3:
        return AveragePool(r.u32(), r.u32(), _window(r), r.flag(), _pair(r), _requant(r))
    if kind == 4:
        return MaxPool(r.u32(), r.u32(), _window(r))
    if kind == 5:
        return Rearrange(r.u32(), _shape(r), r.i64(), r.listed(MAX_PIECES, lambda: Piece(
            r.u32(), _shape(r), _maps(r))))
    if kind == 6:
        return Contract(_factor(r), _factor(r), r.u32(), _shape(r), r.u32(), _requant(r))
    if kind == 7:
        return Reduce(r.u32(), r.u32(), _shape(r), r.u32(), _shape(r), _maps(r), r.i64(), _requant(r))
    if kind == 8:
        return Extreme(r.u32(), r.u32(), r.i64(), r.flag(), r.flag(), r.flag())
    if kind == 9:
        return Softmax(r.u32(), r.u32(), r.i64(), r.u32(), r.u32(), r.listed(MAX_TABLE_VALUES, r.i32), r.i64(),
                       r.listed(MAX_MASK, r.u8), _requant(r))
    if kind == 10:
        return Normalize(r.u32(), r.u32(), r.i64(), r.flag(), r.i64(), r.u32(), _optional(r), _optional(r), _requant(r))
    if kind == 11:
        return Divide(r.u32(), r.u32(), r.u32(), r.i32(), _requant(r))
    if kind == 12:
        return OneHot(r.u32(), r.u32(), r.i64())
    raise BadInput(r.fault)


def _optional(r):
    return r.u32() if r.flag() else None


def _maps(r):
    return r.listed(MAX_AXES, lambda: _axis_map(r))


def _factor(r):
    return Factor(r.flag(), r.u32(), _shape(r), _maps(r))
