"""Draws of one case: shapes, numbers, attributes. The same seed gives the same draws."""
import dataclasses
import math

import numpy as np

NEWEST = 28  # the newest opset that dsperse takes
OLDEST = 7


@dataclasses.dataclass
class Case:
    """A model of one node. inputs: arrays, None where an optional one is left out; input i is called xi, which the bodies of control
    flow may read. constant: positions that are initializers. outer: positions that the model has and the node does not list."""

    op: str
    inputs: list
    attributes: dict
    opset: int
    constant: set
    outputs: list  # names, "" where one is left out
    outer: tuple = ()


class Draw:
    def __init__(self, *seed):
        self.rng = np.random.default_rng(seed)

    def int(self, low, high):
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def ints(self, count, low, high):
        return [self.int(low, high) for _ in range(count)]

    def flip(self, chance=0.5):
        return bool(self.rng.random() < chance)

    def of(self, *choices):
        return choices[self.int(0, len(choices) - 1)]

    def real(self, low, high):
        """A parameter with few digits."""
        return round(float(self.rng.uniform(low, high)), 3)

    def opset(self, first=OLDEST, last=NEWEST):
        """Half of them recent."""
        return self.int(max(first, min(13, last)), last) if self.flip() else self.int(max(first, OLDEST), last)

    # Shapes

    def shape(self, low=1, high=4, most=96):
        """low to high axes, at most so many elements."""
        rank, out, room = self.int(low, high), [], most
        for _ in range(rank):
            out.append(self.int(1, min(7, room)))
            room = max(1, room // out[-1])
        self.rng.shuffle(out)
        return [int(n) for n in out]

    def broadcast(self, shape):
        """One that broadcasts to shape."""
        out = [1 if self.flip(0.3) else n for n in shape]
        return out[self.int(0, len(out)) if self.flip() else 0:]

    def pair(self, most=96):
        """Two shapes that broadcast together."""
        whole = self.shape(0 if self.flip(0.1) else 1, 4, most)
        sides = [self.int(0, 5) for _ in whole]  # 0: the first is 1 there, 1: the second
        a, b = ([1 if s == i else n for s, n in zip(sides, whole)] for i in (0, 1))
        short = self.int(0, len(whole))
        b = b[short:] if self.flip() and all(s != 0 for s in sides[:short]) else b
        return (a, b) if self.flip() else (b, a)

    def axis(self, rank, end=0):
        """One of `rank` axes (and `end` more), from the front or the back."""
        a = self.int(0, rank - 1 + end)
        return a - rank - end if self.flip() else a

    def axes(self, rank, least=1):
        """Some different ones, in any order."""
        chosen = self.rng.permutation(rank)[: self.int(min(least, rank), rank)]
        return [int(a) - rank if self.flip(0.4) else int(a) for a in chosen]

    def permutation(self, n):
        return [int(i) for i in self.rng.permutation(n)]

    # Values

    def reals(self, shape, low=-3.0, high=3.0, kind=np.float32):
        """Spread evenly, or most of them near the middle; sometimes in halves, where many are equal and at ties."""
        how = self.int(0, 5)
        if how == 0:
            x = np.clip(np.round(self.rng.uniform(low, high, shape) * 2) / 2, math.ceil(low * 64) / 64, math.floor(high * 64) / 64)
        elif how <= 2:
            x = np.clip(self.rng.normal((low + high) / 2, (high - low) / 6, shape), low, high)
        else:
            x = self.rng.uniform(low, high, shape)
        return np.asarray(x, dtype=kind)

    def weights(self, shape, scale=1.0):
        return np.asarray(self.rng.normal(0, scale, shape), dtype=np.float32)

    def wholes(self, shape, low=-9, high=9, kind=np.int64):
        return np.asarray(self.rng.integers(low, high + 1, shape), dtype=kind)

    def truths(self, shape):
        return np.asarray(self.rng.random(shape) < 0.5)

    def float_type(self):
        """Mostly 32 bits."""
        return self.of(*[np.float32] * 8, np.float64, np.float16)

    # Cases

    def case(self, op, inputs, opset, outputs=1, attributes=None, fixed=(), maybe=(), outer=()):
        """fixed: positions that are initializers; maybe: such as are in half of the cases."""
        while inputs and inputs[-1] is None:
            inputs = inputs[:-1]
        constant = {i for i in fixed if i < len(inputs)} | {i for i in maybe if i < len(inputs) and self.flip()}
        names = [f"y{i}" for i in range(outputs)] if isinstance(outputs, int) else outputs
        return Case(op, list(inputs), attributes or {}, opset, constant, names, outer)

    def some(self, attributes, chance=0.6):
        """The attributes that this case sets; others keep their default."""
        return {k: v for k, v in attributes.items() if self.flip(chance)}


def vector(*values):
    return np.asarray(values, dtype=np.int64)
