#include "dsperse/trust/dispute/verdict_file.h"

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust::dispute {
namespace {

constexpr std::uint32_t kMagic = 0x31445256;  // "VRD1"

/// The dispute that the file tells of, for the rules that state and file share.
Result<State> state_of(const VerdictFile& f) {
  DSPERSE_TRY(State s, begin(f.subject, f.claims[0], f.claims[1], 0));
  for (const Evidence& e : f.evidence) s.proofs.push_back({e.h_out, proof_digest(e.proof)});
  return s;
}

bool leads_to(std::span<const Digest> prefix, const Subject& subject) {
  return prefix.size() == std::size_t{subject.slice} + 1 && prefix.back() == subject.h_in;
}

}  // namespace

Digest proof_digest(ByteView proof) { return crypto::hash_tagged("dsperse dispute proof v1", {proof}); }

bool rests_on_proof(Outcome outcome) { return outcome != Outcome::open && outcome != Outcome::unproved; }

Result<VerdictFile> make_verdict(const State& s, std::span<const Digest> prefix, std::span<const Bytes> proofs) {
  const auto refuse = [](const char* what) { return fail(ErrorKind::usage, what, "verdict"); };
  if (s.outcome == Outcome::open) return refuse("the dispute is not decided");
  if (!leads_to(prefix, s.subject)) return refuse("the prefix does not lead to the disputed slice");
  if (proofs.size() != s.proofs.size()) return refuse("the proofs are not those of the dispute");
  VerdictFile f{s.subject, {prefix.begin(), prefix.end()}, s.claims, s.outcome, {}};
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    if (proofs[i].size() > kMaxProofBytes) return fail(ErrorKind::resource, "a proof in a verdict has at most 64 MiB", "verdict");
    if (proof_digest(proofs[i]) != s.proofs[i].proof) return refuse("the proofs are not those of the dispute");
    f.evidence.push_back({s.proofs[i].h_out, proofs[i]});
  }
  return f;
}

Verdict verify_verdict(const VerdictFile& f, const ProofCheck& check) {
  const auto s = state_of(f);
  if (!s) return Verdict::reject("the claims are no dispute", s.error().what);
  if (!leads_to(f.prefix, f.subject)) return Verdict::reject("the prefix does not lead to the disputed slice");
  const bool repeated = f.evidence.size() == 2 && f.evidence[0].h_out == f.evidence[1].h_out;
  const Outcome proved = outcome_of(*s);
  const Outcome expected = proved == Outcome::open ? Outcome::unproved : proved;
  if (f.evidence.size() > 2 || repeated || f.outcome != expected)
    return Verdict::reject("the outcome does not follow from the evidence");
  for (const Evidence& e : f.evidence)
    if (const Verdict v = check(f.subject, e.h_out, e.proof); !v)
      return Verdict::reject("a deciding proof is not valid", v.reason);
  return Verdict::accept();
}

Bytes encode(const VerdictFile& f) {
  ByteWriter w;
  w.u32(kMagic);
  for (const Digest* d : {&f.subject.run, &f.subject.model, &f.subject.slice_key}) w.raw(*d);
  w.u32(f.subject.slice);
  w.raw(f.subject.h_in);
  w.u32(static_cast<std::uint32_t>(f.prefix.size()));
  for (const Digest& h : f.prefix) w.raw(h);
  for (const Claim& c : f.claims)
    for (const Digest* d : {&c.worker, &c.job, &c.receipt, &c.h_out}) w.raw(*d);
  w.u8(static_cast<std::uint8_t>(f.outcome));
  w.u32(static_cast<std::uint32_t>(f.evidence.size()));
  for (const Evidence& e : f.evidence) {
    w.raw(e.h_out);
    w.u32(static_cast<std::uint32_t>(e.proof.size()));
    w.raw(e.proof);
  }
  return w.take();
}

Result<VerdictFile> decode_verdict(ByteView bytes) {
  const auto bad = [] { return fail(ErrorKind::bad_input, "these bytes are no verdict", "verdict"); };
  ByteReader in(bytes);
  VerdictFile f;
  if (in.u32() != kMagic) return bad();
  for (Digest* d : {&f.subject.run, &f.subject.model, &f.subject.slice_key}) *d = in.digest();
  f.subject.slice = in.u32();
  f.subject.h_in = in.digest();
  const std::size_t n = in.count(kMaxSlices, 32);
  for (std::size_t i = 0; i < n; ++i) f.prefix.push_back(in.digest());
  for (Claim& c : f.claims)
    for (Digest* d : {&c.worker, &c.job, &c.receipt, &c.h_out}) *d = in.digest();
  const std::uint8_t outcome = in.u8();
  if (!in.ok() || outcome == 0 || outcome > 5) return bad();
  f.outcome = static_cast<Outcome>(outcome);
  const std::size_t proofs = in.count(2, 32 + 4);
  for (std::size_t i = 0; i < proofs; ++i) {
    Evidence e;
    e.h_out = in.digest();
    const ByteView proof = in.take(in.count(kMaxProofBytes, 1));
    e.proof.assign(proof.begin(), proof.end());
    f.evidence.push_back(std::move(e));
  }
  if (!in.finished()) return bad();
  return f;
}

}  // namespace dsperse::trust::dispute
