#include "dsperse/trust/verdict/slice_evidence.h"

#include <algorithm>

namespace dsperse::trust {
namespace {

constexpr std::string_view kMagic = "DSEVI001";

BoundaryRoots::iterator position(BoundaryRoots& live, std::uint32_t chunk) {
  return std::lower_bound(live.begin(), live.end(), chunk, [](const BoundaryRoot& r, std::uint32_t c) { return r.chunk < c; });
}

Verdict check_statement(const proof::ModelKey& key, const dispute::Subject& subject, const Digest& h_out,
                        const SliceEvidence& evidence) {
  const Lives lives = lives_of(key);
  const BoundaryRoots expected = live_before(key, lives, subject.slice, std::vector<Digest>(key.chunks.size()));
  const auto same = [](const BoundaryRoot& a, const BoundaryRoot& b) { return a.chunk == b.chunk; };
  if (!std::equal(evidence.live.begin(), evidence.live.end(), expected.begin(), expected.end(), same))
    return Verdict::reject("evidence: live boundaries");
  if (h_in_of(evidence) != subject.h_in) return Verdict::reject("evidence: h_in differs");
  const proof::SliceKey& slice = key.slices[subject.slice];
  for (std::size_t i = 0; i < slice.inputs.size(); ++i) {
    const BoundaryRoot input{slice.inputs[i].chunk, boundary_digest(evidence.boundaries[i])};
    if (!std::binary_search(evidence.live.begin(), evidence.live.end(), input, [](const BoundaryRoot& a, const BoundaryRoot& b) {
          return a.chunk != b.chunk ? a.chunk < b.chunk : a.root < b.root;
        }))
      return Verdict::reject("evidence: an input is not the live one", key.chunks[input.chunk].name);
  }
  if (h_out_of(key, lives, evidence) != h_out) return Verdict::reject("evidence: h_out differs");
  return Verdict::accept();
}

}  // namespace

Digest h_in_of(const SliceEvidence& evidence) { return trace_digest(evidence.live); }

Digest h_out_of(const proof::ModelKey& key, const Lives& lives, const SliceEvidence& evidence) {
  BoundaryRoots live = evidence.live;
  const std::uint32_t slice = evidence.proof.slice;
  const proof::SliceKey& k = key.slices[slice];
  for (std::size_t i = 0; i < k.outputs.size(); ++i) {
    const std::uint32_t chunk = k.outputs[i].chunk;
    live.insert(position(live, chunk), {chunk, boundary_digest(evidence.boundaries[k.inputs.size() + i])});
  }
  const std::vector<std::uint32_t>& ended = lives.ended[slice];
  std::erase_if(live, [&](const BoundaryRoot& r) { return std::binary_search(ended.begin(), ended.end(), r.chunk); });
  return trace_digest(live);
}

Bytes encode_slice_evidence(const SliceEvidence& evidence) {
  ByteWriter w;
  for (const char c : kMagic) w.u8(static_cast<std::uint8_t>(c));
  w.u32(static_cast<std::uint32_t>(evidence.live.size()));
  for (const BoundaryRoot& r : evidence.live) {
    w.u32(r.chunk);
    w.raw(r.root);
  }
  for (const proof::Boundary& b : evidence.boundaries) proof::write_boundary(w, b);
  proof::write_slice_proof(w, evidence.proof);
  return w.take();
}

Result<SliceEvidence> decode_slice_evidence(const proof::ModelKey& key, std::uint32_t slice, ByteView bytes) {
  const auto bad = [](const char* what) { return fail(ErrorKind::bad_input, what, "evidence"); };
  if (slice >= key.slices.size()) return bad("the model has no such slice");
  ByteReader in(bytes);
  const ByteView magic = in.take(kMagic.size());
  if (!in.ok() || std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic)
    return bad("these bytes are no evidence about a slice");
  SliceEvidence out;
  out.live.resize(in.count(key.chunks.size(), 36));
  for (BoundaryRoot& r : out.live) {
    r.chunk = in.u32();
    r.root = in.digest();
  }
  if (!in.ok() || !ascends(out.live)) return bad("live boundaries do not ascend");
  for (const proof::Port& p : key.slices[slice].ports()) {
    proof::Boundary b;
    if (!proof::read_boundary(in, key.chunks[p.chunk], b) || b.chunk != p.chunk) return bad("boundaries are not the slice's");
    out.boundaries.push_back(std::move(b));
  }
  out.proof.slice = slice;
  proof::read_slice_proof(in, key.slices[slice], out.proof);
  if (!in.finished()) return bad("truncated, or bytes after its end");
  return out;
}

Verdict check_slice_evidence(const proof::ModelKey& key, const dispute::Subject& subject, const Digest& h_out, ByteView bytes,
                             const std::set<Digest>& known) {
  if (subject.model != key.id()) return Verdict::reject("evidence: another model");
  if (subject.slice >= key.slices.size() || subject.slice_key != key.slices[subject.slice].digest())
    return Verdict::reject("evidence: not the key's slice");
  const auto evidence = decode_slice_evidence(key, subject.slice, bytes);
  if (!evidence) return Verdict::reject("evidence: not canonical", evidence.error().what);
  if (Verdict v = check_statement(key, subject, h_out, *evidence); !v) return v;
  const proof::Statement statement{subject.slice_key, {}, 0, subject.run, subject.slice, evidence->boundaries};
  return proof::verify_slice_proof(key.slices[subject.slice], statement, evidence->proof, known);
}

Verdict verify_dispute_verdict(const proof::ModelKey& key, const dispute::VerdictFile& file, const std::set<Digest>& known) {
  const dispute::Subject& subject = file.subject;
  if (subject.model != key.id()) return Verdict::reject("verdict of another model");
  if (subject.slice >= key.slices.size() || subject.slice_key != key.slices[subject.slice].digest())
    return Verdict::reject("the verdict's slice is not the key's", "slice " + std::to_string(subject.slice));
  return dispute::verify_verdict(file, [&](const dispute::Subject& s, const Digest& h_out, ByteView proof) {
    Verdict v = check_slice_evidence(key, s, h_out, proof, known);
    if (!v && !v.where.empty()) v.reason += " (" + v.where + ")";
    return v;
  });
}

}  // namespace dsperse::trust
