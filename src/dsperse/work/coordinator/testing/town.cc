#include "dsperse/work/coordinator/testing/town.h"

#include <algorithm>
#include <stdexcept>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::work::testing {
namespace {

template <class T>
T value(Result<T> r) {
  if (!r) throw std::runtime_error(r.error().text());
  return std::move(*r);
}
void ok(const Status& s) {
  if (!s) throw std::runtime_error(s.error().text());
}

constexpr std::uint64_t kLimit = 1U << 20;

}  // namespace

Bytes value_after(ByteView before, std::uint32_t slice) {
  ByteWriter number;
  number.u32(slice);
  const Digest h = crypto::hash_tagged("town slice", {before, number.bytes()});
  return {h.begin(), h.end()};
}

Digest toy_root(ByteView values, const Digest& seed) { return crypto::hash_tagged("town root", {values, seed}); }

Bytes toy_proof(const SliceTask& task, const trust::BoundaryRoots& out) {
  const Digest h = crypto::hash_tagged("town proof", {task.run, task.slice_key, h_in_of(task), trust::trace_digest(out)});
  return {h.begin(), h.end()};
}

Result<Computed> TownComputer::compute(const SliceTask& task, engine::BlobStore& blobs) {
  DSPERSE_CHECK_OK(before(task));
  DSPERSE_TRY(const Bytes in, blobs.get(task.inputs.at(0).values, kLimit));
  const Digest root = task.inputs[0].seed ? toy_root(in, *task.inputs[0].seed) : public_root(in);
  if (root != roots_in(task).at(0).root) return fail(ErrorKind::bad_input, "the input has another root");
  ++runs;
  Bytes values = value_after(in, task.slice);
  const Bytes right = values;
  lie(task, values);
  Computed out;
  const OutputRef& o = task.outputs.at(0);
  out.outputs.push_back({o.chunk, o.seed ? toy_root(values, *o.seed) : public_root(values), values});
  if (!task.prove) return out;
  ++proofs;
  out.proof = values == right ? toy_proof(task, {{o.chunk, out.outputs[0].root}}) : Bytes(32, 7);
  return out;
}

Digest TownDesk::run_id(ByteView nonce, const Digest& salt) { return crypto::hash_tagged("town run", {nonce, salt}); }
Result<Digest> TownDesk::root_of(std::uint32_t, ByteView values, const Digest& seed) { return toy_root(values, seed); }
Result<std::optional<WeightOpening>> TownDesk::reserve(std::uint32_t slice) {
  if (reserved == most) return fail(ErrorKind::resource, "no openings are left", "slice " + std::to_string(slice));
  return WeightOpening{digest(77), digest(78), reserved++};
}
Result<Verdict> TownDesk::take(const SliceTask& task, const trust::BoundaryRoots& out, const OutputBlobs&, ByteView proof,
                               engine::BlobStore&) {
  if (!std::ranges::equal(toy_proof(task, out), proof)) return Verdict::reject("the proof is not right");
  if (refuses > 0) {
    --refuses;
    return fail(ErrorKind::resource, "a boundary was opened as often as it may be");
  }
  ++taken;
  return Verdict::accept();
}
Result<Bytes> TownDesk::evidence(const SliceTask&, const trust::BoundaryRoots&, const OutputBlobs&, ByteView proof,
                                 engine::BlobStore&) {
  return Bytes(proof.begin(), proof.end());
}

TownWorker::TownWorker(engine::Engine& e, engine::Clock& c, std::uint32_t number, const std::string& folder,
                       const std::string& operated_by)
    : signer(value(trust::Ed25519Signer::from_seed(digest(1000 + number)))), engine(e), clock(c) {
  book = value(open_book(folder + "/book" + std::to_string(number), signer.key()));
  const engine::NodeProfile profile{signer.key(), operated_by, "region-" + std::to_string(number % 2), "toy/1", {}, kLimit};
  worker = std::make_unique<Worker>(Worker::Parts{engine, clock, signer, *book, computer, digest(2000 + number), profile, 5000});
  ok(worker->enroll());
}

Status TownWorker::step() {
  if (absent) return {};
  DSPERSE_TRY(const std::optional<engine::Lease> lease, worker->take());
  if (!lease) return {};
  if (naps > 0) {
    --naps;
    return {};
  }
  DSPERSE_TRY(const Task task, decode_task(lease->job.payload));
  if (silent && std::holds_alternative<OpenTask>(task)) return {};
  auto answer = worker->work(*lease);
  if (!answer) return worker->give_up(*lease, answer.error());
  return worker->deliver(*lease, *answer);
}

Settings Town::quick() {
  Settings s;
  s.beat_ms = 5000;
  s.commit_ms = 20'000;
  s.dispute_ms = 60'000;
  s.reputation.liveness_limit = 1000;
  return s;
}

Town::Town(std::uint32_t count, const Settings& wanted)
    : keeper(value(trust::Ed25519Signer::from_seed(digest(99)))), settings(wanted), input(32, 5) {
  model.model = digest(50);
  model.committed = {false, true, true, false};
  model.inputs = {0};
  for (std::uint32_t i = 0; i < 3; ++i) {
    ModelFacts::Slice s;
    s.key = digest(60 + i);
    s.package = digest(70 + i);
    s.weights = digest(80 + i);
    s.inputs = {i};
    s.outputs = {i + 1};
    s.ended = {i};
    s.run_ms = 10'000;
    s.prove_ms = 20'000;
    model.slices.push_back(s);
  }
  state = value(open_state(folder / "state.db"));
  ledger = value(open_ledger(folder / "ledger.db", "town", keeper));
  for (std::uint32_t i = 0; i < count; ++i)
    workers.push_back(std::make_unique<TownWorker>(engine, world, i, folder.path(), "operator-" + std::to_string(i)));
  restart();
}

void Town::restart() {
  const Coordinator::Ports ports{engine, world, world, *state, *ledger, keeper, check, desk, proves ? &own : nullptr};
  coordinator = value(Coordinator::open(ports, model, settings));
}

RunRequest Town::request(const std::vector<std::string>& treatments) {
  RunRequest r;
  r.inputs = {{0, value(engine.blobs().put(input)), public_root(input), std::nullopt}};
  for (const std::string& t : treatments) r.treatments.push_back(value(trust::parse_treatment(t)));
  return r;
}

void Town::pass() {
  ok(coordinator->step());
  for (const auto& w : workers) ok(w->step());
  world.advance(500);
}

RunView Town::run(const Digest& id, std::uint32_t passes) {
  for (std::uint32_t i = 0; i < passes; ++i) {
    pass();
    const RunView view = value(coordinator->view(id));
    if (view.phase == RunPhase::finished || view.phase == RunPhase::failed || view.phase == RunPhase::waiting) return view;
  }
  return value(coordinator->view(id));
}

Bytes Town::truth() const {
  Bytes v = input;
  for (std::uint32_t i = 0; i < 3; ++i) v = value_after(v, i);
  return v;
}

Bytes Town::output(const FinishedRun& finished) { return value(engine.blobs().get(finished.tensors.at(3).values, kLimit)); }

trust::RunFacts Town::facts(const FinishedRun& finished) const {
  trust::RunFacts out;
  out.run = finished.run;
  out.model = model.model;
  for (std::uint32_t i = 0; i < 4; ++i)
    out.trace.push_back(trust::trace_digest(trust::BoundaryRoots{{i, finished.tensors[i].root}}));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const bool proved = std::ranges::find(finished.proofs, i, &FinishedRun::Proof::slice) != finished.proofs.end();
    out.slices.push_back({model.slices[i].key, {{i, finished.tensors[i].root}}, {{i + 1, finished.tensors[i + 1].root}}, proved});
  }
  return out;
}

}  // namespace dsperse::work::testing
