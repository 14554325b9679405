#include "dsperse/slice/cut.h"

#include <algorithm>
#include <limits>
#include <string>

#include "dsperse/slice/cost.h"

namespace dsperse::slice {
namespace {

using quantize::Program;
using quantize::TensorId;

constexpr double kNever = std::numeric_limits<double>::infinity();

/// Slice of every op.
std::vector<std::uint32_t> slice_of_ops(const Program& program, const Cuts& cuts) {
  std::vector<std::uint32_t> slice(program.ops.size(), 0);
  std::uint32_t s = 0;
  for (std::size_t i = 0; i < slice.size(); ++i) {
    slice[i] = s;
    if (s < cuts.size() && cuts[s] == i) ++s;
  }
  return slice;
}

/// First committed tensor that too many slices read.
const Boundary* crowded(const std::vector<Boundary>& boundaries) {
  for (const Boundary& b : boundaries)
    if (!b.is_input && !b.is_output && b.consumers.size() > kMaxConsumers) return &b;
  return nullptr;
}

/// Predicted costs of all intervals between places to cut. Places: ends of intervals as op indices, the first is 0.
class Intervals {
 public:
  explicit Intervals(const Program& program) {
    const std::size_t ops = program.ops.size(), step = (ops + kMaxPlaces - 1) / kMaxPlaces;
    for (std::size_t at = 0; at < ops; at += step) places_.push_back(at);
    places_.push_back(ops);
    const std::vector<bool> is_public = public_tensors(program);
    const std::size_t n = count();
    seconds_.assign(n * n, kNever);
    bytes_.assign(n * n, 0);
    for (std::size_t first = 0; first < n; ++first) {
      Tally tally(program, is_public);
      for (std::size_t last = first; last < n; ++last) {
        for (std::size_t i = places_[last]; i < places_[last + 1]; ++i) tally.add(program.ops[i]);
        const Cost cost = tally.cost();
        seconds_[first * n + last] = cost.prove_seconds;
        bytes_[first * n + last] = cost.peak_bytes;
      }
    }
  }

  /// Smallest pieces; an interval is [first, last] of them.
  [[nodiscard]] std::size_t count() const { return places_.size() - 1; }
  [[nodiscard]] double seconds(std::size_t first, std::size_t last) const { return seconds_[first * count() + last]; }
  [[nodiscard]] std::uint64_t bytes(std::size_t first, std::size_t last) const { return bytes_[first * count() + last]; }
  [[nodiscard]] std::size_t first_op(std::size_t piece) const { return places_[piece]; }
  [[nodiscard]] std::uint32_t last_op(std::size_t piece) const { return static_cast<std::uint32_t>(places_[piece + 1] - 1); }

 private:
  std::vector<std::size_t> places_;
  std::vector<double> seconds_;
  std::vector<std::uint64_t> bytes_;
};

/// Dynamic programming over prefixes: best value of cutting pieces [0, i) into exactly k intervals, where `join` folds the value
/// of a prefix with one more interval (infinite: not allowed). Returns the cuts of the best, empty optional if there is none.
template <class Join>
double best_partition(const Intervals& intervals, std::size_t k, Join join, Cuts* cuts) {
  const std::size_t n = intervals.count();
  std::vector<double> value(n + 1, kNever), next(n + 1);
  std::vector<std::vector<std::uint32_t>> from(cuts != nullptr ? k : 0, std::vector<std::uint32_t>(n + 1, 0));
  value[0] = 0;
  for (std::size_t part = 0; part < k; ++part) {
    std::fill(next.begin(), next.end(), kNever);
    for (std::size_t begin = part; begin < n; ++begin) {
      if (value[begin] == kNever) continue;
      for (std::size_t last = begin; last < n; ++last) {
        const double v = join(value[begin], begin, last);
        if (v >= next[last + 1]) continue;
        next[last + 1] = v;
        if (cuts != nullptr) from[part][last + 1] = static_cast<std::uint32_t>(begin);
      }
    }
    std::swap(value, next);
  }
  if (cuts != nullptr && value[n] != kNever) {
    cuts->clear();
    std::size_t end = n;
    for (std::size_t part = k; part-- > 1;) {
      end = from[part][end];
      cuts->push_back(intervals.last_op(end - 1));
    }
    std::reverse(cuts->begin(), cuts->end());
  }
  return value[n];
}

/// Exactly k intervals with peaks up to `bytes`: least largest time, then least sum of squares.
Cuts balance(const Intervals& intervals, std::size_t k, std::uint64_t bytes) {
  const auto seconds = [&](std::size_t a, std::size_t b) {
    return intervals.bytes(a, b) <= bytes ? intervals.seconds(a, b) : kNever;
  };
  const double most =
      best_partition(intervals, k, [&](double v, std::size_t a, std::size_t b) { return std::max(v, seconds(a, b)); }, nullptr);
  Cuts cuts;
  best_partition(
      intervals, k,
      [&](double v, std::size_t a, std::size_t b) {
        const double t = seconds(a, b);
        return t <= most ? v + t * t : kNever;
      },
      &cuts);
  return cuts;
}

}  // namespace

std::vector<bool> public_tensors(const Program& program) {
  std::vector<bool> is_public(program.tensors.size(), false);
  for (const TensorId id : program.inputs) is_public[id] = true;
  for (const TensorId id : program.outputs) is_public[id] = true;
  return is_public;
}

Cuts layer_cuts(const Program& program) {
  Cuts cuts;
  bool layer = false;
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) {
    if (quantize::op_macs(program, program.ops[i]) == 0) continue;
    if (layer) cuts.push_back(i - 1);
    layer = true;
  }
  return cuts;
}

std::vector<Boundary> boundary_graph(const Program& program, const Cuts& cuts) {
  const std::vector<std::uint32_t> slice = slice_of_ops(program, cuts);
  std::vector<Boundary> all(program.tensors.size());
  for (TensorId id = 0; id < all.size(); ++id) all[id].tensor = id;
  for (const TensorId id : program.inputs) all[id].is_input = true;
  for (const TensorId id : program.outputs) all[id].is_output = true;
  for (std::size_t i = 0; i < slice.size(); ++i) {
    for (const TensorId id : quantize::op_inputs(program.ops[i])) {
      Boundary& b = all[id];
      if (b.producer != slice[i] && (b.consumers.empty() || b.consumers.back() != slice[i])) b.consumers.push_back(slice[i]);
    }
    all[quantize::op_output(program.ops[i])].producer = slice[i];
  }
  return all;
}

Cuts join_readers(const Program& program, Cuts cuts) {
  for (;;) {
    const std::vector<Boundary> boundaries = boundary_graph(program, cuts);
    const Boundary* const b = crowded(boundaries);
    if (b == nullptr) return cuts;
    // The two nearest slices among the producer and its readers become one.
    std::uint32_t low = b->producer, high = b->consumers[0];
    for (std::size_t i = 1; i < b->consumers.size(); ++i)
      if (b->consumers[i] - b->consumers[i - 1] < high - low) low = b->consumers[i - 1], high = b->consumers[i];
    cuts.erase(cuts.begin() + low, cuts.begin() + high);
  }
}

const std::string* crowded_tensor(const Program& program, const Cuts& cuts) {
  const std::vector<Boundary> boundaries = boundary_graph(program, cuts);
  const Boundary* const b = crowded(boundaries);
  return b == nullptr ? nullptr : &program.tensors[b->tensor].name;
}

Result<Cuts> balanced_cuts(const Program& program, std::uint32_t count) {
  const std::size_t most = std::min(program.ops.size(), kMaxPlaces);
  if (count < 1 || count > most)
    return fail(ErrorKind::usage,
                std::to_string(count) + " slices asked for, but this model can be cut into 1 to " + std::to_string(most), {},
                "ask for fewer slices");
  const Intervals intervals(program);
  if (count > intervals.count())
    return fail(ErrorKind::usage, "this model can be cut into at most " + std::to_string(intervals.count()) + " slices", {},
                "ask for fewer slices");
  for (std::uint32_t k = count; k > 1; --k) {
    Cuts cuts = balance(intervals, k, std::numeric_limits<std::uint64_t>::max());
    if (crowded_tensor(program, cuts) == nullptr) return cuts;
  }
  return Cuts{};
}

Result<Cuts> memory_cuts(const Program& program, std::uint64_t bytes) {
  const Intervals intervals(program);
  const std::size_t n = intervals.count();
  // Fewest intervals that fit: shortest path over prefixes.
  std::vector<std::size_t> fewest(n + 1, n + 1);
  fewest[0] = 0;
  for (std::size_t begin = 0; begin < n; ++begin)
    for (std::size_t last = begin; last < n; ++last)
      if (intervals.bytes(begin, last) <= bytes) fewest[last + 1] = std::min(fewest[last + 1], fewest[begin] + 1);
  if (fewest[n] > n) {
    // The first piece that no fitting interval reaches, at its cheapest.
    std::size_t stuck = n - 1;
    while (fewest[stuck] > n) --stuck;
    std::uint64_t need = std::numeric_limits<std::uint64_t>::max();
    for (std::size_t begin = 0; begin <= stuck; ++begin)
      if (fewest[begin] <= n) need = std::min(need, intervals.bytes(begin, stuck));
    return fail(
        ErrorKind::resource,
        "needs " + std::to_string(need) + " bytes to prove, " + std::to_string(need - bytes) + " more than the memory limit",
        program.ops[intervals.first_op(stuck)].name, "raise the memory limit or use a smaller layer");
  }
  Cuts cuts = balance(intervals, fewest[n], bytes);
  if (const std::string* name = crowded_tensor(program, cuts))
    return fail(ErrorKind::resource, "within this memory more than four slices would read one tensor", *name,
                "raise the memory limit");
  return cuts;
}

}  // namespace dsperse::slice
