// Keys whose contractions or ops over rows break a rule: both verifiers refuse them before they look at a proof.
#include "cases.h"

namespace dsperse::soundness {
namespace {

using quantize::Program;

class RowKeys {
 public:
  explicit RowKeys(Corpus& out) : out_(out) {}

  void all() {
    extremes();
    softmax();
    masks();
    normalize();
    roots();
    divide();
    one_hot();
    contract();
    reduce();
    too_large();
  }

 private:
  /// The slice whose key is changed from here on.
  void of(const std::string& slice) {
    slice_ = slice;
    c_ = slice_case(slice);
    certificate_ = proof::encode_certificate(certificate_of(c_, {}));
  }
  /// The program of that key changed.
  void bad(const std::string& name, const std::string& reason, const std::function<void(Program&)>& change) {
    ModelKey key = key_of(c_);
    change(key.slices[0].program);
    out_.rejects("row keys: " + slice_ + ": " + name, reason, "key", proof::encode_model_key(key), certificate_, user_of(c_));
  }
  /// Its first op of this kind changed.
  template <class Op>
  void op(const std::string& name, const std::string& reason, const std::function<void(Op&)>& change) {
    bad(name, reason, [&](Program& p) {
      for (quantize::Op& o : p.ops)
        if (auto* body = std::get_if<Op>(&o.body)) return change(*body);
      std::abort();
    });
  }

  void extremes() {
    using quantize::Extreme;
    of("extreme v");
    for (const std::int64_t n : {0, -4, 5, 24})
      op<Extreme>("rows of " + std::to_string(n), "rows do not divide the tensor", [=](Extreme& e) { e.n = n; });
    op<Extreme>("rows of two", "the output needs one value a row", [](Extreme& e) { e.n = 2; });
    op<Extreme>("the last of values", "only an index has a last occurrence", [](Extreme& e) { e.last = true; });
    op<Extreme>("values read as indices", "indices do not fit the output", [](Extreme& e) { e.index = true; });
    bad("a wider output", "an extreme keeps exponent and range", [](Program& p) { ++p.tensors[1].hi; });
    bad("another exponent", "an extreme keeps exponent and range", [](Program& p) { ++p.tensors[1].exponent; });
    of("extreme f");
    op<Extreme>("indices read as values", "an extreme keeps exponent and range", [](Extreme& e) { e.index = false; });
    bad("an index that the output cannot hold", "indices do not fit the output", [](Program& p) { --p.tensors[1].hi; });
    bad("no index 0", "indices do not fit the output", [](Program& p) { ++p.tensors[1].lo; });
    bad("indices with an exponent", "indices do not fit the output", [](Program& p) { ++p.tensors[1].exponent; });
  }

  void softmax() {
    using quantize::Softmax;
    of("softmax");
    const std::string table = "the table of numerators does not fall from 2^bits to 0";
    op<Softmax>("rows of three", "rows do not divide the tensor", [](Softmax& s) { s.n = 3; });
    op<Softmax>("four shifts", "needs one shift", [](Softmax& s) { s.requant.shift.resize(4, s.requant.shift[0]); });
    for (const std::uint32_t bits : {0U, 25U, 0xFFFFFFFFU})
      op<Softmax>(std::to_string(bits) + " bits", "numerator bits are not in 1..24", [=](Softmax& s) { s.exp_bits = bits; });
    op<Softmax>("E(0) above one", table, [](Softmax& s) { s.exp_table[0] *= 2; });
    op<Softmax>("a value above E(0)", table, [](Softmax& s) { s.exp_table[1] = s.exp_table[0] + 1; });
    op<Softmax>("a negative value", table, [](Softmax& s) { s.exp_table[1] = -1; });
    op<Softmax>("no 0 at the end", table, [](Softmax& s) { s.exp_table.back() = 1; });
    op<Softmax>("one value", table, [](Softmax& s) { s.exp_table.resize(1); });
    op<Softmax>("no values", table, [](Softmax& s) { s.exp_table.clear(); });
    op<Softmax>("a reciprocal of fewer bits than numerators", "reciprocal bits are below the numerators' or above 60",
                [](Softmax& s) { s.inverse_bits = s.exp_bits - 1; });
    op<Softmax>("a reciprocal of 61 bits", "reciprocal bits are below the numerators' or above 60",
                [](Softmax& s) { s.inverse_bits = 61; });
    op<Softmax>("a reciprocal that wraps", "rows are too long for the reciprocal's bits",
                [](Softmax& s) { s.inverse_bits = 59; });
    bad("a shorter output", "input and output differ in size", [](Program& p) { p.tensors[1].shape = {1, 4}; });
  }

  void masks() {
    using quantize::Softmax;
    of("masked");
    const std::string fit = "the mask does not fit the rows";
    op<Softmax>("a row that hides everything", "a row of the mask hides everything", [](Softmax& s) {
      for (std::size_t i = 3; i < 6; ++i) s.visible[i] = 0;
    });
    op<Softmax>("a flag of two", "a mask's flag is not 0 or 1", [](Softmax& s) { s.visible[2] = 2; });
    op<Softmax>("a flag too few", fit, [](Softmax& s) { s.visible.pop_back(); });
    op<Softmax>("no flags", fit, [](Softmax& s) { s.visible.clear(); });
    op<Softmax>("no rows", fit, [](Softmax& s) { s.mask_rows = 0; });
    op<Softmax>("rows below zero", fit, [](Softmax& s) { s.mask_rows = -2; });
    op<Softmax>("rows that wrap", fit, [](Softmax& s) { s.mask_rows = std::int64_t{1} << 62; });
    op<Softmax>("three rows", "mask rows do not divide the rows", [](Softmax& s) {
      s.mask_rows = 3;
      s.visible.resize(9, 1);
    });
  }

  void normalize() {
    using quantize::Normalize;
    of("layer norm");
    const auto& norm = std::get<Normalize>(c_.program.ops[0].body);
    const quantize::WeightId gamma = *norm.gamma, beta = *norm.beta;
    op<Normalize>("rows of five", "rows do not divide the tensor", [](Normalize& o) { o.n = 5; });
    op<Normalize>("rows of two", "scale and shift need one value an entry", [](Normalize& o) { o.n = 2; });
    for (const std::int64_t epsilon : {std::int64_t{0}, std::int64_t{-1}, (std::int64_t{1} << 40) + 1})
      op<Normalize>("epsilon " + std::to_string(epsilon), "epsilon is not in 1..2^40",
                    [=](Normalize& o) { o.epsilon = epsilon; });
    for (const std::uint32_t bits : {0U, 15U, 62U})
      op<Normalize>(std::to_string(bits) + " bits", "root bits are odd or not in 2..60",
                    [=](Normalize& o) { o.root_bits = bits; });
    op<Normalize>("two shifts", "needs one shift", [](Normalize& o) { o.requant.shift.resize(4, o.requant.shift[0]); });
    op<Normalize>("a weight that there is not", "weight out of range", [](Normalize& o) { o.beta = 2; });
    bad("a scale of one value", "scale and shift need one value an entry", [=](Program& p) { p.weights[gamma].shape = {1}; });
    bad("a shift of another shape", "scale and shift need one value an entry",
        [=](Program& p) { p.weights[beta].shape = {1, 4}; });
    bad("a wide scale", "a scale is beyond 16 bits", [=](Program& p) { p.weights[gamma].max_abs = 1 << 15; });
    bad("a longer output", "input and output differ in size", [](Program& p) { p.tensors[1].shape = {4, 4}; });
  }

  void roots() {
    using quantize::Normalize;
    of("root mean square");
    op<Normalize>("a variance of more bits than the root", "the variance has more bits than its root",
                  [](Normalize& o) { o.root_bits = 10; });
    op<Normalize>("a variance that wraps", "rows are too long or too wide for their squares", [](Normalize& o) {
      o.root_bits = 60;
      o.epsilon = std::int64_t{1} << 31;
    });
    op<Normalize>("a root that wraps", "the variance's root has too many bits", [](Normalize& o) {
      o.root_bits = 60;
      o.epsilon = 1 << 15;
    });
  }

  void divide() {
    using quantize::Divide;
    of("divide");
    bad("a divisor of zero", "the divisor's range reaches below 1", [](Program& p) { p.tensors[1].lo = 0; });
    bad("a negative divisor", "the divisor's range reaches below 1", [](Program& p) { p.tensors[1].lo = -1; });
    for (const std::int32_t shift : {-1, 41})
      op<Divide>("a numerator's shift of " + std::to_string(shift), "shift is not in 0..40", [=](Divide& o) { o.shift = shift; });
    op<Divide>("a shift upwards", "needs one shift, not negative", [](Divide& o) { o.requant.shift = {-1}; });
    op<Divide>("four shifts", "needs one shift, not negative", [](Divide& o) { o.requant.shift = {0, 0, 0, 0}; });
    bad("a divisor that does not broadcast", "an operand does not broadcast", [](Program& p) { p.tensors[1].shape = {3, 2}; });
    bad("a divisor of more axes", "an operand has more axes than the result", [](Program& p) { p.tensors[1].shape = {1, 3, 1}; });
    op<Divide>("a tensor that there is not", "reads a tensor that no earlier op produces", [](Divide& o) { o.b = 2; });
  }

  void one_hot() {
    using quantize::OneHot;
    of("one hot");
    const std::string depth = "the output needs depth entries for each index, at most 2^16";
    for (const std::int64_t d :
         {std::int64_t{0}, std::int64_t{-5}, std::int64_t{4}, std::int64_t{1} << 16, std::int64_t{1} << 61})
      op<OneHot>("depth " + std::to_string(d), depth, [=](OneHot& o) { o.depth = d; });
    bad("an index of depth", "indices are not in [0, depth - 1]", [](Program& p) { p.tensors[0].hi = 5; });
    bad("an index below zero", "indices are not in [0, depth - 1]", [](Program& p) { p.tensors[0].lo = -1; });
    bad("indices with an exponent", "indices are not in [0, depth - 1]", [](Program& p) { p.tensors[0].exponent = 1; });
    bad("an output without 1", "the output's range lacks 0 or 1", [](Program& p) { p.tensors[1].hi = 0; });
  }

  void contract() {
    using quantize::Contract;
    of("contract");
    const std::string rise = "letters must rise and exist";
    for (const std::uint32_t kept : {0U, 5U})
      op<Contract>(std::to_string(kept) + " letters kept", "needs 1..32 letters, of which at least one is kept",
                   [=](Contract& o) { o.kept = kept; });
    op<Contract>("a letter more is kept", "the kept letters do not cover the output", [](Contract& o) { o.kept = 4; });
    op<Contract>("a letter of zero", "letters are below 1 or more than 2^48 together", [](Contract& o) { o.letters[3] = 0; });
    op<Contract>("too many terms", "letters are below 1 or more than 2^48 together",
                 [](Contract& o) { o.letters[3] = std::int64_t{1} << 47; });
    op<Contract>("a letter in no factor", "a letter is in no factor", [](Contract& o) { o.letters.push_back(2); });
    op<Contract>("a letter twice", "a letter is in two axes of one factor", [](Contract& o) { o.a.maps[1] = o.a.maps[0]; });
    op<Contract>("a letter that there is not", rise, [](Contract& o) { o.a.maps[0].parts[0].first = 4; });
    op<Contract>("letters that fall", rise, [](Contract& o) { o.a.maps[0].parts = {{1, 1}, {0, 1}}; });
    op<Contract>("a coefficient of zero", "axis map coefficient is 0 or too large",
                 [](Contract& o) { o.b.maps[0].parts[0].second = 0; });
    op<Contract>("a huge coefficient", "axis map coefficient is 0 or too large",
                 [](Contract& o) { o.b.maps[0].parts[0].second = std::int64_t{1} << 40; });
    op<Contract>("a huge offset", "axis map out of range", [](Contract& o) { o.b.maps[0].offset = INT64_MIN; });
    op<Contract>("a constant beyond its axis", "a constant index is out of range", [](Contract& o) { o.b.maps[0] = {2, {}}; });
    op<Contract>("a map too few", "axes and maps differ in number", [](Contract& o) { o.a.maps.pop_back(); });
    op<Contract>("axes that do not cover", "axes do not cover the tensor", [](Contract& o) { o.a.axes[0] = 1; });
    op<Contract>("a shift for each of a letter that is no axis", "per-channel shifts need the last kept letter as the last axis",
                 [](Contract& o) {
                   o.requant.shift = {3, 3};
                   o.letters = {2, 2, 3, 4};
                 });
    op<Contract>("a value too few in its table", "a table needs one value for every input of the clamp",
                 [](Contract& o) { o.requant.activation.values.pop_back(); });
    op<Contract>("a value beyond its table's range", "a table's value is outside of its range",
                 [](Contract& o) { o.requant.activation.values[0] = static_cast<std::int32_t>(o.requant.activation.hi + 1); });
    op<Contract>("a table whose range is not the output's", "the activation's range is not inside the output's",
                 [](Contract& o) { ++o.requant.activation.hi; });
    of("element-wise");
    bad("two weights", "needs a factor that is a tensor", [](Program& p) {
      auto& o = std::get<Contract>(p.ops[2].body);
      o.a = o.b;
    });
    bad("a wide weight", "weights beyond 16 bits", [](Program& p) { p.weights[0].max_abs = 1 << 15; });
  }

  void reduce() {
    using quantize::Reduce;
    op<Reduce>("a coefficient of zero in a mean", "coefficient is zero or beyond 2^40", [](Reduce& o) { o.coef = 0; });
    op<Reduce>("a huge coefficient in a mean", "coefficient is zero or beyond 2^40",
               [](Reduce& o) { o.coef = -(std::int64_t{1} << 40) - 1; });
    op<Reduce>("a letter of a mean that nothing reads", "a letter is in no factor", [](Reduce& o) { o.letters.push_back(3); });
    op<Reduce>("a mean over more than there is", "axes do not cover the tensor", [](Reduce& o) { o.axes[1] = 4; });
    op<Reduce>("a mean that keeps everything", "the kept letters do not cover the output", [](Reduce& o) { o.kept = 2; });
  }

  /// Well-formed, but nothing that a verifier would work through: rejected with the slice.
  void too_large() {
    using quantize::Divide;
    of("divide");
    ModelKey key = key_of(c_);
    auto& o = std::get<Divide>(key.slices[0].program.ops[0].body);
    o.requant.shift = {59};
    Certificate certificate = certificate_of(c_, c_.prove().value());
    Expectation user = user_of(c_);
    certificate.model_id = key.id();
    user.model_id = key.id();
    out_.rejects("row keys: divide: quotients that wrap", "key: quotients are too large for the proof field", "slice 0",
                 proof::encode_model_key(key), proof::encode_certificate(certificate), user);
  }

  Corpus& out_;
  std::string slice_;
  SliceCase c_;
  Bytes certificate_;
};

}  // namespace

void add_row_keys(Corpus& out) { RowKeys(out).all(); }

}  // namespace dsperse::soundness
