#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "dsperse/trust/lottery/challenge.h"
#include "dsperse/trust/policy/economics.h"
#include "scenarios.h"

namespace dsperse::sim {
namespace {

constexpr std::uint32_t kTarget = 2;  ///< the slice that liars lie about

template <class T>
T must(Result<T> r) {
  if (!r) std::abort();  // constants of this file
  return std::move(*r);
}

std::size_t scaled(double n, double scale) { return static_cast<std::size_t>(std::max(1.0, n * scale)); }

std::vector<trust::Treatment> audited(double p, trust::AuditBy by = trust::AuditBy::reexec) {
  trust::Treatment t;
  t.audit = trust::Audit{p, by};
  return std::vector(4, t);
}

/// The first result that was asked for of the target slice, in the first attempt: the one that the lottery may draw.
struct First {
  Digest run{}, job{}, worker{};
  bool lied = false;
};
std::optional<First> first_result(Town& town) {
  const Grapevine& heard = town.grapevine();
  for (const Digest& job : heard.order) {
    const work::SliceTask* task = heard.slice_task(job);
    if (task == nullptr || task->slice != kTarget || task->prove) continue;
    for (const auto& a : heard.answers) {
      if (a.job != job) continue;
      const bool lied = heard.lies.contains({task->run, job, a.worker, kTarget});
      return First{task->run, job, a.worker, lied};
    }
  }
  return std::nullopt;
}

}  // namespace

double Cell::z() const { return sigma > 0 ? (measured - expected) / sigma : measured == expected ? 0 : 1e9; }

bool Cell::outside() const {
  if (n == 0 || std::abs(z()) > 3) return true;
  return side != 0 && measured * side < 3 * sigma;
}

Cell share_cell(std::string name, std::uint64_t n, std::uint64_t hits, double expected) {
  Cell c{std::move(name), n, expected, 0, 0, 0};
  if (n == 0) return c;
  c.measured = static_cast<double>(hits) / static_cast<double>(n);
  c.sigma = std::sqrt(expected * (1 - expected) / static_cast<double>(n));
  return c;
}

Cell mean_cell(std::string name, const std::vector<double>& sample, double expected, int side) {
  Cell c{std::move(name), sample.size(), expected, 0, 0, side};
  if (sample.size() < 2) return c;
  const double n = static_cast<double>(sample.size());
  for (const double x : sample) c.measured += x / n;
  double square = 0;
  for (const double x : sample) square += (x - c.measured) * (x - c.measured);
  c.sigma = std::sqrt(square / (n - 1) / n);
  return c;
}

std::vector<Cell> challenge_cells(double scale) {
  using namespace trust::lottery;  // NOLINT
  struct Shape {
    std::uint32_t slices, bad, count;
  };
  std::vector<Cell> out;
  Dice dice(Digest{1}, "challenge");
  for (const Shape s :
       {Shape{1000, 100, 5}, Shape{1000, 100, 22}, Shape{1000, 50, 20}, Shape{12, 3, 4}, Shape{4, 1, 1}, Shape{4, 1, 2}}) {
    const std::size_t n = scaled(20'000, scale);
    std::uint64_t missed = 0;
    for (std::size_t i = 0; i < n; ++i) {
      // A prover that can prove all but the first `bad` slices, against the machine and the verifier's redraw.
      Challenge c = must(publish(dice.digest(), s.slices, s.count));
      std::vector<std::uint32_t> drawn = must(step(c, Nonce{dice.digest(), 1000})), proved;
      for (const std::uint32_t slice : drawn)
        if (slice >= s.bad) {
          proved.push_back(slice);
          (void)must(step(c, Answer{slice, true}));
        }
      const bool accepted = verify_challenge(c.bound, s.slices, s.count, *c.nonce, proved).accepted;
      if (accepted != (c.phase == ChallengePhase::answered)) std::abort();
      missed += accepted ? 1 : 0;
    }
    // Drawn without replacement: exact for few slices, (1-f)^k where there are many.
    const double exact = must(trust::sampling_miss(s.slices, s.bad, s.count));
    const std::string name = "challenge " + std::to_string(s.count) + " of " + std::to_string(s.slices) + ", " +
                             std::to_string(s.bad) + " bad: missed";
    out.push_back(share_cell(name, n, missed, exact));
    if (s.slices >= 1000)
      out.push_back(
          share_cell(name + ", (1-f)^k", n, missed, must(trust::sampling_bound(static_cast<double>(s.bad) / s.slices, s.count))));
  }
  return out;
}

namespace {

/// R, c, c', G, S: a gain about as large as what is at stake, so that E1's least rate is neither tiny nor 1.
constexpr std::uint64_t kWage = 10, kSlash = 100, kBond = 1000, kPurse = 1'000'000;
trust::Stakes stakes() {
  trust::Stakes s;
  s.reward = kWage;
  s.honest_cost = 8;
  s.gain = 100;
  s.bond = kSlash;
  return s;
}

/// Four workers with a record, two of which lie about the target from now on.
TownSpec two_liars(const Snapshot& warm, std::uint64_t seed, double p, trust::AuditBy by, bool points) {
  TownSpec spec;
  spec.seed = seed;
  spec.from = &warm;
  spec.settings = quick_settings();
  if (points) {
    spec.settings.points = true;
    spec.settings.wage = kWage;
    spec.settings.slash = kSlash;
    spec.bond = kBond;
    spec.purse = kPurse;
  }
  spec.workers = honest_workers(4);
  for (const std::size_t i : {0, 1}) {
    spec.workers[i].kind = Kind::targeted;
    spec.workers[i].target = kTarget;
  }
  spec.policy = audited(p, by);
  return spec;
}
Snapshot warm_four(bool points) {
  const TownSpec spec = two_liars({}, 0, 1, trust::AuditBy::reexec, points);
  return warmed(spec.workers, spec.settings, spec.bond, spec.purse);
}

}  // namespace

TownSpec cell_spec(const std::string& name, std::uint64_t seed, Snapshot& warm) {
  const bool points = name == "economics";
  if (warm.books.empty()) warm = warm_four(points);
  return two_liars(warm, seed, 0.5, trust::AuditBy::reexec, points);
}

std::vector<Cell> audit_cells(double scale, const Parallel& parallel, Findings& found) {
  const Snapshot warm = warm_four(false);
  std::uint64_t seeds = 100'000;
  std::vector<Cell> out;
  std::mutex mutex;
  for (const auto& [p, by] : std::vector<std::pair<double, trust::AuditBy>>{{0.2, trust::AuditBy::reexec},
                                                                            {0.5, trust::AuditBy::reexec},
                                                                            {0.9, trust::AuditBy::reexec},
                                                                            {0.5, trust::AuditBy::proof}}) {
    std::uint64_t trials = 0, caught = 0;
    seeds += 10'000;  // other seeds for every cell: their errors are independent
    parallel(scaled(1500, scale), [&, p = p, by = by](std::size_t i) {
      Town town(two_liars(warm, seeds + i, p, by, false));
      town.live();
      Findings f = judge(town);
      const auto first = first_result(town);
      const std::scoped_lock lock(mutex);
      found.add(f);
      if (!first || !first->lied || !town.runs()[0].finished) return;
      ++trials;
      caught += town.runs()[0].finished->run != first->run ? 1 : 0;
    });
    out.push_back(share_cell(
        "audit(" + std::to_string(p).substr(0, 4) + (by == trust::AuditBy::proof ? ", by=proof" : "") + "): a lie is caught",
        trials, caught, p));
  }
  return out;
}

std::vector<Cell> replication_cells(double scale, const Parallel& parallel, Findings& found) {
  struct Shape {
    double share;
    std::uint32_t k;
  };
  std::uint64_t seeds = 200'000;
  std::vector<Cell> out;
  std::mutex mutex;
  for (const Shape s : {Shape{0.2, 2}, Shape{0.5, 2}, Shape{0.5, 3}, Shape{0.7, 4}}) {
    std::uint64_t n = 0, wrong = 0, disputed = 0;
    seeds += 10'000;
    parallel(scaled(1500, scale), [&](std::size_t i) {
      TownSpec spec;
      spec.seed = seeds + i;
      spec.settings = quick_settings();
      spec.workers = honest_workers(8);
      // Each worker colludes with probability r, whatever the others do.
      Dice dice(Digest{}, "shares", spec.seed);
      for (WorkerSpec& w : spec.workers) {
        if (!dice.chance(s.share)) continue;
        w.kind = Kind::colluding;
        w.target = kTarget;
      }
      spec.policy.assign(4, {});
      spec.policy[kTarget].replicate = trust::Replicate{s.k, trust::Distinct::operators};
      Town town(spec);
      town.live();
      Findings f = judge(town);
      const std::scoped_lock lock(mutex);
      found.add(f);
      const Town::Run& run = town.runs()[0];
      if (!run.finished) return;
      ++n;
      wrong += f.wrong_finals;
      disputed += run.finished->verdicts.empty() ? 0 : 1;
    });
    const std::string name = "replicate(" + std::to_string(s.k) + ") at r = " + std::to_string(s.share).substr(0, 3);
    out.push_back(share_cell(name + ": wrong, r^k", n, wrong, must(trust::unanimous_collusion(s.share, s.k))));
    out.push_back(share_cell(name + ": disputed", n, disputed, must(trust::mismatch(s.share, s.k))));
  }
  return out;
}

std::vector<Cell> economics_cells(double scale, const Parallel& parallel, Findings& found) {
  const double least = must(trust::least_audit_rate(stakes()));
  const Snapshot warm = warm_four(true);
  std::uint64_t seeds = 300'000;
  std::vector<Cell> out;
  std::mutex mutex;
  for (const double factor : {1.1, 0.9}) {
    const double p = factor * least;
    std::vector<double> surplus;
    seeds += 10'000;
    parallel(scaled(4000, scale), [&](std::size_t i) {
      Town town(two_liars(warm, seeds + i, p, trust::AuditBy::reexec, true));
      town.live();
      Findings f = judge(town);
      const auto first = first_result(town);
      const work::Coordinator* c = town.coordinator();
      const std::scoped_lock lock(mutex);
      found.add(f);
      if (!first || !first->lied || !town.runs()[0].finished || c == nullptr) return;
      // What the one receipt brought the liar: its wage or its slash out of the points' history, and G if the lie was accepted.
      double balance = -stakes().cheat_cost;
      std::optional<Digest> receipt;
      for (const Bytes& entry : town.ledger().entries()) {
        const auto envelope = trust::decode_envelope(entry);
        if (!envelope || envelope->payload_type != trust::kReceiptType) continue;
        const auto r = trust::decode_receipt(envelope->payload);
        if (r && r->job == first->job) receipt = trust::receipt_digest(*r);
      }
      if (receipt)
        for (const auto& event : c->points()->history().events()) {
          using namespace trust::incentive;  // NOLINT
          if (const auto* slash = std::get_if<Slash>(&event); slash != nullptr && slash->receipt == *receipt)
            balance -= static_cast<double>(slash->amount);
          if (const auto* paid = std::get_if<Release>(&event); paid != nullptr && paid->receipt == *receipt)
            balance += static_cast<double>(kWage);
        }
      if (town.runs()[0].finished->run == first->run) balance += stakes().gain;
      surplus.push_back(balance - (stakes().reward - stakes().honest_cost));
    });
    // The samples come in the order of the threads; sums of doubles must not depend on it.
    std::ranges::sort(surplus);
    out.push_back(mean_cell("lying pays by, at " + std::to_string(factor).substr(0, 3) + " of E1's rate", surplus,
                            must(trust::cheating_surplus(stakes(), p)), factor > 1 ? -1 : 1));
  }
  return out;
}

}  // namespace dsperse::sim
