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
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPause{15}, kLook{200};
constexpr Clock::duration kRetry = std::chrono::seconds(1);
constexpr Clock::duration kSilence = std::chrono::seconds(5);       ///< waiting for the same thing so long is said
constexpr Clock::duration kLongestMend = std::chrono::minutes(10);  ///< between looks at the model's blobs
constexpr Clock::duration kPatience = std::chrono::minutes(10);     ///< with a disk that is full, or a database that is held

struct Flags {
  std::string model, network;
  unsigned workers = 0;
  double canaries = 0, wait_s = 0, commit_s = 0, idle_s = 0;
  std::uint64_t patience = trust::incentive::ReputationRules{}.liveness_limit;
  bool claimants_prove = false;
};

/// A request under way: what the coordinator calls it, and what its asker was told.
struct Under {
  RequestFile file;
  Digest run{};
  std::optional<Digest> shown;  ///< digest of the seal in its answer
  std::string waits;            ///< for this since `since`
  Clock::time_point since, again;
  bool told = false;
};

class Server {
 public:
  Server(std::string folder, pipeline::LocalNetwork& network) : folder_(std::move(folder)), network_(network) {}

  /// New requests, and late parts of known ones.
  Status take() {
    DSPERSE_TRY(const std::vector<std::string> ids, open_requests(folder_));
    for (const std::string& id : ids) {
      const auto known = under_.find(id);
      if (known != under_.end() && known->second.file.request.late == trust::lottery::Late::none) continue;
      auto file = read_request(folder_, id);
      if (file && known != under_.end()) {
        known->second.file = std::move(*file);
        continue;
      }
      const auto run = file ? network_.submit(file->request) : std::unexpected(file.error());
      if (!run) {
        DSPERSE_CHECK_OK(refuse(id, run.error()));
        continue;
      }
      to_stderr("request {}: taken on\n", id.substr(0, 16));
      under_.emplace(id, Under{std::move(*file), *run, {}, {}, {}, {}, false});
    }
    return {};
  }

  /// Answers what waits long, is sealed, finished or failed.
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
  /// What can't become right is refused; all else is an error of this call, and tried again.
  Status refuse(const std::string& id, const Error& error) {
    if (error.kind != ErrorKind::usage && error.kind != ErrorKind::bad_input) return std::unexpected(error);
    to_stderr("request {}: refused: {}\n", id.substr(0, 16), error.text());
    RequestAnswer answer;
    answer.failure = error.text();
    answer.keeper = network_.keeper();
    DSPERSE_CHECK_OK(write_answer(folder_, id, answer));
    ++failed;
    return {};
  }

  /// True: the last answer is written.
  Result<bool> look(const std::string& id, Under& under) {
    RequestAnswer answer;
    answer.keeper = network_.keeper();
    DSPERSE_TRY(answer.view, network_.coordinator().view(under.run));
    const work::RunPhase phase = answer.view.phase;
    if (phase == work::RunPhase::waiting && answer.view.seal) {
      const Digest seal = crypto::hash(*answer.view.seal);
      if (under.file.late_part && under.file.late_for == seal) {
        DSPERSE_CHECK_OK(network_.coordinator().give_late_part(under.run, *under.file.late_part));
      } else if (under.shown != seal || !has_answer(folder_, id)) {
        answer.seal = answer.view.seal;
        DSPERSE_CHECK_OK(write_answer(folder_, id, answer));
        under.shown = seal;
      }
      return false;
    }
    if (phase == work::RunPhase::failed) {
      answer.failure = answer.view.failure;
    } else if (phase == work::RunPhase::finished) {
      if (Clock::now() < under.again) return false;
      auto collected = network_.collect(under.run, under.file.out);
      if (collected) {
        answer.collected = std::move(*collected);
        answer.view.waits_for.clear();
      } else if (collected.error().kind == ErrorKind::usage) {
        answer.failure = collected.error().text();
      } else {  // a full disk, a blob that can't be read: the run is not lost
        under.again = Clock::now() + kRetry;
        answer.view.waits_for = collected.error().text();
        return tell(id, under, answer);
      }
    } else {
      return tell(id, under, answer);
    }
    DSPERSE_CHECK_OK(write_answer(folder_, id, answer));
    ++(answer.failure.empty() ? finished : failed);
    to_stderr("request {}: {}\n", id.substr(0, 16), answer.failure.empty() ? "finished" : answer.failure);
    return true;
  }

  /// What a request waits for is told once it has lasted, and what this process can mend is mended.
  Result<bool> tell(const std::string& id, Under& under, const RequestAnswer& answer) {
    const auto now = Clock::now();
    const std::string& waits = answer.view.waits_for;
    if (waits != under.waits) {
      under.waits = waits;
      under.since = now;
      under.told = false;
    }
    if (waits.empty() || now - under.since < kSilence) return false;
    if (now >= next_mend_) {
      DSPERSE_TRY(const std::size_t mended, network_.mend(under.file.request));
      if (mended != 0) to_stderr("{} blobs of model and inputs were missing or damaged and are put again\n", mended);
      mend_pause_ = mended != 0 ? kRetry : std::min(2 * mend_pause_, kLongestMend);
      next_mend_ = Clock::now() + mend_pause_;
    }
    if (under.told) return false;
    to_stderr("request {}: waits for {}\n", id.substr(0, 16), waits);
    DSPERSE_CHECK_OK(write_answer(folder_, id, answer));
    under.told = true;
    return false;
  }

  std::string folder_;
  pipeline::LocalNetwork& network_;
  std::map<std::string, Under> under_;
  Clock::time_point next_mend_;
  Clock::duration mend_pause_ = kRetry;
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
  options.settings.absent_ms = kAbsentMs;
  options.settings.reputation.liveness_limit = flags.patience;
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
    wanted.most_starts = 0;  // other workers may be well
    DSPERSE_TRY(Crew started, Crew::start(wanted));
    crew.emplace(std::move(started));
  }
  to_stderr("coordinator {} serves {}; workers join with `dsperse worker --engine {}`\n", to_hex(network->keeper()),
            flags.network, pipeline::engine_folder(flags.network));
  Server server(flags.network, *network);
  auto last_look = Clock::time_point{}, last_work = Clock::now(), last_good = last_work;
  std::string told;
  while (!stop_asked()) {
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
      if (Clock::now() - last_good > kPatience) return std::unexpected(done.error());
      if (done.error().text() != told) to_stderr("{}\n", told = done.error().text());
      std::this_thread::sleep_for(kLook);
      continue;
    }
    last_good = Clock::now();
    told.clear();
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
  verb->add_option("--patience", flags->patience,
                   "so many lost leases within an hour keep a worker from work for an hour (default 5; 0: never)");
  verb->add_flag("--claimants-prove", flags->claimants_prove, "disputes are settled by the claimants' proofs, not by an own one");
  verb->add_option("--idle", flags->idle_s, "end after so many seconds without a run")->check(CLI::PositiveNumber);
  context.add_common(*verb);
  verb->callback([&context, flags] {
    context.verb = "serve";
    context.action = [&context, flags] { return serve(context, *flags); };
  });
}

}  // namespace dsperse::cli
