"""Hidden values, affine forms, checks. docs/protocol/hidden.md.

A form is  constant + sum of coefficient * committed element + sum of <public functional, committed tensor>.
Committed elements are ("pad", i), ("slot", 4 k + part) with parts ab, f, g, h, and ("end", i) in the last sumcheck.
"""

from dataclasses import dataclass

from .verdict import Rejected


@dataclass
class Claim:
    """scalar * <vectors[0] x vectors[1] x ..., committed tensor>, row major."""
    tensor: int
    scalar: object
    vectors: list


class Form:
    def __init__(self, constant, coefficients=None, claims=(), pad=None):
        self.constant = constant
        self.coefficients = coefficients or {}
        self.claims = list(claims)
        self.pad = pad  # set iff this is one fresh hidden value

    def __add__(self, other):
        if not isinstance(other, Form):
            return Form(self.constant + other, self.coefficients, self.claims)
        sums = dict(self.coefficients)
        for element, c in other.coefficients.items():
            sums[element] = sums[element] + c if element in sums else c
        return Form(self.constant + other.constant, sums, self.claims + other.claims)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __mul__(self, factor):
        return Form(self.constant * factor, {element: c * factor for element, c in self.coefficients.items()},
                    [Claim(c.tensor, c.scalar * factor, c.vectors) for c in self.claims])


class Party:
    """The verifier's side of a schedule: takes messages from the proof, draws challenges, collects checks."""

    def __init__(self, transcript, hidden, clear, last):
        self.transcript = transcript
        self.ext = transcript.ext
        self.messages = {"hidden": hidden, "clear": clear, "last": last}
        self.taken = {"hidden": 0, "clear": 0, "last": 0}
        self.slots = []  # the two pads whose product slot k holds
        self.checks = []

    def one(self):
        return self.ext.of(1)

    def _take(self, kind, label):
        i = self.taken[kind]
        if i >= len(self.messages[kind]):
            raise Rejected("message missing")
        self.taken[kind] = i + 1
        message = self.messages[kind][i]
        self.transcript.absorb_ext(label, [message])
        return i, message

    def challenge(self, label):
        return self.transcript.challenge(label)

    def hide(self, label):
        """The prover sends value + pad i; the form is that message - pad i."""
        i, message = self._take("hidden", label)
        return Form(message, {("pad", i): self.ext.of(-1)}, pad=i)

    def hide_end(self, label):
        i, message = self._take("last", label)
        return Form(message, {("end", i): self.ext.of(-1)})

    def mul(self, a, b):
        """The product of two freshly hidden values: (ca - a)(cb - b) = ca cb - cb a - ca b + ab, ab in a slot."""
        k = len(self.slots)
        self.slots.append((a.pad, b.pad))
        return (Form(a.constant * b.constant) + self._element("pad", a.pad) * -b.constant
                + self._element("pad", b.pad) * -a.constant + self._element("slot", 4 * k))

    def _element(self, kind, i):
        return Form(self.ext.of(0), {(kind, i): self.one()})

    def check(self, form):
        """form = 0."""
        self.checks.append(form)

    def sacrifice(self):
        """docs/protocol/hidden.md, "Slots hold products"."""
        rho = self.challenge("rho")
        for k, (pad_a, pad_b) in enumerate(self.slots):
            a, b = self._element("pad", pad_a), self._element("pad", pad_b)
            ab, f, g, h = (self._element("slot", 4 * k + part) for part in range(4))
            _, e = self._take("clear", "e")
            _, d = self._take("clear", "d")
            self.check(a * rho - f - e)
            self.check(b - g - d)
            self.check(ab * rho - h - g * e - f * d - e * d)

    def fold_checks(self):
        """One form for all checks, with weights 1, eta, eta^2, ..."""
        eta = self.challenge("eta")
        power, constant, coefficients, claims = self.one(), self.ext.of(0), {}, []
        for check in self.checks:
            scaled = check * power
            constant = constant + scaled.constant
            claims += scaled.claims
            for element, c in scaled.coefficients.items():
                coefficients[element] = coefficients[element] + c if element in coefficients else c
            power = power * eta
        return Form(constant, coefficients, claims)

    def finished(self):
        """Every message was used."""
        return all(self.taken[kind] == len(self.messages[kind]) for kind in self.messages)
