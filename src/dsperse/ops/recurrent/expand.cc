#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "dsperse/ops/recurrent/recurrent.h"

namespace dsperse::ops {

using model::InferCall;
using model::Shape;

namespace {

/// An activation with its parameters.
struct Cell {
  std::string f;
  float alpha = 0, beta = 0;
};

struct Known {
  const char* name;
  bool takes_alpha, takes_beta;
  float alpha, beta;  ///< where the model gives none
};
constexpr std::array kActivations = {
    Known{"Relu", false, false, 0, 0},         Known{"Tanh", false, false, 0, 0},
    Known{"Sigmoid", false, false, 0, 0},      Known{"Affine", true, true, 1, 0},
    Known{"LeakyRelu", true, false, 0.01F, 0}, Known{"ThresholdedRelu", true, false, 1, 0},
    Known{"ScaledTanh", true, true, 1, 1},     Known{"HardSigmoid", true, true, 0.2F, 0.5F},
    Known{"Elu", true, false, 1, 0},           Known{"Softsign", false, false, 0, 0},
    Known{"Softplus", false, false, 0, 0},
};

/// Layer as its attributes and shapes say. Activations: `cells` a direction.
struct Layer {
  std::int64_t steps = 0, batch = 0, input = 0, hidden = 0, directions = 1, gates = 1;
  bool reverse = false;  ///< the first direction runs backwards
  bool batch_first = false;
  float clip = 0;
  std::vector<Cell> cells;
};

Result<std::vector<Cell>> cells_of(const model::Node& node, const std::vector<std::string>& fallback, std::int64_t directions) {
  std::vector<std::string> names;
  for (std::int64_t d = 0; d < directions; ++d) names.insert(names.end(), fallback.begin(), fallback.end());
  const std::size_t count = names.size();
  DSPERSE_TRY(names, node.strings_or("activations", names));
  DSPERSE_TRY(const std::vector<float> alphas, node.floats_or("activation_alpha", {}));
  DSPERSE_TRY(const std::vector<float> betas, node.floats_or("activation_beta", {}));
  if (names.size() != count)
    return fail(ErrorKind::bad_input, std::to_string(names.size()) + " activations, expected " + std::to_string(count),
                "attribute 'activations'");
  std::vector<Cell> out;
  std::size_t alpha = 0, beta = 0;  // taken in order by those that have one
  const auto lower = [](std::string s) {
    std::ranges::transform(s, s.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return s;
  };
  for (const std::string& name : names) {
    const auto* known = std::ranges::find_if(kActivations, [&](const Known& k) { return lower(k.name) == lower(name); });
    if (known == kActivations.end()) return fail(ErrorKind::unsupported, "activation '" + name + "'", "attribute 'activations'");
    Cell cell{known->name, known->alpha, known->beta};
    if (known->takes_alpha && alpha < alphas.size()) cell.alpha = alphas[alpha++];
    if (known->takes_beta && beta < betas.size()) cell.beta = betas[beta++];
    out.push_back(cell);
  }
  return out;
}

Status expect(const InferCall& call, std::size_t i, const Shape& shape) {
  if (!has_input(call, i)) return {};
  DSPERSE_CHECK_OK(expect_float(call, i));
  if (call.inputs[i]->shape == shape) return {};
  return fail(ErrorKind::bad_input,
              "shape " + model::shape_text(call.inputs[i]->shape) + ", expected " + model::shape_text(shape),
              input_text(call.node, i));
}

Result<Layer> layer_of(const InferCall& call, std::int64_t gates, const std::vector<std::string>& fallback) {
  const bool lstm = gates == 4;
  DSPERSE_CHECK_OK(expect_inputs(call, 3, lstm ? 8 : 6));
  for (std::size_t i = 0; i < 3; ++i) {
    DSPERSE_CHECK_OK(expect_float(call, i));
    DSPERSE_CHECK_OK(expect_rank(call, i, 3, 3));
  }
  Layer l;
  l.gates = gates;
  DSPERSE_TRY(const std::string direction, call.node.string_or("direction", "forward"));
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return fail(ErrorKind::bad_input, "'" + direction + "'", "attribute 'direction'");
  l.reverse = direction == "reverse";
  l.directions = direction == "bidirectional" ? 2 : 1;
  DSPERSE_TRY(const std::int64_t layout, call.node.int_or("layout", 0));
  if (layout != 0 && layout != 1) return fail(ErrorKind::bad_input, std::to_string(layout), "attribute 'layout'");
  l.batch_first = layout == 1;
  DSPERSE_TRY(l.clip, call.node.float_or("clip", 0));
  if (call.node.attributes.contains("clip") && !(l.clip > 0))
    return fail(ErrorKind::bad_input, "the threshold is not positive", "attribute 'clip'");
  DSPERSE_TRY(l.cells, cells_of(call.node, fallback, l.directions));
  const Shape &x = call.inputs[0]->shape, &r = call.inputs[2]->shape;
  l.steps = x[l.batch_first ? 1 : 0], l.batch = x[l.batch_first ? 0 : 1], l.input = x[2], l.hidden = r[2];
  DSPERSE_TRY(const std::int64_t hidden, call.node.int_or("hidden_size", l.hidden));
  if (hidden != l.hidden)
    return fail(ErrorKind::bad_input, std::to_string(hidden) + ", but the weights are made for " + std::to_string(l.hidden),
                "attribute 'hidden_size'");
  if (l.steps < 1 || l.batch < 1 || l.hidden < 1 || l.hidden > model::kMaxElements / 8)
    return fail(ErrorKind::unsupported, "a recurrent layer without elements", input_text(call.node, 0));
  if (l.steps > kMaxSteps)
    return fail(ErrorKind::resource,
                std::to_string(l.steps) + " steps, at most " + std::to_string(kMaxSteps) + " are written out",
                input_text(call.node, 0), "shorter sequences");
  DSPERSE_CHECK_OK(expect(call, 1, {l.directions, gates * l.hidden, l.input}));
  DSPERSE_CHECK_OK(expect(call, 2, {l.directions, gates * l.hidden, l.hidden}));
  DSPERSE_CHECK_OK(expect(call, 3, {l.directions, 2 * gates * l.hidden}));
  const Shape state = l.batch_first ? Shape{l.batch, l.directions, l.hidden} : Shape{l.directions, l.batch, l.hidden};
  DSPERSE_CHECK_OK(expect(call, 5, state));
  if (lstm) DSPERSE_CHECK_OK(expect(call, 6, state));
  if (lstm) DSPERSE_CHECK_OK(expect(call, 7, {l.directions, 3 * l.hidden}));
  if (has_input(call, 4)) {
    const model::Tensor* lengths = call.inputs[4]->constant;
    if (lengths == nullptr)
      return fail(ErrorKind::unsupported, "lengths depend on the model's input", input_text(call.node, 4),
                  "export the model with sequences of one fixed length");
    if (std::cmp_not_equal(lengths->i.size(), l.batch))
      return fail(ErrorKind::bad_input, "not one length for every sequence", input_text(call.node, 4));
    if (std::ranges::any_of(lengths->i, [&](std::int64_t n) { return n != l.steps; }))
      return fail(ErrorKind::unsupported, "sequences shorter than the input", input_text(call.node, 4),
                  "export the model with sequences of one fixed length");
  }
  return l;
}

/// One layer's expansion: what the three operators share.
class Unroller {
 public:
  Unroller(const InferCall& call, Layer layer) : e(call), l(std::move(layer)) {
    x_ = l.batch_first ? e.transpose(e.input(0), {1, 0, 2}) : e.input(0);
  }

  /// Weights and biases of gate g in the direction that is in work.
  struct Gate {
    std::string inputs;     ///< (T, B, H): x W^T and the biases that are added to it
    std::string recurrent;  ///< (H, H): R^T
    std::string bias;       ///< of R alone; only if it was asked for
  };
  Gate gate(std::int64_t d, std::int64_t g, bool bias_apart) {
    const std::int64_t begin = g * l.hidden, end = begin + l.hidden;
    const auto matrix = [&](std::size_t i) {
      return e.transpose(e.squeeze(e.slice(e.slice(e.input(i), 0, d, d + 1), 1, begin, end), 0), {1, 0});
    };
    Gate out{e.op("MatMul", {x_, matrix(1)}), matrix(2), {}};
    if (e.input(3).empty()) return out;
    const auto bias = [&](std::int64_t from) { return e.squeeze(e.slice(direction(3, d), 1, from + begin, from + end), 0); };
    const std::string recurrent = bias(l.gates * l.hidden);
    if (bias_apart) out.bias = recurrent;
    out.inputs = e.add(out.inputs, bias_apart ? bias(0) : e.add(bias(0), recurrent));
    return out;
  }

  std::string direction(std::size_t i, std::int64_t d) { return e.slice(e.input(i), 0, d, d + 1); }
  /// Initial state (B, H), or an empty name for zeros.
  std::string initial(std::size_t i, std::int64_t d) {
    if (e.input(i).empty()) return {};
    const std::int64_t axis = l.batch_first ? 1 : 0;
    return e.squeeze(e.slice(e.input(i), axis, d, d + 1), axis);
  }
  /// Step t of (T, B, H).
  std::string step(const std::string& x, std::int64_t t) { return e.squeeze(e.slice(x, 0, t, t + 1), 0); }

  /// x + h R; zeros have no product.
  std::string with_state(const std::string& x, const std::string& h, const std::string& recurrent) {
    return h.empty() ? x : e.add(x, e.op("MatMul", {h, recurrent}));
  }

  std::string activate(std::string x, const Cell& cell) {
    if (l.clip > 0) {
      if (opset() < 11)
        x = e.op("Clip", {x}, {{"min", -l.clip}, {"max", l.clip}});
      else
        x = e.op("Clip", {x, e.scalar(-l.clip), e.scalar(l.clip)});
    }
    if (cell.f == "Affine") return e.add(e.mul(x, e.scalar(cell.alpha)), e.scalar(cell.beta));
    if (cell.f == "ScaledTanh") return e.mul(e.op("Tanh", {e.mul(x, e.scalar(cell.beta))}), e.scalar(cell.alpha));
    std::map<std::string, model::Attribute> attributes;
    for (const Known& k : kActivations) {
      if (cell.f != k.name) continue;
      if (k.takes_alpha) attributes["alpha"] = cell.alpha;
      if (k.takes_beta) attributes["beta"] = cell.beta;
    }
    return e.op(cell.f, {x}, std::move(attributes));
  }

  /// body(t, order) for every step in the order of direction d.
  template <class Body>
  void each_step(std::int64_t d, Body body) {
    const bool backwards = l.reverse || d == 1;
    for (std::int64_t i = 0; i < l.steps; ++i) body(backwards ? l.steps - 1 - i : i);
  }

  [[nodiscard]] const Cell& cell(std::int64_t d, std::size_t k) const {
    return l.cells[static_cast<std::size_t>(d) * l.cells.size() / static_cast<std::size_t>(l.directions) + k];
  }

  /// states[d][t]: (B, H) of every step; last: the states that the directions end with.
  std::string all_states(const std::vector<std::vector<std::string>>& states) {
    std::vector<std::string> directions;
    for (const auto& steps : states) {
      std::vector<std::string> parts;
      for (const std::string& h : steps) parts.push_back(e.unsqueeze(h, 0));
      directions.push_back(e.unsqueeze(e.concat(std::move(parts), 0), 1));
    }
    const std::string y = e.concat(std::move(directions), 1);  // (T, D, B, H)
    return l.batch_first ? e.transpose(y, {2, 0, 1, 3}) : y;
  }
  std::string last_states(const std::vector<std::string>& last) {
    std::vector<std::string> parts;
    for (const std::string& h : last) parts.push_back(e.unsqueeze(h, l.batch_first ? 1 : 0));
    return e.concat(std::move(parts), l.batch_first ? 1 : 0);
  }

  [[nodiscard]] std::int64_t opset() const { return e.opset(); }

  Emitter e;
  Layer l;

 private:
  std::string x_;
};

using Trace = std::vector<std::vector<std::string>>;

/// Y, Y_h and, if there are cells, Y_c.
Expanded outputs(Unroller& u, const Trace& states, const std::vector<std::string>& last, const std::vector<std::string>& cells) {
  std::vector<std::string> values(cells.empty() ? 2 : 3);
  if (u.e.wants(0)) values[0] = u.all_states(states);
  if (u.e.wants(1)) values[1] = u.last_states(last);
  if (u.e.wants(2) && !cells.empty()) values[2] = u.last_states(cells);
  return u.e.finish(values);
}

}  // namespace

Expanded expand_rnn(const InferCall& call) {
  DSPERSE_TRY(Layer layer, layer_of(call, 1, {"Tanh"}));
  Unroller u(call, std::move(layer));
  Trace states(static_cast<std::size_t>(u.l.directions));
  std::vector<std::string> last;
  for (std::int64_t d = 0; d < u.l.directions; ++d) {
    const auto gate = u.gate(d, 0, false);
    std::string h = u.initial(5, d);
    auto& trace = states[static_cast<std::size_t>(d)];
    trace.resize(static_cast<std::size_t>(u.l.steps));
    u.each_step(d, [&](std::int64_t t) {
      h = u.activate(u.with_state(u.step(gate.inputs, t), h, gate.recurrent), u.cell(d, 0));
      trace[static_cast<std::size_t>(t)] = h;
    });
    last.push_back(h);
  }
  return outputs(u, states, last, {});
}

Expanded expand_gru(const InferCall& call) {
  DSPERSE_TRY(Layer layer, layer_of(call, 3, {"Sigmoid", "Tanh"}));
  DSPERSE_TRY(const std::int64_t linear_before_reset, call.node.int_or("linear_before_reset", 0));
  const bool after = linear_before_reset != 0;  // reset is applied after the product
  Unroller u(call, std::move(layer));
  Emitter& e = u.e;
  Trace states(static_cast<std::size_t>(u.l.directions));
  std::vector<std::string> last;
  for (std::int64_t d = 0; d < u.l.directions; ++d) {
    const auto update = u.gate(d, 0, false), reset = u.gate(d, 1, false), hidden = u.gate(d, 2, after);
    std::string h = u.initial(5, d);
    auto& trace = states[static_cast<std::size_t>(d)];
    trace.resize(static_cast<std::size_t>(u.l.steps));
    u.each_step(d, [&](std::int64_t t) {
      const std::string z = u.activate(u.with_state(u.step(update.inputs, t), h, update.recurrent), u.cell(d, 0));
      std::string pre = u.step(hidden.inputs, t);
      if (!h.empty() || !hidden.bias.empty()) {
        const std::string r = u.activate(u.with_state(u.step(reset.inputs, t), h, reset.recurrent), u.cell(d, 0));
        if (after) {
          std::string product = h.empty() ? hidden.bias : e.op("MatMul", {h, hidden.recurrent});
          if (!h.empty() && !hidden.bias.empty()) product = e.add(product, hidden.bias);
          pre = e.add(pre, e.mul(r, product));
        } else if (!h.empty()) {
          pre = e.add(pre, e.op("MatMul", {e.mul(r, h), hidden.recurrent}));
        }
      }
      const std::string candidate = u.activate(pre, u.cell(d, 1));
      // (1 - z) candidate + z h
      h = h.empty() ? e.sub(candidate, e.mul(z, candidate)) : e.add(candidate, e.mul(z, e.sub(h, candidate)));
      trace[static_cast<std::size_t>(t)] = h;
    });
    last.push_back(h);
  }
  return outputs(u, states, last, {});
}

Expanded expand_lstm(const InferCall& call) {
  DSPERSE_TRY(Layer layer, layer_of(call, 4, {"Sigmoid", "Tanh", "Tanh"}));
  DSPERSE_TRY(const std::int64_t input_forget, call.node.int_or("input_forget", 0));
  Unroller u(call, std::move(layer));
  Emitter& e = u.e;
  Trace states(static_cast<std::size_t>(u.l.directions));
  std::vector<std::string> last, cells;
  for (std::int64_t d = 0; d < u.l.directions; ++d) {
    // In ONNX's order: input, output, forget, cell.
    const auto in = u.gate(d, 0, false), out = u.gate(d, 1, false), forget = u.gate(d, 2, false), cell = u.gate(d, 3, false);
    const auto peephole = [&](std::int64_t k) {
      return e.squeeze(e.slice(u.direction(7, d), 1, k * u.l.hidden, (k + 1) * u.l.hidden), 0);
    };
    const bool peeps = !e.input(7).empty();
    const std::string peep_in = peeps ? peephole(0) : "", peep_out = peeps ? peephole(1) : "",
                      peep_forget = peeps ? peephole(2) : "";
    const auto peep = [&](const std::string& x, const std::string& p, const std::string& c) {
      return p.empty() || c.empty() ? x : e.add(x, e.mul(c, p));
    };
    std::string h = u.initial(5, d), c = u.initial(6, d);
    auto& trace = states[static_cast<std::size_t>(d)];
    trace.resize(static_cast<std::size_t>(u.l.steps));
    u.each_step(d, [&](std::int64_t t) {
      const auto pre = [&](const Unroller::Gate& g) { return u.with_state(u.step(g.inputs, t), h, g.recurrent); };
      const std::string i = u.activate(peep(pre(in), peep_in, c), u.cell(d, 0));
      const std::string g = u.activate(pre(cell), u.cell(d, 1));
      std::string next = e.mul(i, g);
      if (!c.empty()) {
        const std::string f =
            input_forget != 0 ? e.sub(e.scalar(1), i) : u.activate(peep(pre(forget), peep_forget, c), u.cell(d, 0));
        next = e.add(e.mul(f, c), next);
      }
      c = next;
      const std::string o = u.activate(peep(pre(out), peep_out, c), u.cell(d, 0));
      h = e.mul(o, u.activate(c, u.cell(d, 2)));
      trace[static_cast<std::size_t>(t)] = h;
    });
    last.push_back(h);
    cells.push_back(c);
  }
  return outputs(u, states, last, cells);
}

}  // namespace dsperse::ops
