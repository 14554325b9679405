#include "dsperse/quantize/program_faults.h"

#include <algorithm>
#include <utility>

#include "dsperse/quantize/limits.h"

namespace dsperse::quantize {
namespace {

/// The product of sizes, each at least one; 0 if it is beyond `most`.
std::int64_t product(const Shape& sizes, std::int64_t most) {
  std::int64_t n = 1;
  for (const auto d : sizes) {
    if (d < 1 || d > most / n) return 0;
    n *= d;
  }
  return n;
}

/// letters and kept against y and the shifts.
const char* letters_fault(const Shape& letters, std::uint32_t kept, const TensorSpec& y, const Requant& requant) {
  if (kept < 1 || kept > letters.size() || letters.size() > kMaxAxes) return "needs 1..32 letters, of which at least one is kept";
  if (product(letters, kMaxContractTerms) == 0) return "letters are below 1 or more than 2^48 together";
  if (product({letters.begin(), letters.begin() + static_cast<std::ptrdiff_t>(kept)}, kMaxTensorElements) != elements(y.shape))
    return "the kept letters do not cover the output";
  if (requant.shift.size() > 1 && letters[kept - 1] != y.shape.back())
    return "per-channel shifts need the last kept letter as the last axis";
  return nullptr;
}

/// Axes cover the tensor, one map each, no letter in two of them; marks the letters that occur.
const char* view_fault(const Shape& tensor, const Shape& axes, const std::vector<AxisMap>& maps, std::size_t letters,
                       std::vector<bool>& occurs) {
  if (axes.empty() || axes.size() > kMaxAxes || maps.size() != axes.size()) return "axes and maps differ in number";
  if (product(axes, kMaxTensorElements) != elements(tensor)) return "axes do not cover the tensor";
  std::vector<bool> here(letters, false);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    if (const char* fault = map_fault(maps[k], axes[k], letters)) return fault;
    for (const auto& part : maps[k].parts) {
      if (here[part.first]) return "a letter is in two axes of one factor";
      here[part.first] = occurs[part.first] = true;
    }
  }
  return nullptr;
}

const char* occurs_fault(const std::vector<bool>& occurs) {
  return std::find(occurs.begin(), occurs.end(), false) == occurs.end() ? nullptr : "a letter is in no factor";
}

}  // namespace

const char* map_fault(const AxisMap& map, std::int64_t axis, std::size_t letters) {
  if (map.offset < -kMaxTensorElements || map.offset > kMaxTensorElements || map.parts.size() > letters)
    return "axis map out of range";
  for (std::size_t i = 0; i < map.parts.size(); ++i) {
    const auto& [letter, coef] = map.parts[i];
    if (letter >= letters || (i > 0 && letter <= map.parts[i - 1].first)) return "letters must rise and exist";
    if (coef == 0 || coef < -kMaxTensorElements || coef > kMaxTensorElements) return "axis map coefficient is 0 or too large";
  }
  if (map.parts.empty() && (map.offset < 0 || map.offset >= axis)) return "a constant index is out of range";
  return nullptr;
}

const char* contract_fault(const Program& program, const Contract& op) {
  if (const char* fault = letters_fault(op.letters, op.kept, program.tensors[op.y], op.requant)) return fault;
  if (op.a.is_weight && op.b.is_weight) return "needs a factor that is a tensor";
  std::vector<bool> occurs(op.letters.size(), false);
  for (const Contract::Factor* f : {&op.a, &op.b}) {
    if (f->is_weight && program.weights[f->id].max_abs > kMaxNarrowWeight) return "weights beyond 16 bits";
    const Shape& shape = f->is_weight ? program.weights[f->id].shape : program.tensors[f->id].shape;
    if (const char* fault = view_fault(shape, f->axes, f->maps, op.letters.size(), occurs)) return fault;
  }
  return occurs_fault(occurs);
}

const char* reduce_fault(const Program& program, const Reduce& op) {
  if (const char* fault = letters_fault(op.letters, op.kept, program.tensors[op.y], op.requant)) return fault;
  if (op.coef == 0 || op.coef < -kMaxCoefficient || op.coef > kMaxCoefficient) return "coefficient is zero or beyond 2^40";
  std::vector<bool> occurs(op.letters.size(), false);
  if (const char* fault = view_fault(program.tensors[op.x].shape, op.axes, op.maps, op.letters.size(), occurs)) return fault;
  return occurs_fault(occurs);
}

const char* table_fault(const Activation& a, std::uint32_t clamp_bits) {
  if (a.f != Function::table)
    return a.label.empty() && a.values.empty() ? nullptr : "a function that is no table has a table's label or values";
  if (a.label.size() > kMaxNameBytes) return "a table's label is too long";
  if (a.in_exponent < -kMaxExponent || a.in_exponent > kMaxExponent) return "exponent beyond +-256";
  if (a.values.size() != std::size_t{2} << clamp_bits) return "a table needs one value for every input of the clamp";
  for (const auto v : a.values)
    if (v < a.lo || v > a.hi) return "a table's value is outside of its range";
  return nullptr;
}

}  // namespace dsperse::quantize
