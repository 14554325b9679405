#include "campaign.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "scenarios.h"

namespace dsperse::sim {
namespace {

Findings lived(const TownSpec& spec, bool may_fail = false) {
  Town town(spec);
  town.live();
  return judge(town, may_fail);
}

/// Snapshots by adversary: the same people, all honest and with a record.
class Warm {
 public:
  const Snapshot& of(const Adversary& adversary) {
    const std::scoped_lock lock(mutex_);
    auto& slot = made_[adversary.name];
    if (!slot) slot = std::make_unique<Snapshot>(warmed(adversary.workers, quick_settings()));
    return *slot;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Snapshot>> made_;
};

Snapshot warm_for_schedules(const std::vector<Schedule>& all) {
  for (const Schedule& s : all)
    if (s.spec.from != nullptr) return warmed(s.spec.workers, s.spec.settings, s.spec.bond, s.spec.purse);
  return {};
}

void run_matrix(Campaign& out, const Extent& extent, const Parallel& parallel) {
  Warm warm;
  const auto people = adversaries();
  const auto wanted = policies();
  for (const Adversary& a : people)
    for (const PolicyCase& p : wanted) out.matrix.push_back({a.name, p.name, {}});
  const std::uint64_t each = extent.seeds + extent.real_seeds;
  std::vector<Findings> found(out.matrix.size() * each);
  parallel(found.size(), [&](std::size_t i) {
    const std::size_t row = i / each, seed = i % each;
    const Adversary& a = people[row / wanted.size()];
    const PolicyCase& p = wanted[row % wanted.size()];
    const int day = seed >= extent.seeds ? 2 : seed % 2 == 0 ? 0 : 1;
    const Snapshot* from = p.warm && day != 2 ? &warm.of(a) : nullptr;
    found[i] = lived(spec_of(a, p, from, 1000 * row + seed + 1, day), may_fail(a, p));
    for (std::string& text : found[i].texts)
      text = a.name + "/" + p.name + (day == 0 ? "" : day == 1 ? "/bad" : "/real") + ", " + text;
  });
  for (std::size_t i = 0; i < found.size(); ++i) out.matrix[i / each].found.add(found[i]);
  for (const Campaign::Row& row : out.matrix) out.total.add(row.found);
}

void run_killed(Campaign& out, const Extent& extent, const Parallel& parallel) {
  const Snapshot none;
  const Snapshot warm = warm_for_schedules(schedules(none));
  for (const Schedule& s : schedules(warm)) {
    // Once without a kill, to count the places.
    Town town(s.spec);
    town.live();
    const std::uint64_t keeper_places = town.fuse().passed(), worker_places = town.workers()[0]->fuse().passed();
    out.total.add(judge(town));
    for (const bool keeper : {true, false}) {
      const std::uint64_t places = (keeper ? keeper_places : worker_places) / extent.every;
      Campaign::Killed killed{s.name, keeper ? "coordinator" : "worker", places, {}};
      std::vector<Findings> found(places);
      parallel(places, [&](std::size_t i) {
        TownSpec spec = s.spec;
        const std::uint64_t at = (i + 1) * extent.every;
        if (keeper)
          spec.keeper_killed_at = at;
        else
          spec.worker_killed_at = {0, at};
        found[i] = lived(spec);
        for (std::string& text : found[i].texts)
          text = s.name + ", " + killed.who + " killed at " + std::to_string(at) + ", " + text;
      });
      for (const Findings& f : found) killed.found.add(f);
      out.total.add(killed.found);
      out.killed.push_back(std::move(killed));
    }
  }
}

}  // namespace

std::uint64_t Campaign::outside() const {
  return static_cast<std::uint64_t>(std::ranges::count_if(cells, [](const Cell& c) { return c.outside(); }));
}

std::uint64_t Campaign::keeper_survived() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(keeper, [](const KeeperAttack& a) { return a.outcome == KeeperAttack::Outcome::survived; }));
}

Parallel on_threads(unsigned threads) {
  return [threads](std::size_t n, const std::function<void(std::size_t)>& f) {
    std::atomic<std::size_t> next = 0;
    const auto loop = [&] {
      for (std::size_t i = next++; i < n; i = next++) f(i);
    };
    std::vector<std::thread> helpers;
    for (unsigned t = 1; t < threads; ++t) helpers.emplace_back(loop);
    loop();
    for (std::thread& t : helpers) t.join();
  };
}

Campaign run_campaign(const Extent& extent, unsigned threads, const std::function<void(const std::string&)>& said) {
  const Parallel parallel = on_threads(threads);
  Campaign out;
  (void)model(false), (void)model(true);  // made before several threads ask
  if (extent.keeper) {
    said("colluding coordinator");
    out.keeper = keeper_attacks(1);
    for (const KeeperAttack& a : out.keeper)
      if (a.outcome == KeeperAttack::Outcome::survived)
        out.total.texts.push_back("colluding coordinator " + a.name + " and is not caught");
  }
  if (extent.matrix) {
    said("adversaries and policies");
    run_matrix(out, extent, parallel);
  }
  if (extent.killed) {
    said("killed at every place");
    run_killed(out, extent, parallel);
  }
  if (extent.statistics) {
    const auto add = [&](std::vector<Cell> cells) {
      for (Cell& c : cells) {
        said(c.name + ": " + std::to_string(c.measured) + ", expected " + std::to_string(c.expected) + ", z " +
             std::to_string(c.z()));
        out.cells.push_back(std::move(c));
      }
    };
    said("statistics");
    add(challenge_cells(extent.scale));
    add(audit_cells(extent.scale, parallel, out.total));
    add(replication_cells(extent.scale, parallel, out.total));
    add(economics_cells(extent.scale, parallel, out.total));
  }
  std::ranges::sort(out.total.texts);
  return out;
}

std::optional<TownSpec> scenario(const std::string& name, std::uint64_t seed, std::vector<std::unique_ptr<Snapshot>>& storage) {
  if (name == "audit" || name == "economics") {
    storage.push_back(std::make_unique<Snapshot>());
    return cell_spec(name, seed, *storage.back());
  }
  const Snapshot none;
  for (const Schedule& s : schedules(none)) {
    if (s.name != name) continue;
    storage.push_back(std::make_unique<Snapshot>(warm_for_schedules(schedules(none))));
    for (Schedule& again : schedules(*storage.back())) {
      if (again.name != name) continue;
      if (seed != 0) again.spec.seed = seed;
      return again.spec;
    }
  }
  for (const Adversary& a : adversaries())
    for (const PolicyCase& p : policies()) {
      const std::string calm = a.name + "/" + p.name;
      const int day = name == calm ? 0 : name == calm + "/bad" ? 1 : name == calm + "/real" ? 2 : -1;
      if (day < 0) continue;
      const Snapshot* from = nullptr;
      if (p.warm && day != 2) {
        storage.push_back(std::make_unique<Snapshot>(warmed(a.workers, quick_settings())));
        from = storage.back().get();
      }
      return spec_of(a, p, from, seed, day);
    }
  return std::nullopt;
}

}  // namespace dsperse::sim
