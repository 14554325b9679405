// The matrix: adversaries times policies, each on calm and on bad days; and the schedules that are killed at every place.
//
// Tested by tests/sim/sim_test.cc (a few of each) and `make sim` (all).
#pragma once

#include "judge.h"

namespace dsperse::sim {

struct Adversary {
  std::string name;
  std::vector<WorkerSpec> workers;
};
std::vector<Adversary> adversaries();

struct PolicyCase {
  std::string name;
  std::vector<trust::Treatment> treatments;
  bool warm = false;  ///< audits alone: workers need a record first
};
std::vector<PolicyCase> policies();

/// n honest workers: different operators, three regions.
std::vector<WorkerSpec> honest_workers(std::size_t n);
/// `workers` as honest ones, after enough runs that everybody has a record.
Snapshot warmed(const std::vector<WorkerSpec>& workers, const work::Settings& settings, std::uint64_t bond = 0,
                std::uint64_t purse = 0);

/// One cell and seed of the matrix. warm: of the same workers, if the policy wants it. day: 0 calm, 1 bad, 2 bad with real
/// proofs and signatures.
TownSpec spec_of(const Adversary& adversary, const PolicyCase& policy, const Snapshot* warm, std::uint64_t seed, int day);
/// Whether runs of this cell may fail with a reason.
bool may_fail(const Adversary& adversary, const PolicyCase& policy);

/// harder: times the usual probabilities.
engine::simulated::Faults bad_day(double harder);

/// Schedules for killing the coordinator or a worker at every place: short, without other faults.
struct Schedule {
  std::string name;
  TownSpec spec;
};
std::vector<Schedule> schedules(const Snapshot& warm);

}  // namespace dsperse::sim
