#include "dsperse/work/coordinator/coordinator.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/work/coordinator/pass.h"

namespace dsperse::work {
namespace {

std::string run_name(const Digest& id) { return "run/" + to_hex(id); }
constexpr const char* kStandings = "standings";

std::unexpected<Error> unfit(const std::string& what) {
  return fail(ErrorKind::usage, what, "run request", "make the request from the same compiled model");
}

/// A value with the bytes that were last saved of it.
template <class T>
struct Saved {
  T value;
  Bytes bytes;
};

class Local final : public Coordinator {
 public:
  Local(Ports ports, ModelFacts model, const Settings& settings) : ports_(ports), model_(std::move(model)), settings_(settings) {}

  Status load();
  Status submit(const Digest& id, const RunRequest& request) override;
  Status give_late_part(const Digest& id, const Digest& value) override;
  Status step() override;
  Result<RunView> view(const Digest& id) override;
  Result<FinishedRun> finished(const Digest& id) override;
  std::vector<Digest> active() const override;
  Result<Standing> standing(const Digest& worker) override;
  const trust::incentive::PointsContract* points() const override {
    return standings_.value.points ? &*standings_.value.points : nullptr;
  }
  Status fund(const Digest& account, std::uint64_t balance, std::uint64_t bond) override;
  Result<std::vector<Bytes>> evidence() override;

 private:
  /// A pass over all runs but those in stuck_.
  Status pass();
  Status apply_rules();
  Status save();
  /// What a failed pass left behind in memory is dropped.
  Status roll_back();
  Status hold(const std::vector<engine::Node>& nodes);
  Result<Run> find(const Digest& id);
  Keeper keeper() { return {standings_.value, settings_, ports_.signer}; }

  Ports ports_;
  ModelFacts model_;
  Settings settings_;
  Saved<Standings> standings_;
  std::map<Digest, Saved<Run>> runs_;  ///< those under way
  std::set<Digest> done_;
  std::map<Digest, std::string> stuck_;  ///< runs that the present step could not move, and why
  std::optional<Digest> at_;             ///< the run that is looked at
};

Status Local::load() {
  DSPERSE_TRY(const std::optional<Bytes> bytes, ports_.state.load(kStandings));
  if (bytes) {
    DSPERSE_TRY(standings_.value, decode_standings(*bytes));
    standings_.bytes = *bytes;
    // Tests over slices of another model: nobody here knows what became of them.
    std::erase_if(standings_.value.out, [&](const CanaryErrand& c) {
      const auto task = decode_task(c.task);
      const auto* slice = task ? std::get_if<SliceTask>(&*task) : nullptr;
      const bool foreign = slice == nullptr || slice->model != model_.model;
      if (foreign) standings_.value.canaries.erase(c.errand.job);
      return foreign;
    });
  } else {
    DSPERSE_CHECK_OK(ports_.rng.fill(standings_.value.secret));
    if (settings_.points) {
      DSPERSE_TRY(auto points, trust::incentive::PointsContract::open(settings_.reporter_share));
      standings_.value.points.emplace(std::move(points));
    }
  }
  DSPERSE_CHECK_OK(apply_rules());
  DSPERSE_TRY(const std::vector<std::string> names, ports_.state.names("run/"));
  for (const std::string& name : names) {
    DSPERSE_TRY(const std::optional<Bytes> run, ports_.state.load(name));
    if (!run) continue;
    DSPERSE_TRY(Run value, decode_run(*run));
    if (value.model != model_.model) continue;  // goes on when its model is coordinated again
    if (value.attempt.phase == RunPhase::finished || value.attempt.phase == RunPhase::failed) continue;
    const Digest id = value.id;
    runs_.emplace(id, Saved<Run>{std::move(value), *run});
  }
  return save();
}

/// The history of strikes, judged by the rules of today.
Status Local::apply_rules() {
  trust::incentive::Reputation reputation(settings_.reputation);
  for (const auto& event : standings_.value.reputation.history().events()) DSPERSE_CHECK_OK(reputation.submit(event));
  standings_.value.reputation = std::move(reputation);
  return {};
}

Status Local::save() {
  std::vector<std::pair<std::string, Bytes>> values;
  Bytes standings = encode(standings_.value);
  if (standings != standings_.bytes) values.emplace_back(kStandings, standings);
  for (const auto& [id, run] : runs_) {
    Bytes bytes = encode(run.value);
    if (bytes != run.bytes) values.emplace_back(run_name(id), std::move(bytes));
  }
  if (values.empty()) return {};
  DSPERSE_CHECK_OK(ports_.state.save(values));
  standings_.bytes = std::move(standings);
  for (auto& [id, run] : runs_)
    for (const auto& [name, bytes] : values)
      if (name == run_name(id)) run.bytes = bytes;
  return {};
}

Status Local::roll_back() {
  DSPERSE_TRY(standings_.value, decode_standings(standings_.bytes));
  for (auto& [id, run] : runs_) {
    DSPERSE_TRY(run.value, decode_run(run.bytes));
  }
  return {};
}

Status Local::submit(const Digest& id, const RunRequest& request) {
  if (request.treatments.size() != model_.slices.size()) return unfit("one treatment a slice is needed");
  for (const trust::Treatment& t : request.treatments) DSPERSE_CHECK_OK(trust::check(t));
  std::vector<std::uint32_t> chunks;
  for (const RunRequest::Input& i : request.inputs) {
    if (i.chunk >= model_.committed.size() || model_.committed[i.chunk] != i.seed.has_value())
      return unfit("an input has a seed that is not committed, or none although it is");
    chunks.push_back(i.chunk);
  }
  if (chunks != model_.inputs) return unfit("the inputs are not the model's");
  if (request.nonce.size() > 64) return unfit("a nonce has at most 64 bytes");
  DSPERSE_TRY(const std::optional<Bytes> known, ports_.state.load(run_name(id)));
  if (known) {
    if (runs_.contains(id)) return {};
    // Over, or saved by a call whose answer got lost.
    DSPERSE_TRY(Run saved, decode_run(*known));
    const RunPhase phase = saved.attempt.phase;
    if (saved.model == model_.model && phase != RunPhase::finished && phase != RunPhase::failed)
      runs_.emplace(id, Saved<Run>{std::move(saved), *known});
    return {};
  }
  Run run;
  run.id = id;
  run.model = model_.model;
  run.request = request;
  Bytes bytes = encode(run);
  DSPERSE_CHECK_OK(ports_.state.save({{run_name(id), bytes}}));
  runs_.emplace(id, Saved<Run>{std::move(run), std::move(bytes)});
  return {};
}

Status Local::give_late_part(const Digest& id, const Digest& value) {
  const auto at = runs_.find(id);
  if (at == runs_.end() || at->second.value.attempt.phase != RunPhase::waiting)
    return fail(ErrorKind::usage, "this run waits for no late part", "run " + to_hex(id));
  DSPERSE_TRY(const trust::lottery::Audits none,
              trust::lottery::step(at->second.value.attempt.lottery, trust::lottery::LatePart{value}));
  static_cast<void>(none);
  const Status saved = save();
  if (!saved) DSPERSE_CHECK_OK(roll_back());
  return saved;
}

Status Local::step() {
  stuck_.clear();
  for (;;) {
    at_.reset();
    const Status done = pass();
    if (done) return {};
    DSPERSE_CHECK_OK(roll_back());
    if (!at_) return done;
    stuck_.emplace(*at_, done.error().text());
  }
}

Status Local::pass() {
  const engine::TimeMs clock = ports_.clock.now();
  DSPERSE_TRY(const std::uint64_t lapsed, ports_.engine.jobs().expire(clock));
  static_cast<void>(lapsed);
  DSPERSE_TRY(std::vector<engine::Node> nodes, ports_.engine.nodes().list(engine::NodeState::active));
  if (settings_.absent_ms > 0) std::erase_if(nodes, [&](const auto& n) { return n.last_seen < clock - settings_.absent_ms; });
  Keeper keep = keeper();
  const TimeMs now = keep.now(clock);
  for (const engine::Node& n : nodes) DSPERSE_CHECK_OK(keep.enroll(n.profile));
  const Pass::Context context{ports_, model_, settings_, standings_.value, nodes, now, done_};
  for (auto& [id, run] : runs_) {
    if (stuck_.contains(id)) continue;
    at_ = id;
    DSPERSE_CHECK_OK(Pass(context, run.value).go());
  }
  at_.reset();
  CanaryPass canaries(context);
  DSPERSE_CHECK_OK(canaries.collect());
  DSPERSE_CHECK_OK(keep.release_due());
  DSPERSE_CHECK_OK(save());

  for (auto& [id, run] : runs_) {
    if (stuck_.contains(id)) continue;
    at_ = id;
    DSPERSE_TRY(const bool changed, Pass(context, run.value).act());
    static_cast<void>(changed);
  }
  at_.reset();
  DSPERSE_CHECK_OK(canaries.act());
  for (const Bytes& entry : standings_.value.outbox) {
    DSPERSE_TRY(const std::uint64_t index, ports_.ledger.add(entry));
    static_cast<void>(index);
  }
  standings_.value.outbox.clear();
  DSPERSE_CHECK_OK(hold(nodes));
  DSPERSE_CHECK_OK(save());
  std::erase_if(runs_, [](const auto& r) {
    const RunPhase phase = r.second.value.attempt.phase;
    return phase == RunPhase::finished || phase == RunPhase::failed;
  });
  return {};
}

Status Local::hold(const std::vector<engine::Node>& nodes) {
  engine::NodeRegistry& registry = ports_.engine.nodes();
  const Keeper keep = keeper();
  for (const engine::Node& n : nodes)
    if (keep.excluded(n.profile.key))
      DSPERSE_CHECK_OK(registry.set_state(n.profile.key, engine::NodeState::suspended, "excluded for strikes"));
  DSPERSE_TRY(const std::vector<engine::Node> suspended, registry.list(engine::NodeState::suspended));
  for (const engine::Node& n : suspended)
    if (n.reason == "excluded for strikes" && !keep.excluded(n.profile.key))
      DSPERSE_CHECK_OK(registry.set_state(n.profile.key, engine::NodeState::active, "the exclusion is over"));
  return {};
}

Result<Run> Local::find(const Digest& id) {
  if (const auto at = runs_.find(id); at != runs_.end()) return decode_run(at->second.bytes);
  DSPERSE_TRY(const std::optional<Bytes> bytes, ports_.state.load(run_name(id)));
  if (!bytes) return fail(ErrorKind::usage, "no such run", "run " + to_hex(id));
  return decode_run(*bytes);
}

Result<RunView> Local::view(const Digest& id) {
  DSPERSE_TRY(const Run run, find(id));
  RunView out;
  out.phase = run.attempt.phase;
  out.attempt = run.attempt.number;
  out.disputes = static_cast<std::uint32_t>(run.verdicts.size());
  out.waits_for = run.waits_for;
  if (const auto stuck = stuck_.find(id); stuck != stuck_.end()) out.waits_for = stuck->second;
  out.failure = run.failure;
  for (const SliceState& s : run.attempt.slices) {
    out.slices_settled += s.settled ? 1 : 0;
    out.audits_drawn += s.audit != AuditPhase::none ? 1 : 0;
    out.audits_passed += s.audit == AuditPhase::passed ? 1 : 0;
  }
  if (!run.attempt.seal.empty()) out.seal = run.attempt.seal;
  return out;
}

Result<FinishedRun> Local::finished(const Digest& id) {
  DSPERSE_TRY(const Run run, find(id));
  if (!run.record) return fail(ErrorKind::usage, "this run is not finished", "run " + to_hex(id));
  if (run.model != model_.model)
    return fail(ErrorKind::usage, "a run of another model", "run " + to_hex(id), "open the coordinator with that model");
  FinishedRun out;
  out.run = run.attempt.run;
  out.salt = run.attempt.salt;
  out.nonce = run.request.nonce;
  out.attempts = run.attempt.number + 1;
  out.record = *run.record;
  std::map<std::uint32_t, Digest> roots;
  for (const RunRequest::Input& i : run.request.inputs) roots[i.chunk] = i.root;
  for (std::uint32_t i = 0; i < run.attempt.slices.size(); ++i) {
    const Settled& settled = *run.attempt.slices[i].settled;
    for (const trust::BoundaryRoot& r : settled.roots) roots[r.chunk] = r.root;
    if (settled.proof) out.proofs.push_back({i, settled.proof->blob, settled.proof->weights});
  }
  for (const auto& [chunk, root] : roots) {
    const TensorRef tensor = tensor_of(model_, run, chunk);
    out.tensors.push_back({chunk, tensor.values, root, tensor.seed});
  }
  for (const Digest& v : run.verdicts) {
    DSPERSE_TRY(Bytes verdict, ports_.engine.blobs().get(v, std::uint64_t{1} << 30));
    out.verdicts.push_back(std::move(verdict));
  }
  return out;
}

std::vector<Digest> Local::active() const {
  std::vector<Digest> out;
  for (const auto& [id, run] : runs_) out.push_back(id);
  return out;
}

Result<Standing> Local::standing(const Digest& worker) {
  Standing out;
  const auto engine = standings_.value.engines.find(worker);
  if (engine == standings_.value.engines.end())
    return fail(ErrorKind::usage, "no such worker", to_hex(worker), "workers are known once they enrolled");
  const trust::audit::Record& record = standings_.value.book.at({worker, engine->second});
  out.confidence = record.cv;
  out.strikes = record.strikes;
  out.excluded = keeper().excluded(worker);
  return out;
}

Status Local::fund(const Digest& account, std::uint64_t balance, std::uint64_t bond) {
  auto& points = standings_.value.points;
  if (!points) return fail(ErrorKind::usage, "this coordinator keeps no points", "points", "open it with points");
  using namespace trust::incentive;
  for (const MoneyEvent& event : {MoneyEvent{Mint{account, balance + bond}}, MoneyEvent{Bond{account, bond}}}) {
    DSPERSE_TRY(const std::vector<Payout> none, points->submit(event));
    static_cast<void>(none);
  }
  const Status saved = save();
  if (!saved) DSPERSE_CHECK_OK(roll_back());
  return saved;
}

Result<std::vector<Bytes>> Local::evidence() {
  std::vector<Bytes> out;
  for (const Digest& blob : standings_.value.evidence) {
    DSPERSE_TRY(Bytes bytes, ports_.engine.blobs().get(blob, trust::kMaxEvidenceBytes));
    out.push_back(std::move(bytes));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Coordinator>> Coordinator::open(Ports ports, ModelFacts model, const Settings& settings) {
  auto out = std::make_unique<Local>(ports, std::move(model), settings);
  DSPERSE_CHECK_OK(out->load());
  return out;
}

}  // namespace dsperse::work
