"""Writes transformer layers as ONNX nodes, in the forms that common exporters write them. Needs numpy and onnx.

Used by the scripts that train the example models (text/train.py, encoders/train.py); nothing that ships runs it.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HIDDEN = float(np.finfo(np.float32).min)  # what exporters put where attention must not look


class Writer:
    """Nodes and constants of one model. Every method appends nodes and returns the name of the last one's output."""

    def __init__(self, weights):
        self.nodes, self.constants = [], {}
        self.weights = {name: np.asarray(value, dtype=np.float32) for name, value in weights.items()}

    def constant(self, value, name=None):
        name = name or f"const_{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def floats(self, value):
        return self.constant(np.float32(value))

    def ints(self, *values):
        return self.constant(np.asarray(values, dtype=np.int64))

    def weight(self, name):
        self.constants[name] = self.weights[name]
        return name

    def node(self, op, *inputs, outputs=None, **attributes):
        name = f"/{op}_{len(self.nodes)}"
        outputs = outputs or [f"{name}_output"]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name, **attributes))
        return outputs[0] if len(outputs) == 1 else outputs

    def dense(self, x, layer):
        """torch's Linear over the last axis: MatMul with the transposed weight, then Add."""
        w = self.constant(self.weights[f"{layer}.weight"].T.copy(), f"{layer}.weight_transposed")
        return self.node("Add", self.node("MatMul", x, w), self.weight(f"{layer}.bias"))

    def layer_norm(self, x, layer):
        return self.node("LayerNormalization", x, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias"), axis=-1, epsilon=1e-5)

    def gelu(self, x):
        """0.5 x (1 + erf(x / sqrt 2)), node by node."""
        grown = self.node("Add", self.node("Erf", self.node("Div", x, self.floats(np.sqrt(2)))), self.floats(1))
        return self.node("Mul", self.node("Mul", x, grown), self.floats(0.5))

    def attention(self, x, layer, tokens, width, heads, mask):
        """x [1, tokens, width]; mask(scores) hides what a token must not see."""
        q, k, v = self.node("Split", self.dense(x, f"{layer}.qkv"), self.ints(width, width, width),
                            outputs=[f"{layer}.{n}" for n in "qkv"], axis=2)
        apart = lambda t, perm: self.node("Transpose", self.node("Reshape", t, self.ints(1, tokens, heads, width // heads)), perm=perm)
        q, k, v = apart(q, [0, 2, 1, 3]), apart(k, [0, 2, 3, 1]), apart(v, [0, 2, 1, 3])
        scores = self.node("Mul", self.node("MatMul", q, k), self.floats((width // heads) ** -0.5))
        seen = self.node("MatMul", self.node("Softmax", mask(scores), axis=-1), v)
        seen = self.node("Reshape", self.node("Transpose", seen, perm=[0, 2, 1, 3]), self.ints(1, tokens, width))
        return self.dense(seen, f"{layer}.out")

    def mlp(self, x, layer):
        return self.dense(self.gelu(self.dense(x, f"{layer}.up")), f"{layer}.down")

    def causal(self, tokens):
        """A mask that hides later tokens: Where over a constant triangle."""
        visible = self.constant(np.tril(np.ones((1, 1, tokens, tokens), dtype=bool)))
        hidden = self.floats(HIDDEN)
        return lambda scores: self.node("Where", visible, scores, hidden)

    def hidden_columns(self, length, tokens):
        """A mask that hides the tokens from `length` on: an Add of 0 and a large negative number, as encoders have it."""
        row = np.where(np.arange(tokens) < length, 0, HIDDEN).astype(np.float32).reshape(1, 1, 1, tokens)
        hidden = self.constant(row)
        return lambda scores: self.node("Add", scores, hidden)

    def save(self, path, name, inputs, outputs, producer):
        """inputs and outputs: (name, numpy dtype, shape). Opset 17."""
        kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
        info = lambda port: helper.make_tensor_value_info(port[0], kinds[port[1]], port[2])
        constants = [numpy_helper.from_array(value, key) for key, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, [info(p) for p in inputs], [info(p) for p in outputs], constants)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name=producer)
        proto.ir_version = 8
        onnx.checker.check_model(proto, full_check=True)
        path.write_bytes(proto.SerializeToString(deterministic=True))
