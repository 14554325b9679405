// dsperse worker --engine FOLDER: works on an engine's jobs until it is stopped.
#include "dsperse/work/worker/worker.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#include "dsperse/backend/native/native.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/cli/worker_process.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/engine/embedded/system.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/openings.h"
#include "dsperse/work/compute/liar.h"
#include "dsperse/work/worker/identity.h"

namespace dsperse::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kShortest{10}, kLongest{200};  ///< between looks for a job
constexpr engine::TimeMs kRetryMs = 1'000;
constexpr auto kEnrollAgain = std::chrono::seconds(10);  ///< a worker says that it is there
constexpr auto kPatience = std::chrono::minutes(5);      ///< with an engine that fails: a full disk may get room again

struct Flags {
  std::string engine, state, operated_by = "local", region = "local", label = "dsperse-" DSPERSE_VERSION;
  double idle_s = 0, lie_rate = 0;
  int child = -1;
  engine::TimeMs beat_ms = 10'000;
  bool once = false;
};

/// What the process did. Two threads may end it.
class Summary {
 public:
  Summary(Context& context, std::string worker) : context_(context), worker_(std::move(worker)) {}
  std::atomic<std::uint64_t> ran{0}, opened{0}, proved{0}, given_up{0};

  /// Into the document; as text, on stdout.
  void show(const char* ended) {
    const std::scoped_lock lock(mutex_);
    context_.document["worker"] = worker_;
    context_.document["jobs"] = {
        {"run", ran.load()}, {"opened", opened.load()}, {"proved", proved.load()}, {"given_up", given_up.load()}};
    context_.document["ended"] = ended;
    context_.say("worker {}: {} run, {} opened, {} proved, {} given up; ended: {}", worker_.substr(0, 16), ran.load(),
                 opened.load(), proved.load(), given_up.load(), ended);
  }
  /// From the second thread, while the first one works on a job that was given back: there is nobody to return to.
  [[noreturn]] void end_now() {
    ++given_up;
    show("stopped");
    if (context_.json) {
      context_.document["exit_code"] = kOk;
      fmt::print("{}\n", context_.document.dump(2, ' ', false, Json::error_handler_t::replace));
    }
    std::fflush(stdout);
    std::_Exit(kOk);  // as safe as being killed: book and engine change in transactions
  }

 private:
  Context& context_;
  std::string worker_;
  std::mutex mutex_;
};

/// "slice 3", or the job that is to be opened.
std::string task_text(const Bytes& payload) {
  const auto task = work::decode_task(payload);
  if (!task) return "no task";
  if (const auto* slice = std::get_if<work::SliceTask>(&*task)) return fmt::format("slice {}", slice->slice);
  return "open " + to_hex(std::get<work::OpenTask>(*task).job).substr(0, 16);
}

/// Memory that runs out in the middle of a job costs the job, not the worker. (In another thread of the pool it costs the
/// worker.)
Result<Bytes> work_on(work::Worker& worker, const engine::Lease& lease) {
  try {
    return worker.work(lease);
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::resource, "out of memory", {}, "give the worker more with --memory");
  }
}

/// The same call again while the engine's disk is full or another process holds it.
template <class Call>
Status insist(Call call) {
  const auto start = Clock::now();
  Status done = call();
  while (!done && done.error().kind == ErrorKind::resource && !stop_asked() && Clock::now() - start < kPatience) {
    std::this_thread::sleep_for(kLongest);
    done = call();
  }
  return done;
}

Status do_job(work::Worker& worker, const engine::Lease& lease, Heartbeats& heartbeats, Summary& summary) {
  const auto start = Clock::now();
  heartbeats.begin(lease);
  const Result<Bytes> answer = work_on(worker, lease);
  // The lease is kept alive until the answer has arrived.
  const Status delivered =
      insist([&] { return answer ? worker.deliver(lease, *answer) : worker.give_up(lease, answer.error()); });
  heartbeats.end();
  const std::string what = fmt::format("job {}  {}", to_hex(lease.job.id).substr(0, 16), task_text(lease.job.payload));
  if (!answer) {
    to_stderr("{}: given up: {}\n", what, answer.error().text());
    ++summary.given_up;
    return delivered;
  }
  DSPERSE_CHECK_OK(delivered);
  const std::string time = seconds_text(std::chrono::duration<double>(Clock::now() - start).count());
  DSPERSE_TRY(const work::Answer told, work::decode_answer(*answer));
  const auto count = [&](std::atomic<std::uint64_t>& counter, const char* word) {
    ++counter;
    to_stderr("{}: {} in {}\n", what, word, time);
  };
  if (std::holds_alternative<work::Committed>(told)) count(summary.ran, "run and committed");
  if (std::holds_alternative<work::Opened>(told)) count(summary.opened, "shown");
  if (std::holds_alternative<work::Proved>(told)) count(summary.proved, "proved");
  return {};
}

/// Until a signal, or the flags, or an engine that keeps failing. Gives the reason.
Result<const char*> work_until_done(work::Worker& worker, Heartbeats& heartbeats, Summary& summary, const Flags& flags) {
  milliseconds pause = kShortest;
  auto last_work = Clock::now(), last_seen = last_work, last_good = last_work;
  std::string told;
  while (!stop_asked()) {
    if (Clock::now() - last_seen >= kEnrollAgain) {
      const Status seen = worker.enroll();
      if (!seen && seen.error().kind != ErrorKind::resource) return std::unexpected(seen.error());
      last_seen = Clock::now();
    }
    auto lease = worker.take();
    Status done;
    if (lease && *lease) {
      done = do_job(worker, **lease, heartbeats, summary);
      last_work = Clock::now();
    }
    const Error* error = !lease ? &lease.error() : !done ? &done.error() : nullptr;
    if (error != nullptr) {
      if (error->kind == ErrorKind::usage || Clock::now() - last_good > kPatience) return std::unexpected(*error);
      if (error->text() != told) to_stderr("engine: {}\n", told = error->text());
    } else {
      last_good = Clock::now();
      told.clear();
      if (*lease) {
        pause = kShortest;
        continue;
      }
      if (flags.once) return "nothing to do";
      if (flags.idle_s > 0 && std::chrono::duration<double>(Clock::now() - last_work).count() >= flags.idle_s) return "idle";
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(kLongest, pause * 3 / 2);
  }
  return "stopped";
}

Result<int> run_worker(Context& context, const Flags& flags) {
  if (flags.child >= 0) end_with_parent(flags.child);
  note_signals();
  if (!store::exists(store::join(flags.engine, "engine.db")))
    return fail(ErrorKind::usage, "no engine in this folder", flags.engine, "name the folder of a coordinator's engine");
  DSPERSE_TRY(const std::uint64_t memory, context.memory_budget());
  std::string state = flags.state;
  if (state.empty()) {
    DSPERSE_TRY(const std::string ours, store::state_folder());
    state = store::join(ours, "worker");
  }
  DSPERSE_CHECK_OK(store::make_folder(state, store::Access::secret));
  DSPERSE_TRY(const StateLock lock, StateLock::take(state));
  DSPERSE_TRY(const work::Identity identity, work::open_identity(state));
  const trust::PublicKey& key = identity.signer.key();
  DSPERSE_TRY(const auto book, work::open_book(store::join(state, "receipts.db"), key));
  DSPERSE_TRY(const auto engine, engine::embedded::open(flags.engine));
  if (!context.memory.empty()) DSPERSE_CHECK_OK(limit_memory(memory));

  const backend::Native native;
  work::LocalComputer honest(native, memory / 4);
  work::Liar liar(honest, flags.lie_rate, crypto::hash_tagged("dsperse test lie seed v1", {key}));
  work::Computer* computer = &honest;
  if (flags.lie_rate > 0) {
    computer = &liar;
    to_stderr("WARNING: --test-lie {}: this worker gives WRONG results on purpose; it is for tests alone\n", flags.lie_rate);
  }
  engine::embedded::SystemClock clock;
  const engine::NodeProfile profile{key, flags.operated_by, flags.region, flags.label, {}, memory};
  work::Worker worker({*engine, clock, identity.signer, *book, *computer, identity.secret, profile, flags.beat_ms, kRetryMs});
  DSPERSE_CHECK_OK(worker.enroll());
  to_stderr("worker {} of operator {}, region {}, engine {}: works for {}\n", to_hex(key).substr(0, 16), flags.operated_by,
            flags.region, flags.label, flags.engine);

  Summary summary(context, to_hex(key));
  const char* ended = nullptr;
  {
    Heartbeats heartbeats(flags.engine, key, flags.beat_ms, [&summary] { summary.end_now(); });
    DSPERSE_TRY(ended, work_until_done(worker, heartbeats, summary, flags));
  }
  summary.show(ended);
  return kOk;
}

}  // namespace

void add_worker(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("worker", "do the jobs of an engine: run slices, commit to the results, prove if asked");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("--engine", flags->engine, "folder of the coordinator's engine")->required();
  verb->add_option("--state", flags->state,
                   "folder of this worker's key and receipts, one a worker (default: worker/ in the state folder); never copy or "
                   "restore it");
  verb->add_option("--operator", flags->operated_by, "who runs this worker; replicas are kept apart by it")
      ->capture_default_str();
  verb->add_option("--region", flags->region, "where it runs")->capture_default_str();
  verb->add_option("--engine-label", flags->label, "what computes; stands in receipts")->capture_default_str();
  auto* once = verb->add_flag("--once", flags->once, "do what is due and end");
  verb->add_option("--idle", flags->idle_s, "end after so many seconds without work")->check(CLI::PositiveNumber)->excludes(once);
  verb->add_option("--child", flags->child, "end with the thread that started this process; the number of its process if given")
      ->expected(0, 1)
      ->default_str("0")
      ->group("");
  verb->add_option("--beat", flags->beat_ms, "life of a lease without a heartbeat, in ms")
      ->check(CLI::Range(engine::TimeMs{30}, engine::TimeMs{3'600'000}))
      ->capture_default_str();
  verb->add_option("--test-lie", flags->lie_rate, "for tests: share of jobs with a wrong result")
      ->check(CLI::Range(0.0, 1.0))
      ->group("");
  verb->add_flag("--json", context.json, "print one JSON document instead of text");
  verb->add_option("--threads", context.threads, "threads to use (default: all)")->check(CLI::Range(1U, 1024U));
  verb->add_option(
      "--memory", context.memory,
      "what this process may take, e.g. 4G, and what jobs may ask of it (default: no limit; jobs may ask for 80 % of "
      "what is free)");
  verb->add_flag("-v,--verbose", context.verbose, "say more on stderr");
  verb->callback([&context, flags] {
    context.verb = "worker";
    context.action = [&context, flags] { return run_worker(context, *flags); };
  });
}

}  // namespace dsperse::cli
