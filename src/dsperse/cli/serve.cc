// dsperse serve MODEL.dsm --network FOLDER: coordinates runs of a model over the workers of a folder, until it is stopped.
#include <chrono>
#include <map>
#include <thread>

#include "dsperse/backend/native/native.h"
#include "dsperse/cli/crew.h"
#include "dsperse/cli/network_flags.h"
#include "dsperse/cli/request_file.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/cli/worker_process.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPause{15}, kLook{200};
constexpr int kMaxFailures = 20;

struct Flags {
  std::string model, network;
  unsigned workers = 0;
  double canaries = 0, wait_s = 0, commit_s = 0, idle_s = 0;
  bool claimants_prove = false;
};

/// Requests under way: what the coordinator calls them.
struct Under {
  RequestFile file;
  Digest run{};
  bool sealed = false;
};

class Server {
 public:
  Server(Context& context, std::string folder, pipeline::LocalNetwork& network)
      : context_(context), folder_(std::move(folder)), network_(network) {}

  /// New requests, and late parts of known ones.
  Status take() {
    DSPERSE_TRY(const std::vector<std::string> ids, open_requests(folder_));
    for (const std::string& id : ids) {
      auto file = read_request(folder_, id);
      if (!file) {
        refuse(id, file.error());
        continue;
      }
      if (const auto at = under_.find(id); at != under_.end()) {
        at->second.file = std::move(*file);
        continue;
      }
      const auto run = network_.submit(file->request);
      if (!run) {
        refuse(id, run.error());
        continue;
      }
      fmt::print(stderr, "request {}: taken on\n", id.substr(0, 16));
      under_.emplace(id, Under{std::move(*file), *run, false});
    }
    return {};
  }

  /// Answers what is sealed, finished or failed.
  Status answer() {
    for (auto at = under_.begin(); at != under_.end();) {
      DSPERSE_TRY(const bool done, look(at->first, at->second));
      at = done ? under_.erase(at) : std::next(at);
    }
    return {};
  }

  [[nodiscard]] bool idle() const { return under_.empty(); }
  std::uint64_t finished = 0, failed = 0;

 private:
  void refuse(const std::string& id, const Error& error) {
    fmt::print(stderr, "request {}: refused: {}\n", id.substr(0, 16), error.text());
    RequestAnswer answer;
    answer.failure = error.text();
    answer.keeper = network_.keeper();
    if (Status s = write_answer(folder_, id, answer); !s) fmt::print(stderr, "request {}: {}\n", id, s.error().text());
    ++failed;
  }

  Result<bool> look(const std::string& id, Under& under) {
    RequestAnswer answer;
    answer.keeper = network_.keeper();
    DSPERSE_TRY(answer.view, network_.coordinator().view(under.run));
    const work::RunPhase phase = answer.view.phase;
    if (phase == work::RunPhase::waiting) {
      if (under.file.late_part) DSPERSE_CHECK_OK(network_.coordinator().give_late_part(under.run, *under.file.late_part));
      if (!under.file.late_part && !under.sealed) {
        answer.seal = answer.view.seal;
        DSPERSE_CHECK_OK(write_answer(folder_, id, answer));
        under.sealed = true;
      }
      return false;
    }
    if (phase == work::RunPhase::failed) {
      answer.failure = answer.view.failure;
      ++failed;
    } else if (phase == work::RunPhase::finished) {
      auto folder = store::RunFolder::create(under.file.out);
      auto collected = folder ? network_.collect(under.run, *folder) : std::unexpected(folder.error());
      if (!collected) {
        answer.failure = collected.error().text();
        ++failed;
      } else {
        answer.collected = std::move(*collected);
        ++finished;
      }
    } else {
      return false;
    }
    fmt::print(stderr, "request {}: {}\n", id.substr(0, 16), answer.failure.empty() ? "finished" : answer.failure);
    DSPERSE_CHECK_OK(write_answer(folder_, id, answer));
    return true;
  }

  Context& context_;
  std::string folder_;
  pipeline::LocalNetwork& network_;
  std::map<std::string, Under> under_;
};

Result<int> serve(Context& context, const Flags& flags) {
  note_signals();
  DSPERSE_TRY(const std::string state, store::state_folder());
  DSPERSE_TRY(store::OpeningStore openings, store::OpeningStore::open(state));
  const backend::Native native;
  pipeline::NetworkOptions options;
  options.folder = flags.network;
  DSPERSE_TRY(options.key_folder, coordinator_key_folder());
  options.proves = !flags.claimants_prove;
  options.settings.canaries = trust::probability_of(flags.canaries);
  options.settings.wait_ms = static_cast<engine::TimeMs>(1000 * flags.wait_s);
  if (flags.commit_s > 0) options.settings.commit_ms = static_cast<engine::TimeMs>(1000 * flags.commit_s);
  DSPERSE_TRY(const auto network, pipeline::LocalNetwork::open(flags.model, options, openings, native));
  std::optional<Crew> crew;
  if (flags.workers != 0) {
    CrewOptions wanted;
    wanted.workers = flags.workers;
    wanted.engine = pipeline::engine_folder(flags.network);
    wanted.folder = store::join(flags.network, "workers");
    DSPERSE_TRY(wanted.memory_bytes, context.memory_budget());
    wanted.threads = std::max(1U, context.workers() / flags.workers);
    DSPERSE_TRY(Crew started, Crew::start(wanted));
    crew.emplace(std::move(started));
  }
  fmt::print(stderr, "coordinator {} serves {}; workers join with `dsperse worker --engine {}`\n", to_hex(network->keeper()),
             flags.network, pipeline::engine_folder(flags.network));
  Server server(context, flags.network, *network);
  auto last_look = Clock::time_point{}, last_work = Clock::now();
  for (int failures = 0; !stop_asked();) {
    Status done;
    if (Clock::now() - last_look >= kLook) {
      done = server.take();
      last_look = Clock::now();
    }
    if (done) done = network->coordinator().step();
    if (done) done = server.answer();
    if (done && crew) done = crew->look(context.observer());
    if (!done) {
      // The disk may be full for a while, another process may hold the database: nothing is lost by trying again.
      if (++failures > kMaxFailures) return std::unexpected(done.error());
      fmt::print(stderr, "{}\n", done.error().text());
      std::this_thread::sleep_for(kLook);
      continue;
    }
    failures = 0;
    if (!server.idle()) last_work = Clock::now();
    if (flags.idle_s > 0 && std::chrono::duration<double>(Clock::now() - last_work).count() >= flags.idle_s) break;
    std::this_thread::sleep_for(kPause);
  }
  context.document["finished"] = server.finished;
  context.document["failed"] = server.failed;
  context.say("served: {} finished, {} failed", server.finished, server.failed);
  return kOk;
}

}  // namespace

void add_serve(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("serve", "coordinate runs of a model over the workers of a folder");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("MODEL", flags->model, "a .dsm folder written by `dsperse compile`")->required();
  verb->add_option("--network", flags->network, "folder of engine, state and log; made if it is not there")->required();
  verb->add_option("--workers", flags->workers, "start so many workers, too; others may join")->check(CLI::Range(1U, 256U));
  verb->add_option("--canaries", flags->canaries, "share of jobs with a known answer beside the real ones")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--wait", flags->wait_s, "seconds that a new worker waits for its first job")->check(CLI::NonNegativeNumber);
  verb->add_option("--commit", flags->commit_s, "seconds within which workers must commit (default 120)")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--claimants-prove", flags->claimants_prove, "disputes are settled by the claimants' proofs, not by an own one");
  verb->add_option("--idle", flags->idle_s, "end after so many seconds without a run")->check(CLI::PositiveNumber);
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "serve";
    context.action = [&context, flags] { return serve(context, *flags); };
  });
}

}  // namespace dsperse::cli
