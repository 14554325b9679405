#include "scenarios.h"

#include <algorithm>

namespace dsperse::sim {
namespace {

trust::Treatment treated(const char* text) {
  auto out = trust::parse_treatment(text);
  if (!out) std::abort();  // a constant of this file
  return *out;
}
std::vector<trust::Treatment> everywhere(const char* text) { return std::vector(4, treated(text)); }

WorkerSpec one(Kind kind, std::string operated_by) {
  WorkerSpec w;
  w.kind = kind;
  w.operated_by = std::move(operated_by);
  w.region = "us";
  w.target = 2;
  if (kind == Kind::flip) w.rate = 0.3;
  return w;
}

/// Five honest workers and these.
Adversary with(std::string name, std::vector<WorkerSpec> bad) {
  std::vector<WorkerSpec> workers = honest_workers(5);
  workers.insert(workers.end(), bad.begin(), bad.end());
  return {std::move(name), std::move(workers)};
}

}  // namespace

std::vector<WorkerSpec> honest_workers(std::size_t n) {
  static const char* regions[] = {"eu", "us", "asia"};
  std::vector<WorkerSpec> out;
  for (std::size_t i = 0; i < n; ++i) {
    WorkerSpec w;
    w.operated_by = "honest" + std::to_string(i);
    w.region = regions[i % 3];
    out.push_back(std::move(w));
  }
  return out;
}

std::vector<Adversary> adversaries() {
  std::vector<Adversary> out;
  out.push_back(with("honest", {one(Kind::honest, "sixth"), one(Kind::honest, "seventh")}));
  for (const Kind kind : {Kind::lazy, Kind::cached, Kind::flip, Kind::targeted, Kind::copying, Kind::withholding, Kind::stalling,
                          Kind::beating, Kind::replaying, Kind::equivocating, Kind::lazy_auditor}) {
    WorkerSpec first = one(kind, "bad0"), second = one(kind, "bad1");
    first.proves = Proves::rubbish;
    second.target = 1;
    out.push_back(with(std::string(name_of(kind)), {first, second}));
  }
  out.push_back(with("colluding_pair", {one(Kind::colluding, "bad0"), one(Kind::colluding, "bad1")}));
  // Sybils: several keys of one operator, which admits it or does not.
  out.push_back(with("sybil_one_label", std::vector(4, one(Kind::colluding, "bad0"))));
  std::vector<WorkerSpec> fake;
  for (int i = 0; i < 4; ++i) fake.push_back(one(Kind::colluding, "fake" + std::to_string(i)));
  out.push_back(with("sybil_fake_labels", fake));
  return out;
}

std::vector<PolicyCase> policies() {
  return {{"trust", everywhere("trust"), false},
          {"replicate2", everywhere("replicate(2)"), false},
          {"replicate3", everywhere("replicate(3)"), false},
          {"replicate2_region", everywhere("replicate(2, distinct=region)"), false},
          {"audit", everywhere("audit(0.4)"), true},
          {"audit_by_proof", everywhere("audit(0.4, by=proof)"), true},
          {"replicate2_audit", everywhere("replicate(2)+audit(0.5)"), false},
          {"proof", everywhere("proof"), false},
          {"mixed", {treated("replicate(2)"), treated("trust"), treated("audit(0.5)"), treated("proof")}, true}};
}

Snapshot warmed(const std::vector<WorkerSpec>& workers, const work::Settings& settings, std::uint64_t bond, std::uint64_t purse) {
  TownSpec spec;
  spec.seed = 4711;
  spec.settings = settings;
  spec.workers = workers;
  for (WorkerSpec& w : spec.workers) {
    w.kind = Kind::honest;
    w.longest_work_ms = 200;
  }
  const std::size_t k = std::min<std::size_t>(4, workers.size());
  spec.policy = everywhere(("replicate(" + std::to_string(k) + ")").c_str());
  spec.runs = static_cast<std::uint32_t>((workers.size() * 14 + 4 * k - 1) / (4 * k));
  spec.bond = bond;
  spec.purse = purse;
  for (int round = 0;; ++round) {
    Town town(spec);
    town.live();
    bool enough = true;
    work::Coordinator* c = town.coordinator();
    for (const auto& w : town.workers()) {
      const auto standing = c == nullptr ? Result<work::Standing>(work::Standing{}) : c->standing(w->key());
      enough = enough && standing && standing->confidence >= 10;
    }
    if (enough || round == 8) return town.snapshot();
    spec.runs *= 2;
  }
}

engine::simulated::Faults bad_day(double harder) {
  engine::simulated::Faults f;
  f.drop = 0.003 * harder;
  f.duplicate = 0.02 * harder;
  f.slow = 0.003 * harder;
  f.crash = 0.001 * harder;
  f.min_delay_ms = 1;
  f.max_delay_ms = 10;
  f.timeout_ms = 100;
  f.max_down_ms = 1000;
  return f;
}

TownSpec spec_of(const Adversary& adversary, const PolicyCase& policy, const Snapshot* warm, std::uint64_t seed, int day) {
  TownSpec spec;
  spec.seed = seed;
  spec.from = warm;
  spec.real = day == 2;
  spec.settings = quick_settings();
  spec.workers = adversary.workers;
  spec.policy = policy.treatments;
  spec.runs = 2;
  if (seed % 3 == 0) spec.late = trust::lottery::Late::user_nonce;
  spec.own = seed % 4 != 0;
  spec.private_input = seed % 5 == 0 && warm == nullptr;
  if (seed % 6 == 1 && spec.own)
    if (const auto phi = trust::Probability::ratio(1, 4)) spec.settings.canaries = *phi;
  if (seed % 4 == 1 && warm == nullptr) {
    spec.settings.points = true;
    spec.settings.wage = 10;
    spec.settings.slash = 100;
    spec.settings.window_ms = seed % 8 == 1 ? 5'000 : 0;
    spec.bond = 1000;
    spec.purse = 1'000'000;
  }
  if (day == 0) return spec;
  const double harder = seed % 3 == 2 ? 4 : 1;
  spec.faults = bad_day(harder);
  spec.disk.error = 0.0025 * harder;
  spec.keeper_killed = 0.0005 * harder;
  spec.worker_killed = 0.002 * harder;
  spec.keeper_offset_ms = static_cast<TimeMs>(seed % 7) * 100;
  spec.keeper_drift_ppm = 200;
  spec.keeper_jumps_ms = (static_cast<TimeMs>(seed % 5) - 2) * 15'000;
  for (std::size_t i = 0; i < spec.workers.size(); ++i) {
    spec.workers[i].clock_offset_ms = static_cast<TimeMs>((seed + i) % 5) * 400 - 800;
    spec.workers[i].clock_drift_ppm = static_cast<std::int64_t>((seed + i) % 3) * 500 - 500;
  }
  return spec;
}

bool may_fail(const Adversary&, const PolicyCase&) { return false; }

std::vector<Schedule> schedules(const Snapshot& warm) {
  const auto make = [](std::string name, std::vector<WorkerSpec> workers, std::vector<trust::Treatment> policy,
                       std::uint64_t seed) {
    TownSpec spec;
    spec.seed = seed;
    spec.settings = quick_settings();
    spec.settings.points = true;
    spec.settings.wage = 10;
    spec.settings.slash = 100;
    spec.bond = 1000;
    spec.purse = 100'000;
    spec.workers = std::move(workers);
    for (WorkerSpec& w : spec.workers) w.longest_work_ms = 200;
    spec.policy = std::move(policy);
    return Schedule{std::move(name), std::move(spec)};
  };
  std::vector<WorkerSpec> liar = honest_workers(4);
  liar[1].kind = Kind::targeted;
  liar[1].target = 2;
  std::vector<Schedule> out;
  out.push_back(make("killed_dispute", liar, everywhere("replicate(3)"), 1));
  out.push_back(make("killed_proof", honest_workers(2), everywhere("proof"), 2));
  std::vector<WorkerSpec> liars = liar;
  liars[0] = liars[1];
  liars[0].operated_by = "honest0";
  out.push_back(make("killed_audit", liars, everywhere("audit(1)"), 3));
  out.back().spec.from = &warm;
  out.push_back(make("killed_claimants", liar, everywhere("replicate(3)"), 4));
  out.back().spec.own = false;
  out.back().spec.late = trust::lottery::Late::user_nonce;
  return out;
}

}  // namespace dsperse::sim
