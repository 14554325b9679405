// Turns the nodes of a float Graph into the ops of a Draft; the operators (ops/<family>/lower.cc) call it.
//
// It owns layouts: images are stored channels-last, matrices (rows, features); Reshape and Transpose only change Views, and a
// Rearrange is made where an op needs its data elsewhere. It joins activations to the op before them. It knows no ONNX operator,
// except that an input's layout follows the operators that read it. Not here: exponents (quantize/exponents.h).
// Tested by ops/lower_test.cc.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/model/graph.h"
#include "dsperse/quantize/draft.h"
#include "dsperse/quantize/lower.h"

namespace dsperse::quantize {

/// A float tensor of the graph as an integer tensor of the draft. sole: nothing else reads that integer tensor so far, nor
/// can later except through this value.
struct Value {
  std::string name;  ///< ONNX name
  TensorId id = 0;
  View view;
  bool sole = true;
};

/// coef times a tensor, or a constant of a shape that broadcasts.
struct RealTerm {
  std::optional<Value> tensor;
  model::Shape shape;         ///< of the constant
  std::vector<float> values;  ///< of the constant, row major
  std::int64_t coef = 1;
};

/// A value put into a larger (or smaller) one: element i of axis k lands at i + offset[k].
struct Placed {
  Value x;
  std::vector<std::int64_t> offset;
};

/// A tensor between a node's input and its output that is none of the graph's. Its element i (row major) is element index[i] of
/// the graph's tensor `source`, or of none (-1): that is how it is compared with the float model, and the source's values stand
/// for its own where exponents are chosen.
struct Inner {
  model::Shape shape;
  std::string source;
  std::vector<std::int64_t> index;
  bool image = false;  ///< an op that reads images reads it
};

/// Factor of a contraction: a tensor or a float constant (outlives the call), with a letter for every logical axis; kNoLetter for
/// an axis of size 1 that repeats.
struct Operand {
  std::optional<Value> tensor;
  const model::Tensor* constant = nullptr;
  std::vector<std::uint32_t> letters;
};
inline constexpr std::uint32_t kNoLetter = 0xFFFFFFFFU;

/// Which entries of a softmax's rows count: row r of x (in the order of its other axes) reads row r mod rows.
struct Mask {
  std::int64_t rows = 0;
  std::vector<std::uint8_t> visible;  ///< rows x n
};

class Lowering {
 public:
  explicit Lowering(const model::Graph& graph);

  // Facts.
  [[nodiscard]] const model::Graph& graph() const { return graph_; }
  [[nodiscard]] static bool has_input(const model::Node& node, std::size_t i) {
    return i < node.inputs.size() && !node.inputs[i].empty();
  }
  /// The constant that input i is, or nullptr.
  [[nodiscard]] const model::Tensor* constant(const model::Node& node, std::size_t i) const;
  /// Input i as a float constant; an error otherwise, `what` names its role ("weights").
  [[nodiscard]] Result<const model::Tensor*> float_constant(const model::Node& node, std::size_t i,
                                                            const std::string& what) const;
  /// Input i, which must not be a constant.
  [[nodiscard]] Result<Value> tensor(const model::Node& node, std::size_t i) const;
  /// A node or an output of the model reads this tensor.
  [[nodiscard]] bool is_read(const std::string& name) const { return uses(name) > 0; }
  /// Shape of an ONNX tensor.
  [[nodiscard]] const model::Shape& shape(const std::string& name) const;

  /// A node that makes an inner tensor: for any of the ops below, whose result value_of then is.
  [[nodiscard]] model::Node inner(const model::Node& node, const std::string& what, Inner tensor);
  /// What a node made.
  [[nodiscard]] const Value& value_of(const model::Node& node) const { return values_.at(node.outputs[0]); }

  // Ops; each makes the node's output 0. Errors lack the node's name, which lower_graph adds.

  /// The same data under another shape or axis order.
  void alias(const model::Node& node, const Value& x, View view);
  /// Row-major data under the shape of the node's output; moves only if it must.
  [[nodiscard]] Status reshape(const model::Node& node, const Value& x);
  /// w: (O, KH, KW, C / groups); bias: O values or none. x: (N, C, spatial); window of a 1-D conv uses axis 1.
  [[nodiscard]] Status conv(const model::Node& node, const Value& x, const Window& window, std::int64_t groups,
                            std::vector<float> w, std::vector<float> bias);
  /// x: (..., K), w: (O, K) -> (..., O).
  [[nodiscard]] Status gemm(const model::Node& node, const Value& x, std::vector<float> w, std::vector<float> bias);
  /// At least one term is a tensor. A constant per channel joins the bias of the layer before it.
  [[nodiscard]] Status sum(const model::Node& node, std::vector<RealTerm> terms);
  [[nodiscard]] Status average(const model::Node& node, const Value& x, const Window& window, bool count_include_pad,
                               std::array<std::int64_t, 2> counted_pad_end);
  [[nodiscard]] Status maximum(const model::Node& node, const Value& x, const Window& window);
  /// Pieces in one tensor of the output's shape, `fill` elsewhere.
  [[nodiscard]] Status place(const model::Node& node, std::vector<Placed> pieces, double fill);
  /// The node's output (axes `out`, in letters; as many elements as its shape says) is the sum over all other letters of a times
  /// b. At least one is a tensor; repeated letters within one operand (diagonals) are not supported. An axis of size 1 repeats
  /// where its letter is longer; in `out` it may be kNoLetter.
  [[nodiscard]] Status contract(const model::Node& node, Operand a, Operand b, const std::vector<std::uint32_t>& out);
  /// Element-wise product with numpy broadcasting; at least one term is a tensor (`coef` is not used).
  [[nodiscard]] Status multiply(const model::Node& node, RealTerm a, RealTerm b);
  /// Sum over the axes (ascending), or mean.
  [[nodiscard]] Status reduce(const model::Node& node, const Value& x, const std::vector<std::size_t>& axes, bool mean);
  /// Along one axis; the output's shape may keep the axis as 1 or not.
  [[nodiscard]] Status extreme(const model::Node& node, const Value& x, std::size_t axis, bool minimum, bool index, bool last);
  [[nodiscard]] Status softmax(const model::Node& node, const Value& x, std::size_t axis, Mask mask = {});
  /// Over the axes from first_axis on; gamma, beta: as many values as these axes have elements, or none.
  [[nodiscard]] Status normalize(const model::Node& node, const Value& x, std::size_t first_axis, bool centered,
                                 std::vector<float> gamma, std::vector<float> beta, double epsilon);
  /// a / b with numpy broadcasting, both tensors; b positive (calibration must show it; smaller values count as the smallest
  /// step).
  [[nodiscard]] Status divide(const model::Node& node, const Value& a, const Value& b);
  /// The output has x's axes and a last one of `depth`: 1 where it equals x.
  [[nodiscard]] Status one_hot(const model::Node& node, const Value& x, std::int64_t depth);
  /// Any movement of data: element i of the output (row major) is element index[i] of the sources, counted row major through all
  /// of them one after the other, or `fill` where index[i] < 0. Pieces are found; what has too many is done axis by
  /// axis or, along one axis, as a product with zeros and ones; other maps are refused.
  /// Makes the node's output of that number.
  [[nodiscard]] Status move(const model::Node& node, const std::vector<Value>& sources, const std::vector<std::int64_t>& index,
                            double fill = 0, std::size_t output = 0);
  /// Joined to the op that makes x if nothing else reads it (also before a MaxPool, but for tables), otherwise a Sum of one term.
  [[nodiscard]] Status activation(const model::Node& node, const RealActivation& activation);

  // Used by lower_graph.
  [[nodiscard]] Status inputs(const LowerSet& lower);
  [[nodiscard]] Status outputs();
  Draft take() { return std::move(draft_); }

 private:
  static constexpr std::uint32_t kUnit = 0xFFFFFFFFU;
  /// How an op wants a tensor to lie. axes: the logical axis of every storage axis, kUnit where a size-1 axis is added.
  struct Place {
    View view;
    Shape spec;
    std::vector<std::uint32_t> axes;
  };

  static Place axes_place(const Shape& shape, const std::vector<std::uint32_t>& axes);
  [[nodiscard]] static Result<Place> logical_place(const Shape& shape);
  [[nodiscard]] static Result<Place> channels_last(const Shape& shape);
  /// The Place of x if every axis lies in one piece and no storage axis mixes two.
  [[nodiscard]] std::optional<Place> place_of(const Value& x) const;
  [[nodiscard]] const Shape& spec(TensorId id) const { return draft_.program.tensors[id].shape; }
  /// x where it is, or a copy there. fresh: a copy in any case.
  Value at(const model::Node& node, const Value& x, const Place& to, bool fresh = false);
  /// A place for `out` that lies like x, whose axes each lie in one run.
  [[nodiscard]] Result<Place> like(const Value& x, const Shape& out) const;
  /// Where a movement's output lies: channels-last if an op that reads images reads it, else like the first source if it has as
  /// many axes.
  [[nodiscard]] Result<Place> place_of_moved(const std::string& name, const Value& source) const;
  /// A movement of too many pieces: one axis after the other. digits: for each axis the position in x, or -1.
  [[nodiscard]] Status move_by_axes(const model::Node& node, const Value& x, const std::vector<std::vector<std::int64_t>>& digits,
                                    double fill, std::size_t output);
  /// Positions of one axis that are too irregular for pieces: a product with a matrix of zeros and ones.
  [[nodiscard]] Status select(const model::Node& node, const Value& x, std::size_t axis, const std::vector<std::int64_t>& digits,
                              double fill);
  [[nodiscard]] Result<Value> image(const model::Node& node, const Value& x);

  /// An output that is a constant: it, plus an element of the first input, less the same.
  [[nodiscard]] Status constant_output(const model::Port& port, const model::Tensor& value);

  // lowering_rows.cc
  struct Factors {
    std::uint32_t first = 0, last = 0;
  };
  /// The factors of axes [first, last).
  static Factors factors(const View& view, std::size_t first, std::size_t last);
  /// x with the axes [first, last) innermost in storage, in order; ordered: the others in order too. Moves only if it must.
  [[nodiscard]] Result<Value> rows_last(const model::Node& node, const Value& x, std::size_t first, std::size_t last,
                                        bool ordered = false);
  /// A copy through an op that rounds, which nothing else reads.
  Value requantized(const model::Node& node, const Value& x, const std::string& what);

  /// What the elements of x, in the order of its view, are in the float model.
  [[nodiscard]] Origin origin_of(const Value& x) const;
  TensorId add_tensor(std::string name, std::string source, Shape spec, View view);
  WeightId add_weight(std::string name, Shape shape, std::vector<float> values);
  Sum::Term constant_term(const std::string& name, const RealTerm& term, const Place* place, const View& y, const Shape& y_spec);
  /// Appends an op that makes `name` and binds it.
  TensorId add_op(const std::string& op_name, const std::string& type, const std::string& name, decltype(Op::body) body,
                  Shape spec, View view, double fill = 0);
  [[nodiscard]] std::size_t uses(const std::string& name) const;
  /// The node that reads x may change the op that makes it: nothing else ever sees the value between them.
  [[nodiscard]] bool sole(const Value& x) const { return x.sole && uses(x.name) == 1; }
  /// The tensor that `op` makes is the node's output from now on.
  void rename(const model::Node& node, const Value& x, std::size_t op);
  /// The constant has one value for all, or one per last storage axis of x (that of the layer that makes x).
  [[nodiscard]] bool is_per_channel(const Value& x, const RealTerm& constant) const;
  /// Conv or Gemm times one constant per channel: it joins weights and bias. Other sums times a power of two: it joins the shift.
  [[nodiscard]] bool fold_factor(const model::Node& node, const RealTerm& data, const RealTerm& constant);
  /// contract(); storage: the output lies like this view (its shape), in tensors of this spec; otherwise row major.
  [[nodiscard]] Status contract_as(const model::Node& node, Operand a, Operand b, const std::vector<std::uint32_t>& out,
                                   const View* storage, const Shape* y_spec);
  /// Conv or Gemm plus one constant per channel: the constant joins the bias.
  [[nodiscard]] bool fold_into_bias(const model::Node& node, const std::vector<RealTerm>& terms);
  [[nodiscard]] bool fuse(const model::Node& node, const Value& x, const RealActivation& activation);
  [[nodiscard]] bool wants_channels_last(const std::string& name, const LowerSet& lower, std::set<std::string>& seen) const;

  const model::Graph& graph_;
  const LowerSet* lower_ = nullptr;
  Draft draft_;
  std::map<std::string, Value> values_;
  std::map<std::string, std::size_t> uses_;
  std::map<TensorId, std::size_t> producer_;  ///< op that makes a tensor
  std::map<std::string, Inner> inner_;
  std::map<TensorId, TensorId> sole_move_;  ///< output of a movement -> its only input, where only the movement reads that
  std::map<TensorId, TensorId> sole_pool_;  ///< MaxPool output -> its input, where only the pool reads that
  std::map<std::string, Value> copies_;     ///< by source and target
};

/// All nodes; an error names the node.
[[nodiscard]] Result<Draft> lower_graph(const model::Graph& graph, const LowerSet& lower);

}  // namespace dsperse::quantize
