// make_plan: from what is asked to cuts, and to tiles where an op alone does not fit.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "dsperse/slice/choose_tiles.h"
#include "dsperse/slice/plan.h"
#include "dsperse/slice/search.h"

namespace dsperse::slice {
namespace {

using quantize::Program;
using quantize::TensorId;

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
/// Searches price with a guess of what all slices share; each round takes the plan's own.
constexpr int kRounds = 8;

std::string mebibytes(std::uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }
std::string seconds_text(double s) {
  std::string text = std::to_string(s);
  return text.substr(0, text.find('.') + 4) + " s";
}

Result<Cuts> cuts_after(const Program& program, const std::vector<std::string>& names) {
  std::map<std::string, std::uint32_t> producer;
  std::set<std::string> inputs;
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) producer[program.tensors[quantize::op_output(program.ops[i])].name] = i;
  for (const TensorId id : program.inputs) inputs.insert(program.tensors[id].name);
  std::set<std::uint32_t> cuts;
  for (const std::string& name : names) {
    const auto it = producer.find(name);
    if (it == producer.end())
      return fail(ErrorKind::usage,
                  inputs.contains(name) ? "a model input is no place to cut" : "no tensor of this model has this name", name,
                  "name the output of an op of the model; fused ops keep their last output only");
    if (it->second + 1 < program.ops.size()) cuts.insert(it->second);  // after the last op nothing is left to cut
  }
  return Cuts(cuts.begin(), cuts.end());
}

/// Of a priced plan, as makespan() of its intervals.
double end_of(const Plan& plan, unsigned workers) {
  std::vector<double> seconds, free(std::max(1U, workers), 0);
  for (const Slice& s : plan.slices) seconds.push_back(s.cost.prove_seconds);
  std::sort(seconds.rbegin(), seconds.rend());
  for (const double s : seconds) *std::min_element(free.begin(), free.end()) += s;
  return *std::max_element(free.begin(), free.end());
}

/// Memory of the process with as many of the largest slices in work as there are workers.
std::uint64_t bytes_of(const Plan& plan, unsigned workers, const Costing& costing) {
  std::vector<std::uint64_t> bytes;
  std::uint64_t key = 0;
  for (const Slice& s : plan.slices) bytes.push_back(s.cost.most_bytes()), key += s.cost.key_bytes;
  std::sort(bytes.rbegin(), bytes.rend());
  std::uint64_t sum = costing.process_bytes(key);
  for (std::size_t i = 0; i < std::min<std::size_t>(std::max(1U, workers), bytes.size()); ++i) sum += bytes[i];
  return sum;
}

/// One request on one program. A search prices with a guess of what all slices share; the plan that comes out is priced with its
/// own, which is the next guess. The best plan that keeps its own predictions counts.
class Search {
 public:
  Search(const Program& program, const CutRequest& request, const Costing& costing)
      : program_(program), request_(request), costing_(costing), limit_(request.memory_bytes.value_or(kNoLimit)) {}

  Result<Plan> run() {
    std::optional<Plan> best;
    std::optional<Error> why_not;
    Guess guess = largest_guess(program_);
    std::set<Guess> tried;
    for (int round = 0; round < kRounds && tried.insert(guess).second; ++round) {
      auto plan = once(guess);
      if (!plan) {
        if (!why_not) why_not = plan.error();
        if (best || plan.error().kind == ErrorKind::usage) break;
        guess = smallest_guess(program_);  // trees of large boundaries may be what does not fit
        continue;
      }
      guess = {plan->slices.size(), plan->largest_boundary(program_), guess.key_bytes, guess.over};
      std::uint64_t key = 0;
      for (const Slice& s : plan->slices) key += s.cost.key_bytes;
      guess.key_bytes = std::max(guess.key_bytes, key);
      const std::uint64_t bytes = bytes_of(*plan, workers(), costing_);
      const double late = request_.deadline_seconds ? end_of(*plan, workers()) : 0;
      if (bytes > limit_) {
        guess.over += std::max<std::uint64_t>(bytes - limit_, limit_ / 256);
      } else if (request_.deadline_seconds && late > *request_.deadline_seconds) {
        if (!why_not) why_not = too_late(late).error();
      } else if (!best || sum(*plan) < sum(*best)) {
        best = std::move(*plan);
        if (request_.count) break;
      }
    }
    if (best) return std::move(*best);
    if (why_not) return std::unexpected(*why_not);
    return fail(ErrorKind::resource, "no plan was found that keeps its own predictions within " + mebibytes(limit_), {},
                "raise the memory limit a little");
  }

  /// Why there is no plan, after a failed run: pieces too large, with what they may have.
  Misfit why;
  [[nodiscard]] std::uint64_t budget() const { return budget_; }

 private:
  /// What a search assumes of the plan that it looks for.
  struct Guess {
    std::size_t slices = 1;
    std::uint64_t largest = 1, key_bytes = 0, over = 0;  ///< over: what plans so far needed beyond the limit
    auto operator<=>(const Guess&) const = default;
  };
  static Guess largest_guess(const Program& program) {
    return {std::min<std::size_t>(16, program.ops.size()), sizes(program).second, 0, 0};
  }
  static Guess smallest_guess(const Program& program) { return {1, sizes(program).first, 0, 0}; }
  /// Of tensors that may become boundaries.
  static std::pair<std::uint64_t, std::uint64_t> sizes(const Program& program) {
    const std::vector<bool> is_public = public_tensors(program);
    std::uint64_t least = kNoLimit, most = 1;
    for (TensorId id = 0; id < program.tensors.size(); ++id) {
      if (is_public[id]) continue;
      const auto n = static_cast<std::uint64_t>(quantize::elements(program.tensors[id].shape));
      least = std::min(least, n), most = std::max(most, n);
    }
    return {std::min(least, most), most};
  }
  [[nodiscard]] unsigned workers() const { return request_.deadline_seconds ? std::max(1U, request_.workers) : 1; }
  [[nodiscard]] double sum(const Plan& plan) const {
    double out = 0;
    for (const Slice& s : plan.slices)
      out += request_.optimize == Optimize::time   ? s.cost.prove_seconds
             : request_.optimize == Optimize::size ? static_cast<double>(s.cost.proof_bytes)
                                                   : s.cost.verify_seconds;
    if (request_.least_memory) out += 1e-3 * static_cast<double>(plan.peak_bytes(costing_));  // first of all
    return out;
  }

  /// One search under one guess, priced as it is.
  Result<Plan> once(const Guess& guess) {
    const std::uint64_t process = costing_.process_bytes(guess.key_bytes) + guess.over;
    if (process >= limit_) return too_little(process);
    budget_ = each_ = limit_ == kNoLimit ? kNoLimit : limit_ - process;
    const Intervals intervals(program_, costing_, costing_.setting(guess.slices, guess.largest));
    DSPERSE_TRY(Cuts cuts, cut(intervals));
    const std::string* crowded = crowded_tensor(program_, cuts);
    const std::string name = crowded != nullptr ? *crowded : std::string();
    if (crowded != nullptr) cuts = join_readers(program_, std::move(cuts));
    DSPERSE_TRY(Plan plan, plan_at(program_, cuts));
    price(plan, program_, costing_, request_.least_memory ? 0 : each_);
    if (const std::uint64_t bytes = bytes_of(plan, workers(), costing_); crowded != nullptr && bytes > limit_)
      return fail(ErrorKind::resource, "within these limits more than four slices would read one tensor", name,
                  "raise the memory limit to " + mebibytes(bytes));
    return plan;
  }

  Result<Cuts> cut(const Intervals& intervals) {
    if (request_.least_memory) return least_memory_cuts(intervals, request_.optimize);
    if (request_.count) return balanced(intervals);
    if (request_.deadline_seconds) {
      const auto found = deadline_cuts(intervals, *request_.deadline_seconds, std::max(1U, request_.workers), budget_);
      if (!found) return too_large(intervals);
      if (!found->kept) return too_late(found->makespan);
      each_ = found->bytes;
      return found->cuts;
    }
    auto cuts = best_cuts(intervals, request_.optimize, budget_);
    if (!cuts) return too_large(intervals);
    return std::move(*cuts);
  }

  Result<Cuts> balanced(const Intervals& intervals) {
    const std::size_t count = *request_.count, most = intervals.count();
    if (count < 1 || count > most)
      return fail(ErrorKind::usage,
                  std::to_string(count) + " slices asked for, but this model can be cut into 1 to " + std::to_string(most), {},
                  "ask for fewer slices");
    for (std::size_t k = count; k > 1; --k) {
      auto cuts = balanced_cuts(intervals, k, budget_);
      if (!cuts) return too_large(intervals);
      if (crowded_tensor(program_, *cuts) == nullptr) return std::move(*cuts);
    }
    return Cuts{};
  }

  std::unexpected<Error> too_large(const Intervals& intervals) {
    why = misfit(intervals, budget_);
    const std::uint64_t process = limit_ - budget_;
    if (why.pieces.empty())
      return fail(ErrorKind::resource, "so few slices do not fit " + mebibytes(limit_), {},
                  "ask for more slices, or raise the memory limit");
    const std::size_t worst = *std::max_element(why.pieces.begin(), why.pieces.end(), [&](std::size_t a, std::size_t b) {
      return intervals.price(a, a).lean_bytes < intervals.price(b, b).lean_bytes;
    });
    return fail(ErrorKind::resource,
                "needs " + mebibytes(intervals.price(worst, worst).bytes_within(budget_) + process) +
                    " by itself, more than the " + mebibytes(limit_) + " allowed",
                program_.ops[intervals.first_op(worst)].name,
                "the least that fits this cut of the model is " + mebibytes(why.least_bytes + process));
  }
  [[nodiscard]] std::unexpected<Error> too_late(double end) const {
    return fail(ErrorKind::resource,
                std::to_string(request_.workers) + " worker(s) would take " + seconds_text(end) + ", longer than the " +
                    seconds_text(*request_.deadline_seconds) + " allowed",
                {},
                "allow " + seconds_text(end * 1.01) + ", or more workers" + (request_.memory_bytes ? ", or more memory" : ""));
  }
  [[nodiscard]] std::unexpected<Error> too_little(std::uint64_t process) const {
    return fail(ErrorKind::resource,
                "the process and the key of its slices need " + mebibytes(process) + ", nothing of the " + mebibytes(limit_) +
                    " is left for slices",
                {}, "raise the memory limit");
  }

  const Program& program_;
  const CutRequest& request_;
  const Costing& costing_;
  std::uint64_t limit_ = kNoLimit, budget_ = kNoLimit, each_ = kNoLimit;  ///< each: of one slice
};

/// Splits the ops that do not fit until all do, or none can be split further.
Result<Plan> within_memory(const Program& program, const CutRequest& request, const Costing& costing) {
  TileChoice tiles(program, costing);
  for (;;) {
    std::optional<Tiled> tiled;
    if (!tiles.requests().empty()) {
      DSPERSE_TRY(tiled, tile(program, tiles.requests()));
    }
    Search search(tiled ? tiled->program : program, request, costing);
    auto plan = search.run();
    if (plan) {
      plan->tiled = std::move(tiled);
      return plan;
    }
    if (search.why.pieces.empty() || !tiles.grow(tiled ? &*tiled : nullptr, search.budget())) return plan;
  }
}

}  // namespace

Result<Plan> make_plan(const Program& program, const CutRequest& request, const Costing& costing) {
  const int ways = (request.count ? 1 : 0) + (request.after_tensors.empty() ? 0 : 1) + (request.by_memory ? 1 : 0) +
                   (request.deadline_seconds ? 1 : 0) + (request.least_memory ? 1 : 0);
  if (ways > 1)
    return fail(ErrorKind::usage, "more than one way to cut", {},
                "give one of: a slice count, tensor names, a memory limit, least memory, a deadline");
  if (ways == 0 || !request.after_tensors.empty()) {
    Cuts cuts;
    if (ways == 0) {
      cuts = join_readers(program, layer_cuts(program));
    } else {
      DSPERSE_TRY(cuts, cuts_after(program, request.after_tensors));
    }
    DSPERSE_TRY(Plan plan, plan_at(program, cuts));
    if (costing.known()) price(plan, program, costing);
    return plan;
  }
  if (!costing.known()) return fail(ErrorKind::usage, "this way to cut needs predictions, and there is no cost model");
  if (request.by_memory) return within_memory(program, request, costing);
  return Search(program, request, costing).run();
}

}  // namespace dsperse::slice
