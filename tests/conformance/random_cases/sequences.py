"""Recurrent networks and attention."""
import numpy as np

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent(op):
    def make(d):
        opset, gates, hidden, width = d.opset(), GATES[op], d.int(1, 4), d.int(1, 3)
        direction, batch, steps = d.of("forward", "reverse", "bidirectional"), d.int(1, 2), d.int(1, 3)
        ways = 2 if direction == "bidirectional" else 1
        attributes = {"hidden_size": hidden, "direction": direction}
        if op == "GRU" and d.flip():
            attributes["linear_before_reset"] = 1
        if d.flip(0.2) and op != "LSTM":  # ONNX Runtime does not clip the cell before it goes into h, as the text says
            attributes["clip"] = d.real(0.5, 2)
        one = {"RNN": [["Tanh"], ["Relu"], ["Sigmoid"]], "GRU": [["Sigmoid", "Tanh"], ["Tanh", "Softsign"]],
               "LSTM": [["Sigmoid", "Tanh", "Tanh"], ["Sigmoid", "Softsign", "Tanh"]]}[op]
        if d.flip(0.4):
            attributes["activations"] = d.of(*one) * ways
        bias = d.weights([ways, 2 * gates * hidden], 0.3) if d.flip() else None
        start = d.reals([ways, batch, hidden], -1, 1) if d.flip(0.4) else None
        inputs = [d.reals([steps, batch, width], -2, 2), d.weights([ways, gates * hidden, width], 0.5),
                  d.weights([ways, gates * hidden, hidden], 0.5), bias, None, start]
        if op == "LSTM":
            inputs.append(d.reals([ways, batch, hidden], -1, 1) if d.flip(0.4) else None)
            inputs.append(d.weights([ways, 3 * hidden], 0.3) if d.flip(0.3) else None)
        outputs = d.of(["y0"], ["y0", "y1"], ["", "y1"])
        return d.case(op, inputs, opset, outputs, attributes, fixed=(1, 2, 3, 7))

    return make


def attention(d):
    heads, batch, size = d.int(1, 2), d.int(1, 2), d.int(1, 4)
    queries, keys, value = d.int(1, 4), d.int(1, 5), d.int(1, 4)
    groups = heads * d.of(1, 1, 2)
    attributes = d.some({"scale": d.real(0.2, 1), "is_causal": d.int(0, 1), "softcap": d.of(0.0, 2.0)}, 0.4)
    shapes = [[batch, groups, queries, size], [batch, heads, keys, size], [batch, heads, keys, value]]
    if d.flip():
        shapes = [[s[0], s[2], s[1] * s[3]] for s in shapes]
        attributes.update({"q_num_heads": groups, "kv_num_heads": heads})
    mask = d.of(None, None, d.reals([queries, keys], -2, 2), np.tril(np.ones((queries, keys), bool)))
    return d.case("Attention", [*(d.reals(s, -2, 2) for s in shapes), mask], d.opset(23), attributes=attributes, fixed=(3,))


def rotary(d):
    batch, heads, steps, size = d.int(1, 2), d.int(1, 2), d.int(1, 4), 2 * d.int(1, 4)
    part = 2 * d.int(1, size // 2) if d.flip(0.3) else size
    angles = d.rng.uniform(-3, 3, [8, part // 2])
    attributes = d.some({"interleaved": d.int(0, 1)})
    if part != size:
        attributes["rotary_embedding_dim"] = part
    x = d.reals([batch, heads, steps, size])
    if part == size and d.flip():
        x, attributes["num_heads"] = d.reals([batch, steps, heads * size]), heads
    tables = [f(angles).astype(np.float32) for f in (np.cos, np.sin)]
    if d.flip():
        return d.case("RotaryEmbedding", [x, *tables, d.wholes([batch, steps], 0, 7)], d.opset(23), attributes=attributes, fixed=(1, 2, 3))
    chosen = d.wholes([batch, steps], 0, 7)
    return d.case("RotaryEmbedding", [x, *(t[chosen] for t in tables)], d.opset(23), attributes=attributes, maybe=(1, 2))


def causal_conv(d):
    batch, channels, taps, steps = d.int(1, 2), d.int(1, 4), d.int(2, 4), d.int(1, 5)
    past = d.reals([batch, channels, taps - 1]) if d.flip() else None
    bias = d.weights([channels], 0.5) if d.flip() else None
    inputs = [d.reals([batch, channels, steps]), d.weights([channels, 1, taps], 0.5), bias, past]
    return d.case("CausalConvWithState", inputs, d.int(27, 28), 2, d.some({"activation": d.of("none", "silu", "swish")}), fixed=(1, 2))


def linear_attention(d):
    rule, heads, groups = d.of("linear", "gated", "delta", "gated_delta"), d.int(1, 2), d.int(1, 2)
    batch, steps, key, value = d.int(1, 2), d.int(1, 3), d.int(1, 3), d.int(1, 3)
    inputs = [d.reals([batch, steps, heads * groups * key], -1, 1), d.reals([batch, steps, heads * key], -1, 1),
              d.reals([batch, steps, heads * value], -1, 1), d.reals([batch, heads, key, value], -1, 1) if d.flip() else None,
              d.reals([batch, steps, heads * d.of(1, key)], -1, 0) if "gated" in rule else None,
              d.reals([batch, steps, d.of(1, heads)], 0, 1) if "delta" in rule else None]
    attributes = {"q_num_heads": heads * groups, "kv_num_heads": heads, "update_rule": rule, **d.some({"scale": d.real(0.3, 1)})}
    return d.case("LinearAttention", inputs, d.int(27, 28), 2, attributes)


MAKERS = {"CausalConvWithState": causal_conv, "LinearAttention": linear_attention, **{op: recurrent(op) for op in GATES}, "Attention": attention, "RotaryEmbedding": rotary}
