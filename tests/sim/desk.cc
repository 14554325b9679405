#include "desk.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::sim {
namespace {

constexpr std::uint64_t kMostValues = 1 << 20;

}  // namespace

Result<Digest> Desk::root_of(std::uint32_t chunk, ByteView values, const Digest& seed) {
  fuse_.pass("desk: root");
  return truth_.root(chunk, values, seed);
}

Result<std::optional<work::WeightOpening>> Desk::reserve(std::uint32_t slice) {
  const Counters& counters = counters_.read("desk: counters");
  const auto it = counters.reserved.find(slice);
  const std::uint32_t used = it == counters.reserved.end() ? 0 : it->second;
  std::uint32_t left = reserves_twice ? 0 : used;
  for (std::uint32_t epoch = 0;; ++epoch) {
    const auto tree = truth_.tree(slice, epoch);
    if (!tree) return fail(ErrorKind::resource, "no opening of the slice's weights is left", "slice " + std::to_string(slice));
    if (left < tree->end - tree->first) {
      DSPERSE_CHECK_OK(counters_.commit("desk: reserve", [slice, used](Counters& c) { c.reserved[slice] = used + 1; }));
      return work::WeightOpening{tree->root, tree->seed, tree->first + left};
    }
    left -= tree->end - tree->first;
  }
}

Result<Verdict> Desk::take(const work::SliceTask& task, const trust::BoundaryRoots& roots_out, const work::OutputBlobs& outputs,
                           ByteView proof, engine::BlobStore& blobs) {
  fuse_.pass("desk: take");
  DSPERSE_TRY(Values values, fetch_inputs(truth_, task, blobs));
  for (const auto& [chunk, digest] : outputs) {
    DSPERSE_TRY(values[chunk], blobs.get(digest, kMostValues));
  }
  auto said = said_of(truth_.model(), task, std::move(values), roots_out);
  if (!said) return Verdict::reject(said.error().what, said.error().where);
  const Verdict verdict = truth_.verify(*said, proof);
  if (judges_wrongly) return verdict ? Verdict::reject("turned round") : Verdict::accept();
  if (!verdict) return verdict;
  std::vector<Digest> roots;
  for (const auto& [chunk, root] : said->roots) roots.push_back(root);
  for (const Digest& root : roots) {
    const auto& used = counters_.get().boundaries;
    const auto it = used.find(root);
    if (it != used.end() && it->second >= proof::kBoundaryUses)
      return fail(ErrorKind::resource, "a boundary was opened as often as it may be");
  }
  DSPERSE_CHECK_OK(counters_.commit("desk: take", [roots](Counters& c) {
    for (const Digest& root : roots) ++c.boundaries[root];
  }));
  return verdict;
}

/// task, roots out, values of all ports, proof.
Result<Bytes> Desk::evidence(const work::SliceTask& task, const trust::BoundaryRoots& roots_out, const work::OutputBlobs& outputs,
                             ByteView proof, engine::BlobStore& blobs) {
  fuse_.pass("desk: evidence");
  DSPERSE_TRY(Values values, fetch_inputs(truth_, task, blobs));
  for (const auto& [chunk, digest] : outputs) {
    DSPERSE_TRY(values[chunk], blobs.get(digest, kMostValues));
  }
  const auto as_text = [](ByteView bytes) { return std::string(bytes.begin(), bytes.end()); };
  ByteWriter w;
  w.text(as_text(work::encode_task(task)));
  w.u32(static_cast<std::uint32_t>(roots_out.size()));
  for (const trust::BoundaryRoot& r : roots_out) {
    w.u32(r.chunk);
    w.raw(r.root);
  }
  w.u32(static_cast<std::uint32_t>(values.size()));
  for (const auto& [chunk, bytes] : values) {
    w.u32(chunk);
    w.text(as_text(bytes));
  }
  w.text(shows_nothing ? std::string() : as_text(proof));
  return w.take();
}

namespace {

struct Parts {
  Bytes task, proof;
  trust::BoundaryRoots roots_out;
  Values values;
};
std::optional<Parts> parts_of(ByteView evidence) {
  const auto as_bytes = [](const std::string& s) { return Bytes(s.begin(), s.end()); };
  ByteReader in(evidence);
  Parts out;
  out.task = as_bytes(in.text(kMostValues));
  out.roots_out.resize(in.count(1024, 36));
  for (trust::BoundaryRoot& r : out.roots_out) {
    r.chunk = in.u32();
    r.root = in.digest();
  }
  for (std::size_t n = in.count(1024, 8); n > 0; --n) {
    const std::uint32_t chunk = in.u32();
    out.values[chunk] = as_bytes(in.text(kMostValues));
  }
  out.proof = as_bytes(in.text(kMostValues));
  return in.finished() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Digest proof_in(ByteView evidence) {
  const auto parts = parts_of(evidence);
  return parts ? crypto::hash(parts->proof) : Digest{};
}

Verdict check_evidence(const Truth& truth, const trust::dispute::Subject& subject, const Digest& h_out, ByteView evidence) {
  auto parts = parts_of(evidence);
  if (!parts) return Verdict::reject("the evidence is malformed");
  const auto decoded = work::decode_task(parts->task);
  const auto* task = decoded ? std::get_if<work::SliceTask>(&*decoded) : nullptr;
  if (task == nullptr || task->run != subject.run || task->slice != subject.slice || task->slice_key != subject.slice_key ||
      work::h_in_of(*task) != subject.h_in)
    return Verdict::reject("the evidence is about something else");
  const auto live = work::live_after(*task, parts->roots_out);
  if (!live || trust::trace_digest(*live) != h_out) return Verdict::reject("the evidence shows another output");
  const auto said = said_of(truth.model(), *task, std::move(parts->values), parts->roots_out);
  if (!said) return Verdict::reject(said.error().what, said.error().where);
  return truth.verify(*said, parts->proof);
}

Result<Said> said_of(const Model& m, const work::SliceTask& task, Values values, const trust::BoundaryRoots& roots_out) {
  if (task.slice >= m.key.slices.size()) return fail(ErrorKind::bad_input, "no such slice");
  Said out{task.slice, task.run, task.opening, {}, {}, {}};
  const proof::SliceKey& key = m.key.slices[task.slice];
  const auto root_in = [](const trust::BoundaryRoots& roots, std::uint32_t chunk) -> const Digest* {
    const auto it = std::ranges::find(roots, chunk, &trust::BoundaryRoot::chunk);
    return it == roots.end() ? nullptr : &it->root;
  };
  for (const proof::Port& p : key.ports()) {
    const bool is_input = std::ranges::find(key.inputs, p) != key.inputs.end();
    const Digest* root = root_in(is_input ? task.live : roots_out, p.chunk);
    const auto value = values.find(p.chunk);
    if (root == nullptr || value == values.end())
      return fail(ErrorKind::bad_input, "a port is missing", m.key.chunks[p.chunk].name);
    DSPERSE_TRY(const quantize::IntTensor tensor, to_values(m.key.chunks[p.chunk], value->second));
    if (p.is_public) {
      if (work::public_root(value->second) != *root)
        return fail(ErrorKind::bad_input, "public values with another digest", m.key.chunks[p.chunk].name);
    } else {
      out.roots[p.chunk] = *root;
    }
    out.values[p.chunk] = value->second;
  }
  for (const work::TensorRef& in : task.inputs)
    if (in.seed) out.seeds[in.chunk] = *in.seed;
  for (const work::OutputRef& o : task.outputs)
    if (o.seed) out.seeds[o.chunk] = *o.seed;
  return out;
}

Result<Values> fetch_inputs(Truth& truth, const work::SliceTask& task, engine::BlobStore& blobs) {
  Values out;
  for (const work::TensorRef& in : task.inputs) {
    DSPERSE_TRY(Bytes values, blobs.get(in.values, kMostValues));
    const auto live = std::ranges::find(task.live, in.chunk, &trust::BoundaryRoot::chunk);
    Digest root = work::public_root(values);
    if (in.seed) {
      DSPERSE_TRY(root, truth.root(in.chunk, values, *in.seed));
    }
    if (live == task.live.end() || live->root != root)
      return fail(ErrorKind::bad_input, "an input has another root than the task says", "chunk " + std::to_string(in.chunk));
    out[in.chunk] = std::move(values);
  }
  return out;
}

}  // namespace dsperse::sim
