// dsperse_simulate: the whole campaign into a JSON file, or one seed of one scenario with its steps told.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "campaign.h"
#include "dsperse/base/parallel.h"
#include "scenarios.h"

namespace {

using namespace dsperse;
using namespace dsperse::sim;

constexpr const char* kUsage =
    "dsperse_simulate [--out FILE] [--threads N] [--seeds N] [--every N] [--scale X] [--only matrix|killed|statistics|keeper]\n"
    "dsperse_simulate --seed N --scenario NAME [--killed-at PLACE] [--worker-killed-at PLACE]\n"
    "  scenarios: ADVERSARY/POLICY, with /bad or /real behind it, or a schedule; --scenario list names them\n";

std::uint64_t number(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

int list() {
  for (const Adversary& a : adversaries())
    for (const PolicyCase& p : policies()) std::printf("%s/%s\n", a.name.c_str(), p.name.c_str());
  const Snapshot none;
  for (const Schedule& s : schedules(none)) std::printf("%s\n", s.name.c_str());
  return 0;
}

void print_strikes(Town& town) {
  for (const Bytes& entry : town.ledger().entries()) {
    const auto envelope = trust::decode_envelope(entry);
    if (!envelope || envelope->payload_type != trust::kStrikeType) continue;
    const auto note = trust::decode_strike(envelope->payload);
    const WorkerProcess* who = note ? town.worker_of(note->worker) : nullptr;
    if (who == nullptr) continue;
    const work::SliceTask* task = town.grapevine().slice_task(note->job);
    std::printf("%9lld ms  strike: %s, %s of %s%s, job %s\n",
                static_cast<long long>(note->time_ms) - static_cast<long long>(town.began_at()), note->kind.c_str(),
                note->reason.c_str(), std::string(name_of(who->spec().kind)).c_str(),
                task == nullptr ? "" : (" at slice " + std::to_string(task->slice) + (task->prove ? ", proving" : "")).c_str(),
                to_hex(note->job).substr(0, 8).c_str());
  }
}

void print(const Findings& f) {
  std::printf("steps %llu, runs %llu, finished %llu, failed %llu, lies %llu, wrong finals %llu, kills %llu + %llu + %llu\n",
              static_cast<unsigned long long>(f.steps), static_cast<unsigned long long>(f.runs),
              static_cast<unsigned long long>(f.finished), static_cast<unsigned long long>(f.failed),
              static_cast<unsigned long long>(f.lies), static_cast<unsigned long long>(f.wrong_finals),
              static_cast<unsigned long long>(f.keeper_kills), static_cast<unsigned long long>(f.worker_kills),
              static_cast<unsigned long long>(f.engine_crashes));
  for (const auto& [why, n] : f.explained) std::printf("explained: %s (%llu)\n", why.c_str(), static_cast<unsigned long long>(n));
  for (const std::string& text : f.texts) std::printf("FOUND %s\n", text.c_str());
  std::printf("trace %s\n", to_hex(f.trace).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(1);  // each simulation is one thread; several run side by side
  Extent extent;
  unsigned threads = 2;
  std::string out, name;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> killed_at, worker_killed_at;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i], value = argv[i + 1];
    if (flag == "--out") {
      out = value;
    } else if (flag == "--threads") {
      threads = static_cast<unsigned>(number(value));
    } else if (flag == "--seeds") {
      extent.seeds = number(value);
    } else if (flag == "--every") {
      extent.every = std::max<std::uint64_t>(1, number(value));
    } else if (flag == "--scale") {
      extent.scale = std::stod(std::string(value));
    } else if (flag == "--only") {
      extent.matrix = value == "matrix";
      extent.killed = value == "killed";
      extent.statistics = value == "statistics";
      extent.keeper = value == "keeper";
    } else if (flag == "--seed") {
      seed = number(value);
    } else if (flag == "--scenario") {
      name = value;
    } else if (flag == "--killed-at") {
      killed_at = number(value);
    } else if (flag == "--worker-killed-at") {
      worker_killed_at = number(value);
    } else {
      std::fputs(kUsage, stderr);
      return 2;
    }
  }
  if (argc % 2 == 0) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (name == "list") return list();
  if (!name.empty()) {
    std::vector<std::unique_ptr<Snapshot>> storage;
    auto spec = scenario(name, seed, storage);
    if (!spec) {
      std::fprintf(stderr, "no scenario is called %s; --scenario list names them\n", name.c_str());
      return 2;
    }
    spec->log = true;
    spec->keeper_killed_at = killed_at;
    if (worker_killed_at) spec->worker_killed_at = {0, *worker_killed_at};
    Town town(*spec);
    town.live();
    const Findings f = judge(town);
    print_strikes(town);
    print(f);
    return f.clean() ? 0 : 1;
  }
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const Campaign campaign = run_campaign(
      extent, threads, [&](const std::string& line) { std::fprintf(stderr, "%6.1f s  %s\n", seconds(), line.c_str()); });
  const std::string json = to_json(campaign, extent, seconds());
  if (out.empty()) {
    std::fputs(json.c_str(), stdout);
  } else if (std::ofstream file(out); !(file << json)) {
    std::fprintf(stderr, "%s can't be written\n", out.c_str());
    return 5;
  }
  for (const std::string& text : campaign.total.texts) std::fprintf(stderr, "FOUND %s\n", text.c_str());
  std::fprintf(stderr, "%llu seeds, %llu steps in %.0f s: %s\n", static_cast<unsigned long long>(campaign.total.seeds),
               static_cast<unsigned long long>(campaign.total.steps), seconds(),
               campaign.clean() ? "nothing found" : "see the findings");
  return campaign.clean() ? 0 : 1;
}
