#include "dsperse/cli/network_flags.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "dsperse/backend/native/native.h"
#include "dsperse/cli/crew.h"
#include "dsperse/cli/request_file.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPause{15}, kPoll{100};
constexpr auto kSilence = std::chrono::seconds(20);  ///< waiting for the same thing so long is said

constexpr auto kPatience = std::chrono::seconds(60);  ///< with a full disk
constexpr std::uint64_t kMostSealBytes = std::uint64_t{1} << 20;

std::string shown_path(const std::string& out) { return store::join(out, "shown-seal.json"); }

/// The seal that the asker was shown, or nothing.
std::optional<Bytes> shown_seal(const std::string& out) {
  auto bytes = store::read_file(shown_path(out), kMostSealBytes);
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

Status show_seal(const std::string& out, const Bytes& seal) {
  DSPERSE_CHECK_OK(store::make_folder(out, store::Access::shared));
  return store::write_file(shown_path(out), seal, store::Access::shared);
}

bool over(work::RunPhase phase) { return phase == work::RunPhase::finished || phase == work::RunPhase::failed; }

/// Tells what the run waits for, once it has lasted.
class Waits {
 public:
  void tell(const pipeline::Observer& observer, const std::string& what) {
    const auto now = Clock::now();
    if (what != what_) {
      what_ = what;
      since_ = now;
      told_ = false;
    }
    if (what_.empty() || told_ || now - since_ < kSilence) return;
    pipeline::tell(observer, {pipeline::Event::Kind::note, 0, 0, "the run waits for " + what_, 0, 0, 0});
    told_ = true;
  }

 private:
  std::string what_;
  Clock::time_point since_;
  bool told_ = false;
};

Result<CrewOptions> crew_options(Context& context, const NetworkFlags& flags, const std::string& network) {
  CrewOptions out;
  out.workers = flags.workers;
  out.engine = pipeline::engine_folder(network);
  out.folder = store::join(network, "workers");
  DSPERSE_TRY(out.memory_bytes, context.memory_budget());
  out.threads = std::max(1U, context.workers() / flags.workers);
  if (const char* liars = std::getenv("DSPERSE_TEST_LIARS")) out.liars = static_cast<unsigned>(std::strtoul(liars, nullptr, 10));
  return out;
}

/// This process coordinates.
Result<NetworkOutcome> coordinate(Context& context, const NetworkFlags& flags, const std::string& dsm,
                                  const pipeline::NetworkRequest& request, const std::optional<Digest>& late_part,
                                  const std::string& out, store::OpeningStore& openings) {
  const backend::Native native;
  pipeline::NetworkOptions options;
  options.folder = store::join(out, "network");
  DSPERSE_TRY(options.key_folder, coordinator_key_folder());
  options.settings.absent_ms = kAbsentMs;
  // The folder's owner runs all workers: a new one needs no waiting.
  DSPERSE_CHECK_OK(store::make_folder(out, store::Access::shared));
  DSPERSE_TRY(const auto network, pipeline::LocalNetwork::open(dsm, options, openings, native));
  if (store::exists(store::join(out, "state.db"))) {
    const auto before = store::RunFolder::open(out);
    if (before && (before->info().nonce != request.nonce || before->info().model_id != network->model().model().key.id()))
      return fail(ErrorKind::usage, "holds another finished run", out, "choose another --out");
  }
  DSPERSE_TRY(const CrewOptions wanted, crew_options(context, flags, options.folder));
  DSPERSE_TRY(Crew crew, Crew::start(wanted));
  const auto& observer = context.observer();
  pipeline::tell(observer, {pipeline::Event::Kind::stage, 0, 0, fmt::format("run over {} workers", flags.workers), 0, 0, 0});
  for (;;) {  // a run names its workers when it begins: all of them first
    DSPERSE_TRY(const std::size_t enrolled, network->workers());
    if (enrolled >= flags.workers) break;
    DSPERSE_CHECK_OK(crew.look(observer));
    std::this_thread::sleep_for(kPause);
  }
  DSPERSE_TRY(const Digest id, network->submit(request));
  NetworkOutcome outcome;
  outcome.keeper = network->keeper();
  const auto slices = static_cast<std::uint32_t>(request.treatments.size());
  std::uint32_t settled = 0, disputes = 0;
  auto began = Clock::now();
  Waits waits;
  auto last_good = Clock::now();
  for (;;) {
    DSPERSE_CHECK_OK(crew.look(observer));
    if (const Status done = network->coordinator().step(); !done) {
      if (done.error().kind != ErrorKind::resource || Clock::now() - last_good > kPatience) return std::unexpected(done.error());
      waits.tell(observer, done.error().text());
      std::this_thread::sleep_for(kPoll);
      continue;
    }
    last_good = Clock::now();
    DSPERSE_TRY(outcome.view, network->coordinator().view(id));
    for (; settled < outcome.view.slices_settled; ++settled) {
      const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
      pipeline::tell(observer, {pipeline::Event::Kind::finished, settled, slices, "settled", seconds, 0, 0});
      began = Clock::now();
    }
    settled = outcome.view.slices_settled;
    for (; disputes < outcome.view.disputes; ++disputes)
      pipeline::tell(observer, {pipeline::Event::Kind::note, 0, 0, "a result was disputed and decided by proof", 0, 0, 0});
    waits.tell(observer, outcome.view.waits_for);
    if (outcome.view.phase == work::RunPhase::waiting) {
      const Bytes& seal = *outcome.view.seal;
      if (!late_part || shown_seal(out) != seal) {  // also when an attempt had to be made again after the number was given
        DSPERSE_CHECK_OK(show_seal(out, seal));
        outcome.seal = seal;
        return outcome;
      }
      DSPERSE_CHECK_OK(network->coordinator().give_late_part(id, *late_part));
    }
    if (over(outcome.view.phase)) break;
    std::this_thread::sleep_for(kPause);
  }
  if (outcome.view.phase == work::RunPhase::failed)
    return fail(ErrorKind::resource, "the run failed: " + outcome.view.failure, out,
                "mend what it says, then run into another folder");
  DSPERSE_TRY(outcome.collected, network->collect(id, out));
  return outcome;
}

/// Another process coordinates: it is asked by a file, and answers with one.
Result<NetworkOutcome> ask(Context& context, const NetworkFlags& flags, const pipeline::NetworkRequest& request,
                           const std::optional<Digest>& late_part, const std::string& out) {
  const std::optional<Bytes> shown = shown_seal(out);
  RequestFile file{request, std::nullopt, std::nullopt, out};
  if (late_part && shown) {
    file.late_part = late_part;
    file.late_for = crypto::hash(*shown);
  }
  DSPERSE_TRY(const std::string id, post_request(flags.network, file));
  pipeline::tell(context.observer(), {pipeline::Event::Kind::stage, 0, 0, "asked the coordinator of " + flags.network, 0, 0, 0});
  Waits waits;
  for (;;) {
    DSPERSE_TRY(const std::optional<RequestAnswer> answer, read_answer(flags.network, id));
    if (answer && !answer->failure.empty())
      return fail(ErrorKind::resource, "the run failed: " + answer->failure, out,
                  "mend what it says, then ask again with another --out");
    const bool sealed = answer && answer->seal && (!late_part || shown != answer->seal);
    if (answer && (answer->collected || sealed)) {
      NetworkOutcome outcome;
      outcome.keeper = answer->keeper;
      outcome.view = answer->view;
      outcome.collected = answer->collected;
      if (sealed) DSPERSE_CHECK_OK(show_seal(out, *answer->seal));
      if (sealed) outcome.seal = answer->seal;
      return outcome;
    }
    const bool told = answer && !answer->view.waits_for.empty();
    waits.tell(context.observer(), told ? answer->view.waits_for : "the coordinator's answer: is `dsperse serve` running?");
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

void NetworkFlags::add(CLI::App& app, bool serving) {
  auto* crew =
      app.add_option("--workers", workers, "run over so many worker processes of this machine")->check(CLI::Range(1U, 256U));
  if (serving)
    app.add_option("--network", network, "run over the workers of the coordinator that serves this folder (`dsperse serve`)")
        ->excludes(crew);
  app.add_option("--late", late, "user: audits are drawn only with a number that the asker gives once all results are bound")
      ->check(CLI::IsMember({"user"}));
  app.add_option("--late-nonce", late_nonce, "that number, 32 bytes in hexadecimal: the same command again, with it");
}

Result<NetworkOutcome> run_over_workers(Context& context, const NetworkFlags& flags, const std::string& dsm,
                                        pipeline::NetworkRequest request, const std::string& out, store::OpeningStore& openings) {
  std::optional<Digest> late_part;
  if (!flags.late_nonce.empty()) {
    DSPERSE_TRY(late_part, parse_digest(flags.late_nonce, "--late-nonce"));
  }
  if (!flags.late.empty() || late_part) request.late = trust::lottery::Late::user_nonce;
  DSPERSE_TRY(NetworkOutcome outcome, flags.network.empty() ? coordinate(context, flags, dsm, request, late_part, out, openings)
                                                            : ask(context, flags, request, late_part, out));
  if (outcome.seal) outcome.seal_path = shown_path(out);
  return outcome;
}

Result<std::string> coordinator_key_folder() {
  DSPERSE_TRY(const std::string state, store::state_folder());
  return store::join(state, "coordinator");
}

void show_network(Context& context, const NetworkOutcome& outcome) {
  const std::string keeper = to_hex(outcome.keeper);
  context.document["network"] = {
      {"coordinator", keeper}, {"attempts", outcome.view.attempt + 1}, {"disputes", outcome.view.disputes}};
  context.say("coordinator {} (pin it with --coordinator)", keeper);
  if (outcome.view.attempt > 0)
    context.say("attempts: {}; an accepted result was found wrong, and the run was made again", outcome.view.attempt + 1);
  if (outcome.seal) {
    context.document["network"]["waiting"] = true;
    context.document["network"]["seal"] = outcome.seal_path;
    context.say(
        "sealed: all results are bound by {}; keep a copy of it for `dsperse verify --seal`. Choose 32 random bytes now and "
        "give the same command with --late-nonce HEX",
        outcome.seal_path);
  }
  if (!outcome.collected) return;
  context.document["network"]["verdicts"] = outcome.collected->verdict_paths;
  for (const std::string& path : outcome.collected->verdict_paths)
    context.say("disputed: {} (check it with `dsperse verify {} --key KEY`)", path, path);
}

}  // namespace dsperse::cli
