"""How large an op's accumulator can become. docs/semantics.md, rule 2."""

from math import prod

from .program import ACCUMULATOR_LIMIT, AVERAGE_BITS, AveragePool, Contract, Conv, Gemm, Reduce, Sum
from .row_rules import ROW_CHECKS, row_bound
from .verdict import Unsupported


def accumulator_bound(program, op):
    """The largest |acc| for inputs in their ranges and weights within max_abs."""
    body = op.body
    if isinstance(body, (Conv, Gemm)):
        w = program.weights[body.w]
        bound = program.tensors[body.x].largest() * w.max_abs * (prod(w.shape) // w.shape[0])
        if body.bias is not None:
            bound += program.weights[body.bias].max_abs
    elif isinstance(body, Sum):
        bound = sum(abs(t.coef) * (program.weights[t.id].max_abs if t.is_weight else program.tensors[t.id].largest())
                    for t in body.terms)
    elif isinstance(body, AveragePool):
        taps = body.window.kernel[0] * body.window.kernel[1]
        bound = program.tensors[body.x].largest() * ((1 << AVERAGE_BITS) + (taps + 1) // 2)
    elif isinstance(body, Contract):
        bound = prod(body.letters[body.kept:])
        for f in (body.a, body.b):
            bound *= program.weights[f.id].max_abs if f.is_weight else program.tensors[f.id].largest()
    elif isinstance(body, Reduce):
        bound = program.tensors[body.x].largest() * abs(body.coef) * prod(body.letters[body.kept:])
    elif type(body) in ROW_CHECKS:
        bound = row_bound(program, body)
    else:
        bound = max(program.tensors[x].largest() for x in op.reads())
    if bound >= ACCUMULATOR_LIMIT:
        raise Unsupported("the accumulator could reach 2^61", op.name)
    return bound
